"""Send what the ledger says is missing, one call at a time, and note each answer at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from target_journy.event_body import unpack_event
from target_journy.operations import Outcome
from target_journy.transports import MEMBERS_PER_CALL, DeliveryError, PayloadRejectedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from target_journy.event_body import EventBody
    from target_journy.folding import Entity
    from target_journy.ledger import Event, Ledger
    from target_journy.options import Options
    from target_journy.report import Report
    from target_journy.slots import Pair
    from target_journy.transports import Receipt, Transport
    from target_journy.values import Value


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a ticket.

    Attributes:
        rejected: Reasons by property; by "" for the whole.
        request_id: The server's name for the call that told.
    """

    outcome: Outcome
    rejected: Mapping[str, str] = field(default_factory=dict)
    request_id: str | None = None


class Sender:
    """Sends accounts and users, then memberships, then events.

    Args:
        ledger: Says what is missing, and is told what arrived.
        transport: Carries the calls.
        options: Under which mapping refusals are noted.
        report: Told of calls, and of what journy.io did not have before.
    """

    def __init__(self, ledger: Ledger, transport: Transport, options: Options, report: Report) -> None:
        self._ledger = ledger
        self._transport = transport
        self._options = options
        self._report = report

    def send_entities(self, kind: str, keys: Iterable[str]) -> Iterator[tuple[str, Result]]:
        """Send the missing properties of accounts or users.

        Yields:
            Each key and what came of it; those that lack nothing by now are delivered.
        """
        for key in dict.fromkeys(keys):
            yield key, self._send_entity(kind, key)

    def send_memberships(self, pairs: Iterable[Pair]) -> Iterator[tuple[Pair, Result]]:
        """Begin and end memberships, those of one account together.

        Yields:
            Each pair and what came of it; those whose two ends are not known wait.
        """
        wanted = list(dict.fromkeys(pairs))
        with self._ledger.transaction() as ledger:
            states = ledger.memberships(wanted)
            accounts = ledger.known("account", (account for account, _ in wanted))
            users = ledger.known("user", (email for _, email in wanted))
        groups: dict[tuple[str, str], list[str]] = {}
        for pair in wanted:
            account, email = pair
            state = states.get(pair)
            if state == "remove" or (state == "add" and account in accounts and email in users):
                groups.setdefault((account, state), []).append(email)
            else:
                yield pair, Result(Outcome.DELIVERED if state in {None, "added"} else Outcome.WAITING)
        for (account, state), emails in groups.items():
            for start in range(0, len(emails), MEMBERS_PER_CALL):
                yield from self._send_members(account, state, emails[start : start + MEMBERS_PER_CALL]).items()

    def send_events(self, ids: Iterable[str]) -> Iterator[tuple[str, Result]]:
        """Tell events, the earliest first.

        Yields:
            Each id and what came of it; those whose account is not known wait.
        """
        with self._ledger.transaction() as ledger:
            events = ledger.events(ids)
            accounts = ledger.known("account", (event.account for event in events.values() if event.account))
        for event, body in sorted(
            _with_bodies(events.values()), key=lambda item: (item[1].triggered_at, item[0].event_id)
        ):
            if event.account in accounts:
                yield event.event_id, self._send_event(event, body, event.account)
            else:
                yield event.event_id, Result(Outcome.WAITING)

    def _send_entity(self, kind: str, key: str) -> Result:
        with self._ledger.transaction() as ledger:
            entity = ledger.entities(kind, [key]).get(key)
        if entity is None or not entity.must_be_sent:
            return Result(Outcome.DELIVERED)
        was_known = entity.known
        rejected: dict[str, str] = {}
        try:
            receipt = self._upsert_around_bad_fields(kind, key, entity, rejected)
        except PayloadRejectedError as error:
            entity.refuse(error.reason, self._options.mapping)
            self._save(kind, key, entity)
            return Result(Outcome.REJECTED, {"": error.reason}, error.request_id)
        rejected |= receipt.rejected
        entity.acknowledge(rejected, self._options.mapping)
        self._save(kind, key, entity)
        if not was_known and not entity.forgotten:
            self._report.created[f"{kind}s"] += 1
        return Result(Outcome.DELIVERED, rejected, receipt.request_id)

    def _upsert_around_bad_fields(self, kind: str, key: str, entity: Entity, rejected: dict[str, str]) -> Receipt:
        """Upsert; when the server names the properties that it refuses, once more without them."""
        payload = entity.payload()
        try:
            return self._upsert(kind, key, payload)
        except PayloadRejectedError as error:
            bad = _property_reasons(error.fields, payload)
            if not bad:
                raise
            rejected.update(bad)
            return self._upsert(kind, key, {name: value for name, value in payload.items() if name not in bad})

    def _upsert(self, kind: str, key: str, properties: Mapping[str, Value]) -> Receipt:
        self._report.calls[f"{kind}s"] += 1
        upsert = self._transport.upsert_account if kind == "account" else self._transport.upsert_user
        return upsert(key, properties)

    def _save(self, kind: str, key: str, entity: Entity) -> None:
        with self._ledger.transaction() as ledger:
            if entity.forgotten and not entity.must_be_sent and not ledger.holds_any_slot(key):
                ledger.drop_entity(kind, key)
            else:
                ledger.save_entities(kind, {key: entity})

    def _send_members(self, account: str, state: str, emails: list[str]) -> dict[Pair, Result]:
        call = self._transport.add_members if state == "add" else self._transport.remove_members
        self._report.calls["memberships"] += 1
        try:
            receipt = call(account, emails)
        except PayloadRejectedError as error:
            if len(emails) > 1:  # find out whom it is about
                return {
                    pair: result
                    for email in emails
                    for pair, result in self._send_members(account, state, [email]).items()
                }
            pair = (account, emails[0])
            with self._ledger.transaction() as ledger:
                ledger.save_memberships({pair: "rejected"}, error.reason)
            return {pair: Result(Outcome.REJECTED, {"": error.reason}, error.request_id)}
        with self._ledger.transaction() as ledger:
            if state == "add":
                ledger.save_memberships({(account, email): "added" for email in emails})
                self._report.created["memberships"] += len(emails)
            else:
                for email in emails:
                    ledger.drop_membership(account, email)
        return {(account, email): Result(Outcome.DELIVERED, request_id=receipt.request_id) for email in emails}

    def _send_event(self, event: Event, body: EventBody, account: str) -> Result:
        if event.state == "sending":
            self._report.possibly_repeated += 1  # an earlier run was cut short between sending it and noting that
        with self._ledger.transaction() as ledger:
            ledger.set_event_state(event.event_id, "sending")
        self._report.calls["events"] += 1
        try:
            receipt = self._transport.track(body.name, account, body.triggered_at, body.metadata)
        except PayloadRejectedError as error:
            with self._ledger.transaction() as ledger:
                ledger.set_event_state(event.event_id, "rejected", error.reason)
            return Result(Outcome.REJECTED, {"": error.reason}, error.request_id)
        except DeliveryError as error:
            if not error.maybe_received:
                with self._ledger.transaction() as ledger:
                    ledger.set_event_state(event.event_id, event.state)
            raise
        self._report.possibly_repeated += receipt.possibly_repeated
        with self._ledger.transaction() as ledger:
            ledger.set_event_state(event.event_id, "delivered")
        self._report.created["events"] += 1
        return Result(Outcome.DELIVERED, request_id=receipt.request_id)


def _with_bodies(events: Iterable[Event]) -> list[tuple[Event, EventBody]]:
    return [(event, unpack_event(event.body)) for event in events if event.body]


def _property_reasons(fields: Mapping[str, str], payload: Mapping[str, Value]) -> dict[str, str]:
    """Reasons by property, from paths such as `properties.mrr` or `properties.tags.0`; none if others are at fault."""
    reasons = {}
    for path, reason in fields.items():
        section, _, rest = path.partition(".")
        name = rest if rest in payload else rest.rpartition(".")[0]
        if section != "properties" or name not in payload:
            return {}
        reasons[name] = reason
    return reasons
