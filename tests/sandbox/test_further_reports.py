"""What the Marketplace holds beside licences and sales: each row belongs to a licence, a sale or an app."""

import pytest
from tests.sandbox.conftest import REPORTS

from marketplace_sandbox import credentials
from marketplace_sandbox.server import running

METRICS = ["churn", "conversion", "renewal"]
SPACE = credentials.DEVELOPER_ID


def details(marketplace, metric, **params):
    return marketplace.export(f"sales/metrics/{metric}/details", **params)


def licence(event):
    return event["licenseDetails"] or event


def all_pages(marketplace, report, name, **params):
    rows, offset = [], 0
    while True:
        page = marketplace.list(report, limit=50, offset=offset, **params).json()
        rows += page[name]
        offset += len(page[name])
        if "next" not in page["_links"]:
            return rows


def start(marketplace, report, **params):
    response = marketplace.call("POST", f"{REPORTS}/{report}/async/export", params={"accept": "json", **params})
    return response.json()["export"]["id"] if response.ok else response


def download(marketplace, path, export):
    assert marketplace.get(f"{REPORTS}/{path}/{export}/status").json()["export"]["status"] == "COMPLETED"
    return marketplace.get(f"{REPORTS}/{path}/{export}").json()


@pytest.fixture(scope="module")
def sandbox():
    """With ordinary customers, one of whom pays after a trial on the second day."""
    with running(customers=10) as sandbox:
        sandbox.world.step(2)
        yield sandbox


def known_licenses(sandbox):
    names = ("appEntitlementId", "appEntitlementNumber", "licenseId", "addonLicenseId")
    rows = [*sandbox.world.licenses, *sandbox.world.transactions]
    return {row[name] for row in rows for name in names if row.get(name)}


@pytest.mark.parametrize("metric", METRICS)
def test_each_event_is_one_of_a_licence_and_its_sale(marketplace, sandbox, metric):
    events = details(marketplace, metric)
    sales = {row["transactionId"] for row in sandbox.world.transactions}
    licenses = known_licenses(sandbox)
    assert events
    for event in events:
        found = licence(event)
        assert licenses & {found.get("licenseId"), found.get("appEntitlementId")}
        assert event.get("transactionId") in {None, *sales}


def test_renewals_are_as_many_as_the_renewal_sales(marketplace, sandbox):
    sold = [
        row for row in sandbox.world.transactions if (row.get("purchaseDetails") or {}).get("saleType") == "Renewal"
    ]
    assert 0 < len(details(marketplace, "renewal")) <= len(sold)


@pytest.mark.parametrize("metric", METRICS)
def test_an_export_of_events_is_partly_flat_and_holds_what_the_list_holds(marketplace, metric):
    listed = all_pages(marketplace, f"sales/metrics/{metric}/details", "events")
    exported = details(marketplace, metric)
    assert {row["licenseDetails"] is None for row in exported} >= {True}
    assert [{**row, "licenseDetails": None, **licence(row)} for row in exported] == [
        {**row, "licenseDetails": None, **row["licenseDetails"]} for row in listed
    ]


