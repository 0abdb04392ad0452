"""Tell whether a record asks for what it asked for before, without mapping it."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from target_journy.operations import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from target_journy.options import Options

_encode = msgspec.json.Encoder(enc_hook=str, decimal_format="number").encode

REPEATED = {
    Outcome.DELIVERED: Outcome.UNCHANGED,
    Outcome.UNCHANGED: Outcome.UNCHANGED,
    Outcome.SKIPPED: Outcome.SKIPPED,
}
"""What becomes of a record when it comes again as it was; with any other outcome it is looked at anew."""


class Fingerprints:
    """Digests of records, and of everything besides them that decides what becomes of them.

    Args:
        options: How records are treated.
    """

    def __init__(self, options: Options) -> None:
        self._salt = blake2b(_encode(options), digest_size=16).digest()

    def of(self, record: Mapping[str, Any]) -> str:
        """The digest of a record."""
        return blake2b(_encode(record), digest_size=16, salt=self._salt).hexdigest()
