"""The SDK's own suite, offline: against made-up answers, and over real sockets against the sandbox."""

from __future__ import annotations

import pytest
import requests_mock
from singer_sdk.testing import SuiteConfig, get_tap_test_class
from tests.tap.catalogue import at, catalog, paths, values, walk
from tests.tap.every_field import EVERY_LICENSE_FIELD, EVERY_TRANSACTION_FIELD
from tests.tap.every_other_field import EVERY_OTHER_FIELD
from tests.tap.fake_marketplace import CONFIG, FakeMarketplace, transaction_row

from tap_atlassian_marketplace.streams import OwnReportStream
from tap_atlassian_marketplace.tap import TapAtlassianMarketplace


def everything_selected():
    """The catalogue with all streams selected, also those that are not by default."""
    catalog = TapAtlassianMarketplace(validate_config=False).catalog_dict
    for stream in catalog["streams"]:
        for entry in stream["metadata"]:
            entry["metadata"]["selected"] = True
    return catalog


# The other one counts as a refund, since it gives a reason for a credit note.
SALE = transaction_row(
    1,
    1,
    purchaseDetails={
        "saleDate": "2026-01-01",
        "saleType": "New",
        "purchasePrice": 120,
        "vendorAmount": 90,
        "maintenanceStartDate": "2026-01-01",
        "maintenanceEndDate": "2027-01-01",
    },
)


class TestAgainstMadeUpAnswers(
    get_tap_test_class(TapAtlassianMarketplace, config=CONFIG, catalog=everything_selected(), parse_env_config=False)
):
    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def fake_api(cls):
        with requests_mock.Mocker() as mock:
            yield FakeMarketplace(mock, [EVERY_LICENSE_FIELD], [EVERY_TRANSACTION_FIELD, SALE], EVERY_OTHER_FIELD)


sandbox = pytest.importorskip("marketplace_sandbox.server", reason="the sandbox is not installed")
credentials = pytest.importorskip("marketplace_sandbox.credentials")

_HOSTINGS = {"Cloud", "Server", "Data Center"}
KNOWN_WORDS = {
    "licenses": (".licenseSourceType", {"Atlassian", "Non-Atlassian"}),
    "transactions": (".purchaseDetails.changeInTier", {"Increase", "Decrease", "Not Applicable"}),
    "churn_events": (".hosting", _HOSTINGS),
    "conversion_events": (".hosting", _HOSTINGS),
    "renewal_events": (".hosting", _HOSTINGS),
    "feedback": (".feedbackType", {"uninstall", "disable", "unsubscribe"}),
    "quotes": (".quoteStatus", {"ACCEPTED"}),
    "marketing_attribution": (
        ".channel",
        {"direct", "email", "in-product-referral", "organic", "referral-external", "paid-search-branded"},
    ),
    "recurring_revenue": (".subscription", {"MONTHLY", "ANNUAL"}),
    "apps": (".approvalStatus", {"APPROVED", "SUBMITTED", "REJECTED", "NOT_ASSIGNED"}),
    "app_versions": (".state", {"draft", "submitted", "approved", "auto-approved", "active", "rejected", "archived"}),
    "reviews": (".productHosting", {"cloud", "server", "datacenter"}),
}
"""For each stream of the API a field that holds one of some words, as far as they are known."""

# Filled in when the sandbox listens; the SDK builds its tests from the class before that.
SANDBOX_CONFIG = {
    "email": credentials.VENDOR_EMAIL,
    "api_token": credentials.API_TOKEN,
    "vendor_id": credentials.VENDOR_ID,
}


@pytest.mark.filterwarnings("ignore:Fields in transformed catalog but not in records")
class TestAgainstTheSandbox(
    get_tap_test_class(
        TapAtlassianMarketplace,
        config=SANDBOX_CONFIG,
        catalog=everything_selected(),
        suite_config=SuiteConfig(max_records_limit=10_000),
        parse_env_config=False,
    )
):
    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def real_sockets(cls):
        with sandbox.running(customers=10) as running:
            SANDBOX_CONFIG["api_url"] = running.marketplace_url
            yield running

    def test_tap_stream_record_schema_matches_transformed_catalog(self, runner, stream):
        """Some rows of the sandbox hold a field that no schema knows, which must travel all the same.

        Those of transactions lie deeper; contacts and customers are made by the tap.
        """
        known = set(stream.stream_maps[-1].transformed_schema["properties"])
        unknown = set().union(*runner.records[stream.name]) - known
        assert bool(unknown) == (stream.name == "licenses" or isinstance(stream, OwnReportStream))

    def test_each_stream_of_the_api_has_nulls_unknown_fields_and_unknown_words(self, runner):
        """Whatever the other tests of the suite say of the streams, they say of such rows, too."""
        for name, (place, words) in KNOWN_WORDS.items():
            records = runner.records[name]
            found = {text for record in records if isinstance(text := at(record, place), str)}
            assert found - words, name
            assert found & words, name
            declared = {path for path, _ in walk(catalog()[name]["schema"])}
            assert {path for record in records for path in paths(record)} - declared, name
            assert any(None in values(record) for record in records), name
