"""The README names every stream, with its key and its way to be read, and the resource that it comes from."""

from __future__ import annotations

import re
from pathlib import Path

from tests.tap.catalogue import catalog

from tap_atlassian_marketplace.streams import NAMES, STREAMS, CustomerStream

README = (Path(__file__).parents[2] / "tap-atlassian-marketplace" / "README.md").read_text("utf-8")


def table(heading):
    text = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in lines[2:]]


def names(cell):
    return re.findall(r"`(\w+)`", cell)


def test_every_stream_stands_there_with_its_key_and_replication():
    told = [(name, row) for row in table("Streams") for name in names(row[0])]
    assert [name for name, _ in told] == list(NAMES)
    for name, row in told:
        entry = catalog()[name]
        assert names(row[2]) == list(entry["key_properties"]), name
        kind = "incremental" if entry["replication_method"] == "INCREMENTAL" else "full table"
        assert row[3].startswith(kind), name
        if kind == "incremental":
            assert names(row[3]) == [entry["replication_key"]], name


def test_every_resource_that_a_stream_comes_from_stands_in_the_coverage():
    told = [name for row in table("API coverage") for name in names(row[1])]
    own = {name for name, stream in zip(NAMES, STREAMS, strict=True) if not issubclass(stream, CustomerStream)}
    assert sorted(told) == sorted(own)
