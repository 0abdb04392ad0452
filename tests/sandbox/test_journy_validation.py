"""What journy.io refuses, and the words in which it does."""

import copy

import pytest

from marketplace_sandbox import credentials

ACCOUNT = {"identification": {"accountId": "E-1"}}
USER = {"identification": {"email": "ada@acme.example"}}
EVENT = {"identification": {"account": {"accountId": "E-1"}}, "name": "subscription_started"}
MEMBERS = {"account": {"accountId": "E-1"}, "users": [USER]}


def account_with(value):
    return {**ACCOUNT, "properties": {"name": value}}


def event_with(**fields):
    return {**EVENT, **fields}


REFUSED = [
    ("/accounts/upsert", {}, "identification"),
    ("/accounts/upsert", {"identification": {}}, "identification"),
    ("/accounts/upsert", {"identification": "E-1"}, "identification"),
    ("/accounts/upsert", {"identification": {"accountId": 7}}, "identification.accountId"),
    ("/accounts/upsert", {"identification": {"accountId": ""}}, "identification.accountId"),
    ("/accounts/upsert", {"identification": {"accountId": " E-1"}}, "identification.accountId"),
    ("/accounts/upsert", {"identification": {"domain": "no domain"}}, "identification.domain"),
    ("/accounts/upsert", {"identification": {"email": "a@b.example"}}, "identification.email"),
    ("/accounts/upsert", {**ACCOUNT, "members": []}, "members"),
    ("/accounts/upsert", {**ACCOUNT, "properties": []}, "properties"),
    ("/accounts/upsert", {**ACCOUNT, "properties": {"": 1}}, "properties"),
    ("/accounts/upsert", account_with({"nested": 1}), "properties.name"),
    ("/accounts/upsert", account_with([1, 2]), "properties.name"),
    ("/accounts/upsert", account_with(["a", ""]), "properties.name"),
    ("/accounts/upsert", account_with(["a", None]), "properties.name"),
    ("/users/upsert", {"identification": {"email": "nobody"}}, "identification.email"),
    ("/users/upsert", {"identification": {"email": " ada@acme.example"}}, "identification.email"),
    ("/users/upsert", {"identification": {"email": None}}, "identification.email"),
    ("/users/upsert", {"identification": {"userId": 20}}, "identification.userId"),
    ("/track", {"name": "signed_in"}, "identification"),
    ("/track", {**EVENT, "identification": {}}, "identification"),
    ("/track", {**EVENT, "identification": {"accountId": "E-1"}}, "identification"),
    ("/track", {**EVENT, "identification": {"account": {}}}, "identification.account"),
    ("/track", {**EVENT, "identification": {"user": {"email": "x"}}}, "identification.user.email"),
    ("/track", {"identification": EVENT["identification"]}, "name"),
    ("/track", event_with(name=""), "name"),
    ("/track", event_with(name="signed in"), "name"),
    ("/track", event_with(name=None), "name"),
    ("/track", event_with(metadata=None), "metadata"),
    ("/track", event_with(metadata={"tier": None}), "metadata.tier"),
    ("/track", event_with(metadata={"apps": ["a"]}), "metadata.apps"),
    ("/track", event_with(metadata={"term": {"from": "x"}}), "metadata.term"),
    ("/track", event_with(triggeredAt="2026-03-02"), "triggeredAt"),
    ("/track", event_with(triggeredAt="2026-03-02T12:00:00"), "triggeredAt"),
    ("/track", event_with(triggeredAt="2026-13-02T12:00:00Z"), "triggeredAt"),
    ("/track", event_with(triggeredAt=1772452800), "triggeredAt"),
    ("/track", event_with(recordedAt="2026-03-02T12:00:00Z"), "recordedAt"),
    ("/accounts/users/add", {"account": {"accountId": "E-1"}}, "users"),
    ("/accounts/users/add", {"users": [USER]}, "account"),
    ("/accounts/users/add", {**MEMBERS, "users": {}}, "users"),
    ("/accounts/users/add", {**MEMBERS, "users": [{"email": "ada@acme.example"}]}, "users.0"),
    ("/accounts/users/add", {**MEMBERS, "users": [USER, {"identification": {}}]}, "users.1.identification"),
    ("/accounts/users/remove", {**MEMBERS, "users": [USER] * 101}, "users"),
]


@pytest.mark.parametrize(("path", "body", "field"), REFUSED)
def test_a_wrong_body_is_400_and_changes_nothing(shared_journy, sandbox, path, body, field):
    before = copy.deepcopy(sandbox.journy.snapshot())
    response = shared_journy.post(path, body)
    answer = response.json()
    assert response.status_code == 400
    assert list(answer["errors"]["fields"]) == [field]
    assert answer["meta"]["status"] == 400
    assert answer["meta"]["requestId"]
    assert sandbox.journy.snapshot() == before
    assert not sandbox.journal.calls[-1]["stored"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/accounts/upsert", ACCOUNT),
        ("/accounts/upsert", {"identification": {"accountId": "E-1", "domain": "acme-inc.com"}}),
        ("/accounts/upsert", account_with(None)),
        ("/accounts/upsert", account_with("")),
        ("/accounts/upsert", account_with([])),
        ("/accounts/upsert", account_with(1234.56)),
        ("/users/upsert", USER),
        ("/track", EVENT),
        ("/track", event_with(metadata={"price": 0.1, "tier": "", "manual": True})),
        ("/track", event_with(triggeredAt="2026-03-02T12:00:00Z")),
        ("/track", event_with(triggeredAt="2026-03-02T12:00:00.123+01:00")),
        ("/accounts/users/add", {**MEMBERS, "users": [USER] * 100}),
    ],
)
def test_a_right_body_is_201(journy, path, body):
    response = journy.post(path, body)
    assert response.status_code == 201, response.text
    assert response.json()["meta"]["status"] == 201
    assert "rejected" not in response.json()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '"text"', '{"identification": {"accountId": "a"}, "properties": {"x": NaN}}']
)
def test_what_is_no_json_object_is_400(shared_journy, text):
    assert shared_journy.call("POST", "/accounts/upsert", data=text).status_code == 400


@pytest.mark.parametrize(
    ("key", "status"), [(None, 401), ("", 401), ("unknown", 401), (credentials.JOURNY_DISABLED_KEY, 403)]
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/validate"), ("POST", "/track"), ("DELETE", "/users")])
def test_the_key_is_checked_first(shared_journy, key, status, method, path):
    response = shared_journy.call(method, path, key=key)
    assert response.status_code == status
    assert set(response.json()) == {"meta", "message"}


@pytest.mark.parametrize(("method", "path"), [("GET", "/track"), ("POST", "/nothing"), ("POST", "/users/")])
def test_other_operations_do_not_exist(shared_journy, method, path):
    assert shared_journy.call(method, path).status_code == 404
