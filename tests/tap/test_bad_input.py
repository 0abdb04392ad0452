from __future__ import annotations

import logging
import ssl

import pytest
import requests
import requests_mock
from tests.tap.fake_marketplace import CONFIG, DEVELOPER, REPORTS, TOKEN, URL, VENDOR, license_row, run

from marketplace_http import RetryPolicy
from marketplace_singer import SettingsError
from tap_atlassian_marketplace.catalogue import product_ids
from tap_atlassian_marketplace.client import MarketplaceClient
from tap_atlassian_marketplace.errors import MarketplaceError, StreamsFailedError, TapError
from tap_atlassian_marketplace.settings import Settings
from tap_atlassian_marketplace.tap import TapAtlassianMarketplace

BODY = {"message": f"no, {TOKEN} of jane@customer.example"}


def client(**settings):
    return MarketplaceClient(Settings.from_config({**CONFIG, **settings}), retry=RetryPolicy(tries=2, base=0))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, ["rejected a parameter", "400"]),
        (401, ["401", "`email` and `api_token`", "expired", "one year", "https://id.atlassian.com/manage-profile"]),
        (403, ["403", '"View sales reports"', '"View all other reports"', "`developer_id` or `vendor_id`"]),
        (404, ["404", "`developer_id` is unknown"]),
        (410, ["410", "`api_url`", "retired version 2", "https://api.atlassian.com/marketplace"]),
        (418, ["418", "`api_url`"]),
        (429, ["429", "`max_parallel_requests`"]),
        (408, ["408", "run again later"]),
        (425, ["425", "run again later"]),
        (503, ["503", "run again later"]),
        (302, ["redirect", "`api_url`"]),
    ],
)
def test_each_status_says_what_to_do(status, words):
    with requests_mock.Mocker() as mock:
        mock.get(REPORTS, status_code=status, json=BODY)
        with pytest.raises(MarketplaceError) as caught:
            client(developer_id=DEVELOPER).check()
    text = str(caught.value)
    assert all(word in text for word in words), text
    assert "\n" not in text
    assert TOKEN not in text
    assert "jane" not in text


@pytest.mark.parametrize(
    ("parameter", "setting"),
    [("status", "license_statuses"), ("hosting", "hostings"), ("sortBy", "filters"), ("lastUpdated", "start_date")],
)
def test_a_refused_parameter_names_its_setting(parameter, setting):
    with requests_mock.Mocker() as mock:
        mock.get(REPORTS, status_code=400, json={"errors": [{"message": "Must be one of: a, b", "path": parameter}]})
        with pytest.raises(MarketplaceError, match=f"Must be one of: a, b.*check .*{setting}"):
            client(developer_id=DEVELOPER).check()


def test_an_unknown_vendor():
    with requests_mock.Mocker() as mock:
        mock.get(f"{URL}/developer-space/vendor/{VENDOR}", status_code=404, json=BODY)
        with pytest.raises(MarketplaceError, match=f"404.*`vendor_id` {VENDOR} is unknown"):
            client().check()
        mock.get(f"{URL}/developer-space/vendor/{VENDOR}", json={"developerId": None})
        with pytest.raises(MarketplaceError, match="no developer id"):
            client().check()


@pytest.mark.parametrize("error", [requests.ConnectTimeout, requests.ReadTimeout, requests.ConnectionError])
def test_no_answer(error):
    with requests_mock.Mocker() as mock:
        mock.get(REPORTS, exc=error(f"{TOKEN} jane@customer.example"))
        with pytest.raises(MarketplaceError, match=r"No answer from api.atlassian.com.*`api_url`") as caught:
            client(developer_id=DEVELOPER).check()
    assert TOKEN not in str(caught.value)


def test_an_answer_that_is_not_json():
    with requests_mock.Mocker() as mock:
        mock.get(REPORTS, text="<html>")
        with pytest.raises(MarketplaceError, match=r"not JSON.*`api_url`"):
            client(developer_id=DEVELOPER).check()


def test_an_unknown_app_key_lists_the_known_ones(marketplace):
    marketplace()
    with pytest.raises(MarketplaceError) as caught:
        run(app_keys=["com.example.one", "com.example.typo"])
    assert "com.example.typo." in str(caught.value)
    assert "com.example.one, com.example.two." in str(caught.value)


def test_product_pages_that_go_round_in_circles_end(marketplace):
    fake = marketplace()
    page = {"items": [{"appKey": "a", "productId": "p"}, "odd"], "links": {"next": "/x?cursor=again"}}
    fake.mock.get(f"{URL}/product-listing/developer-space/{DEVELOPER}", json=page)
    with pytest.raises(MarketplaceError, match="go round in circles"):
        product_ids(client(), ["a"])


