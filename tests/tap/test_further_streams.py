"""The streams beside licences, contacts and transactions: their rows, ids, windows and filters."""

from __future__ import annotations

import copy
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from tests.tap.every_other_field import EVERY_OTHER_FIELD, REPORTS, row_of
from tests.tap.fake_marketplace import license_row, run, transaction_row

from tap_atlassian_marketplace.partner_metrics import RevenueRequest
from tap_atlassian_marketplace.row_ids import attribution_id, event_id, feedback_id, quote_id
from tap_atlassian_marketplace.streams import BY_DEFAULT, NAMES
from tap_atlassian_marketplace.tap import TapAtlassianMarketplace

SPEC = Path(__file__).parents[3] / "shared" / "specs" / "atlassian-marketplace-v3.openapi.json"
CHURN, FEEDBACK, ATTRIBUTION = "sales/metrics/churn/details", "feedback/details", "marketing-attribution"
OTHERS = tuple(REPORTS.values())
DATES = {"lastUpdated", "eventDate", "maintenanceStartDate", "maintenanceEndDate"}


def catalog():
    return {entry["stream"]: entry for entry in TapAtlassianMarketplace(validate_config=False).catalog_dict["streams"]}


def walk(schema, path=""):
    yield path, schema
    for name, inner in schema.get("properties", {}).items():
        yield from walk(inner, f"{path}.{name}")
    if "items" in schema:
        yield from walk(schema["items"], f"{path}[]")


def paths(value, path=""):
    if isinstance(value, dict):
        for name, inner in value.items():
            yield f"{path}.{name}"
            yield from paths(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, f"{path}[]")


def tomorrow():
    return (datetime.now(timezone.utc) + timedelta(days=1)).date().isoformat()


def test_only_the_first_three_are_selected_by_default(marketplace):
    marketplace([license_row(1)], [transaction_row(1, 1)], others=EVERY_OTHER_FIELD)
    assert BY_DEFAULT == NAMES[:3] == ("licenses", "contacts", "transactions")
    assert {m["stream"] for m in run().messages if m["type"] == "SCHEMA"} == set(BY_DEFAULT)
    for name, entry in catalog().items():
        root = next(each["metadata"] for each in entry["metadata"] if not each["breadcrumb"])
        assert root.get("selected-by-default") == (name in BY_DEFAULT)


@pytest.mark.parametrize("stream", OTHERS)
def test_schemas_are_open_and_every_field_is_described(stream):
    entry = catalog()[stream]
    for path, schema in walk(entry["schema"]):
        name = path.rsplit(".", 1)[-1]
        assert "enum" not in schema, path
        assert not path or path.endswith("[]") or schema["description"], path
        if "properties" in schema:
            assert schema["additionalProperties"] is True, path
        if path and name not in {*entry["key_properties"], "aliases", "aliases[]"}:
            assert "null" in schema["type"], path
        own_day = name == "date" and stream in ("feedback", "recurring_revenue")
        assert (schema.get("format") == "date") == (name in DATES or own_day), path


@pytest.mark.parametrize("report", REPORTS)
def test_every_field_arrives_as_sent(marketplace, report):
    row = row_of(report)
    marketplace(others={report: [copy.deepcopy(row)]})
    stream = REPORTS[report]
    (record,) = run(streams=[stream]).records(stream)
    given = {"appSoftwareId", "hosting"} if stream == "app_versions" else set()  # by where it was read
    assert {name: record[name] for name in row.keys() - given} == {name: row[name] for name in row.keys() - given}
    schema = catalog()[stream]["schema"]
    assert set(record) == set(schema["properties"])
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(record)


def test_an_event_has_one_shape_and_one_id_in_whichever_it_comes(marketplace):
    nested = row_of(CHURN)
    flat = {**nested, **nested["licenseDetails"], "licenseDetails": None}
    marketplace(others={CHURN: [nested]})
    (first,) = run(streams=["churn_events"]).records("churn_events")
    marketplace(others={CHURN: [flat]})
    (second,) = run(streams=["churn_events"]).records("churn_events")
    assert first == second
    assert first["licenseDetails"] == nested["licenseDetails"]
    assert first["account_id"] == "E-1"


