"""What the licence and sales reports hold: filters, dates, limits, and rows hidden by default."""

import csv
import io

import pytest

from marketplace_sandbox import credentials
from marketplace_sandbox.marketplace.parameters import MAX_LIMIT
from marketplace_sandbox.world.rows import INSIGHT_FIELDS

BOTH = ["licenses", "sales/transactions"]


def numbers(rows):
    """The numbers by which the rows' licences are known; a row may have none."""
    return {row.get("appEntitlementNumber") or row.get("licenseId") for row in rows} - {None}


def paid(row):
    return row["purchaseDetails"]


@pytest.mark.parametrize("report", BOTH)
def test_limit_is_10_by_default_and_cut_to_50_silently(marketplace, report):
    name = report.rpartition("/")[2]
    assert len(marketplace.list(report).json()[name]) == 10
    page = marketplace.list(report, limit=1000).json()
    assert len(page[name]) == MAX_LIMIT < page["totalCount"]


def test_lists_can_be_cut_into_smaller_pages(marketplace, sandbox, monkeypatch):
    monkeypatch.setattr(sandbox.paging, "largest", 2)
    page = marketplace.list("licenses", limit=50, offset=4).json()
    assert len(page["licenses"]) == 2
    assert "offset=6&limit=2" in page["_links"]["next"]["href"]
    space, (app, *_) = credentials.DEVELOPER_ID, sandbox.world.apps.values()
    page = marketplace.get(f"/rest/3/product-listing/developer-space/{space}", limit=50).json()
    assert (len(page["items"]), "cursor=" in page["links"]["next"]) == (2, True)
    page = marketplace.get(f"/rest/3/products/{app.product_id}/reviews", limit=50).json()
    assert (len(page["reviews"]), page["count"] > 2, bool(page["cursor"])) == (2, True, True)


@pytest.mark.parametrize("report", BOTH)
def test_pages_followed_by_offset_hold_what_the_export_holds(marketplace, report):
    name, offset, rows = report.rpartition("/")[2], 0, []
    while True:
        page = marketplace.list(report, limit=50, offset=offset).json()
        rows += page[name]
        offset += len(page[name])
        if "next" not in page["_links"]:
            break
        assert f"offset={offset}" in page["_links"]["next"]["href"]
    assert rows == marketplace.export(report)
    assert offset == page["totalCount"]


def test_links_lack_the_version_and_so_lead_nowhere(marketplace):
    href = marketplace.list("licenses", status="active").json()["_links"]["next"]["href"]
    assert href.startswith("/reporting/developer-space/")
    assert "status=active" in href
    assert marketplace.get(href).status_code == 404
    assert marketplace.get("/rest/3" + href).status_code == 200


@pytest.mark.parametrize("report", BOTH)
@pytest.mark.parametrize("name", ["startDate", "endDate", "lastUpdated"])
@pytest.mark.parametrize("text", ["2026-3-2", "2026/03/02", "2026-03-02T00:00:00Z", "20260302", "2026-02-30", ""])
def test_only_a_plain_date_is_a_date(marketplace, report, name, text):
    response = marketplace.list(report, **{name: text})
    assert response.status_code == 400
    assert response.json()["errors"] == [{"message": "Must be a date", "path": name}]


@pytest.mark.parametrize(
    ("report", "name", "wrong", "allowed"),
    [
        ("licenses", "dateType", "lastUpdated", "end"),
        ("licenses", "licenseType", "COMMERCIAL", "commercial"),
        ("licenses", "licenseType", "INTERNAL USE", "evaluation"),
        ("licenses", "hosting", "Data Center", "datacenter"),
        ("licenses", "status", "expired", "inactive"),
        ("licenses", "partnerType", "Expert", "reseller"),
        ("licenses", "cloudComplianceBoundaries", "all", "fedramp_moderate"),
        ("licenses", "withDataInsights", "yes", "true"),
        ("licenses", "sortBy", "lastUpdated", "company"),
        ("licenses", "accept", "xml", "csv"),
        ("sales/transactions", "saleType", "Refund", "refund"),
        ("sales/transactions", "paymentStatus", "Paid", "uncollectible"),
        ("sales/transactions", "billingPeriod", "Monthly", "annual"),
        ("sales/transactions", "order", "up", "desc"),
    ],
)
def test_a_wrong_choice_is_400_with_the_right_ones(marketplace, report, name, wrong, allowed):
    path = f"{report}/export" if name == "accept" else report
    response = marketplace.list(path, **{name: wrong})
    assert response.status_code == 400
    assert allowed in response.json()["errors"][0]["message"]


