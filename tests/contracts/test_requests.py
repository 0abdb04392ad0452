"""The check of requests finds what is wrong with them."""

import pytest
from tests.contracts.openapi import assert_requests_fit, misfits

SPACE = "/marketplace/rest/3/reporting/developer-space/5d1c2f6e"
UPSERT = {"side": "journy", "method": "POST", "path": "/journy/accounts/upsert", "query": ""}
ACCOUNT = {"accountId": "E-1"}
EVENT = {"identification": {"account": ACCOUNT}, "name": "x"}


def get(path, query="", method="GET"):
    return {"side": "marketplace", "method": method, "path": path, "query": query}


def post(path, body):
    return {**UPSERT, "path": f"/journy{path}", "body": body}


@pytest.mark.parametrize(
    "call",
    [
        get(SPACE),
        get(f"{SPACE}/licenses", "limit=50&offset=100&withDataInsights=true&startDate=2018-07-01"),
        get(f"{SPACE}/licenses/async/export", "productId=a&productId=b&accept=json&dateType=start", "POST"),
        get(f"{SPACE}/sales/transactions/async/export/0b/status"),
        get(f"{SPACE}/sales/transactions/export", "includeManualInvoice=true&hosting=cloud&hosting=server"),
        get("/marketplace/rest/3/developer-space/vendor/1212980"),
        post(
            "/accounts/upsert", {"identification": ACCOUNT, "properties": {"a": None, "b": 1.5, "c": ["x"], "d": "t"}}
        ),
        post("/track", {**EVENT, "metadata": {"a": "t", "b": True}}),
        post("/accounts/users/add", {"account": ACCOUNT, "users": [{"identification": {"email": "a@b.example"}}]}),
        {"side": "journy", "method": "GET", "path": "/journy/validate", "query": ""},
    ],
)
def test_a_right_request_fits(call):
    assert misfits(call) == []
    assert_requests_fit([call])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (get(f"{SPACE}/licences"), "path is not described"),
        (get("/marketplace/rest/2/vendors/1/reporting/licenses"), "path is not described"),
        (get(f"{SPACE}/licenses/async/export"), "method is not described"),
        (get(f"{SPACE}/licenses", "color=red"), "?color= is not described"),
        (get(f"{SPACE}/licenses", "accept=json"), "?accept= is not described"),
        (get(f"{SPACE}/licenses", "hosting=Cloud"), "?hosting=Cloud is not one of cloud"),
        (get(f"{SPACE}/licenses", "cloudComplianceBoundaries=moon"), "=moon is not one of commercial"),
        (get(f"{SPACE}/licenses", "startDate=1.2.2026"), "?startDate=1.2.2026 is not a date"),
        (get(f"{SPACE}/licenses", "limit=all"), "?limit=all is not a number"),
        (get(f"{SPACE}/licenses", "withDataInsights=True"), "=True is not true or false"),
        (get(f"{SPACE}/licenses", "text="), "?text= is not a value"),
        (get(f"{SPACE}/licenses", "limit=1&limit=2"), "?limit= is given 2 times"),
        ({"side": "journy", "method": "GET", "path": "/journy/tracking/snippet", "query": ""}, "?domain= is required"),
        ({**UPSERT, "method": "PUT"}, "method is not described"),
        (UPSERT, "a body is required"),
        (post("/accounts/upsert", {}), "$: 'identification' is a required property"),
        (post("/accounts/upsert", "{"), "is not of type 'object'"),
        (post("/accounts/upsert", {"identification": {}}), "$.identification: "),
        (post("/accounts/upsert", {"identification": ACCOUNT, "properties": {"a": {}}}), "$.properties.a: "),
        (post("/accounts/upsert", {"identification": ACCOUNT, "properties": {"a": [1]}}), "$.properties.a: "),
        (post("/accounts/upsert", {"identification": ACCOUNT, "color": "red"}), "'color' was unexpected"),
        (post("/track", {**EVENT, "identification": {"account": {**ACCOUNT, "name": "x"}}}), "identification"),
        (post("/users/upsert", {"identification": {"email": 1}}), "$.identification.email: "),
        (post("/track", {"identification": {"account": ACCOUNT}}), "'name' is a required property"),
        (
            post("/track", {**EVENT, "metadata": {"a": None}}),
            "$.metadata.a",
        ),
        (
            post("/track", {**EVENT, "metadata": {"a": ["b"]}}),
            "$.metadata.a",
        ),
        (post("/accounts/users/add", {"account": ACCOUNT, "users": [{"email": "a"}]}), "$.users[0]"),
        ({**get(SPACE), "body": {}}, "a body is not described"),
    ],
)
def test_a_wrong_request_is_found(call, words):
    assert any(words in misfit for misfit in misfits(call)), misfits(call)
    with pytest.raises(AssertionError, match=": "):
        assert_requests_fit([call])


def test_a_run_without_requests_proves_nothing():
    with pytest.raises(AssertionError, match="no call"):
        assert_requests_fit([])