@pytest.mark.parametrize(
    ("make", "report", "changes", "stays"),
    [
        (lambda row: event_id("churn", row), CHURN, ("eventDate", "transactionId", "addonKey"), ("lastUpdated", "new")),
        (feedback_id, FEEDBACK, ("date", "feedbackType", "message"), ("email", "fullName", "new", "addonName")),
        (attribution_id, ATTRIBUTION, ("eventTimestamp", "channel", "userId"), ("userType", "new")),
        (quote_id, "quotes", ("quoteId", "startDate", "entitlementNumber"), ("listPrice", "technicalEmail", "new")),
    ],
)
def test_an_id_is_made_of_fixed_fields(make, report, changes, stays):
    row = row_of(report)
    same = {make({**row, name: "2020-01-01"}) for name in stays} | {make(dict(reversed(row.items())))}
    assert same == {make(row)}
    others = [make({**row, name: "2020-01-01"}) for name in changes]
    assert len({make(row), *others}) == len(others) + 1
    assert all(len(each) == 64 for each in others)


def test_ids_of_metrics_differ():
    row = row_of(CHURN)
    assert len({event_id(metric, row) for metric in ("churn", "conversion", "renewal")}) == 3


def test_an_id_stays_when_the_licence_gains_newer_ids():
    row = {"addonKey": "a", "date": "2026-01-01", "feedbackType": "disable", "licenseId": "SEN-5"}
    assert feedback_id(row) == feedback_id({**row, "appEntitlementNumber": "E-1", "appEntitlementId": "x"})


def test_rows_without_what_names_them_are_left_out_and_counted(marketplace, caplog):
    rows = [row_of(FEEDBACK), {"addonKey": "com.example.one", "date": "2026-01-01"}]
    marketplace(others={FEEDBACK: rows})
    assert len(run(streams=["feedback"]).records("feedback")) == 1
    assert "1 rows without an id were left out" in caplog.text


@pytest.mark.parametrize(
    ("report", "stream", "field", "parameter"),
    [
        (CHURN, "churn_events", "lastUpdated", "lastUpdated"),
        (FEEDBACK, "feedback", "date", "startDate"),
        (ATTRIBUTION, "marketing_attribution", "eventTimestamp", "startDate"),
    ],
)
def test_the_next_run_asks_from_the_bookmark_less_the_look_back(marketplace, report, stream, field, parameter):
    time = " 10:11:12" if field == "eventTimestamp" else ""
    rows = [row_of(report, **{field: f"2026-02-{day:02}{time}", "transactionId": str(day)}) for day in (1, 15, 20)]
    fake = marketplace(others={report: rows})
    first = run(streams=[stream])
    assert len(first.records(stream)) == 3
    assert first.bookmark(stream) == "2026-02-20"
    fake.starts.clear()
    fake.pages.clear()
    second = run(first.state, streams=[stream], lookback_days=5)
    asked = [parameters for name, parameters in [*fake.starts, *fake.pages] if name == report]
    assert {each[parameter][0] for each in asked} == {"2026-02-15"}
    assert [record[field][:10] for record in second.records(stream)] == ["2026-02-15", "2026-02-20"]
    assert second.bookmark(stream) == "2026-02-20"


def test_attribution_is_a_new_question_every_day_since_the_old_one_has_an_old_answer(marketplace):
    fake = marketplace(others={ATTRIBUTION: [row_of(ATTRIBUTION)]})
    run(streams=["marketing_attribution"])
    assert fake.started(ATTRIBUTION) == [{"accept": ["json"], "startDate": ["2010-01-01"], "endDate": [tomorrow()]}]
    assert not fake.pages


def test_quotes_are_asked_for_by_a_whole_period_that_the_list_names_otherwise(marketplace):
    fake = marketplace(others={"quotes": [row_of("quotes")]})
    run(streams=["quotes"])
    whole = {"accept": ["json"], "createdStartDate": ["2010-01-01"], "createdEndDate": [tomorrow()]}
    assert fake.started("quotes") == [whole]
    assert fake.pages == [("quotes", {"startDate": ["2010-01-01"], "endDate": [tomorrow()], "limit": ["1"]})]


def test_a_full_table_moves_no_bookmark_and_comes_whole_each_time(marketplace):
    marketplace(others={"quotes": [row_of("quotes")]})
    first = run(streams=["quotes"])
    assert first.state["bookmarks"]["quotes"] == {}
    assert run(first.state, streams=["quotes"]).records("quotes") == first.records("quotes")


