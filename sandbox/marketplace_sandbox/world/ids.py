"""Identifiers as the Marketplace writes them, the same for the same seed and label."""

from __future__ import annotations

import hashlib
import string
import uuid

_ALPHABET = string.digits + string.ascii_uppercase


class Ids:
    """Source of identifiers.

    Each is derived from the seed and a label, so that adding one company changes no other's ids.

    Args:
        seed: Worlds with different seeds share no identifier.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._taken: set[str] = set()

    def _digest(self, kind: str, label: str) -> bytes:
        return hashlib.sha256(f"{self._seed}/{kind}/{label}".encode()).digest()

    def uuid(self, label: str) -> str:
        """UUID text of this label."""
        return str(uuid.UUID(bytes=self._digest("uuid", label)[:16], version=4))

    def entitlement_number(self, label: str) -> str:
        """Entitlement number, `E-XXX-XXX-XXX-XXX`."""
        digest = self._digest("entitlement", label)
        letters = "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in digest[:12])
        return "E-" + "-".join(letters[at : at + 3] for at in range(0, 12, 3))

    def license_number(self, label: str) -> str:
        """Digits of a support entitlement number, as in `addonLicenseId`."""
        return self._number("license", label, digits=8)

    def order_number(self, label: str, *, invoice: bool) -> str:
        """Transaction id: `IN-001-234-567` for an invoice of the new billing system, else `AT-123456789`."""
        digits = self._number("order", label, digits=9)
        return f"IN-{digits[:3]}-{digits[3:6]}-{digits[6:]}" if invoice else f"AT-{digits}"

    def _number(self, kind: str, label: str, *, digits: int) -> str:
        low = 10 ** (digits - 1)
        number = low + int.from_bytes(self._digest(kind, label)[:8], "big") % (9 * low)
        # Short numbers can meet; the next free one is taken, in the order in which rows are made.
        while f"{kind}/{number}" in self._taken:
            number += 1
        self._taken.add(f"{kind}/{number}")
        return str(number)
