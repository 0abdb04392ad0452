"""Whatever the records are: the invalid ones never reach the wire, and every valid one does.

What is valid is written here a second time, from the description of the API and of the loader's own rules.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tests.licence_import.rows import as_csv, row, sent, sydney_today, tap_csv
from tests.licence_import.runs import access

from marketplace_sandbox.license_service.countries import ISO_CODES
from target_atlassian_marketplace.target import TargetAtlassianMarketplace

if TYPE_CHECKING:
    from marketplace_sandbox.server import Sandbox

SOLD_TO = {"DE", "US", "GB", "AU"}
OPTIONAL = ("address1", "address2", "city", "state", "postcode", "expertEmail")
TODAY = sydney_today()


def day(offset: int) -> str:
    return (TODAY + dt.timedelta(days=offset)).isoformat()


def is_text(value: str) -> bool:
    return bool(value) and value == value.strip() and value.isprintable()


def is_email(value: str) -> bool:
    name, _, domain = value.partition("@")
    labels = domain.split(".")
    return (
        value.isascii()
        and bool(re.fullmatch(r"[A-Za-z0-9+_-]+(\.[A-Za-z0-9+_-]+)*", name))
        and len(labels) > 1
        and all(re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?", label) for label in labels)
        and not labels[-1].isdigit()
    )


def date_of(value: str) -> dt.date | None:
    found = re.fullmatch(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", value)
    try:
        return dt.date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def is_valid(record: dict[str, str], allow_future: bool, countries: set[str]) -> bool:
    given = {name: value for name, value in record.items() if value != ""}
    needed = ("id", "email", "firstName", "lastName", "organisationName", "isoCountryCode")
    needed += ("startDate", "endDate", "licenseType", "users")
    if any(name not in given for name in needed):
        return False
    start, end = date_of(given["startDate"]), date_of(given["endDate"])
    if start is None or end is None:
        return False
    age = (TODAY - start).days
    number = given["users"]
    return (
        all(is_text(value) for value in given.values())
        and is_email(given["email"])
        and ("expertEmail" not in given or is_email(given["expertEmail"]))
        and given["isoCountryCode"] in ISO_CODES
        and (not countries or given["isoCountryCode"] in countries)
        and (age > 30 or (age < 0 and allow_future))
        and start < end
        and given["licenseType"] in {"COMMERCIAL", "ACADEMIC"}
        and (number == "-1" or (number.isascii() and number.isdigit() and 0 < int(number) < 2**31))
    )


DATES = st.one_of(
    st.sampled_from([day(offset) for offset in (-400, -32, -31, -30, -29, -1, 0, 1, 2, 400)]),
    st.dates().map(str),
    st.sampled_from(["2020-02-30", "2020-2-3", "20200203", "2021-02-29", "03/02/2020", "2020-02-03T00:00", "soon", ""]),
)
NEAR: dict[str, st.SearchStrategy[str]] = {
    "id": st.one_of(st.sampled_from(["", " ", "A", "B", "C-7 ", "7"]), st.text("ab7-\u200b\n ", max_size=4)),
    "email": st.one_of(
        st.sampled_from(["jane", "jane@acme", "a@b@acme.example", "jane@acme.example ", "", "j.d+x@sub.acme.example"]),
        st.text("a@.-+ é", max_size=10).map(lambda text: f"{text}@acme.example"),
    ),
    "firstName": st.one_of(st.sampled_from(["", " ", "Zoë", " x", "x\n"]), st.text("a \t", max_size=3)),
    "lastName": st.sampled_from(["", "\u00a0", "O'Neill", "x\x07", "\u2028"]),
    "organisationName": st.sampled_from(["", "A", "A ", "Köln & Co."]),
    "isoCountryCode": st.one_of(
        st.sampled_from(["de", "DEU", "USA", "XX", "UK", "", "FR", "D", "De", " DE", "JP"]), st.text("DEU", max_size=3)
    ),
    "startDate": DATES,
    "endDate": DATES,
    "licenseType": st.sampled_from(["ACADEMIC", "academic", "Commercial", "EVALUATION", "", "COMMERCIAL "]),
    "users": st.one_of(
        st.sampled_from(["0", "-1", "-2", "1", "", "1.0", "many", "2147483647", "2147483648", "٣", "-01", "+1"]),
        st.integers(-5, 5).map(str),
    ),
    "address1": st.sampled_from(["", "Street 1", " x", "a\nb"]),
    "city": st.sampled_from(["", "Ulm", "Ulm "]),
    "postcode": st.sampled_from(["", "02134", "\t"]),
    "expertEmail": st.sampled_from(["", "nobody", "sales@tooling-house-sbx.com", "sales@tooling-house-sbx.com\n"]),
}


@st.composite
def records(draw: st.DrawFn) -> list[dict[str, str]]:
    """Valid records with some fields changed: often none, sometimes several."""
    found = []
    for number in range(draw(st.integers(1, 8))):
        record = row(f"OLD-{number}", isoCountryCode=draw(st.sampled_from(sorted(SOLD_TO))))
        for name in draw(st.lists(st.sampled_from(sorted(NEAR)), max_size=3, unique=True)):
            record[name] = draw(NEAR[name])
        found.append(record)
    return found


@settings(deadline=None, max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records(), st.booleans(), st.booleans())
@example([row("OLD-0", startDate=day(1)), row("OLD-1", startDate=day(-31), endDate=day(-30))], True, True)
@example([row(f"OLD-{offset}", startDate=day(-offset)) for offset in (30, 29, 1, 0)], True, False)
@example([row("OLD-0"), row("OLD-1"), row("OLD-0", users="5")], False, False)
def test_the_valid_ones_are_sent_and_no_others(
    sandbox: Sandbox, found: list[dict[str, str]], allow_future: bool, is_limited: bool
) -> None:
    service = sandbox.license_service
    for held in (service.licenses, service.faulty):
        held.clear()
    sandbox.journal.clear()
    countries = SOLD_TO if is_limited else set()
    ids = Counter(record["id"] for record in found)
    text = tap_csv(as_csv(found), keys=[])
    expected = {
        record["id"]: sent({name: value for name, value in record.items() if value != ""})
        for record in found
        if ids[record["id"]] == 1 and is_valid(record, allow_future, countries)
    }
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("target_atlassian_marketplace.service._SECONDS_BETWEEN_CALLS", 0)
        target = TargetAtlassianMarketplace(
            config={
                **access(sandbox),
                "results_path": f"{folder}/results.jsonl",
                "rejected_path": f"{folder}/rejected.jsonl",
                "allow_future_start": allow_future,
                **({"country_codes": sorted(countries)} if countries else {}),
            }
        )
        code = target.load(io.StringIO(text))
        rejected = Path(folder, "rejected.jsonl")
        kept = rejected.read_bytes().splitlines() if rejected.exists() else []
    assert {call["body"]["id"]: call["body"] for call in sandbox.journal.calls} == expected
    assert len(sandbox.journal.calls) == len(expected)
    assert service.faulty == {}
    assert {id_ for _, id_ in service.licenses} == set(expected)
    assert len(kept) == len(found) - len(expected)
    assert code == (3 if kept else 0)