@pytest.mark.parametrize("report", [report for report in REPORTS if REPORTS[report] not in ("app_versions", "reviews")])
def test_app_keys_choose_the_rows(marketplace, report):
    stream = REPORTS[report]
    other = {"addonKey": "com.example.two", "appKey": "com.example.two", "productId": "product-2"}
    known = row_of(report)
    rows = [known, {**known, **{name: value for name, value in other.items() if name in known}}]
    marketplace(others={report: rows})
    assert len(run(streams=[stream]).records(stream)) == 2
    chosen = run(streams=[stream], app_keys=["com.example.two"]).records(stream)
    assert [record["productId"] for record in chosen] == ["product-2"]


@pytest.mark.parametrize(("report", "field"), [(CHURN, None), (FEEDBACK, None), ("quotes", "entitlementNumber")])
def test_a_trial_takes_the_rows_of_its_licences(marketplace, report, field):
    stream = REPORTS[report]
    row = row_of(report, **({field: "E-1"} if field else {}))
    marketplace(others={report: [row]})
    assert len(run(streams=[stream], entitlement_numbers=["E-1"]).records(stream)) == 1
    output = run(streams=[stream], entitlement_numbers=["E-2"])
    assert output.records(stream) == []
    assert not output.bookmark(stream)


def test_versions_and_reviews_name_their_app(marketplace):
    version = row_of("app_versions")
    sent = {name: value for name, value in version.items() if name not in ("appKey", "productId", "appSoftwareId")}
    review = {"id": "r", "stars": 5}
    marketplace(others={"app_versions": [sent], "reviews": [review]})
    output = run(streams=["app_versions", "reviews"])
    app = {"appKey": "com.example.one", "productId": "product-1"}
    (record,) = output.records("app_versions")
    assert record == {**sent, **app, "appSoftwareId": "com.example.one-cloud", "hosting": "cloud"}
    assert output.records("reviews") == [{**review, **app}]


def test_revenue_without_product_or_subscription_still_has_a_whole_key(marketplace):
    rows = [
        {"date": "2026-01-01", "appKey": "com.example.two", "closingMrr": 5},
        {"date": "2026-01-01", "appKey": "com.example.one", "productId": "product-1", "subscription": "ANNUAL"},
    ]
    marketplace(others={"recurring_revenue": rows})
    keys = [
        tuple(record[name] for name in ("month", "productId", "subscription"))
        for record in run(streams=["recurring_revenue"]).records("recurring_revenue")
    ]
    assert keys == [("2026-01", "product-2", ""), ("2026-01", "product-1", "ANNUAL")]


def test_revenue_is_that_of_24_months(marketplace):
    fake = marketplace()
    run(streams=["recurring_revenue"])
    places = [request.qs for request in fake.mock.request_history if "partner-metrics" in request.path]
    assert places == [{"limit": ["14"], "offset": ["0"]}, {"limit": ["10"], "offset": ["14"]}]
    for today, first in (("2026-03-02", "2024-04-01"), ("2026-12-31", "2025-01-01"), ("2026-01-01", "2024-02-01")):
        question = RevenueRequest(datetime.fromisoformat(today).date()).question()
        assert question["dateRange"] == {"startDate": first, "endDate": today}


def test_unknown_fields_words_and_nulls_travel_and_odd_dates_become_null(marketplace, caplog):
    event = row_of(CHURN, hosting="Moon", appEdition=None, eventDate="NA", more={"x": [None]})
    marketplace(others={CHURN: [{**event, "eventDate": "soon"}]})
    (record,) = run(streams=["churn_events"]).records("churn_events")
    assert (record["hosting"], record["appEdition"], record["more"]) == ("Moon", None, {"x": [None]})
    assert record["eventDate"] is None
    assert "eventDate held no valid date in 1 rows" in caplog.text
    assert "passed on as they are: more." in caplog.text


EXAMPLES = {
    "churn_events": (CHURN, "Reports_CloudLicenseEvents", "events"),
    "feedback": (FEEDBACK, "Reports_GetFeedback", "feedback"),
    "reviews": ("reviews", "ReviewsResponse", "reviews"),
}
ROWS = {
    "churn_events": "LicenseTransition",
    "conversion_events": "LicenseTransition",
    "renewal_events": "LicenseTransition",
    "feedback": "VendorFeedback",
    "quotes": "Quote",
    "marketing_attribution": "MarketingAttributionActivity",
    "app_versions": "AppSoftwareVersionGetResponse",
    "reviews": "AppReview",
}


