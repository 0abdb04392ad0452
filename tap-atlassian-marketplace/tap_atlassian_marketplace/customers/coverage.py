"""Until when a customer has paid, and the times without in between."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from tap_atlassian_marketplace.customers.months import months_between
from tap_atlassian_marketplace.customers.sales import DOWNGRADE, UPGRADE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tap_atlassian_marketplace.customers.recurring import Recurring
    from tap_atlassian_marketplace.customers.revenue import Revenue
    from tap_atlassian_marketplace.customers.sales import Sale

_ONE_DAY = timedelta(days=1)
_YEAR = Decimal(12)
_ABOUT_MONTHLY = Decimal("1.5")
_OFF_A_MONTH = Decimal("0.1")  # which a month from one last day to the next may be longer or shorter
_NOTHING = Decimal(0)

MONTHLY, ANNUAL = "Monthly", "Annual"


class Span(NamedTuple):
    """Days that one sale covers, as far as refunds have left anything of it.

    Attributes:
        since: First day.
        until: Day after the last.
        key: The sale.
        ends: Day after the last one of the term that was sold.
        known: First day on which it was known: that of the sale, but not before the first day covered.
    """

    since: date
    until: date
    key: str
    ends: date
    known: date

    @property
    def refunded(self) -> bool:
        """Whether a refund ended it, rather than the end of the term."""
        return self.until < self.ends


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
        spans: What each sale covers, be it paid for or given away at a discount of all.
        stretches: The same days, joined.
        terms: The sales that bill a term, see `billed_terms`.
        forward: The sale whose term reaches furthest, of the latest; None without one.
        billing_period: `Monthly` or `Annual`, of that sale; None without one.
        expected: USD that a renewal would bring the vendor; None when there is nothing to renew.
    """

    spans: list[Span]
    stretches: list[Stretch]
    terms: list[tuple[Sale, str]]
    forward: Sale | None
    billing_period: str | None
    expected: Decimal | None

    @property
    def paid_through(self) -> date | None:
        """Day after the last one that is paid for; None when nothing ever was."""
        return max((each.until for each in self.stretches), default=None)


def read_coverage(sales: Sequence[Sale], revenue: Revenue) -> Coverage:
    """Find out what is paid for."""
    recurring = [(each, each.covers_until) for each in revenue.recurring]
    spans = [
        Span(each.since, until, each.sale.key, each.until, max(each.since, each.sale.sold or each.since))
        for each, until in recurring
        if each.since < until
    ]
    # Days that are given away keep the subscription; those of a free licence are nobody's subscription.
    given = [sale for sale in sales if sale.is_given_away and sale.is_covering]
    spans += [
        Span(sale.start, sale.end, sale.key, sale.end, max(sale.start, sale.sold or sale.start))
        for sale in given
        if sale.start and sale.end
    ]
    stretches = _joined(spans)
    lasting = [(each, until) for each, until in recurring if each.since < until]
    forward = _forward([each.sale for each, _ in lasting], given)
    taken_back = {each.sale.key for each, until in recurring if until <= each.since}
    terms = billed_terms([sale for sale in sales if sale.key not in taken_back])
    period = next((period for sale, period in terms if sale is forward), None)
    return Coverage(
        spans, stretches, terms, forward, period, _expected(lasting, stretches, terms, period) if forward else None
    )


def billed_terms(sales: Sequence[Sale]) -> list[tuple[Sale, str]]:
    """List the sales that bill a term, in the order in which they count, each with its billing period.

    It is what the sale says, else what its term says; a change for a short rest of a term keeps the period before.
    """
    terms = [
        (sale.since, sale.rank, sale)
        for sale in sales
        if sale.since and sale.is_covering and not sale.is_refund and not sale.is_true_up
        if not sale.is_uncollectible and not sale.is_free and not sale.is_trial
    ]
    found: list[tuple[Sale, str]] = []
    for _, _, sale in sorted(terms, key=itemgetter(0, 1)):
        found.append((sale, _billing_period(sale, found[-1][1] if found else None)))
    return found


def _billing_period(sale: Sale, before: str | None) -> str:
    said = (sale.billing_period or "").capitalize()
    if said in {MONTHLY, ANNUAL}:
        return said
    if not sale.start or not sale.end or months_between(sale.start, sale.end) > _ABOUT_MONTHLY:
        return ANNUAL
    return before or MONTHLY if sale.kind in {UPGRADE, DOWNGRADE} else MONTHLY


def _forward(paid: list[Sale], given: list[Sale]) -> Sale | None:
    """Pick the latest sale; one of 0 without a discount says nothing of the price, so only when there is no other."""
    telling = paid + [sale for sale in given if sale.is_discounted]
    return max(telling or given, key=lambda sale: (sale.sold, sale.end, sale.rank), default=None)


def _joined(spans: list[Span]) -> list[Stretch]:
    stretches: list[Stretch] = []
    for span in sorted(spans):
        last = stretches[-1] if stretches else None
        if last is None or span.since > last.until:
            stretches.append(Stretch(span.since, span.until, span.key, span.refunded))
        elif span.until > last.until:
            stretches[-1] = Stretch(last.since, span.until, last.opened_by, span.refunded)
    return stretches


def _expected(
    lasting: list[tuple[Recurring, date]],
    stretches: list[Stretch],
    terms: list[tuple[Sale, str]],
    period: str | None,
) -> Decimal | None:
    """Multiply what each sale of the last paid day brings a month by the months of one bill.

    A monthly bill brings its amount, be its month one of 28 or of 31 days. Another is of as many months as the longest
    term that ends with what is paid for, of which a change billed only the rest.
    """
    if not stretches:
        return None
    end = max(each.until for each in stretches)
    bill = Decimal(1)
    if period != MONTHLY:
        of_terms = (months_between(sale.start, sale.end) for sale, _ in terms if sale.start and sale.end == end)
        bill = max((_YEAR, *of_terms))
    last_day = end - _ONE_DAY
    lasts = [each.sale for each, until in lasting if each.since <= last_day < until]
    return sum((_of_a_bill(sale, bill) for sale in lasts), _NOTHING).quantize(Decimal("0.01"))


def _of_a_bill(sale: Sale, months: Decimal) -> Decimal:
    if sale.start is None or sale.end is None:
        return _NOTHING
    net, covered = sale.net or _NOTHING, months_between(sale.start, sale.end)
    is_whole = months == 1 and abs(covered - months) < _OFF_A_MONTH
    return net if is_whole else net / covered * months
