"""What holds for the findings of any licences: no order matters, no part of the vendor, and nothing breaks them."""

from __future__ import annotations

from dataclasses import astuple
from datetime import date
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.tap.customers.licences import licence, trial
from tests.tap.customers.test_revenue import ROWS

from tap_atlassian_marketplace.customers.dossier import Dossier, Settings
from tap_atlassian_marketplace.customers.examine import Examiner
from tap_atlassian_marketplace.customers.money_tally import MoneyTally
from tap_atlassian_marketplace.customers.survey import Survey

if TYPE_CHECKING:
    from tap_atlassian_marketplace.customers.dossier import Findings

TODAY = date(2026, 3, 1)
Row = dict[str, Any]


def of(number: int, rows: list[Row]) -> list[Row]:
    """Say that sales are those of a licence."""
    ids = {"addonLicenseId": str(number), "appEntitlementNumber": f"E-{number}", "addonKey": "app"}
    return [{**row, **ids, "transactionId": f"{number}-{row['transactionId']}"} for row in rows]


def license_of(number: int) -> Row:
    make = trial if number % 2 else licence
    dates = ("2025-06-01", "2025-07-01") if number % 2 else ()
    partner = {"partnerName": "P", "billingContact": {"email": f"x@partner{number}.com"}}
    return make(*dates, addonLicenseId=str(number), appEntitlementNumber=f"E-{number}", partnerDetails=partner)


def examine_all(dossiers: list[Dossier], parts: list[list[Dossier]]) -> list[Findings]:
    """Examine some licences after a survey of parts of the vendor."""
    survey = Survey.begin(TODAY)
    for part in parts:
        found = Survey.begin(TODAY)
        for dossier in part:
            found.add_license(dossier.license or {})
            for row in dossier.transactions:
                found.add_transaction(row)
        survey.merge(found)
    examiner = Examiner(Settings(TODAY), survey)
    return [examiner.examine(dossier) for dossier in dossiers]


FEEDBACK = [
    {"feedbackType": kind, "date": f"2026-01-{day:02}", "reasonKey": reason}
    for kind in ("uninstall", "disable")
    for day in (5, 6)
    for reason in ("cost", "bugs")
]
QUOTES = [
    {"quoteId": f"Q-{number}", "acceptedDate": day, "listPrice": price, "userTier": users, "quoteExpiryDate": day}
    for number in (1, 2)
    for day, price, users in (("2026-01-05", 10, None), ("2026-01-04", 12.5, 7), ("2026-01-04", None, 9))
]


@settings(max_examples=50)
@given(st.lists(ROWS, min_size=2, max_size=3), st.integers())
def test_neither_order_nor_parts_of_the_vendor_matter(sales: list[list[Row]], seed: int) -> None:
    whole = [Dossier(license_of(number), of(number, rows), FEEDBACK, QUOTES) for number, rows in enumerate(sales)]
    chance = Random(seed)
    split = []
    for dossier in whole:
        rows = list(dossier.transactions) + list(dossier.transactions[:1])
        chance.shuffle(rows)
        more = (chance.sample(each, len(each)) for each in (FEEDBACK, QUOTES))
        split.append(Dossier(dossier.license, rows, *more))
    expected = examine_all(whole, [whole])
    one_by_one = [examine_all([dossier], [[each] for each in reversed(split)])[0] for dossier in split]
    assert [astuple(each) for each in one_by_one] == [astuple(each) for each in expected]


@given(ROWS)
def test_ids_are_unique_and_all_money_is_found(rows: list[Row]) -> None:
    (found,) = examine_all([Dossier(license_of(2), of(2, rows))], [])
    events = [event["event_id"] for event in found.account_events]
    anomalies = [anomaly["id"] for anomaly in found.anomalies]
    key = ("account_id", "transaction_key", "target_transaction_key", "valid_from")
    segments = [tuple(segment[name] for name in key) for segment in found.mrr_segments]
    assert all(len(ids) == len(set(ids)) for ids in (events, anomalies, segments))
    tally = MoneyTally()
    tally.add(found.money)
    assert tally.unaccounted == 0
    assert sum(tally.rows.values()) == len(rows)


ODD = st.sampled_from(
    [
        None,
        "",
        " ",
        "NA",
        "null",
        "RTBF",
        "Pending",
        [],
        {},
        [{}],
        [None],
        0,
        7.5,
        True,
        "9999-12-31",
        "0001-01-01",
        "FREE",
        "999999999999999 Users",
        999_999_999_999_999,
        10**30,
        "1e24",
        "-1e-24",
        "ü\r\n",
    ]
)
FULL = {
    **license_of(1),
    "cmtDetails": {"status": "active", "relatedOnPremLicense": "SEN-9"},
    "attribution": {"channel": "ads"},
    "evaluationLicense": "8",
    "evaluationOpportunitySize": "50",
    "parentProductBillingCycle": "ANNUAL",
    "installedOnSandbox": "No",
    "inGracePeriod": "Yes",
    "cloudComplianceBoundaries": ["commercial"],
    "evaluationEndDate": "2025-07-01",
}


@st.composite
def spoilt(draw: st.DrawFn, row: Row) -> Row:
    """Replace some fields of a row by what nobody expects there."""
    spoiled = dict(row)
    for name in draw(st.lists(st.sampled_from(sorted(row)), max_size=6)):
        spoiled[name] = draw(ODD)
    for name in ("purchaseDetails", "contactDetails"):
        if isinstance(spoiled.get(name), dict) and spoiled[name]:
            inner = dict(spoiled[name])
            for field in draw(st.lists(st.sampled_from(sorted(inner)), max_size=6)):
                inner[field] = draw(ODD)
            spoiled[name] = inner
    return spoiled


@settings(max_examples=300)
@given(st.data(), ROWS)
def test_no_row_breaks_it(data: st.DataObject, rows: list[Row]) -> None:
    license_ = data.draw(spoilt(FULL))
    dossier = Dossier(
        data.draw(st.sampled_from([license_, None])),
        [data.draw(spoilt(row)) for row in of(1, rows)],
        feedback=[data.draw(spoilt({"feedbackType": "uninstall", "date": "2026-02-20", "reasonKey": "cost"}))],
        quotes=[data.draw(spoilt({"quoteId": "Q", "acceptedDate": "2026-02-20", "endDate": "2027-01-01"}))],
    )
    (found,) = examine_all([dossier], [[dossier]])
    tally = MoneyTally()
    tally.add(found.money)
    assert tally.unaccounted == 0
