"""What the ledger keeps of an event until it is delivered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec


class EventBody(msgspec.Struct):
    """An event as it will be told.

    Attributes:
        name: Name of the event.
        triggered_at: ISO 8601 in UTC.
        metadata: Texts, booleans and exact numbers.
        names: The ids that its account may go by.
    """

    name: str
    triggered_at: str
    metadata: dict[str, Any]
    names: list[str]


_decoder = msgspec.json.Decoder(EventBody, float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def pack_event(body: EventBody) -> str:
    """An event as the ledger stores it."""
    return _encoder.encode(body).decode()


def unpack_event(text: str) -> EventBody:
    """An event from what the ledger stored."""
    return _decoder.decode(text)
