"""What reaches stdout is what the Marketplace sent: every field, every number, in the agreed order."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from tests.tap.catalogue import paths, walk
from tests.tap.every_field import EVERY_LICENSE_FIELD, EVERY_TRANSACTION_FIELD
from tests.tap.fake_marketplace import license_row, run, transaction_row

from tap_atlassian_marketplace.sdk import BookmarkedStream
from tap_atlassian_marketplace.streams import NAMES
from tap_atlassian_marketplace.tap import TapAtlassianMarketplace

SNAPSHOT = Path(__file__).parent / "catalog.json"
SPEC = Path(__file__).parents[3] / "shared" / "specs" / "atlassian-marketplace-v3.openapi.json"
DATES = {"lastUpdated", "saleDate", "maintenanceStartDate", "maintenanceEndDate", "latestMaintenanceStartDate"}


def catalog():
    return TapAtlassianMarketplace(validate_config=False).catalog_dict


def schemas():
    return {entry["stream"]: entry["schema"] for entry in catalog()["streams"]}


def test_the_catalogue_is_the_agreed_one():
    """Write the snapshot anew with `tap-atlassian-marketplace --discover` when a change is meant."""
    text = TapAtlassianMarketplace(validate_config=False).catalog_json_text
    assert json.loads(text) == json.loads(SNAPSHOT.read_text("utf-8"))


def test_streams_come_in_their_order(marketplace):
    marketplace([license_row(1)], [transaction_row(1, 1)])
    assert [m["stream"] for m in run().messages if m["type"] == "SCHEMA"] == ["licenses", "contacts", "transactions"]


@pytest.mark.parametrize("stream", ["licenses", "contacts", "transactions"])
def test_schemas_are_open(stream):
    keys = set(next(e for e in catalog()["streams"] if e["stream"] == stream)["key_properties"])
    for path, schema in walk(schemas()[stream]):
        name = path.rsplit(".", 1)[-1]
        assert "enum" not in schema, path
        if "properties" in schema:
            assert schema["additionalProperties"] is True, path
        if path and name not in keys | {"aliases", "aliases[]", "forgotten"}:
            assert "null" in schema["type"], path
        is_nested_original = "originalTransactionDetails" in path
        assert (schema.get("format") == "date") == (name in DATES and not is_nested_original), path


@pytest.mark.parametrize("stream", NAMES)
def test_every_field_of_every_stream_is_described(stream):
    inner = {path: schema for path, schema in walk(schemas()[stream]) if path and not path.endswith("[]")}
    assert inner
    assert [path for path, schema in inner.items() if not schema.get("description", "").strip()] == []


@pytest.mark.parametrize(
    ("row", "name"), [(EVERY_LICENSE_FIELD, "licenses"), (EVERY_TRANSACTION_FIELD, "transactions")]
)
def test_the_row_with_every_field_has_every_field_and_no_other(row, name):
    declared = {path for path, schema in walk(schemas()[name]) if path and not path.endswith("[]")}
    own = {".id", ".account_id", ".aliases"}
    assert set(paths(row)) | own == declared | own


def test_every_field_arrives_as_sent(marketplace):
    marketplace([EVERY_LICENSE_FIELD], [EVERY_TRANSACTION_FIELD])
    output = run()
    (licence,), (sale,) = output.records("licenses"), output.records("transactions")
    aliases = ["E-111-AAA-AAA-11A", "1a1a11aa-aa11-1a11-aa1a-aa111a1111a1", "SEN-123", "123"]
    own = {"account_id": "E-111-AAA-AAA-11A", "aliases": aliases}
    assert licence == {**EVERY_LICENSE_FIELD, **own, "id": "123"}
    assert sale == {**EVERY_TRANSACTION_FIELD, **own}
    for stream, record in (("licenses", licence), ("transactions", sale)):
        Draft202012Validator(schemas()[stream], format_checker=FormatChecker()).validate(record)


def test_unknown_fields_travel_even_where_the_catalogue_lacks_them(marketplace):
    row = license_row(1, newField={"deep": [{"x": 1}]}, contactDetails={"nick": "n", "technicalContact": {"fax": "1"}})
    marketplace([row], [transaction_row(1, 1, purchaseDetails={"saleDate": "2026-01-01", "currency": "EUR"})])
    chosen = catalog()
    for entry in chosen["streams"]:
        # As `meltano run` writes it: every known field selected, one of them not known to this catalogue.
        for item in entry["metadata"]:
            item["metadata"]["selected"] = True
        entry["schema"]["properties"].pop("status", None)
        entry["metadata"] = [m for m in entry["metadata"] if m["breadcrumb"] != ["properties", "status"]]
    output = run(catalog=chosen)
    (licence,), (sale,) = output.records("licenses"), output.records("transactions")
    assert licence["newField"] == {"deep": [{"x": 1}]}
    assert licence["contactDetails"] == {"nick": "n", "technicalContact": {"fax": "1"}}
    assert licence["status"] == "active"
    assert sale["purchaseDetails"]["currency"] == "EUR"


IDS_ALONE = {"addonLicenseId": "124", "transactionId": "IN-1", "transactionLineItemId": "1"}


@pytest.mark.parametrize(
    ("stream", "row", "words"),
    [
        ("licenses", EVERY_LICENSE_FIELD, ("hosting", "status", "licenseType", "tier", "licenseLevel")),
        ("transactions", EVERY_TRANSACTION_FIELD, ("paymentStatus", "licenseLevel")),
    ],
)
def test_nulls_unknown_fields_and_unknown_words_travel(marketplace, stream, row, words):
    """Alone, and where they meet whole rows; nothing that is computed of them fails either."""
    odd = {**dict.fromkeys(row), **IDS_ALONE, **dict.fromkeys(words, "Quite New"), "newcomer": {"deep": [1, None]}}
    odd = {name: value for name, value in odd.items() if name in {*row, "newcomer"}}
    nested = {
        **odd,
        **{name: dict.fromkeys(value) for name, value in row.items() if isinstance(value, dict)},
        **{name: f"{value}, nested" for name, value in odd.items() if name in IDS_ALONE},
    }
    if stream == "transactions":
        nested["purchaseDetails"] |= dict.fromkeys(("saleType", "hosting", "tier", "changeInTier"), "Quite New")
    rows = [odd, nested, row]
    marketplace(*((rows, []) if stream == "licenses" else ([EVERY_LICENSE_FIELD], rows)))
    output = run(streams=NAMES)
    for sent in rows:
        (record,) = [each for each in output.records(stream) if sent.items() <= each.items()]
        assert record.keys() - sent.keys() <= {"id", "account_id", "aliases"}
    for name, schema in schemas().items():
        for record in output.records(name):
            Draft202012Validator(schema, format_checker=FormatChecker()).validate(record)
    assert all(output.records(name) for name in ("contacts", "accounts", "people"))


@pytest.mark.parametrize("method", ["INCREMENTAL", "FULL_TABLE"])
def test_the_short_way_out_writes_what_the_sdk_writes(marketplace, monkeypatch, method):
    marketplace([EVERY_LICENSE_FIELD, license_row(1, price=1.1)], [EVERY_TRANSACTION_FIELD, transaction_row(1, 1)])
    chosen = catalog()
    for entry in chosen["streams"]:
        entry["replication_method"] = method
    options = {"catalog": chosen, "emit_activate_version_messages": True}
    short = run(**copy.deepcopy(options))
    monkeypatch.setattr(BookmarkedStream, "writes_records_as_they_are", False)
    long = run(**copy.deepcopy(options))
    for output in (short, long):
        for message in output.messages:
            message.pop("version", None)
            if message["type"] == "STATE":
                for entry in message["value"]["bookmarks"].values():
                    entry.pop("version", None)
            if message["type"] == "RECORD":
                assert message.pop("time_extracted").endswith("Z")
    assert short.messages == long.messages
    assert [list(message) for message in short.messages] == [list(message) for message in long.messages]


def test_flattening_of_the_sdk_works(marketplace):
    marketplace([license_row(1)])
    (record, *_) = run(flattening_enabled=True, flattening_max_depth=3).records("licenses")
    assert record["contactDetails__technicalContact__email"] == "Person1@example.com"


def test_unknown_fields_are_reported_once_by_name_and_never_by_value(marketplace, caplog):
    rows = [
        license_row(n, odd={"deep": f"jane{n}"}, contactDetails={"technicalContact": {"fax": f"fax-555-{n}"}})
        for n in range(3)
    ]
    line = {"amount": 1, "vat": 7}
    sale = transaction_row(1, 1, purchaseDetails={"saleDate": "2026-01-01", "discounts": [{}, line], "currency": "EUR"})
    marketplace(rows, [sale])
    run()
    known = "Fields that the schema does not know, passed on as they are: "
    assert [record.message.removeprefix(known) for record in caplog.records if known in record.message] == [
        "contactDetails.technicalContact.fax, odd.",
        "purchaseDetails.currency, purchaseDetails.discounts.vat.",
    ]
    assert not any(value in caplog.text for value in ("jane", "fax-555", "EUR"))


def test_not_even_the_names_of_unknown_fields_flood_the_log(marketplace, caplog):
    rows = [license_row(n, **{f"jane{n}@customer.example": 1, "x" * 5000: 2}) for n in range(300)]
    marketplace(rows)
    run(streams=["licenses"])
    (line,) = [record.message for record in caplog.records if "does not know" in record.message]
    assert line.count(",") < 60
    assert len(line) < 5000


def test_deselected_fields_and_streams_stay_away(marketplace):
    fake = marketplace([license_row(1, hosting="Cloud")])
    chosen = catalog()
    for entry in chosen["streams"]:
        for item in entry["metadata"]:
            item["metadata"]["selected"] = entry["stream"] == "licenses" and item["breadcrumb"] != [
                "properties",
                "hosting",
            ]
    output = run(catalog=chosen)
    assert "hosting" not in output.records("licenses")[0]
    assert output.records("contacts") == output.records("transactions") == []
    assert {report for report, _ in fake.starts} == {"licenses"}


@pytest.mark.parametrize(
    ("sent", "written"),
    [("1234.56", "1234.56"), ("0.1", "0.1"), ("12345678901234.56", "12345678901234.56"), ("-7.10", "-7.10"),
     ("100", "100"), ("1e2", "1E+2"), ("0", "0"), ("-0.005", "-0.005")],
)  # fmt: skip
def test_money_stays_exact(marketplace, sent, written):
    fake = marketplace()
    fake.content = (
        b'[{"transactionId":"IN-1","transactionLineItemId":"1","addonLicenseId":"1","purchaseDetails":'
        b'{"purchasePrice":' + sent.encode() + b'},"discounts":[{"amount":' + sent.encode() + b"}]}]"
    )
    text = run(streams=["transactions"]).text
    assert f'"purchasePrice":{written}}}' in text
    assert f'"amount":{written}}}' in text


def test_invalid_dates_become_null_and_are_reported_by_field(marketplace, caplog):
    marketplace(
        [license_row(1, maintenanceEndDate="NA", latestEvaluationStartDate="NA", evaluationEndDate="Pending")],
        [
            transaction_row(1, 1, purchaseDetails={"saleDate": "2026-02-30", "maintenanceStartDate": 5}),
            transaction_row(2, 1, purchaseDetails={"saleDate": "31.01.2026"}),
            transaction_row(3, 1, purchaseDetails=None),
        ],
    )
    output = run()
    (licence,) = output.records("licenses")
    assert licence["maintenanceEndDate"] is None
    assert (licence["latestEvaluationStartDate"], licence["evaluationEndDate"]) == ("NA", "Pending")
    assert output.records("transactions")[0]["purchaseDetails"] == {"saleDate": None, "maintenanceStartDate": None}
    assert "maintenanceEndDate held no valid date in 1 rows" in caplog.text
    assert "purchaseDetails.saleDate held no valid date in 2 rows" in caplog.text
    assert "31.01" not in caplog.text


def test_licences_of_both_windows_are_merged(marketplace):
    old = license_row(1, maintenanceStartDate="2017-01-01", anyWindow=True)
    fake = marketplace([old, license_row(2)])
    insights = {"evaluationOpportunitySize": "NA"}
    fake.matches = lambda report, row, parameters: (
        row.update(insights) if "withDataInsights" in parameters else row.pop("evaluationOpportunitySize", None),
        row.get("anyWindow") or parameters["startDate"] == ["2018-07-01"],
    )[1]
    records = run(streams=["licenses"], max_parallel_requests=1).records("licenses")
    assert [record["id"] for record in records] == ["id-1", "id-2"]
    assert records[0]["evaluationOpportunitySize"] == "NA"


def test_contacts_come_from_the_merged_licences(marketplace):
    marketplace([license_row(1), copy.deepcopy(license_row(1, lastUpdated="2026-02-09"))])
    records = run().records("contacts")
    assert [(r["license_id"], r["role"], r["lastUpdated"]) for r in records] == [
        ("id-1", role, "2026-02-09") for role in ("technical", "billing", "partner")
    ]
    assert records[0]["email"] == "person1@example.com"


def test_stream_maps_of_the_sdk_work(marketplace):
    marketplace([license_row(1)])
    maps = {"licenses": {"id": "id", "mail": "contactDetails['technicalContact']['email']", "__else__": None}}
    output = run(streams=["licenses"], stream_maps=maps)
    assert output.records("licenses") == [{"id": "id-1", "mail": "Person1@example.com"}]


@pytest.mark.skipif(not SPEC.exists(), reason="the API description is not at hand")
@pytest.mark.parametrize(
    ("component", "rows", "stream"),
    [
        ("Reports_GetLicenses", "licenses", "licenses"),
        ("Reports_GetTransactions", "transactions", "transactions"),
    ],
)
def test_the_examples_of_the_api_reference_pass(marketplace, component, rows, stream):
    examples = json.loads(SPEC.read_text("utf-8"))["components"]["schemas"][component]["example"][rows]
    examples = examples if isinstance(examples, list) else [examples]
    fake = marketplace(**{rows: copy.deepcopy(examples)})
    fake.matches = lambda *_: True
    records = run().records(stream)
    assert len(records) == len(examples)
    for example, record in zip(examples, records, strict=True):
        assert record.items() >= example.items()
        Draft202012Validator(schemas()[stream], format_checker=FormatChecker()).validate(record)
        assert set(paths(example)) <= {path for path, _ in walk(schemas()[stream])}
