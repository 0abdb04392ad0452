"""Where all the money went: what became recurring, what did not, and that nothing is missing."""

from __future__ import annotations

from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_NOTHING = Decimal(0)
_CENT = Decimal("0.01")
_HALF_A_CENT = Decimal("0.005")

PLACES = ("recurring", "refunded", "one_off", "uncollectible", "quarantined")
"""Where money can go; the amounts of a row's places add up to its own."""


class MoneyEntry(NamedTuple):
    """Where the money of one transaction row went, in USD.

    Attributes:
        transaction_key: The row.
        kind: `new`, `renewal`, `upgrade`, `downgrade`, `refund` or `other`.
        amount: What the row says; negative when money goes back.
        recurring: What counts in MRR: the sum of rate × months of its segments, of a sale.
        refunded: The same of a refund, so negative.
        one_off: Revenue that does not recur: users added in mid-term, terms of no day, the part of an upgrade that
            lies before its sale, refunds that leave MRR as it is, and by how much a refund of the rest of a term is
            more or less than the months of the rest.
        uncollectible: Never paid, and given up; credit notes of it negative.
        quarantined: Money that an anomaly keeps out of MRR.
        unpaid: What of the amount nobody has paid yet, wherever it went; of a refund, what of that goes back, negative.
    """

    transaction_key: str
    kind: str
    amount: Decimal
    recurring: Decimal = _NOTHING
    refunded: Decimal = _NOTHING
    one_off: Decimal = _NOTHING
    uncollectible: Decimal = _NOTHING
    quarantined: Decimal = _NOTHING
    unpaid: Decimal = _NOTHING

    @property
    def not_recurring(self) -> Decimal:
        """All of the amount that is in no segment."""
        return self.amount - self.recurring - self.refunded


def recurring_part(amount: Decimal, in_segments: Decimal) -> Decimal:
    """Give the recurring part of an amount in whole cents, all of it when only the rounding of rates differs."""
    if abs(amount - in_segments) <= _HALF_A_CENT:
        return amount
    return in_segments.quantize(_CENT, ROUND_HALF_UP)


class MoneyTally:
    """Adds up entries by kind of transaction."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.amounts: dict[str, dict[str, Decimal]] = {}

    def add(self, entries: Iterable[MoneyEntry]) -> None:
        """Count some rows."""
        for entry in entries:
            self.rows[entry.kind] += 1
            sums = self.amounts.setdefault(entry.kind, dict.fromkeys(("amount", *PLACES), _NOTHING))
            for place in sums:
                sums[place] += getattr(entry, place)

    def merge(self, other: MoneyTally) -> None:
        """Take in what another tally has counted."""
        self.rows.update(other.rows)
        for kind, amounts in other.amounts.items():
            sums = self.amounts.setdefault(kind, dict.fromkeys(amounts, _NOTHING))
            for place, amount in amounts.items():
                sums[place] += amount

    def total(self, place: str = "amount") -> Decimal:
        """Give the sum over all kinds of one place, or of the amounts themselves, in USD."""
        return sum((sums[place] for sums in self.amounts.values()), _NOTHING)

    @property
    def unaccounted(self) -> Decimal:
        """What went in and is found nowhere, in USD; anything but 0 is a mistake of this program."""
        return self.total() - sum((self.total(place) for place in PLACES), _NOTHING)

    def text(self) -> str:
        """Say in a few lines where the money went."""
        lines = [f"Money of {sum(self.rows.values())} transactions, in USD: {self.total():,.2f}"]
        for kind in sorted(self.amounts):
            sums = self.amounts[kind]
            parts = [f"{place} {sums[place]:,.2f}" for place in PLACES if sums[place]]
            lines.append(f"  {kind} ({self.rows[kind]}): {sums['amount']:,.2f}; {', '.join(parts) or 'nothing'}")
        return "\n".join([*lines, f"  unaccounted for: {self.unaccounted:,.2f}"])