def test_unknown_parameters_are_ignored(marketplace):
    assert marketplace.export("licenses", addon="com.example", nonsense="1") == marketplace.export("licenses")


def test_products_are_filtered_by_repeated_ids(marketplace, sandbox):
    one, two = list(sandbox.world.apps.values())[:2]
    rows = marketplace.export("licenses", productId=[one.product_id, two.product_id])
    assert {row["addonKey"] for row in rows} == {one.key, two.key}


def test_joined_ids_and_app_keys_match_nothing(marketplace, sandbox):
    one, two = list(sandbox.world.apps.values())[:2]
    assert marketplace.export("licenses", productId=f"{one.product_id},{two.product_id}") == []
    assert marketplace.export("sales/transactions", productId=one.key) == []


def test_ranges_include_both_ends(marketplace, sandbox):
    day = sandbox.world.ideas["academic"][0]["maintenanceStartDate"]
    rows = marketplace.export("licenses", startDate=day, endDate=day)
    assert {row["maintenanceStartDate"] for row in rows if row.get("hosting") == "Cloud"} == {day}
    sales = marketplace.export("sales/transactions", startDate=day, endDate=day)
    assert {row["purchaseDetails"]["saleDate"] for row in sales} == {day}


def test_a_reversed_range_is_empty(marketplace):
    assert marketplace.export("sales/transactions", startDate="2026-01-01", endDate="2025-01-01") == []


def test_date_type_end_means_overlap(marketplace, sandbox):
    row = sandbox.world.ideas["academic"][0]
    middle = sandbox.world.ideas["academic"][0]["maintenanceStartDate"][:8] + "28"
    assert middle > row["maintenanceStartDate"]
    by_start = marketplace.export("licenses", startDate=middle, endDate=middle, dateType="start")
    by_overlap = marketplace.export("licenses", startDate=middle, endDate=middle, dateType="end")
    assert row["appEntitlementNumber"] not in numbers(by_start)
    assert row["appEntitlementNumber"] in numbers(by_overlap)


@pytest.mark.parametrize("report", BOTH)
def test_last_updated_means_on_or_after(marketplace, report):
    rows = marketplace.export(report)
    day = sorted(row["lastUpdated"] for row in rows)[-5]
    later = marketplace.export(report, lastUpdated=day)
    assert later == [row for row in rows if row["lastUpdated"] >= day]
    assert any(row["lastUpdated"] == day for row in later)


@pytest.mark.parametrize(
    "field",
    ["appEntitlementNumber", "appEntitlementId", "cloudId", "cloudSiteHostname", "company", "email"],
)
def test_text_finds_a_cloud_licence_by(marketplace, sandbox, field):
    row = sandbox.world.ideas["academic"][0]
    details = row["contactDetails"]
    text = {"company": details["company"], "email": details["technicalContact"]["email"]}.get(field) or row[field]
    assert numbers(marketplace.export("licenses", text=text)) == {row["appEntitlementNumber"]}


def test_text_finds_a_data_center_licence_by_its_support_number(marketplace, sandbox):
    row = sandbox.world.ideas["two_year_data_center"][0]
    for text in (row["licenseId"], row["addonLicenseId"]):
        assert numbers(marketplace.export("licenses", text=text)) == {row["licenseId"]}
        assert numbers(marketplace.export("sales/transactions", text=text)) == {row["licenseId"]}


def test_tier_also_finds_evaluations(marketplace):
    tiers = {row["tier"] for row in marketplace.export("licenses", tier="10")}
    assert tiers == {"10 Users", "Evaluation"}