def test_products_that_are_none_are_passed_over(marketplace):
    fake = marketplace()
    page = {"items": [{"appKey": "a", "productId": "p"}, "odd", {"appKey": "b"}], "links": {"self": "/x"}}
    fake.mock.get(f"{URL}/product-listing/developer-space/{DEVELOPER}", json=page)
    assert product_ids(client(), ["a"]) == ["p"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"vendor_id": None}, ["'developer_id'", "'vendor_id'"]),
        ({"vendor_id": " "}, ["'developer_id'", "'vendor_id'"]),
        ({"start_date": "2026-13-01"}, ["'start_date'", "such as 2026-01-31"]),
        ({"start_date": "01/02/2026"}, ["'start_date'", "such as 2026-01-31"]),
        ({"end_date": "2026-1-1"}, ["'end_date'", "such as 2026-01-31"]),
        ({"start_date": "2026-02-01", "end_date": "2026-01-01"}, ["'start_date'", "'end_date'"]),
        ({"api_url": "https://[bad"}, ["'api_url'"]),
        ({"api_url": "https://api.atlassian.com:99999"}, ["'api_url'"]),
        ({"user_agent": "a\nb"}, ["'user_agent'"]),
        ({"user_agent": "agent ☂"}, ["'user_agent'"]),
        ({"spool_dir": "a\0b"}, ["'spool_dir'"]),
        ({"export_timeout": 10**400}, ["'export_timeout'"]),
        ({"max_parallel_requests": 10**9}, ["'max_parallel_requests'"]),
        ({"api_url": "api.atlassian.com"}, ["'api_url'"]),
        ({"api_url": "http://api.atlassian.com/marketplace"}, ["'api_url'", "https"]),
        ({"api_url": f"https://me:{TOKEN}@api.atlassian.com"}, ["'api_url'", "credentials"]),
        ({"app_keys": "[broken"}, ["'app_keys'"]),
        ({"email": " "}, ["'email'"]),
        ({"lookback_days": -1}, ["'lookback_days'"]),
        ({"lookback_days": "many"}, ["'lookback_days'", "integer"]),
        ({"export_timeout": 0}, ["'export_timeout'"]),
        ({"include_free_apps": "perhaps"}, ["'include_free_apps'", "boolean"]),
        ({"api_token": [TOKEN]}, ["'api_token'", "string"]),
        ({"app_keys": [1]}, ["'app_keys.0'", "string"]),
    ],
)
def test_bad_settings_name_the_setting_and_no_secret(change, words):
    with pytest.raises(SettingsError) as caught:
        _ = TapAtlassianMarketplace(config={**CONFIG, **change}).settings
    assert all(word in str(caught.value) for word in words), caught.value
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("name", ["email", "api_token"])
def test_missing_settings(name):
    with pytest.raises(SettingsError, match=f"setting '{name}' is missing"):
        TapAtlassianMarketplace(config={key: value for key, value in CONFIG.items() if key != name})


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("https://api.example.com/marketplace/", "https://api.example.com/marketplace"),
        ("https://api.example.com/marketplace/rest/3/", "https://api.example.com/marketplace"),
        ("http://127.0.0.1:8765/marketplace", "http://127.0.0.1:8765/marketplace"),
        (None, "https://api.atlassian.com/marketplace"),
    ],
)
def test_api_url(given, meant):
    assert Settings.from_config({**CONFIG, "api_url": given}).api_url == meant


@pytest.mark.parametrize("vendor", [4711, 4711.0, "4711", " 4711 "])
def test_ids_may_be_numbers_or_text(vendor):
    assert Settings.from_config({**CONFIG, "vendor_id": vendor}).vendor_id == "4711"


@pytest.mark.parametrize("given", [["a", "b", "a", " "], "a, b,", '["a","b"]'])
def test_lists_may_be_text(given):
    assert Settings.from_config({**CONFIG, "app_keys": given}).app_keys == ("a", "b")


def test_the_home_directory_may_be_meant(monkeypatch):
    monkeypatch.setenv("HOME", "/home/jane")
    assert Settings.from_config({**CONFIG, "spool_dir": "~/spool"}).spool_dir == "/home/jane/spool"


def test_no_log_line_holds_a_secret(marketplace, caplog):
    marketplace([license_row(1, lastUpdated="soon"), {"status": "active"}])
    with caplog.at_level(logging.DEBUG):
        run()
    assert "1 rows without an id were left out" in caplog.text
    assert TOKEN not in caplog.text
    assert "person1@example.com" not in caplog.text.lower()


def test_every_expected_error_is_one_kind():
    assert issubclass(MarketplaceError, TapError)


def test_a_certificate_that_cannot_be_verified_ends_the_run_at_the_first_try(marketplace):
    fake = marketplace()
    unverified = ssl.SSLCertVerificationError(1, "certificate verify failed")
    unverified.verify_message = "self-signed certificate"
    wrapped = requests.exceptions.SSLError("no")
    wrapped.__cause__ = unverified
    fake.mock.post(requests_mock.ANY, exc=wrapped)
    with pytest.raises(StreamsFailedError) as caught:
        run()
    (line,) = caught.value.lines
    assert line.startswith("licenses, contacts, transactions: No answer from api.atlassian.com: its certificate cannot")
    assert "REQUESTS_CA_BUNDLE" in line
    assert fake.pages == []
