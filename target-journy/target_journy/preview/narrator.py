"""Makes a story of calls and their answers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from target_journy.preview.story import Answer, Change, Exchange, Happening
from target_journy.preview.text import LONGEST_BODY, LONGEST_VALUE, name_text, shortened, value_text
from target_journy.transports import PayloadRejectedError, Receipt
from target_journy.values import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from target_journy.calls import Call
    from target_journy.folding import Entity
    from target_journy.ledger import Ledger, LedgerTransaction
    from target_journy.preview.requests import Requests, Write
    from target_journy.preview.story import Account, Story, Subject
    from target_journy.transports import DeliveryError
    from target_journy.values import Scalar, Value

_NAMES = {"account": ("name", "company", "company_name"), "user": ("full_name", "name", "last_name")}
"""Properties that usually hold what an account or person is called, the best first."""


class Narrator:
    """A transport that tells the story of the calls made with it.

    Args:
        story: What is told.
        ledger: Knows what was delivered before.
        requests: Tells the requests of a call.
        is_rehearsal: Nothing is really sent.
    """

    knows_repeats = True
    can_delete = True

    def __init__(self, story: Story, ledger: Ledger, requests: Requests, *, is_rehearsal: bool) -> None:
        self._story = story
        self._ledger = ledger
        self._requests = requests
        self._is_rehearsal = is_rehearsal
        self._outcome: Receipt | PayloadRejectedError | DeliveryError = Receipt()
        self._answer = Answer("planned")

    def tell(self, call: Call, outcome: Receipt | PayloadRejectedError | DeliveryError) -> None:
        """Tell of a call, before the ledger notes what came of it.

        Args:
            call: The call.
            outcome: Its answer, or why there is none.
        """
        self._outcome = outcome
        self._answer = self._answer_of(outcome)
        call.send(self)

    def upsert_account(self, account: str, properties: Mapping[str, Value], revision: int) -> Receipt:
        """Tell of an account."""
        self._story.name("accounts", properties)
        if told := self._story.account(account):
            self._upsert("account", told, properties)
            self._exchange(told, lambda door: door.upsert_account(account, properties, revision))
        return Receipt()

    def upsert_user(self, user: str, properties: Mapping[str, Value], revision: int) -> Receipt:
        """Tell of a person."""
        self._story.name("users", properties)
        if told := self._story.person(user):
            self._upsert("user", told, properties)
            self._exchange(told, lambda door: door.upsert_user(user, properties, revision))
        return Receipt()

    def add_members(self, account: str, users: Sequence[str]) -> Receipt:
        """Tell of memberships that begin."""
        if told := self._story.account(account):
            self._story.member(told, users, "joins", self._answer)
            self._exchange(told, lambda door: door.add_members(account, users))
        return Receipt()

    def remove_members(self, account: str, users: Sequence[str]) -> Receipt:
        """Tell of memberships that end."""
        if told := self._story.account(account):
            self._story.member(told, users, "leaves", self._answer)
            self._exchange(told, lambda door: door.remove_members(account, users))
        return Receipt()

    def delete_account(self, account: str) -> Receipt:
        """Tell of an account that goes."""
        if told := self._story.account(account):
            self._go("account", told)
            self._exchange(told, lambda door: door.delete_account(account))
        return Receipt()

    def delete_user(self, user: str) -> Receipt:
        """Tell of a person who goes."""
        if told := self._story.person(user):
            self._go("user", told)
            self._exchange(told, lambda door: door.delete_user(user))
        return Receipt()

    def track(
        self,
        event_id: str,
        name: str,
        account: str | None,
        triggered_at: str,
        metadata: Mapping[str, Scalar],
        user: str | None = None,
    ) -> Receipt:
        """Tell of an event, with its account, or with its user if it has none."""
        self._story.name("events", [name])
        if told := self._story.account(account) if account else self._story.person(user or ""):
            happening = Happening(name, triggered_at, _texts(metadata), self._answer, (account and user) or "")
            written = self._written(lambda door: door.track(event_id, name, account, triggered_at, metadata, user))
            self._story.happen(told, happening, written)
        return Receipt()

    def _upsert(self, kind: str, told: Subject, properties: Mapping[str, Value]) -> None:
        with self._ledger.transaction() as ledger:
            entity = ledger.entities(kind, [told.key]).get(told.key)
        if not told.exchanges:
            told.is_new = entity is None or not entity.known
        before = entity.before if entity else {}
        for name, value in properties.items():
            shown = shortened(name, LONGEST_VALUE)
            first = told.changes.get(shown)
            was = first.before if first else value_text(before.get(name))
            told.changes[shown] = change = Change(was, value_text(value), self._why_refused(name))
            self._story.take_room(len(shown) + len(change.before or "") + len(change.after or ""))
        _call(kind, told, entity)

    def _go(self, kind: str, told: Subject) -> None:
        with self._ledger.transaction() as ledger:
            entity = ledger.entities(kind, [told.key]).get(told.key)
        _call(kind, told, entity)
        told.goes = True

    def _exchange(self, told: Subject | Account, write: Write) -> None:
        self._story.exchange(told, self._written(write))

    def _written(self, write: Write) -> Iterable[Exchange]:
        for request in self._requests(write):
            body = msgspec.json.format(to_json(request.body), indent=2)
            yield Exchange(request.method, request.path, shortened(body, LONGEST_BODY), self._answer)

    def _answer_of(self, outcome: Receipt | PayloadRejectedError | DeliveryError) -> Answer:
        if isinstance(outcome, Receipt):
            word = "planned" if self._is_rehearsal else "taken"
            return Answer(word, outcome.status, outcome.request_id)
        if isinstance(outcome, PayloadRejectedError):
            return Answer("refused", outcome.status, outcome.request_id, outcome.reason)
        return Answer("unanswered", reason=str(outcome))

    def _why_refused(self, name: str) -> str:
        outcome = self._outcome
        if isinstance(outcome, Receipt):
            return outcome.rejected.get(name, "")
        if isinstance(outcome, PayloadRejectedError):
            return outcome.fields.get(f"properties.{name}", outcome.reason)
        return ""


class Told:
    """A call that is told of when its answer is there.

    Args:
        call: The call.
        narrator: Is told.
    """

    def __init__(self, call: Call, narrator: Narrator) -> None:
        self._call = call
        self._narrator = narrator
        self.touches = call.touches
        self.begin = call.begin
        self.send = call.send

    def settle(self, answer: Receipt | PayloadRejectedError) -> Iterable[Call]:
        """Tell of the answer, then note it."""
        self._narrator.tell(self._call, answer)
        return [Told(call, self._narrator) for call in self._call.settle(answer)]

    def abort(self, error: DeliveryError) -> None:
        """Tell that there was no usable answer, then note it."""
        self._narrator.tell(self._call, error)
        self._call.abort(error)


def told_by(narrator: Narrator, calls: Iterable[Call]) -> list[Call]:
    """The same calls, each told of by a narrator."""
    return list(map(partial(Told, narrator=narrator), calls))


def call_by_name(ledger: LedgerTransaction, story: Story) -> None:
    """Find out what those accounts are called of which nothing is sent."""
    untouched = {key: told for key, told in story.accounts.items() if told.is_untouched}
    for key, entity in ledger.entities("account", untouched).items():
        _call("account", untouched[key], entity)


def _call(kind: str, told: Subject, entity: Entity | None) -> None:
    held = {name: value for name, (value, _) in entity.properties.items()} if entity else {}
    if called := next((value for name in _NAMES[kind] if (value := held.get(name))), None):
        told.name = name_text(called)


def _texts(metadata: Mapping[str, Scalar]) -> dict[str, str | None]:
    return {shortened(name, LONGEST_VALUE): value_text(value) for name, value in metadata.items()}