@pytest.mark.parametrize(
    ("report", "name", "value", "read"),
    [
        ("licenses", "status", "inactive", lambda row: row["status"] == "inactive"),
        ("licenses", "licenseType", "academic", lambda row: row["licenseType"] == "ACADEMIC"),
        ("licenses", "licenseType", "legacy_free", lambda row: row["licenseType"] == "LEGACY_FREE"),
        ("licenses", "licenseType", "net_new_evaluation", lambda row: row["licenseType"] == "EVALUATION"),
        ("licenses", "hosting", "datacenter", lambda row: row["hosting"] == "Data Center"),
        ("licenses", "hosting", "server", lambda row: row["hosting"] == "Server"),
        ("licenses", "partnerType", "direct", lambda row: "partnerDetails" not in row),
        ("licenses", "partnerType", "reseller", lambda row: "partnerDetails" in row),
        ("licenses", "licenseLevel", "multi-instance", lambda row: row["licenseLevel"] == "multi-instance"),
        ("sales/transactions", "saleType", "refund", lambda row: paid(row)["saleType"] == "Refund"),
        ("sales/transactions", "paymentStatus", "open", lambda row: row["paymentStatus"] == "Open"),
        ("sales/transactions", "billingPeriod", "monthly", lambda row: paid(row)["billingPeriod"] == "Monthly"),
        ("sales/transactions", "excludeZeroTransactions", "true", lambda row: paid(row)["purchasePrice"] != 0),
    ],
)
def test_filter(marketplace, report, name, value, read):
    everything = marketplace.export(report)
    kept = marketplace.export(report, **{name: value})
    assert kept == [row for row in everything if read(row)]
    assert 0 < len(kept) < len(everything)


@pytest.mark.parametrize(
    ("idea", "report", "asked"),
    [
        ("fedramp_site", "licenses", {"cloudComplianceBoundaries": ["commercial", "fedramp_moderate"]}),
        ("fedramp_site", "sales/transactions", {"cloudComplianceBoundaries": "fedramp_moderate"}),
        ("owned_by_atlassian", "licenses", {"includeAtlassianLicenses": "true"}),
        ("free_app", "licenses", {"showLifeTimeFreeLicenses": "true"}),
        ("manual_invoice", "sales/transactions", {"includeManualInvoice": "true"}),
    ],
)
def test_hidden_unless_asked_for(marketplace, sandbox, idea, report, asked):
    hidden = numbers(sandbox.world.ideas[idea])
    assert not hidden & numbers(marketplace.export(report))
    assert hidden <= numbers(marketplace.export(report, **asked))


def test_life_time_free_shows_nothing_else(marketplace):
    rows = marketplace.export("licenses", showLifeTimeFreeLicenses="true")
    assert {row["addonName"] for row in rows} == {"Badge Board"}


@pytest.mark.parametrize("window", [{"endDate": "2018-06-30"}, {"startDate": "2026-03-01"}])
def test_some_licences_of_2018_come_whatever_dates_are_asked_for(marketplace, sandbox, window):
    repeated = numbers(sandbox.world.ideas["repeated_2018"])
    assert repeated <= numbers(marketplace.export("licenses", **window))
    assert len(repeated) == 3


def test_insights_come_only_from_july_2018_on(marketplace):
    def insights(**params):
        return {field for row in marketplace.export("licenses", **params) for field in INSIGHT_FIELDS if field in row}

    assert insights(startDate="2018-07-01", withDataInsights="true") == set(INSIGHT_FIELDS)
    assert insights(startDate="2018-06-30", withDataInsights="true") == set()
    assert insights(withDataInsights="true") == set()
    assert insights(startDate="2018-07-01") == set()


def test_order_works_on_sales_and_not_on_licences(marketplace):
    down = marketplace.export("sales/transactions", sortBy="purchasePrice", order="desc")
    prices = [row["purchaseDetails"]["purchasePrice"] for row in down]
    assert prices == sorted(prices, reverse=True)
    up = marketplace.export("licenses", sortBy="startDate", order="asc")
    assert up == marketplace.export("licenses", sortBy="startDate", order="desc")
    assert up != marketplace.export("licenses")


def test_csv_on_request_by_parameter_or_header(marketplace):
    from_parameter = marketplace.list("licenses/export", accept="csv")
    path = from_parameter.request.path_url.partition("?")[0].removeprefix("/marketplace")
    from_header = marketplace.call("GET", path, headers={"Accept": "text/csv"})
    assert from_parameter.headers["content-type"].startswith("text/csv")
    assert from_parameter.content == from_header.content
    rows = list(csv.DictReader(io.StringIO(from_parameter.text)))
    assert len(rows) == len(marketplace.export("licenses"))
    assert {"technicalContactEmail", "company", "addonKey"} <= set(rows[0])


@pytest.mark.parametrize("params", [{"limit": "0"}, {"limit": "ten"}, {"offset": "-1"}])
def test_a_limit_or_offset_that_is_no_such_number_is_400(marketplace, params):
    assert marketplace.list("licenses", **params).status_code == 400
