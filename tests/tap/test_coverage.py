"""The README's table of the API has every path that the API's own description has, and the tap calls what it says."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from tests.contracts import openapi
from tests.tap.catalogue import chosen
from tests.tap.test_readme import table

from marketplace_sandbox.server import running
from tap_atlassian_marketplace.streams import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from marketplace_sandbox.server import Sandbox

REPORTS = "/reporting/developer-space/{}"
# What is asked for stands in the body: two rows share the path.
SHARED = "/partner-metrics/developer-space/{}"
# Where the tap asks for what it needs, but reads no rows.
LOOKED_UP = "/developer-space/vendor/{}"


class Row(NamedTuple):
    """What the table says of a resource."""

    resource: str
    streams: str
    paths: tuple[str, ...]
    remarks: str


def plain(path: str) -> str:
    """A path below `/rest/3`, whatever its variable parts are called."""
    return re.sub(r"\{\w+\}", "{}", path.removeprefix("/rest/3")).rstrip("/")


def covers(told: str, path: str) -> bool:
    """Whether a path of the table is a path of the description, or above it where it ends with `…`."""
    above = told.removesuffix("/…")
    return path == above or (above != told and path.startswith(f"{above}/"))


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    found = []
    for resource, streams, paths, remarks in table("API coverage"):
        told = (re.sub("^R(?=/|$)", REPORTS, path) for path in re.findall(r"`([^`]+)`", paths))
        found.append(Row(resource, streams, tuple(map(plain, told)), remarks))
    return found


@pytest.fixture(scope="module")
def described() -> list[str]:
    openapi.skip_unless_present()
    return [plain(path) for path in openapi.marketplace().content["paths"]]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running(customers=2) as running_sandbox:
        yield running_sandbox


def test_every_path_of_the_api_stands_in_one_row(rows: list[Row], described: list[str]) -> None:
    told = [path for row in rows for path in row.paths]
    found = {path: sum(covers(each, path) for each in told) for path in described}
    assert found == {path: 2 if path == SHARED else 1 for path in described}
    assert len(described) > 50


def test_no_row_has_a_path_that_the_api_lacks(rows: list[Row], described: list[str]) -> None:
    lacking = [path for row in rows for path in row.paths if not any(covers(path, each) for each in described)]
    assert lacking == []
    assert [path for path, times in Counter(path for row in rows for path in row.paths).items() if times > 1] == [
        SHARED
    ]


def test_what_is_not_read_has_a_reason(rows: list[Row]) -> None:
    assert [row.resource for row in rows if not row.streams and not row.remarks] == []


def test_the_tap_calls_what_the_table_says_it_reads(
    rows: list[Row], described: list[str], sandbox: Sandbox, config: dict[str, Any], tap: Any
) -> None:
    result = tap(config, catalog=chosen(*NAMES))
    assert result.returncode == 0, result.stderr
    called = set()
    for call in sandbox.journal.calls:
        operation = openapi.marketplace().operation(call["method"], call["path"].removeprefix("/marketplace"))
        assert operation
        called.add(plain(operation.template))
    assert called <= set(described)
    read = [row for row in rows if row.streams]
    told = [path for row in read for path in row.paths]
    assert {path for path in called if not any(covers(each, path) for each in told)} == {LOOKED_UP}
    assert [row.resource for row in read if not any(covers(each, path) for each in row.paths for path in called)] == []
