"""The streams beside licences, contacts and transactions: their rows, ids, windows and filters."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta, timezone

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from tests.tap.catalogue import catalog, walk
from tests.tap.every_other_field import EVERY_OTHER_FIELD, REPORTS, bare_row, row_of
from tests.tap.fake_marketplace import license_row, run, transaction_row

from tap_atlassian_marketplace.row_ids import attribution_id, event_id, feedback_id, quote_id
from tap_atlassian_marketplace.streams import BY_DEFAULT, NAMES

CHURN, FEEDBACK, ATTRIBUTION = "sales/metrics/churn/details", "feedback/details", "marketing-attribution"
OTHERS = tuple(REPORTS.values())
HOUR_OF_NUMBER_0 = datetime(2026, 4, 19, 13, tzinfo=timezone.utc).timestamp()
DATES = {"lastUpdated", "eventDate", "maintenanceStartDate", "maintenanceEndDate"}


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


@pytest.mark.parametrize(
    "details", [None, {}, {"appEntitlementNumber": None, "cloudId": "cloudId", "licenseId": ""}], ids=str
)
def test_an_event_has_one_shape_and_one_id_in_whichever_it_comes(marketplace, details):
    nested = row_of(CHURN)
    flat = {**nested, **nested["licenseDetails"], "licenseDetails": details}
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


_EVENT = {"addonKey": "com.example.one", "eventDate": "2026-01-31"}
_SITES = {"multiInstanceEntitlementNumber": "E-M"}


@pytest.mark.parametrize(
    ("fields", "id_"),
    [
        ({"licenseDetails": {"appEntitlementNumber": "E-1", **_SITES}}, "149401a5828841cf6f66d38d43583905"),
        ({"licenseDetails": None, "licenseId": "SEN-7", "transactionId": "IN-1"}, "106682fe7974ec5079d97cd2adaf06eb"),
        ({"licenseDetails": _SITES, "transactionId": "IN-1"}, "15b6620723442e4e4c4c5119d004078f"),
        ({}, "8db3c31f69e91fcf6c6fea43c28df347"),
    ],
)
def test_the_id_of_an_event_never_drifts(fields, id_):
    assert event_id("churn", {**_EVENT, **fields})[: len(id_)] == id_


@pytest.mark.parametrize("is_flat", [True, False])
def test_events_of_several_sites_without_a_sale_are_told_apart_by_the_number_of_all_sites(marketplace, is_flat, caplog):
    numbers = [{"multiInstanceEntitlementNumber": f"E-{n}"} for n in (1, 2)]
    rows = [{**_EVENT, "lastUpdated": "2026-02-01"} | (n if is_flat else {"licenseDetails": n}) for n in numbers]
    marketplace(others={CHURN: rows})
    output = run(streams=["churn_events"])
    records = output.records("churn_events")
    assert [record["licenseDetails"] for record in records] == numbers
    assert [record["id"] for record in records] == [event_id("churn", row) for row in rows]
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


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
    ("report", "stream", "field", "parameter", "since"),
    [
        (CHURN, "churn_events", "lastUpdated", "lastUpdated", "2026-02-15"),
        (FEEDBACK, "feedback", "date", "startDate", "2026-02-15"),
        # Visits are told of up to 30 days late.
        (ATTRIBUTION, "marketing_attribution", "eventTimestamp", "startDate", "2026-01-16"),
    ],
)
def test_the_next_run_asks_from_the_bookmark_less_the_look_back(marketplace, report, stream, field, parameter, since):
    time = " 10:11:12" if field == "eventTimestamp" else ""
    days = ("2026-01-15", since, "2026-02-20")
    rows = [row_of(report, **{field: f"{day}{time}", "transactionId": day}) for day in days]
    fake = marketplace(others={report: rows})
    first = run(streams=[stream])
    assert len(first.records(stream)) == 3
    assert first.bookmark(stream) == "2026-02-20"
    fake.starts.clear()
    fake.pages.clear()
    second = run(first.state, streams=[stream], lookback_days=5)
    asked = [parameters for name, parameters in [*fake.starts, *fake.pages] if name == report]
    assert {each[parameter][0] for each in asked} == {since}
    assert [record[field][:10] for record in second.records(stream)] == [since, "2026-02-20"]
    assert second.bookmark(stream) == "2026-02-20"


def test_attribution_is_a_new_question_each_time_since_the_old_one_has_an_old_answer(marketplace, hour_of_starts):
    days = ("2026-01-15", "2026-02-20")
    fake = marketplace(others={ATTRIBUTION: [row_of(ATTRIBUTION, eventTimestamp=f"{day} 10:11:12") for day in days]})
    hour_of_starts.seconds = HOUR_OF_NUMBER_0
    run(streams=["marketing_attribution"])
    hour_of_starts.seconds += 3600
    # The end that the user names is of no use for that: what lies after it is left out here.
    output = run(streams=["marketing_attribution"], end_date="2026-01-31")
    assert [row["eventTimestamp"][:10] for row in output.records("marketing_attribution")] == ["2026-01-15"]
    first, second = fake.started(ATTRIBUTION)
    assert first == {"accept": ["json"], "startDate": ["2010-01-01"], "endDate": ["2029-04-19"]}
    assert second == {**first, "endDate": ["2029-04-22"]}
    assert not fake.pages


def test_quotes_are_asked_for_by_a_whole_period_that_the_list_names_otherwise(marketplace, hour_of_starts):
    fake = marketplace(others={"quotes": [row_of("quotes")]})
    hour_of_starts.seconds = HOUR_OF_NUMBER_0
    run(streams=["quotes"])
    whole = {"accept": ["json"], "createdStartDate": ["2010-01-01"], "createdEndDate": ["2029-04-19"]}
    assert fake.started("quotes") == [whole]
    assert fake.pages == [("quotes", {"startDate": ["2010-01-01"], "endDate": [tomorrow()], "limit": ["1"]})]


def test_a_full_table_moves_no_bookmark_and_comes_whole_each_time(marketplace):
    marketplace(others={"quotes": [row_of("quotes")]})
    first = run(streams=["quotes"])
    assert first.bookmarks["quotes"] == {}
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


def test_unknown_fields_words_and_nulls_travel_and_odd_dates_become_null(marketplace, caplog):
    event = row_of(CHURN, hosting="Moon", appEdition=None, eventDate="NA", more={"x": [None]})
    marketplace(others={CHURN: [{**event, "eventDate": "soon"}]})
    (record,) = run(streams=["churn_events"]).records("churn_events")
    assert (record["hosting"], record["appEdition"], record["more"]) == ("Moon", None, {"x": [None]})
    assert record["eventDate"] is None
    assert "eventDate held no valid date in 1 rows" in caplog.text
    assert "passed on as they are: more." in caplog.text


@pytest.mark.parametrize("report", REPORTS)
def test_nulls_unknown_fields_and_unknown_words_travel_in_every_stream(marketplace, report):
    stream = REPORTS[report]
    schema = catalog()[stream]["schema"]
    words = {
        "hosting",
        "state",
        "approvalStatus",
        "feedbackType",
        "channel",
        "quoteStatus",
        "appEdition",
        "subscription",
    }
    words = {name for name in words & schema["properties"].keys() if "string" in schema["properties"][name]["type"]}
    assert words or stream == "reviews"
    bare = bare_row(report, newcomer={"deep": [1, None]}, **dict.fromkeys(words, "Quite New"))
    marketplace(others={report: [copy.deepcopy(bare), *([row_of(report)] if stream == "apps" else [])]})
    record = next(record for record in run(streams=[stream]).records(stream) if "newcomer" in record)
    given = {"appKey", "productId", "appSoftwareId", "hosting"} if stream in ("app_versions", "reviews") else set()
    assert {name: record[name] for name in bare.keys() - given} == {name: bare[name] for name in bare.keys() - given}
    assert sum(value is None for value in record.values()) > 2 or stream == "recurring_revenue"
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(record)
