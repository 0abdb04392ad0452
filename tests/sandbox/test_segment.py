"""The Segment protocol at both doors: what is refused, what is lost without a word, and what is made of the rest."""

import itertools

import pytest
import requests

from marketplace_sandbox import credentials

NOON = "2026-03-02T12:00:00Z"
NUMBERS = itertools.count()
IDENTIFY = {
    "type": "identify",
    "userId": "ada@acme.example",
    "traits": {"email": "ada@acme.example", "name": "Ada"},
}
GROUP = {"type": "group", "groupId": "E-1", "anonymousId": "E-1", "traits": {"name": "Acme"}}
MEMBER = {"type": "group", "groupId": "E-1", "userId": "ada@acme.example"}
TRACK = {
    "type": "track",
    "event": "upgraded",
    "anonymousId": "E-1",
    "context": {"groupId": "E-1"},
    "timestamp": NOON,
    "properties": {"users": 25},
}


def named(message):
    return {"messageId": f"id-{next(NUMBERS)}", **message}


def post(url, body, key=credentials.WRITE_KEY, path="/v1/batch", **options):
    return requests.post(url + path, json=body, auth=(key, ""), timeout=10, **options)


def batch(sandbox, *messages, key=credentials.WRITE_KEY):
    return post(sandbox.segment_url, {"batch": [named(message) for message in messages]}, key)


def show(sandbox, side="segment"):
    return requests.get(f"{sandbox.url}/_segment", timeout=10).json()[side]


@pytest.mark.parametrize("door", ["segment", "journy_segment"])
def test_messages_become_accounts_users_members_and_events(fresh, door):
    messages = [named(message) for message in (IDENTIFY, GROUP, MEMBER, TRACK)]
    answer = post(getattr(fresh, f"{door}_url"), {"batch": messages, "writeKey": credentials.WRITE_KEY})
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    held = requests.get(f"{fresh.url}/_journy", timeout=10).json()
    assert held["accounts"] == {"E-1": {"properties": {"name": "Acme"}, "users": ["ada@acme.example"], "removed": []}}
    assert held["users"] == {"ada@acme.example": {"properties": {"name": "Ada"}}}
    event = {"name": "upgraded", "account": "E-1", "user": None, "metadata": {"users": 25}, "triggeredAt": NOON}
    assert held["events"] == [event]
    assert show(fresh, door) == {"messages": messages, "repeated": [], "discarded": [], "unused": []}
    assert credentials.WRITE_KEY not in str(fresh.journal.calls)


def test_each_type_has_a_path_of_its_own(fresh):
    for message in (IDENTIFY, GROUP, TRACK):
        body = {name: value for name, value in message.items() if name != "type"}
        assert post(fresh.segment_url, body, path=f"/v1/{message['type']}").ok
    assert len(fresh.journy.events) == 1
    assert post(fresh.segment_url, {}, path="/v1/import").status_code == 404


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ({**GROUP, "anonymousId": None}, "no identity"),
        ({**IDENTIFY, "userId": 5}, "an id that is no text"),
        ({**GROUP, "groupId": " "}, "no groupId"),
        ({**TRACK, "event": ""}, "no event"),
        ({**TRACK, "timestamp": "yesterday"}, "a time that is none"),
        ({**TRACK, "properties": []}, "something else than an object"),
        ({**TRACK, "integrations": []}, "something else than an object"),
        ({**GROUP, "traits": {"text": "x" * 32_000}}, "larger than 32 kB"),
        ({**GROUP, "traits": {f"p{number}": "" for number in range(10_001)}}, "larger than 32 kB"),
        ({**GROUP, "type": "merge"}, "unknown type"),
        ({**GROUP, "messageId": "x" * 101}, "a messageId that is no text of 100 characters at most"),
    ],
)
def test_what_is_lost_is_answered_like_what_is_kept(fresh, message, reason):
    assert batch(fresh, message, GROUP).json() == {"success": True}
    state = show(fresh)
    assert [lost["reason"] for lost in state["discarded"]] == [reason]
    assert len(state["messages"]) == 1


def test_a_batch_of_too_many_is_lost_whole(fresh):
    assert batch(fresh, *[GROUP] * 2501).ok
    assert (len(show(fresh)["discarded"]), fresh.journy.accounts) == (2501, {})
    assert batch(fresh, *[GROUP] * 2500).ok
    assert len(show(fresh)["messages"]) == 2500


def test_a_message_id_is_taken_once(fresh):
    body = {"batch": [named(TRACK)]}
    for _ in range(2):
        assert post(fresh.segment_url, body).ok
    assert len(fresh.journy.events) == 1
    assert show(fresh)["repeated"] == [body["batch"][0]["messageId"]]


@pytest.mark.parametrize("door", ["segment", "segment_eu", "journy_segment"])
def test_a_wrong_key_is_told_by_journy_only(fresh, door):
    answer = post(getattr(fresh, f"{door}_url"), {"batch": [named(GROUP)]}, "another-key")
    assert answer.status_code == (401 if door == "journy_segment" else 200)
    assert fresh.journy.accounts == {}
    lost = fresh.segment.discarded
    assert [one["reason"] for one in lost] == ([] if door == "journy_segment" else ["unknown write key"])


def test_each_region_has_a_key_of_its_own(fresh):
    for url, key in [(fresh.segment_url, credentials.EU_WRITE_KEY), (fresh.segment_eu_url, credentials.WRITE_KEY)]:
        assert post(url, {"batch": [named(GROUP)]}, key).ok
    assert fresh.journy.accounts == {}
    assert post(fresh.segment_eu_url, {"batch": [named(GROUP)]}, credentials.EU_WRITE_KEY).ok
    assert list(fresh.journy.accounts) == ["E-1"]


@pytest.mark.parametrize(
    "options",
    [
        {"data": b"{", "headers": {"Content-Type": "application/json"}},
        {"data": b'{"batch": []}', "headers": {"Content-Type": "text/plain"}},
        {"json": {"batch": {}}},
        {"json": []},
        {"json": {"batch": [], "filling": "x" * 500_000}},
    ],
)
def test_what_cannot_be_read_is_refused(fresh, options):
    auth = (credentials.WRITE_KEY, "")
    answer = requests.post(f"{fresh.segment_url}/v1/batch", auth=auth, timeout=10, **options)
    assert (answer.status_code, answer.json()["success"]) == (400, False)


def test_what_a_batch_says_holds_for_each_of_its_messages(fresh):
    messages = [named({**TRACK, "context": {}}), named({**TRACK, "context": {"groupId": "E-2"}})]
    assert post(fresh.segment_url, {"batch": messages, "context": {"groupId": "E-1"}}).ok
    assert [event["account"] for event in fresh.journy.events] == ["E-1", "E-2"]


def test_segment_passes_on_what_is_meant_for_journy(fresh):
    for chosen in ({"All": False}, {"journy io": False}, {"All": False, "journy io": True}):
        assert batch(fresh, {**TRACK, "integrations": chosen}).ok
    assert len(fresh.journy.events) == 1
    assert [one["reason"] for one in show(fresh)["unused"]] == ["not meant for journy.io"] * 2


def test_what_journy_cannot_use_is_named(fresh):
    assert batch(fresh, {**GROUP, "traits": {"name": "Acme", "plan": None, "deep": {"a": 1}}}).ok
    assert fresh.journy.accounts["E-1"].properties == {"name": "Acme"}
    assert [one["reason"] for one in show(fresh)["unused"]] == ["trait deep", "trait plan"]
    assert batch(fresh, {**TRACK, "context": {}, "userId": None}).ok
    assert fresh.journy.events == []
