"""Estimates of MRR where no sale is known, and of what a trial may bring."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.tap.customers.ledger import row
from tests.tap.customers.licences import account, examine, licence, trial

if TYPE_CHECKING:
    from tests.tap.customers.ledger import Row


SOLD = tuple(
    row(
        "Renewal",
        usd,
        "2025-02-01",
        "2026-02-01",
        tier=tier,
        order=f"P-{usd}",
        hosting="Cloud",
        licenseType="COMMERCIAL",
    )
    | {"addonKey": "app"}
    for usd, tier in ((1200, "10 Users"), (1200.12, "10 Users"), (9999, "10 Users"), (12000, "110 Users"))
)


@pytest.mark.parametrize(
    ("tier", "fields", "mrr"),
    [
        ("10 Users", {}, "100.01"),
        ("60 Users", {}, "550.01"),
        ("220 Users", {}, "2000"),
        ("5 Users", {}, "50.01"),
        ("10 Users", {"licenseType": "ACADEMIC"}, "25.00"),
        ("10 Users", {"licenseType": "COMMUNITY"}, "25.00"),
    ],
)
def test_an_estimate_where_no_sale_is_known(tier: str, fields: Row, mrr: str) -> None:
    found = account(licence(tier=tier, **fields), more_sales=SOLD)
    assert found["mrr_source"] == "estimated"
    assert abs(found["mrr"] - Decimal(mrr)) <= Decimal("0.01")


def test_an_estimate_of_what_the_vendor_gets() -> None:
    listed = {"hosting": "Cloud", "licenseType": "COMMERCIAL"}
    sale = row("Renewal", 1200, "2025-02-01", "2026-02-01", net=900, **listed) | {"addonKey": "app"}
    found = account(licence(), more_sales=(sale,))
    assert (found["mrr"], found["mrr_gross"], found["arr"], found["mrr_source"]) == (75, 100, 900, "estimated")


@pytest.mark.parametrize(
    "fields",
    [
        {"licenseType": "OPEN_SOURCE"},
        {"status": "inactive"},
        {"tier": "Subscription"},
        {"licenseSourceType": "Atlassian"},
        {"multiInstanceEntitlementNumber": "E-M"},
        {"cmtDetails": {"status": "active", "relatedOnPremLicense": "SEN-9"}},
    ],
)
def test_what_is_not_estimated(fields: Row) -> None:
    found = account(licence(**fields), more_sales=SOLD)
    assert (found["mrr"], found["mrr_source"]) == (0, "none")


def test_an_estimate_has_no_segments() -> None:
    assert examine(licence(), more_sales=SOLD).mrr_segments == []


@pytest.mark.parametrize(
    ("size", "users", "arr"),
    [
        ("110", 110, 12000),
        ("Unlimited Users", 10001, Decimal("1091018.16")),
        ("Evaluation", None, None),
        ("Unknown", None, None),
        ("NA", None, None),
        (None, None, None),
    ],
)
def test_the_opportunity_of_a_trial(size: str | None, users: int | None, arr: Any) -> None:
    row_ = trial("2025-07-01", "2025-07-31", evaluationOpportunitySize=size, parentProductBillingCycle="ANNUAL")
    found = account(row_, more_sales=SOLD)
    assert found["opportunity_users"] == users
    assert found["opportunity_arr"] is arr is None or abs(found["opportunity_arr"] - arr) < 100
