"""The calls that bring journy.io what the ledger says is missing, and what each answer means for the ledger."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from target_journy.ends import IS_DELETED
from target_journy.operations import Outcome
from target_journy.transports import PayloadRejectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from target_journy.event_body import EventBody
    from target_journy.folding import Entity
    from target_journy.ledger import Event, Ledger
    from target_journy.options import Options
    from target_journy.report import Report
    from target_journy.transports import DeliveryError, Receipt, Transport
    from target_journy.values import Value

Results: TypeAlias = "dict[tuple[str, str | tuple[str, str]], Result]"
"""What came of tickets, by their kind and key."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a ticket.

    Attributes:
        rejected: Reasons by property; by "" for the whole.
        request_id: The server's name for the call that told.
        sent: What the server may quote in its reasons.
        is_erasure: It was to erase a person who was erased at the source.
    """

    outcome: Outcome
    rejected: Mapping[str, str] = field(default_factory=dict)
    request_id: str | None = None
    sent: Any = None
    is_erasure: bool = False


@dataclass(frozen=True, slots=True)
class Desk:
    """Where answers are noted.

    Attributes:
        ledger: What was delivered.
        options: Under which mapping refusals are noted.
        report: Told of calls, and of what journy.io did not have before.
        results: What came of each ticket.
        refused: Told of a refusal by kind, key and result, before the ledger notes it.
        knows_repeats: Whether the server drops events that are told again.
    """

    ledger: Ledger
    options: Options
    report: Report
    results: Results
    refused: Callable[[str, Any, Result], None]
    knows_repeats: bool = False


class Call(Protocol):
    """One call. Only `send` runs in a thread of its own; the rest touches the ledger."""

    @property
    def touches(self) -> frozenset[str]:
        """The accounts and users that it is about; no other call about one of them may be under way."""

    def begin(self) -> None:
        """Note what has to be on record before the call is made."""

    def send(self, transport: Transport) -> Receipt:
        """Make the call."""

    def settle(self, answer: Receipt | PayloadRejectedError) -> Iterable[Call]:
        """Note the answer.

        Returns:
            Calls that have to be made because of it.
        """

    def abort(self, error: DeliveryError) -> None:
        """Note that the call got no usable answer."""


class EntityCall:
    """Brings an account or user the properties that it lacks.

    Args:
        desk: Where the answer is noted.
        kind: account or user.
        key: Account id or e-mail.
        entity: What the ledger has of it.
        refused: Properties that the server has named as wrong, with its reasons; they are left out.
    """

    def __init__(
        self, desk: Desk, kind: str, key: str, entity: Entity, refused: Mapping[str, str] | None = None
    ) -> None:
        self._desk = desk
        self._kind = kind
        self._key = key
        self._entity = entity
        self._refused = dict(refused or {})
        self._was_in_doubt = entity.in_doubt
        self.touches = frozenset({f"{kind} {key}"})

    def begin(self) -> None:
        """Count the call, and note that what is new to journy.io may be there from now on.

        What it brings is on record as pending already.
        """
        self._desk.report.calls[f"{self._kind}s"] += 1
        if not self._entity.may_exist:
            self._entity.in_doubt = True
            self._save()

    def send(self, transport: Transport) -> Receipt:
        """Upsert what is pending."""
        payload = {name: value for name, value in self._entity.payload().items() if name not in self._refused}
        upsert = transport.upsert_account if self._kind == "account" else transport.upsert_user
        return upsert(self._key, payload, self._entity.revision)

    def settle(self, answer: Receipt | PayloadRejectedError) -> Iterable[Call]:
        """Acknowledge; when the server names the properties that it refuses, go once more without them."""
        entity, mapping = self._entity, self._desk.options.mapping
        if isinstance(answer, PayloadRejectedError):
            entity.in_doubt = self._was_in_doubt
            bad = {} if self._refused else _property_reasons(answer.fields, entity.payload())
            if bad:
                return [EntityCall(self._desk, self._kind, self._key, entity, bad)]
            refusal = Result(
                Outcome.REJECTED, {"": answer.reason}, answer.request_id, entity.payload(), entity.forgotten
            )
            self._desk.refused(self._kind, self._key, refusal)
            entity.refuse(answer.reason, mapping)
            self._note(refusal)
            return ()
        named = {**self._refused, **answer.rejected}
        rejected = {name: reason for name, reason in named.items() if name in entity.pending}
        sent = entity.payload() if rejected else None
        result = Result(Outcome.DELIVERED, rejected, answer.request_id, sent, entity.forgotten)
        if rejected:
            self._desk.refused(self._kind, self._key, result)
        if not entity.known and not entity.forgotten:
            self._desk.report.created[f"{self._kind}s"] += 1
        if entity.deleted and IS_DELETED in entity.pending - rejected.keys():
            self._desk.report.deleted[f"{self._kind}s"] += 1
        entity.acknowledge(rejected, mapping)
        self._note(result)
        return ()

    def abort(self, error: DeliveryError) -> None:
        """Leave it pending: sent again, it does no harm. What is sure not to have arrived is noted so."""
        if not error.maybe_received and self._entity.in_doubt != self._was_in_doubt:
            self._entity.in_doubt = self._was_in_doubt
            self._save()

    def _save(self) -> None:
        with self._desk.ledger.transaction() as ledger:
            ledger.save_entities(self._kind, {self._key: self._entity})

    def _note(self, result: Result) -> None:
        with self._desk.ledger.transaction() as ledger:
            if self._entity.is_erased and not ledger.holds_any_slot(self._key):
                ledger.drop_entity(self._kind, self._key)
                self._desk.report.forgotten += 1
            else:
                ledger.save_entities(self._kind, {self._key: self._entity})
        self._desk.results[self._kind, self._key] = result


class MembersCall:
    """Begins or ends memberships of one account.

    Args:
        desk: Where the answer is noted.
        account: Account id.
        states: By user, at most `MEMBERS_PER_CALL`: all of them remove, or each add or adding.
    """

    def __init__(self, desk: Desk, account: str, states: Mapping[str, str]) -> None:
        self._desk = desk
        self._account = account
        self._states = states
        self._emails = list(states)
        self._is_end = "remove" in states.values()
        self.touches = frozenset({f"account {account}", *(f"user {email}" for email in states)})

    def begin(self) -> None:
        """Count the call, and note that new members may be there from now on."""
        self._desk.report.calls["memberships"] += 1
        self._save({email: "adding" for email, state in self._states.items() if state == "add"})

    def send(self, transport: Transport) -> Receipt:
        """Add or remove the members."""
        change = transport.remove_members if self._is_end else transport.add_members
        return change(self._account, self._emails)

    def settle(self, answer: Receipt | PayloadRejectedError) -> Iterable[Call]:
        """Acknowledge; when some are refused, go one by one to find out who."""
        if not isinstance(answer, PayloadRejectedError):
            self._acknowledge(answer)
            return ()
        if len(self._emails) > 1:
            return [MembersCall(self._desk, self._account, {email: state}) for email, state in self._states.items()]
        pair = (self._account, self._emails[0])
        refusal = Result(Outcome.REJECTED, {"": answer.reason}, answer.request_id)
        self._desk.refused("membership", pair, refusal)
        with self._desk.ledger.transaction() as ledger:
            ledger.save_memberships({pair: "kept" if self._is_end else "rejected"}, answer.reason)
        self._desk.results["membership", pair] = refusal
        return ()

    def abort(self, error: DeliveryError) -> None:
        """Leave them pending: sent again, they do no harm. What is sure not to have arrived is noted so."""
        if not error.maybe_received:
            self._save({email: state for email, state in self._states.items() if state == "add"})

    def _save(self, states: Mapping[str, str]) -> None:
        if states:
            with self._desk.ledger.transaction() as ledger:
                ledger.save_memberships({(self._account, email): state for email, state in states.items()})

    def _acknowledge(self, receipt: Receipt) -> None:
        with self._desk.ledger.transaction() as ledger:
            if self._is_end:
                for email in self._emails:
                    ledger.drop_membership(self._account, email)
                self._desk.report.deleted["memberships"] += len(self._emails)
            else:
                ledger.save_memberships({(self._account, email): "added" for email in self._emails})
                self._desk.report.created["memberships"] += len(self._emails)
        for email in self._emails:
            self._desk.results["membership", (self._account, email)] = Result(
                Outcome.DELIVERED, request_id=receipt.request_id
            )


class EventCall:
    """Tells an event. A server may not know repeats, so the ledger knows which calls may have arrived.

    Args:
        desk: Where the answer is noted.
        event: What the ledger has of it.
        body: The event itself.
    """

    def __init__(self, desk: Desk, event: Event, body: EventBody) -> None:
        self._desk = desk
        self._event = event
        self._body = body
        whom = {"account": event.account, "user": body.user}
        self.touches = frozenset(f"{kind} {key}" for kind, key in whom.items() if key)

    def begin(self) -> None:
        """Note that the event may arrive from now on."""
        if self._event.state == "sending":
            self._count_repeats(1)  # a run before was cut short between sending it and noting that
        self._set_state("sending")
        self._desk.report.calls["events"] += 1

    def send(self, transport: Transport) -> Receipt:
        """Track the event."""
        event, body = self._event, self._body
        account = event.account or None
        return transport.track(event.event_id, body.name, account, body.triggered_at, body.metadata, body.user)

    def settle(self, answer: Receipt | PayloadRejectedError) -> Iterable[Call]:
        """Acknowledge."""
        key = ("event", self._event.event_id)
        if isinstance(answer, PayloadRejectedError):
            refusal = Result(Outcome.REJECTED, {"": answer.reason}, answer.request_id, self._body.metadata)
            self._desk.refused(*key, refusal)
            self._set_state("rejected", answer.reason)
            self._desk.results[key] = refusal
            return ()
        self._set_state("delivered")
        self._count_repeats(answer.possibly_repeated)
        self._desk.report.created["events"] += 1
        self._desk.results[key] = Result(Outcome.DELIVERED, request_id=answer.request_id)
        return ()

    def abort(self, error: DeliveryError) -> None:
        """Note what may be a repeat already, and the event as not sent where that is certain."""
        self._count_repeats(error.possibly_repeated)
        if not error.maybe_received:
            self._set_state(self._event.state)

    def _count_repeats(self, number: int) -> None:
        if not self._desk.knows_repeats:
            self._desk.report.possibly_repeated += number

    def _set_state(self, state: str, reason: str | None = None) -> None:
        with self._desk.ledger.transaction() as ledger:
            ledger.set_event_state(self._event.event_id, state, reason)


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
