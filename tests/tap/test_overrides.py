"""What the vendor knows better: the file, what is said when it is wrong, and what it changes in each stream."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.tap.fake_marketplace import run
from tests.tap.test_customer_streams import LICENSES, SALES, STREAMS, TODAY

from marketplace_singer import SettingsError
from tap_atlassian_marketplace.customers.domains import DomainClasses
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
        ("domains:\n  Acme.com: {}\n", "line 2: domains.Acme.com: no domain; write it in small letters"),
        ("domains:\n  mail.acme.com:\n    company: A\n", "line 2: domains.mail.acme.com: .*write acme.com$"),
        ("domains:\n  acme.local: {customer: a}\n", "line 2: domains.acme.local: .*name the licences$"),
        ("licenses:\n  0123: {}\n  83: {}\n", "one number of `licenses` in two ways, among 0123, 83; put them between"),
        ("domains:\n  acme.com: {}\n  acme.com: {}\n", "names 'acme.com' on line 2 and again on line 3"),
        ("licenses: [\n", "is no YAML, line 2"),
        ("- E-1\n", "line 1: Expected `object`"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_by_line_and_key(overrides, text, message):
    with pytest.raises(SettingsError, match=f"^setting 'overrides_path': .*overrides.yml.*{message}"):
        run(streams=("accounts",), overrides_path=overrides(text))


@pytest.mark.parametrize("key", ["123", "0123", "0x1F", "1_000", "1:30", "1e5", "1.50", "2026-01-02", "yes", "~"])
def test_a_licence_is_named_as_it_is_written_whatever_yaml_reads(overrides, key):
    found = read_overrides(overrides(f"licenses:\n  {key}: {{company: Acme}}\n  E-1: {{own: true}}\n"))
    assert set(found.licenses) == {key, "E-1"}
    assert found.of_license([key]).company == "Acme"


def test_what_is_merged_is_read(overrides):
    text = "licenses: &all\n  7: {own: true}\n  8: &eight {company: B}\n  9: {<<: *eight, own: true}\n"
    found = read_overrides(overrides(text))
    assert (found.licenses["7"].own, found.licenses["9"].company) == (True, "B")


@pytest.mark.parametrize("name", ["münchen.de", "xn--mnchen-3ya.de"])
def test_a_domain_of_any_alphabet_is_met_in_both_ways_to_write_it(overrides, name):
    found = read_overrides(overrides(f"domains:\n  {name}: {{class: business, customer: munich}}\n"))
    assert set(found.classes) == {"münchen.de", "xn--mnchen-3ya.de"}
    assert {found.of_domain(each).customer for each in found.classes} == {"munich"}


def test_a_part_of_a_domain_may_have_a_class_of_its_own(overrides):
    domains = DomainClasses(assigned=read_overrides(overrides("domains:\n  students.uni.edu: {class: free}\n")).classes)
    assert (domains.of_email("a@students.uni.edu"), domains.of_email("a@uni.edu")) == ("free", "business")


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