def test_events_are_filtered_by_update_and_day(marketplace):
    everything = all_pages(marketplace, "sales/metrics/renewal/details", "events")
    middle = sorted(row["lastUpdated"] for row in everything)[len(everything) // 2]
    updated = all_pages(marketplace, "sales/metrics/renewal/details", "events", lastUpdated=middle)
    assert updated == [row for row in everything if row["lastUpdated"] >= middle]
    day = everything[0]["eventDate"]
    assert {row["eventDate"] for row in details(marketplace, "renewal", startDate=day, endDate=day)} == {day}


def test_partner_type_upgrade_is_refused_for_events_alone(marketplace):
    assert marketplace.list("sales/metrics/churn/details", partnerType="upgrade").status_code == 400
    assert marketplace.list("licenses", partnerType="upgrade").status_code == 200


def test_feedback_has_a_list_but_neither_export_nor_filter_by_update(marketplace):
    page = marketplace.list("feedback/details", limit=50).json()
    rows = all_pages(marketplace, "feedback/details", "feedback")
    assert len(rows) == page["totalCount"]
    assert all("id" not in row and "lastUpdated" not in row for row in rows)
    assert {"disable"} < {row["feedbackType"] for row in rows}
    assert all_pages(marketplace, "feedback/details", "feedback", lastUpdated="2999-01-01") == rows
    assert marketplace.list("feedback/details/export").status_code == 404
    last = max(row["date"] for row in rows)
    assert {row["date"] for row in all_pages(marketplace, "feedback/details", "feedback", startDate=last)} == {last}


def test_an_export_of_quotes_needs_a_whole_period_and_names_the_retired_version(marketplace, sandbox):
    assert start(marketplace, "quotes", createdStartDate="2010-01-01").status_code == 400
    whole = {"createdStartDate": "2010-01-01", "createdEndDate": "2099-01-01"}
    response = marketplace.call("POST", f"{REPORTS}/quotes/async/export", params=whole)
    assert response.json()["_links"]["status"]["href"].startswith("/rest/2/vendors/")
    rows = download(marketplace, "quotes/async/export", response.json()["export"]["id"])
    assert rows == all_pages(marketplace, "quotes", "quotes")
    sold = {row.get("appEntitlementNumber") for row in sandbox.world.transactions}
    assert {row["entitlementNumber"] for row in rows} <= sold


def test_the_same_attribution_export_is_given_again_and_found_below_no_report(marketplace, sandbox):
    first, second = (start(marketplace, "marketing-attribution", startDate="2010-01-01") for _ in range(2))
    assert first == second != start(marketplace, "marketing-attribution", startDate="2010-01-02")
    assert marketplace.get(f"{REPORTS}/marketing-attribution/async/export/{first}").status_code == 404
    rows = download(marketplace, "async/export", first)
    assert rows
    assert all(known_licenses(sandbox) & {row.get("addonLicenseId"), row.get("appEntitlementId")} for row in rows)
    assert marketplace.list("marketing-attribution").status_code == 404


def by_link(marketplace, path, name):
    rows, cursor = [], {}
    while True:
        page = marketplace.get(path, limit=50, **cursor).json()
        rows += page[name]
        following = page["links"].get("next")
        if not following:
            return rows
        cursor = {"cursor": following.partition("cursor=")[2]}


def test_versions_are_those_of_each_software_of_an_app(marketplace, sandbox):
    key = next(key for key, app in sandbox.world.apps.items() if not app.always_free)
    software = marketplace.get(f"/rest/3/app-software/app-key/{key}").json()
    assert {each["hosting"] for each in software} == {"cloud", "datacenter", "server"}
    for each in software:
        path = f"/rest/3/app-software/{each['appSoftwareId']}/versions"
        builds = [row["buildNumber"] for row in by_link(marketplace, path, "versions")]
        assert len(set(builds)) == len(builds) == marketplace.get(path).json()["totalCount"]
    assert marketplace.get("/rest/3/app-software/app-key/none").status_code == 404
    assert marketplace.get("/rest/3/app-software/none/versions").status_code == 404


def test_reviews_go_on_by_cursor_and_ignore_an_offset(marketplace, sandbox):
    product = max(
        (app.product_id for app in sandbox.world.apps.values()),
        key=lambda each: marketplace.get(f"/rest/3/products/{each}/reviews").json()["count"],
    )
    path, rows, cursor = f"/rest/3/products/{product}/reviews", [], {}
    while True:
        page = marketplace.get(path, limit=50, offset=7, **cursor).json()
        rows += page["reviews"]
        if "cursor" not in page:
            break
        cursor = {"cursor": page["cursor"]}
    assert len({row["id"] for row in rows}) == len(rows) == page["count"] > 50
    assert [row["date"] for row in rows] == sorted((row["date"] for row in rows), reverse=True)


def metrics(marketplace, query=None, **changes):
    body = {
        "granularity": "MONTH",
        "attributes": [{"name": "SUBSCRIPTION"}],
        "metrics": {"metricSets": [{"name": "RECURRING_REVENUE"}]},
        "dateRange": {"startDate": "2024-04-01", "endDate": "2026-03-31"},
        **changes,
    }
    return marketplace.call("POST", f"/rest/3/partner-metrics/developer-space/{SPACE}", params=query or {}, json=body)


def test_recurring_revenue_counts_periods_and_adds_up(marketplace):
    months = [sorted({row["date"] for row in metrics(marketplace, query).json()["records"]}) for query in (
        {}, {"limit": 14}, {"limit": 100}, {"limit": 14, "offset": 14},
    )]  # fmt: skip
    assert (len(months[0]), len(months[1])) == (7, 14)
    assert months[1] == months[2]
    assert len(months[1] + months[3]) == 24
    rows = [
        row for offset in (0, 14) for row in metrics(marketplace, {"limit": 14, "offset": offset}).json()["records"]
    ]
    moves = ("newMrr", "expansionMrr", "contractionMrr", "reactivatedMrr", "expiredMrr")
    for row in rows:
        assert row["openingMrr"] + sum(row[name] for name in moves) == pytest.approx(row["closingMrr"], abs=0.05)
    closing = {(row["date"], row["productId"], row["subscription"]): row["closingMrr"] for row in rows}
    before = {date: earlier for earlier, date in zip(months[1], months[1][1:], strict=False)}
    checked = 0
    for row in rows:
        key = before.get(row["date"]), row["productId"], row["subscription"]
        if key in closing:
            checked += 1
            assert row["openingMrr"] == pytest.approx(closing[key], abs=0.05)
    assert checked > 10


@pytest.mark.parametrize(
    "wrong",
    [
        {"granularity": "DECADE"},
        {"metrics": {}},
        {"attributes": [{"name": "NOTHING"}]},
        {"dateRange": {"startDate": "soon"}},
        {"surprise": 1},
    ],
)
def test_a_question_of_another_shape_is_refused(marketplace, wrong):
    assert metrics(marketplace, **wrong).status_code == 400


@pytest.mark.parametrize(
    "path",
    [f"{REPORTS}/sales/metrics/churn/details", f"{REPORTS}/feedback/details", f"{REPORTS}/quotes"],
)
def test_reports_need_the_permission(marketplace, path):
    assert marketplace.call("GET", path, email=credentials.NO_REPORTS_EMAIL).status_code == 403
