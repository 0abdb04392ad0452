"""What the messages of the Segment protocol say, and under which ids."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from target_journy.transports import PayloadRejectedError
from target_journy.transports.segment_messages import MAX_MESSAGE, CollectedMessages

if TYPE_CHECKING:
    from collections.abc import Callable

NOON = "2026-03-02T12:00:00Z"
ANN = "ann@acme.com"


def written(*calls: Callable[[CollectedMessages], Any], scope: str = "here") -> list[dict[str, Any]]:
    collected = CollectedMessages(scope)
    for call in calls:
        call(collected)
    return [json.loads(message) for message in collected.messages]


def ids(*calls: Callable[[CollectedMessages], Any], scope: str = "here") -> list[str]:
    return [message["messageId"] for message in written(*calls, scope=scope)]


def test_an_account_is_a_group_that_nobody_is_in() -> None:
    (message,) = written(lambda to: to.upsert_account("E-1", {"name": "Acme"}, 0))
    name = message.pop("messageId")
    assert message == {"type": "group", "anonymousId": "E-1", "groupId": "E-1", "traits": {"name": "Acme"}}
    assert 0 < len(name) <= 100


def test_a_user_is_known_by_the_address() -> None:
    (message,) = written(lambda to: to.upsert_user(ANN, {"full_name": "Ann"}, 0))
    del message["messageId"]
    assert message == {"type": "identify", "userId": ANN, "traits": {"full_name": "Ann", "email": ANN}}


def test_each_member_is_put_into_the_group() -> None:
    messages = written(lambda to: to.add_members("E-1", [ANN, "bob@acme.com"]))
    assert [(m["type"], m["userId"], m["groupId"]) for m in messages] == [
        ("group", ANN, "E-1"),
        ("group", "bob@acme.com", "E-1"),
    ]
    assert all("anonymousId" not in message and "traits" not in message for message in messages)


def test_an_event_is_of_the_account_alone() -> None:
    (message,) = written(lambda to: to.track("AT-1", "upgraded", "E-1", NOON, {"users": 25}))
    del message["messageId"]
    assert message == {
        "type": "track",
        "anonymousId": "E-1",
        "event": "upgraded",
        "timestamp": NOON,
        "properties": {"users": 25},
        "context": {"groupId": "E-1"},
    }


CALLS: dict[str, Callable[[CollectedMessages], Any]] = {
    "account": lambda to: to.upsert_account("E-1", {"plan": "a"}, 0),
    "its other value": lambda to: to.upsert_account("E-1", {"plan": "b"}, 1),
    "its first value again": lambda to: to.upsert_account("E-1", {"plan": "a"}, 2),
    "another account": lambda to: to.upsert_account("E-2", {"plan": "a"}, 0),
    "user": lambda to: to.upsert_user(ANN, {"plan": "a"}, 0),
    "member": lambda to: to.add_members("E-1", [ANN]),
    "event": lambda to: to.track("AT-1", "upgraded", "E-1", NOON, {}),
    "another event": lambda to: to.track("AT-2", "upgraded", "E-1", NOON, {}),
}


def test_the_same_has_the_same_id_and_nothing_else_has() -> None:
    found = ids(*CALLS.values())
    assert len(set(found)) == len(CALLS)
    assert ids(*CALLS.values()) == found
    assert not set(ids(*CALLS.values(), scope="at another source")) & set(found)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda to: to.remove_members("E-1", [ANN]), "end a membership"),
        (lambda to: to.upsert_user(ANN, {"phone": None}, 0), "delete a property"),
        (lambda to: to.upsert_account("E-1", {"plan": None}, 0), "delete a property"),
        (lambda to: to.upsert_account("E-1", {"text": "ü" * (MAX_MESSAGE // 2)}, 0), "32,000"),
    ],
)
def test_what_cannot_be_said_is_refused_whole(call: Callable[[CollectedMessages], Any], says: str) -> None:
    with pytest.raises(PayloadRejectedError, match=says) as refusal:
        written(call)
    assert refusal.value.fields == {}


def test_nulls_among_other_values_are_refused_alone() -> None:
    with pytest.raises(PayloadRejectedError) as refusal:
        written(lambda to: to.upsert_account("E-1", {"plan": None, "name": "Acme"}, 0))
    assert list(refusal.value.fields) == ["properties.plan"]


def test_the_largest_properties_are_refused_so_that_the_others_fit() -> None:
    half, small = "ü" * (MAX_MESSAGE // 4), {"plan": "a", "seats": 5}
    large = {"note": half, "text": half + "ü", "more": half + "üü"}
    with pytest.raises(PayloadRejectedError, match="32,000") as refusal:
        written(lambda to: to.upsert_account("E-1", {**small, **large}, 0))
    assert list(refusal.value.fields) == ["properties.more", "properties.text"]
    (message,) = written(lambda to: to.upsert_account("E-1", {**small, "note": half}, 0))
    assert message["traits"] == {**small, "note": half}


def test_as_much_as_fits_is_sent_to_the_byte() -> None:
    empty = CollectedMessages("here")
    empty.upsert_user(ANN, {"a": "", "b": 1}, 0)
    room = MAX_MESSAGE - len(empty.messages[0])
    assert written(lambda to: to.upsert_user(ANN, {"a": "x" * room, "b": 1}, 0))
    with pytest.raises(PayloadRejectedError) as refusal:
        written(lambda to: to.upsert_user(ANN, {"a": "x" * (room + 1), "b": 1}, 0))
    assert list(refusal.value.fields) == ["properties.a"]


def test_a_null_and_what_is_too_large_are_refused_together() -> None:
    with pytest.raises(PayloadRejectedError) as refusal:
        written(lambda to: to.upsert_user(ANN, {"phone": None, "note": "x" * MAX_MESSAGE, "name": "Ann"}, 0))
    assert sorted(refusal.value.fields) == ["properties.note", "properties.phone"]


def test_a_second_address_is_refused_alone() -> None:
    with pytest.raises(PayloadRejectedError) as refusal:
        written(lambda to: to.upsert_user(ANN, {"email": "other@acme.com"}, 0))
    assert list(refusal.value.fields) == ["properties.email"]
    assert written(lambda to: to.upsert_user(ANN, {"email": ANN}, 0))