def described(components, schema):
    while "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    return schema


def described_paths(components, schema, path=""):
    schema = described(components, schema)
    for name, inner in schema.get("properties", {}).items():
        yield f"{path}.{name}"
        yield from described_paths(components, inner, f"{path}.{name}")
    if "items" in schema:
        yield from described_paths(components, schema["items"], f"{path}[]")


@pytest.mark.skipif(not SPEC.exists(), reason="the API description is not at hand")
@pytest.mark.parametrize("stream", [*ROWS, "apps"])
def test_every_described_field_is_in_the_schema(stream):
    description = json.loads(SPEC.read_text("utf-8"))
    components = description["components"]["schemas"]
    if stream == "apps":
        path = "/rest/3/product-listing/developer-space/{developerId}"
        answer = description["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        row = answer["properties"]["items"]["items"]
    else:
        row = components[ROWS[stream]]
    # What belongs to a framework only is open in the schema.
    wanted = {path for path in described_paths(components, row) if not path.startswith(".frameworkDetails.attributes.")}
    assert wanted - {path for path, _ in walk(catalog()[stream]["schema"])} == set()


@pytest.mark.skipif(not SPEC.exists(), reason="the API description is not at hand")
@pytest.mark.parametrize("stream", EXAMPLES)
def test_the_examples_of_the_api_reference_pass(marketplace, stream):
    report, component, name = EXAMPLES[stream]
    examples = json.loads(SPEC.read_text("utf-8"))["components"]["schemas"][component]["example"][name]
    marketplace(others={report: copy.deepcopy(examples)})
    records = run(streams=[stream]).records(stream)
    assert len(records) == len(examples) > 0
    schema = catalog()[stream]["schema"]
    for record in records:
        Draft202012Validator(schema, format_checker=FormatChecker()).validate(record)
        assert set(paths(record)) <= {path for path, _ in walk(schema)}


VARIED = {
    "feedback": "cloudId",
    "quotes": "quoteId",
    "marketing_attribution": "userId",
    "recurring_revenue": "subscription",
    "app_versions": "buildNumber",
    "reviews": "id",
}
"""What tells the rows of a stream apart here."""


def rows_of_all():
    """Some rows of each report, no two of them with one key unless one of the two is newer."""
    rows = {
        "licenses": [license_row(number, lastUpdated=f"2026-02-0{number}") for number in (1, 2, 3)]
        + [license_row(1, lastUpdated="2026-02-09", tier="newer")],
        "sales/transactions": [transaction_row(number, 1, lastUpdated=f"2026-02-0{number}") for number in (1, 2, 3)],
    }
    for report, stream in REPORTS.items():
        if stream == "apps":
            apps = (("com.example.one", "product-1"), ("com.example.two", "product-2"))
            rows[report] = [row_of(report, appKey=key, productId=product) for key, product in apps]
        else:
            rows[report] = [row_of(report, **{VARIED.get(stream, "transactionId"): value}) for value in (1, 2, 3)]
    return rows


ALL = rows_of_all()
ALL_NAMES = (*BY_DEFAULT, *OTHERS)


def orders_of(rows):
    def repeated(order):
        return st.lists(st.sampled_from(order), max_size=3).map(lambda again: [*order, *again])

    return st.permutations(rows).flatmap(repeated)


ORDERS = st.fixed_dictionaries({report: orders_of(rows) for report, rows in ALL.items()})


def outcome(output):
    found = {name: sorted(json.dumps(row, sort_keys=True) for row in output.records(name)) for name in ALL_NAMES}
    return found, output.state


@hypothesis_settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(orders=ORDERS)
def test_whatever_the_order_and_repetition_of_rows_records_and_bookmarks_are_the_same(marketplace, orders):
    def read(rows):
        rows = copy.deepcopy(rows)
        marketplace(rows.pop("licenses"), rows.pop("sales/transactions"), others=rows)
        return outcome(run(streams=ALL_NAMES))

    expected, state = read(ALL)
    assert [len(expected[name]) for name in ALL_NAMES] == [3, 9, 3, 3, 3, 3, 3, 3, 3, 3, 2, 3, 3]
    assert read(orders) == (expected, state)
