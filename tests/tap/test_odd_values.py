"""Values of another type than a schema says: each record fits its schema all the same, and none is lost."""

from __future__ import annotations

import copy

import pytest
from tests.tap.catalogue import misfits
from tests.tap.every_field import EVERY_LICENSE_FIELD, EVERY_TRANSACTION_FIELD
from tests.tap.every_other_field import REPORTS, row_of
from tests.tap.fake_marketplace import license_row, run, transaction_row

from tap_atlassian_marketplace.streams import NAMES

ODD = (0, 100, -1.5, True, "", "gone", "10.00", "2026-02-30", [], ["x", 1], {}, {"x": 1})


def replaced(row, path, value):
    """A row with another value in one place, which may lie in an object or in the objects of a list."""
    row = copy.deepcopy(row)
    *parents, name = path
    place = row
    for parent in parents:
        place = place[parent]
    place[name] = value
    return row


def places(value, path=()):
    """The way to each value of a row, objects and lists included."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in inner:
        yield (*path, name)
        yield from places(each, (*path, name))


def odd_rows(row, keys, unchanged=()):
    """The row with each odd value in each place, each time under keys of its own."""
    cases = [(path, value) for path in places(row) if path[0] not in {*keys, *unchanged} for value in ODD]
    for number, (path, value) in enumerate(cases):
        yield replaced({**row, **dict.fromkeys(keys, str(number))}, path, value)


FEEDBACK = "feedback/details"
LICENSE_KEYS = ("addonLicenseId", "licenseId", "appEntitlementId", "appEntitlementNumber")
SALE_KEYS = ("transactionId", "transactionLineItemId", *LICENSE_KEYS)


def test_odd_licences_and_sales_fit_the_schemas_in_all_that_is_made_of_them(marketplace):
    licenses = list(odd_rows(EVERY_LICENSE_FIELD, LICENSE_KEYS))
    sales = list(odd_rows(EVERY_TRANSACTION_FIELD, SALE_KEYS))
    others = {
        report: list(odd_rows(row_of(report), (key,))) for report, key in (("quotes", "quoteId"), (FEEDBACK, "cloudId"))
    }
    fake = marketplace(licenses, sales, others=others)
    fake.matches, fake.largest_page = lambda *_: True, 1000
    output = run(streams=NAMES)
    assert list(misfits(output)) == []
    assert len(output.records("licenses")) == len(licenses)
    assert len(output.records("contacts")) == 3 * len(licenses)
    assert len(output.records("transactions")) == len(sales)


OWN_KEYS = {
    "sales/metrics/churn/details": ("transactionId", "eventDate"),
    FEEDBACK: ("cloudId", "feedbackType"),
    "quotes": ("quoteId",),
    "marketing-attribution": ("userId", "eventTimestamp"),
    "recurring_revenue": ("subscription", "date", "productId"),
    "apps": ("productId",),
    "app_versions": ("buildNumber", "appSoftwareId"),
    "reviews": ("id",),
}


@pytest.mark.parametrize("report", OWN_KEYS)
def test_odd_rows_of_other_reports_fit_the_schemas(marketplace, report):
    first, *others = OWN_KEYS[report]
    rows = list(odd_rows(row_of(report), (first,), others))
    fake = marketplace(others={report: rows})
    fake.matches = lambda *_: True
    fake.largest_page = len(rows)
    output = run(streams=[REPORTS[report]])
    assert list(misfits(output)) == []
    assert len(output.records(REPORTS[report])) == len(rows)


def test_what_another_type_says_as_well_is_kept_and_the_rest_is_null_and_counted(marketplace, caplog):
    rows = [
        license_row(1, tier=100, contactDetails="gone", cloudComplianceBoundaries="commercial", partnerDetails=None),
        license_row(2, tier=True, daysToConvertEval=1.50, cloudComplianceBoundaries=[1, None, ["x"]]),
        license_row(3, tier=["100"], contactDetails={"company": {"name": "x"}}, appEntitlementId=5),
    ]
    details = {"saleDate": "2026-01-01", "purchasePrice": "10.00", "vendorAmount": "a lot"}
    details["discounts"] = [{"amount": "1"}, 2]
    keys = {"transactionId": 100, "transactionLineItemId": 7}
    sales = [
        transaction_row(1, 1, **keys, isInvoiceManual="Yes", purchaseDetails=details),
        transaction_row(2, 1, isInvoiceManual=1, dunningStatus=[{"attemptCount": "3"}, {"attemptCount": 2.5}]),
    ]
    marketplace(rows, sales)
    output = run(streams=["licenses", "transactions"])
    assert list(misfits(output)) == []
    one, two, three = output.records("licenses")
    assert (one["tier"], one["contactDetails"], one["cloudComplianceBoundaries"]) == ("100", None, None)
    assert (two["tier"], two["daysToConvertEval"]) == ("true", "1.5")
    assert two["cloudComplianceBoundaries"] == ["1", None, None]
    assert (three["tier"], three["contactDetails"], three["id"]) == (None, {"company": None}, "5")
    first, second = output.records("transactions")
    assert (first["transactionId"], first["transactionLineItemId"], first["isInvoiceManual"]) == ("100", "7", True)
    assert first["purchaseDetails"] == {
        "saleDate": "2026-01-01", "purchasePrice": 10.0, "vendorAmount": None, "discounts": [{"amount": 1}, None],
    }  # fmt: skip
    assert '"purchasePrice":10.00,' in output.text
    assert second["isInvoiceManual"] is None
    assert second["dunningStatus"] == [{"attemptCount": 3}, {"attemptCount": None}]
    for line in (
        "tier held no text in 1 rows; emitted as null.",
        "contactDetails held no object in 1 rows; emitted as null.",
        "contactDetails.company held no text in 1 rows; emitted as null.",
        "cloudComplianceBoundaries held no list in 1 rows; emitted as null.",
        "cloudComplianceBoundaries held no text in 1 rows; emitted as null.",
        "purchaseDetails.vendorAmount held no number in 1 rows; emitted as null.",
        "purchaseDetails.discounts held no object in 1 rows; emitted as null.",
        "isInvoiceManual held no yes or no in 1 rows; emitted as null.",
        "dunningStatus.attemptCount held no whole number in 1 rows; emitted as null.",
    ):
        assert line in caplog.text
    assert "a lot" not in caplog.text


@pytest.mark.parametrize(
    ("report", "row", "key"),
    [
        ("reviews", {"id": 5}, {"id": "5"}),
        ("apps", {"productId": 5, "appKey": "com.example.one"}, {"productId": "5"}),
        ("app_versions", {"buildNumber": "100"}, {"buildNumber": 100}),
        ("reviews", {"id": {"x": 1}}, None),
        ("apps", {"productId": ["x"], "appKey": "com.example.one"}, None),
        ("app_versions", {"buildNumber": "gone"}, None),
        ("app_versions", {"buildNumber": True}, None),
        ("licenses", {"appEntitlementId": {"x": 1}, "appEntitlementNumber": ["x"]}, None),
        ("sales/transactions", {"transactionId": {"x": 1}, "transactionLineItemId": "1"}, None),
        ("sales/transactions", {"transactionId": "1", "transactionLineItemId": []}, None),
    ],
)
def test_a_key_of_another_type_is_a_key_unless_it_is_no_single_value(marketplace, report, row, key, caplog):
    stream = {**REPORTS, "licenses": "licenses", "sales/transactions": "transactions"}[report]
    marketplace(others={report: [row]})
    output = run(streams=[stream])
    assert list(misfits(output)) == []
    records = output.records(stream)
    assert [{name: record[name] for name in key or ()} for record in records] == ([key] if key else [])
    assert ("1 rows without an id were left out" in caplog.text) == (key is None)


@pytest.mark.parametrize("odd", [["x"], {"x": 1}, 5, True])
def test_odd_values_pass_the_filters(marketplace, odd):
    odd_row = dict.fromkeys(("addonKey", "appKey", "status", "licenseType", "hosting", "entitlementNumber"), odd)
    quote = row_of("quotes", **odd_row)
    fake = marketplace([license_row(1), license_row(2, **odd_row)], [transaction_row(1, 2, addonKey=odd)])
    fake.rows["quotes"] = [quote]
    filters = {"app_keys": ["com.example.one"], "license_statuses": ["active"], "hostings": ["cloud"]}
    output = run(streams=["licenses", "transactions", "quotes"], **filters)
    assert output.ids("licenses") == ["id-1"]
    assert output.ids("transactions") == []
    assert list(misfits(run(streams=["quotes"], entitlement_numbers=["E-1"]))) == []
