"""What the ledger keeps of an event until it is delivered."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec


class EventBody(msgspec.Struct, omit_defaults=True):
    """An event as it will be told.

    Attributes:
        name: Name of the event.
        triggered_at: ISO 8601 in UTC.
        metadata: Texts, booleans and exact numbers.
        names: The ids that its account may go by; none for an event of a user alone.
        user: The e-mail address or id of the user who did it.
    """

    name: str
    triggered_at: str
    metadata: dict[str, Any]
    names: list[str]
    user: str | None = None


_decoder = msgspec.json.Decoder(EventBody, float_hook=Decimal)
_encoder = msgspec.json.Encoder(decimal_format="number")


def pack_event(body: EventBody) -> str:
    """An event as the ledger stores it."""
    return _encoder.encode(body).decode()


def unpack_event(text: str) -> EventBody:
    """An event from what the ledger stored."""
    return _decoder.decode(text)
