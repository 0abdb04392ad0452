"""MRR segments: a monthly rate on some days, as warehouses and charts want it; and sums of them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

_NOTHING = Decimal(0)
_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Segment:
    """What one transaction adds to MRR, or takes from it, on the days from `since` until the day before `until`.

    Attributes:
        account_id: The account.
        license_id: The licence.
        transaction_key: The sale or refund.
        target_transaction_key: Of a refund, the sale it takes from; else empty.
        since: First day.
        until: Day after the last.
        gross: USD a month of the purchase price, to ten decimals; negative for a refund.
        net: USD a month of the vendor amount, likewise.
        kind: `new`, `renewal`, `upgrade`, `downgrade`, `refund` or `other`.
        is_open: Whether the sale is not yet paid; of a refund, the sale it takes from.
    """

    account_id: str
    license_id: str
    transaction_key: str
    target_transaction_key: str
    since: date
    until: date
    gross: Decimal
    net: Decimal
    kind: str
    is_open: bool = False

    def row(self) -> dict[str, Any]:
        """Give the row of the stream `mrr_segments`."""
        return {
            "account_id": self.account_id,
            "license_id": self.license_id,
            "transaction_key": self.transaction_key,
            "target_transaction_key": self.target_transaction_key,
            "valid_from": self.since.isoformat(),
            "valid_to": self.until.isoformat(),
            "mrr_gross": self.gross,
            "mrr": self.net,
            "kind": self.kind,
        }


class Mrr(NamedTuple):
    """Monthly recurring revenue in USD, from purchase prices and from vendor amounts."""

    gross: Decimal = _NOTHING
    net: Decimal = _NOTHING


def mrr_on(segments: Iterable[Segment], day: date) -> Mrr:
    """Give the MRR of an account on a day: the sum of its segments, at least 0, in whole cents."""
    total = _sum_on(segments, day)
    return Mrr(_cents(max(_NOTHING, total.gross)), _cents(max(_NOTHING, total.net)))


def steps(segments: Sequence[Segment]) -> list[tuple[date, Mrr]]:
    """List the days on which a sum of segments changes, each with the sum from then on, which may be negative."""
    changes: dict[date, list[Decimal]] = {}
    for segment in segments:
        for day, gross, net in (
            (segment.since, segment.gross, segment.net),
            (segment.until, -segment.gross, -segment.net),
        ):
            sums = changes.setdefault(day, [_NOTHING, _NOTHING])
            sums[0] += gross
            sums[1] += net
    gross = net = _NOTHING
    found = []
    for day in sorted(changes):
        gross += changes[day][0]
        net += changes[day][1]
        found.append((day, Mrr(gross, net)))
    return found


def _sum_on(segments: Iterable[Segment], day: date) -> Mrr:
    active = [segment for segment in segments if segment.since <= day < segment.until]
    gross = sum((segment.gross for segment in active), _NOTHING)
    return Mrr(gross, sum((segment.net for segment in active), _NOTHING))


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT, ROUND_HALF_UP)
