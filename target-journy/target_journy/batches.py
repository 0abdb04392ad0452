"""Calls that go together, for a transport that carries many messages at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from target_journy.transports import PayloadRejectedError
from target_journy.transports.segment import MAX_BYTES, MAX_MESSAGES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from target_journy.calls import Call
    from target_journy.ledger import Ledger
    from target_journy.transports import DeliveryError, Receipt, Transport
    from target_journy.transports.segment import Segment


@dataclass(frozen=True, slots=True)
class _Part:
    """A call and its messages."""

    call: Call
    messages: list[bytes]


class Batches:
    """Makes batches of calls.

    Args:
        ledger: Notes what came of a batch all at once.
        door: Writes the messages, and sends them.
    """

    def __init__(self, ledger: Ledger, door: Segment) -> None:
        self.ledger = ledger
        self._door = door

    def of(self, calls: Iterable[Call]) -> list[Call]:
        """Put calls together, in their order; what cannot be said in a message is refused at once.

        Raises:
            LedgerError: A refusal could not be noted.
            SettingsError: A refusal could not be kept.
        """
        return [Batch(self, group) for group in _groups(self._written(calls))]

    def sayable(self, calls: Iterable[Call]) -> list[Call]:
        """The same calls one by one, for a rehearsal; what cannot be said in a message is refused at once."""
        return [part.call for part in self._written(calls)]

    def send(self, parts: Iterable[_Part]) -> Receipt:
        """Send a batch."""
        return self._door.take([message for part in parts for message in part.messages])

    def _written(self, calls: Iterable[Call]) -> list[_Part]:
        waiting, parts = list(reversed(list(calls))), []
        while waiting:
            call = waiting.pop()
            collector = self._door.collector()
            try:
                call.send(collector)
            except PayloadRejectedError as refusal:
                waiting += reversed(list(call.settle(refusal)))
            else:
                parts.append(_Part(call, collector.messages))
        return parts


class Batch:
    """Some calls that are made as one.

    Args:
        batches: What the batch comes from.
        parts: The calls.
    """

    def __init__(self, batches: Batches, parts: list[_Part]) -> None:
        self._batches = batches
        self._parts = parts
        self.touches = frozenset().union(*(part.call.touches for part in parts))

    def begin(self) -> None:
        """Begin each call."""
        with self._batches.ledger.together():
            for part in self._parts:
                part.call.begin()

    def send(self, transport: Transport) -> Receipt:  # noqa: ARG002 - the messages are written already
        """Send all messages."""
        return self._batches.send(self._parts)

    def settle(self, answer: Receipt | PayloadRejectedError) -> Iterable[Call]:
        """Note the answer for each call; of a batch that was refused, find by halves which call it was."""
        if isinstance(answer, PayloadRejectedError) and len(self._parts) > 1:
            middle = len(self._parts) // 2
            return [Batch(self._batches, half) for half in (self._parts[:middle], self._parts[middle:])]
        with self._batches.ledger.together():
            return self._batches.of([call for part in self._parts for call in part.call.settle(answer)])

    def abort(self, error: DeliveryError) -> None:
        """Note for each call that there was no usable answer."""
        with self._batches.ledger.together():
            for part in self._parts:
                part.call.abort(error)


def _groups(parts: Iterable[_Part]) -> Iterable[list[_Part]]:
    group: list[_Part] = []
    count = size = 0
    for part in parts:
        more = len(part.messages)
        weight = sum(map(len, part.messages)) + more  # and a comma after each
        if group and (count + more > MAX_MESSAGES or size + weight > MAX_BYTES):
            yield group
            group, count, size = [], 0, 0
        group.append(part)
        count, size = count + more, size + weight
    if group:
        yield group
