"""The call that deletes an account or user, and what its answer means for the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from target_journy.calls import Result
from target_journy.operations import Outcome
from target_journy.transports import PayloadRejectedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from target_journy.calls import Call, Desk
    from target_journy.folding import Entity
    from target_journy.transports import DeliveryError, Receipt, Transport


class DeletionCall:
    """Deletes an account or user.

    Args:
        desk: Where the answer is noted.
        kind: account or user.
        key: Account id or e-mail.
        entity: What the ledger has of it.
    """

    def __init__(self, desk: Desk, kind: str, key: str, entity: Entity) -> None:
        self._desk = desk
        self._kind = kind
        self._key = key
        self._entity = entity
        self.touches = frozenset({f"{kind} {key}"})

    def begin(self) -> None:
        """Count the call; that it has to be made is on record already."""
        self._desk.report.calls["deletions"] += 1

    def send(self, transport: Transport) -> Receipt:
        """Delete it."""
        return (transport.delete_account if self._kind == "account" else transport.delete_user)(self._key)

    def settle(self, answer: Receipt | PayloadRejectedError) -> Iterable[Call]:
        """Forget it; what was refused is not tried again."""
        key = (self._kind, self._key)
        if isinstance(answer, PayloadRejectedError):
            forgotten = self._entity.forgotten
            refusal = Result(Outcome.REJECTED, {"": answer.reason}, answer.request_id, is_erasure=forgotten)
            self._desk.refused(*key, refusal)
            self._entity.refuse(answer.reason, self._desk.options.mapping)
            with self._desk.ledger.transaction() as ledger:
                ledger.save_entities(self._kind, {self._key: self._entity})
            self._desk.results[key] = refusal
            return ()
        with self._desk.ledger.transaction() as ledger:
            ledger.drop_entity(*key)
            ledger.end_with(*key)
            if self._kind == "account":
                ledger.drop_shared_aliases(self._key)
            else:
                ledger.release_events(self._key)
        if self._entity.forgotten:
            self._desk.report.forgotten += 1
        else:
            self._desk.report.deleted[f"{self._kind}s"] += 1
        self._desk.results[key] = Result(Outcome.DELIVERED, request_id=answer.request_id)
        return ()

    def abort(self, error: DeliveryError) -> None:
        """Leave it to be deleted: done again, it does no harm."""
