"""What the page tells: accounts with their people and events, what changes of them, and the requests; never too much.

It holds texts, already cut to a length that a page can bear, so that it stays small whatever passes through a run.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST_ACCOUNTS = 200
MOST_PEOPLE = 600
MOST_EVENTS = 2000
MOST_REFUSALS = 200
MOST_NAMES = 1000
ROOM = 8_000_000
"""Characters after which nothing new is taken."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call.

    Attributes:
        word: `planned`, `taken`, `refused` or `unanswered`.
        status: Of HTTP, if there was one.
        request_id: The server's name for the call, if it gave one.
        reason: Why it was refused, or why there is no answer.
    """

    word: str
    status: int | None = None
    request_id: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer.

    Attributes:
        body: JSON as text.
    """

    method: str
    path: str
    body: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Change:
    """A property that gets a value.

    Attributes:
        before: What was delivered before; None for no value.
        after: None for a property that is deleted.
        refused: Why it was not taken; "" if it was.
    """

    before: str | None
    after: str | None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Happening:
    """An event.

    Attributes:
        time: ISO 8601 in UTC.
        user: Of an event of an account: the person who did it, if that is known.
    """

    name: str
    time: str
    metadata: dict[str, str | None]
    answer: Answer
    user: str = ""


@dataclass(slots=True)
class Subject:
    """An account or a person.

    Attributes:
        is_new: Nothing of it was delivered before.
        goes: It is deleted.
        name: As it calls itself, if that is known.
        home: Of a person: the first of the accounts that they belong to, where they are told.
        happenings: Its events.
    """

    key: str
    is_new: bool = False
    goes: bool = False
    name: str = ""
    changes: dict[str, Change] = field(default_factory=dict)
    exchanges: list[Exchange] = field(default_factory=list)
    home: Account | None = None
    happenings: list[Happening] = field(default_factory=list)

    @property
    def timeline(self) -> list[Happening]:
        """Its events, the earliest first."""
        return sorted(self.happenings, key=lambda happening: happening.time)


@dataclass(slots=True)
class Account(Subject):
    """An account.

    Attributes:
        number: Which one it is on the page, from 1.
        memberships: What becomes of a membership, `joins` or `leaves`, and the answer; by e-mail address or id.
        people: Those among its members of whom something changes, their membership or themselves.
        is_untouched: Nothing is sent of it; it is told for its people.
    """

    number: int = 0
    is_untouched: bool = False
    memberships: dict[str, tuple[str, Answer]] = field(default_factory=dict)
    people: list[Subject] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that is rejected, or a part of it."""

    stream: str
    key: str
    reason: str
    request_id: str | None


class Story:
    """All that the page tells.

    Attributes:
        accounts: By id.
        people: By e-mail address or id.
        refusals: Of records.
        names: Names of the properties of accounts and users and of the events that calls bring, also of those calls
            that are not told in detail.
        more: How many accounts, people, memberships, events, requests and refusals are not told.
    """

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.people: dict[str, Subject] = {}
        self.refusals: list[Refusal] = []
        self.names: dict[str, dict[str, None]] = {"accounts": {}, "users": {}, "events": {}}
        self.more: Counter[str] = Counter()
        self._room = ROOM
        self._events = 0
        self._passed: set[int] = set()

    def account(self, key: str) -> Account | None:
        """An account; None when there are too many."""
        if key not in self.accounts:
            if not self._has_room(len(self.accounts), MOST_ACCOUNTS, "accounts", key):
                return None
            self.accounts[key] = Account(key, number=len(self.accounts) + 1)
        return self.accounts[key]

    def person(self, email: str) -> Subject | None:
        """A person; None when there are too many."""
        if email not in self.people:
            if not self._has_room(len(self.people), MOST_PEOPLE, "people", email):
                return None
            self.people[email] = Subject(email)
        return self.people[email]

    def member(self, account: Account, emails: Iterable[str], what: str, answer: Answer) -> None:
        """Note that memberships begin or end, unless there are too many."""
        for email in emails:
            if self._room <= 0:
                self.more["memberships"] += 1
                continue
            self.take_room(len(email))
            account.memberships[email] = (what, answer)

    def happen(self, subject: Subject, happening: Happening, exchanges: Iterable[Exchange]) -> None:
        """Add an event, unless there are too many."""
        if self._events >= MOST_EVENTS or self._room <= 0:
            self.more["events"] += 1
            return
        self._events += 1
        self.take_room(sum(len(value or "") for value in happening.metadata.values()))
        subject.happenings.append(happening)
        self.exchange(subject, exchanges)

    def exchange(self, subject: Subject, exchanges: Iterable[Exchange]) -> None:
        """Add requests, unless there is no room."""
        for exchange in exchanges:
            if self._room <= 0:
                self.more["requests"] += 1
                continue
            self.take_room(len(exchange.body))
            subject.exchanges.append(exchange)

    def refuse(self, refusal: Refusal) -> None:
        """Add a refusal, unless there are too many."""
        if len(self.refusals) >= MOST_REFUSALS:
            self.more["refusals"] += 1
        else:
            self.refusals.append(refusal)

    def name(self, kind: str, names: Iterable[str]) -> None:
        """Note names of properties or events."""
        known = self.names[kind]
        known.update(dict.fromkeys(name for name in names if len(known) < MOST_NAMES))

    def arrange(self, accounts_of: Mapping[str, Iterable[str]]) -> list[Subject]:
        """Put people to the accounts that they belong to.

        Args:
            accounts_of: Account ids by the e-mail addresses of those who have a role there.

        Returns:
            Those who belong to no account. Who belongs to untold ones only brings one of them; when there are too many
            accounts, they are counted as not told.
        """
        lone = []
        for email, person in self.people.items():
            ids = {
                *accounts_of.get(email, ()),
                *(key for key, told in self.accounts.items() if email in told.memberships),
            }
            told = sorted(
                (self.accounts[key] for key in ids & self.accounts.keys()), key=lambda account: account.number
            )
            if not told and ids and len(self.accounts) < MOST_ACCOUNTS:
                told = [self._untouched(min(ids))]
            for account in told:
                account.people.append(person)
            if told:
                person.home = told[0]
            elif ids:
                self.more["people"] += 1
            else:
                lone.append(person)
        for account in self.accounts.values():
            told_here = {person.key for person in account.people}
            account.people += [Subject(email) for email in account.memberships if email not in told_here]
        return lone

    def take_room(self, characters: int) -> None:
        """Count text that is kept."""
        self._room -= characters

    def _untouched(self, key: str) -> Account:
        self.accounts[key] = Account(key, number=len(self.accounts) + 1, is_untouched=True)
        return self.accounts[key]

    def _has_room(self, count: int, most: int, kind: str, key: str) -> bool:
        if count < most and self._room > 0:
            return True
        passed = hash((kind, key))
        if passed not in self._passed:
            self._passed.add(passed)
            self.more[kind] += 1
        return False
