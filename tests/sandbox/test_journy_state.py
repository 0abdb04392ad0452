"""What journy.io keeps: typed properties, members, events, and whom it takes for the same."""

import pytest
import requests

NOON = "2026-03-02T12:00:00Z"


def show(sandbox):
    return requests.get(f"{sandbox.url}/_journy", timeout=10).json()


@pytest.mark.parametrize("kind", ["account", "user"])
@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        ("2026-03-02", True, "Expected a date but found a boolean."),
        (NOON, "NA", "Expected a date but found a string."),
        (100, "100 Users", "Expected a number but found a string."),
        ("Gold", 1, "Expected a string but found a number."),
        (True, 1, "Expected a boolean but found a number."),
        (["a"], "a", "Expected a list but found a string."),
    ],
)
def test_the_first_value_fixes_the_type(journy, fresh, kind, first, second, reason):
    upsert, key = (journy.account, "E-1") if kind == "account" else (journy.user, "ada@acme.example")
    upsert(key, plan=first)
    response = upsert(key, plan=second, name="Acme")
    assert (response.status_code, response.json()["rejected"]) == (201, {"plan": reason})
    assert show(fresh)[f"{kind}s"][key]["properties"] == {"plan": first, "name": "Acme"}


def test_a_type_holds_for_all_accounts_and_not_for_users(journy):
    journy.account("E-1", size=5)
    assert journy.account("E-2", size="five").json()["rejected"]
    assert "rejected" not in journy.user("ada@acme.example", size="five").json()


def test_a_refused_first_value_or_null_fixes_no_type(journy):
    journy.account("E-1", size=None)
    assert "rejected" not in journy.account("E-1", size="large").json()


@pytest.mark.parametrize(("first", "second"), [(1, 1.5), ("Gold", "2026-03-02"), ("2026-03-02", NOON), ("Gold", "")])
def test_values_of_one_type(journy, fresh, first, second):
    journy.account("E-1", plan=first)
    assert "rejected" not in journy.account("E-1", plan=second).json()
    assert show(fresh)["accounts"]["E-1"]["properties"] == {"plan": second}


def test_null_deletes_absent_leaves_and_empty_stays(journy, fresh):
    journy.account("E-1", name="Acme", plan="Gold", city="Ghent")
    journy.account("E-1", plan=None, city="")
    assert show(fresh)["accounts"]["E-1"]["properties"] == {"name": "Acme", "city": ""}


def test_members_are_added_once_removed_and_kept_as_users(journy, fresh):
    assert journy.members("add", "E-1", "ada@acme.example", "ben@acme.example").status_code == 201
    journy.members("add", "E-1", "ada@acme.example")
    removal = journy.members("remove", "E-1", "ada@acme.example")
    assert (removal.status_code, removal.content) == (204, b"")
    content = show(fresh)
    assert content["accounts"]["E-1"]["users"] == ["ben@acme.example"]
    assert content["accounts"]["E-1"]["removed"] == ["ada@acme.example"]
    assert set(content["users"]) == {"ada@acme.example", "ben@acme.example"}
    journy.members("add", "E-1", "ada@acme.example")
    assert show(fresh)["accounts"]["E-1"]["removed"] == []


def test_events_are_not_compared_and_need_no_known_account(journy, fresh):
    body = {
        "identification": {"account": {"accountId": "E-9"}},
        "name": "subscription_started",
        "metadata": {"purchase_price": 1234.56},
        "triggeredAt": NOON,
    }
    for _ in range(2):
        assert journy.post("/track", body).status_code == 201
    content = show(fresh)
    event = {"name": "subscription_started", "account": "E-9", "user": None, "metadata": body["metadata"]}
    assert content["events"] == [{**event, "triggeredAt": NOON}] * 2
    assert content["accounts"]["E-9"]["properties"] == {}


def test_an_event_without_a_time_happened_now(journy, fresh):
    journy.post("/track", {"identification": {"user": {"email": "a@b.example"}}, "name": "x"})
    assert show(fresh)["events"][0]["triggeredAt"].endswith("Z")
    assert show(fresh)["events"][0]["user"] == "a@b.example"


def test_deleting_is_accepted_and_forgets(journy, fresh):
    journy.members("add", "E-1", "ada@acme.example")
    others = [{"accountId": "E-2"}, {"accountId": "E-3", "domain": "acme.example"}, {"domain": "other.example"}]
    for identification in others:
        journy.post("/accounts/upsert", {"identification": identification})
    assert journy.call("DELETE", "/users", {"identification": {"email": "ada@acme.example"}}).status_code == 202
    assert show(fresh)["accounts"]["E-1"]["users"] == []
    assert journy.call("DELETE", "/accounts", {"identification": {"accountId": "E-1"}}).status_code == 202
    assert journy.call("DELETE", "/accounts", {"identification": {"accountId": "E-1"}}).status_code == 202
    assert list(show(fresh)["accounts"]) == ["E-2", "E-3", "other.example"]
    for identification in others:
        assert journy.call("DELETE", "/accounts", {"identification": identification}).status_code == 202
    assert show(fresh)["accounts"] == show(fresh)["users"] == {}


def test_a_user_known_by_id_is_found_by_e_mail_later(journy, fresh):
    journy.post("/users/upsert", {"identification": {"userId": "7"}, "properties": {"city": "Ghent"}})
    both = {"userId": "7", "email": "ada@acme.example"}
    journy.post("/users/upsert", {"identification": both, "properties": {"phone": "1"}})
    assert show(fresh)["users"] == {"ada@acme.example": {"properties": {"city": "Ghent", "phone": "1"}}}


def test_an_account_known_by_domain_takes_an_id_later(journy, fresh):
    journy.post("/accounts/upsert", {"identification": {"domain": "acme.com"}, "properties": {"a": 1}})
    journy.post("/accounts/upsert", {"identification": {"domain": "acme.com", "accountId": "E-1"}})
    journy.post("/accounts/upsert", {"identification": {"domain": "acme.com"}, "properties": {"b": 2}})
    assert show(fresh)["accounts"]["E-1"]["properties"] == {"a": 1, "b": 2}
    assert len(show(fresh)["accounts"]) == 1


def test_definitions_follow_what_was_sent(journy):
    journy.account("E-1", name="Acme")
    journy.user("ada@acme.example", phone="1")
    journy.post("/track", {"identification": {"account": {"accountId": "E-1"}}, "name": "renewed"})

    def names(path):
        return [row["name"] for row in journy.call("GET", path).json()["data"]]

    assert names("/properties/accounts") == ["name"]
    assert names("/properties/users") == ["phone"]
    assert names("/events") == ["renewed"]
    assert names("/segments/users") == names("/segments/accounts") == []
    assert "TrackData" in journy.call("GET", "/validate").json()["data"]["permissions"]


def test_counts_are_those_of_accepted_writes(journy, fresh):
    journy.account("E-1", name="Acme")
    journy.account("", name="refused")
    journy.call("GET", "/validate")
    assert show(fresh)["counts"] == {"POST /accounts/upsert": 1}
