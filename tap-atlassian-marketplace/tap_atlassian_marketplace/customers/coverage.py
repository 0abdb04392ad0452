"""Until when a customer has paid, and the times without in between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from tap_atlassian_marketplace.customers.months import months_between
from tap_atlassian_marketplace.customers.sales import REFUND

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tap_atlassian_marketplace.customers.matching import Recurring
    from tap_atlassian_marketplace.customers.revenue import Revenue
    from tap_atlassian_marketplace.customers.sales import Sale

_ONE_DAY = timedelta(days=1)
_YEAR = Decimal(12)
_ABOUT_MONTHLY = Decimal("1.5")
_NOTHING = Decimal(0)

MONTHLY, ANNUAL = "Monthly", "Annual"


@dataclass(frozen=True)
class Stretch:
    """Days without a break that are paid for.

    Attributes:
        since: First day.
        until: Day after the last.
        opened_by: Key of the sale that begins it.
        refunded: Whether a refund ended it, rather than the end of a term.
    """

    since: date
    until: date
    opened_by: str
    refunded: bool


@dataclass(frozen=True)
class Coverage:
    """What is paid for, in stretches by first day, and the last sale that says how it goes on.

    Attributes:
        stretches: Days that are paid for, or given away at a discount of all.
        forward: The sale whose term reaches furthest, of the latest; None without one.
        expected: USD that a renewal would bring the vendor; None when there is nothing to renew.
    """

    stretches: list[Stretch]
    forward: Sale | None
    expected: Decimal | None

    @property
    def paid_through(self) -> date | None:
        """Day after the last one that is paid for; None when nothing ever was."""
        return max((each.until for each in self.stretches), default=None)

    @property
    def billing_period(self) -> str | None:
        """`Monthly` or `Annual`, of the latest term; None without one."""
        return billing_period(self.forward) if self.forward else None


def read_coverage(sales: Sequence[Sale], revenue: Revenue) -> Coverage:
    """Find out what is paid for."""
    recurring = [(each, each.covers_until) for each in revenue.recurring]
    spans = [(each.since, until, each.sale.key, until < each.until) for each, until in recurring if each.since < until]
    # A discount of all gives days away, which keeps the subscription.
    spans += [
        (sale.start, sale.end, sale.key, False)
        for sale in sales
        if sale.gross == 0 and sale.kind != REFUND and not sale.is_true_up and not sale.is_uncollectible
        if sale.start and sale.end and sale.start < sale.end
    ]
    stretches = _joined(spans)
    lasting = [(each, until) for each, until in recurring if each.since < until]
    forward = max((each.sale for each, _ in lasting), key=lambda sale: (sale.sold, sale.end, sale.rank), default=None)
    return Coverage(stretches, forward, _expected(lasting, stretches, forward))


def billing_period(sale: Sale) -> str:
    """Give the billing period of a sale: what it says, else what its term says."""
    said = (sale.billing_period or "").capitalize()
    if said in {MONTHLY, ANNUAL}:
        return said
    short = sale.start and sale.end and months_between(sale.start, sale.end) <= _ABOUT_MONTHLY
    return MONTHLY if short else ANNUAL


def _joined(spans: list[tuple[date, date, str, bool]]) -> list[Stretch]:
    stretches: list[Stretch] = []
    for since, until, key, refunded in sorted(spans):
        last = stretches[-1] if stretches else None
        if last is None or since > last.until:
            stretches.append(Stretch(since, until, key, refunded))
        elif until > last.until:
            stretches[-1] = Stretch(last.since, until, last.opened_by, refunded)
    return stretches


def _expected(lasting: list[tuple[Recurring, date]], stretches: list[Stretch], forward: Sale | None) -> Decimal | None:
    """Multiply what each sale of the last paid day brings a month by the months of one bill."""
    if not stretches or forward is None or forward.start is None or forward.end is None:
        return None
    last_day = max(each.until for each in stretches) - _ONE_DAY
    rates = [
        (each.sale.net or _NOTHING) / months_between(each.sale.start, each.sale.end)
        for each, until in lasting
        if each.sale.start and each.sale.end and each.since <= last_day < until
    ]
    months = months_between(forward.start, forward.end)
    bill = Decimal(1) if billing_period(forward) == MONTHLY else max(_YEAR, months)
    return (sum(rates, _NOTHING) * bill).quantize(Decimal("0.01"))
