"""What the vendor knows better: the file, what is said when it is wrong, and what it changes in each stream."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.tap.fake_marketplace import run
from tests.tap.test_customer_streams import LICENSES, SALES, STREAMS, TODAY

from marketplace_singer import SettingsError
from tap_atlassian_marketplace.overrides_file import read_overrides

PAGE = Path(__file__).parents[2] / "docs" / "revenue.md"


@pytest.fixture
def overrides(tmp_path: Path) -> Any:
    """Write a file, and give its path."""

    def write(text: str) -> str:
        path = tmp_path / "overrides.yml"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "licenses: {}\n"])
def test_an_empty_file_corrects_nothing(overrides, text):
    found = read_overrides(overrides(text))
    assert not found.licenses
    assert not found.domains


def test_the_example_in_the_document_can_be_read(overrides):
    (text,) = re.findall(r"```yaml overrides\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    found = read_overrides(overrides(text))
    used = {name for entry in found.licenses.values() for name in entry.__struct_fields__ if getattr(entry, name)}
    assert used == {"company", "domain", "customer", "own", "partner", "ignore"}
    assert set(found.classes.values()) == {"own", "free", "partner", "business"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("licenses:\n  E-1:\n    compny: Acme\n", "line 3: licenses.E-1.compny: .*did you mean 'company'"),
        ("license:\n  E-1: {}\n", "line 1: license: .*did you mean 'licenses'"),
        ("licenses:\n  E-1:\n    own: maybe\n", r"line 3: licenses.E-1.own: Expected `bool"),
        ("licenses:\n  E-1:\n", "line 2: licenses.E-1: Expected `object`"),
        ("licenses:\n  123:\n    company: 5\n", "line 3: licenses.123.company: Expected `str"),
        ("licenses:\n  E-1:\n    company: ' '\n", "line 3: licenses.E-1.company: empty"),
        ("licenses:\n  E-1:\n    domain: Acme Inc\n", "line 3: licenses.E-1.domain: no domain"),
        ("domains:\n  acme.com: {}\n  '@acme.de': {}\n", "line 3: domains.@acme.de: no domain"),
        ("domains:\n  acme.com:\n    class: friend\n", "line 3: domains.acme.com.class: Invalid enum value 'friend'"),
        ("domains:\n  acme.com: {}\n  acme.com: {}\n", "names 'acme.com' on line 2 and again on line 3"),
        ("licenses: [\n", "is no YAML, line 2"),
        ("- E-1\n", "line 1: Expected `object`"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_by_line_and_key(overrides, text, message):
    with pytest.raises(SettingsError, match=f"^setting 'overrides_path': .*overrides.yml.*{message}"):
        run(streams=("accounts",), overrides_path=overrides(text))


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(SettingsError, match=r"^setting 'overrides_path': cannot read the file .*No such file"):
        run(overrides_path=str(tmp_path / "none.yml"))


def test_a_file_that_is_not_in_utf_8(tmp_path):
    path = tmp_path / "overrides.yml"
    path.write_bytes(b"licenses: \xff")
    with pytest.raises(SettingsError, match=r"^setting 'overrides_path': .* not in UTF-8"):
        run(overrides_path=str(path))


def test_an_ignored_licence_is_in_no_stream_of_customers_and_contacts(marketplace, overrides):
    marketplace(LICENSES, SALES)
    path = overrides("licenses:\n  E-1: {ignore: true}\n  E-9: {ignore: true}\n")
    streams = (*STREAMS, "licenses", "contacts", "transactions")
    output = run(streams=streams, overrides_path=path, **TODAY)
    assert {row["account_id"] for row in output.records("accounts")} == {"E-2"}
    for stream in ("contacts", "account_events", "mrr_segments"):
        assert {row["account_id"] for row in output.records(stream)} == {"E-2"}
    # Ann is the billing contact of the other licence, too.
    people = {row["email"]: row["marketplace_roles"] for row in output.records("people")}
    assert people == {"ann@acme.example": ["billing"], "bob@acme.example": ["technical"]}
    assert len(output.records("licenses")) == 2
    assert len(output.records("transactions")) == 5


def test_contacts_are_read_anew_when_a_licence_is_ignored_no_more(marketplace, overrides, caplog):
    marketplace(LICENSES, SALES)
    state = run(overrides_path=overrides("licenses:\n  E-1: {ignore: true}\n")).state
    output = run(state, lookback_days=0, overrides_path=overrides(""))
    assert {row["account_id"] for row in output.records("contacts")} == {"E-1", "E-2"}


def test_numbers_that_no_licence_has_are_named(marketplace, overrides, caplog):
    marketplace(LICENSES, SALES)
    path = overrides("licenses:\n  E-1: {own: true}\n  E-77: {own: true}\n  E-9: {own: true}\n")
    run(streams=STREAMS, overrides_path=path, **TODAY)
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warning == "`overrides_path`: no licence was found for E-77."


def test_other_processes_know_the_corrections(marketplace, overrides, monkeypatch):
    examining = pytest.importorskip("tap_atlassian_marketplace.examining")
    marketplace(LICENSES, SALES)
    path = overrides("licenses:\n  E-1: {company: Better}\ndomains:\n  acme.example: {class: partner}\n")
    monkeypatch.setattr(examining, "_WORTH_MORE_PROCESSES", 0)
    monkeypatch.setattr(examining.os, "cpu_count", lambda: 2)
    output = run(streams=STREAMS, overrides_path=path, **TODAY)
    found = {row["account_id"]: row for row in output.records("accounts")}
    assert (found["E-1"]["company"], found["E-1"]["domain_class"]) == ("Better", "partner")
