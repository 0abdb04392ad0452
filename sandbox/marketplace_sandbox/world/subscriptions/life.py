"""The life of one subscription: what its customer has on each day, and the lines that were invoiced for it.

What he has is the truth. It is written down as it happens, day for day, and never worked out from the lines.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from marketplace_sandbox.world.months import months
from marketplace_sandbox.world.subscriptions.plan import Proration, Shares, cents

if TYPE_CHECKING:
    from datetime import date

    from marketplace_sandbox.world.subscriptions.plan import Plan


@dataclass(frozen=True)
class Rate:
    """USD a month: what the customer pays, and what of it the vendor gets."""

    gross: Fraction = Fraction(0)
    net: Fraction = Fraction(0)

    def __add__(self, other: Rate) -> Rate:
        return Rate(self.gross + other.gross, self.net + other.net)


@dataclass(frozen=True)
class Stretch:
    """Days on which the customer has one plan at one rate.

    Attributes:
        first: The first day.
        until: The day after the last.
        plan: What he has.
        rate: MRR of each of these days.
    """

    first: date
    until: date
    plan: Plan
    rate: Rate


@dataclass(eq=False)
class Line:
    """A line of an invoice or credit note; one transaction row.

    Attributes:
        sale_type: `New`, `Renewal`, `Upgrade`, `Downgrade`, `Refund`, or None on an invoice written by hand.
        sold: Day of the sale.
        start: First day of the coverage.
        end: The day after the last.
        gross: What the customer pays, in cents; negative if he gets it back.
        net: What of it the vendor gets, in cents.
        plan: What is paid for.
        order: Lines of one order share this number, which counts within the life.
        previous: The plan before, where the line changes it.
        takes_back: The line whose money this one gives back.
        named: Whether the row names the order of that line.
        nameless: Whether the row names no licence.
        reported: Whether there is a row at all.
        purchase: Further fields of `purchaseDetails`.
        fields: Further fields of the row.
    """

    sale_type: str | None
    sold: date
    start: date
    end: date
    gross: int
    net: int
    plan: Plan
    order: int
    previous: Plan | None = None
    takes_back: Line | None = None
    named: bool = True
    nameless: bool = False
    reported: bool = True
    purchase: dict[str, Any] = field(default_factory=dict)
    fields: dict[str, Any] = field(default_factory=dict)

    @property
    def rate(self) -> Rate:
        """What the line's money is a month of its coverage."""
        length = months(self.start, self.end) * 100
        return Rate(self.gross / length, self.net / length)


@dataclass(eq=False)
class Term:
    """Coverage that was bought at once.

    Attributes:
        start: First day.
        end: The day after the last.
        plan: What the customer has in it now.
        lines: The lines that pay for what he has in it now.
    """

    start: date
    end: date
    plan: Plan
    lines: list[Line]


@dataclass(frozen=True)
class Blind:
    """Days whose MRR the reported rows do not tell.

    Attributes:
        first: The first day.
        until: The day after the last.
        reason: Which information is missing.
    """

    first: date
    until: date
    reason: str


class Life:
    """One subscription, from what happens first to what happened last.

    Args:
        cloud: Whether the app is hosted by Atlassian; otherwise Data Center.
        old_billing: Whether the old billing system (HAMS) bills it, otherwise the new one (CCP).
        shares: The vendor's share of each sale.
        proration: What of a term's money goes back for the rest of it.

    Attributes:
        stretches: What the customer has, in the order of days; days between them he has nothing.
        terms: What is paid for, in the order of its days; given back, it is taken out.
        lines: All that was invoiced, in the order in which it was.
        happenings: Day and name of all that happened.
        blind: Days whose MRR the rows do not tell.
    """

    def __init__(
        self,
        *,
        cloud: bool = True,
        old_billing: bool = False,
        shares: Shares | None = None,
        proration: Proration | None = None,
    ) -> None:
        self.cloud = cloud
        self.old_billing = old_billing
        self.shares = shares or Shares()
        self.proration = proration or Proration()
        self.stretches: list[Stretch] = []
        self.terms: list[Term] = []
        self.lines: list[Line] = []
        self.happenings: list[tuple[date, str]] = []
        self.blind: list[Blind] = []
        self._orders = 0

    @property
    def paid_until(self) -> date:
        """The day after the last that is paid for."""
        return self.terms[-1].end

    def ended(self, today: date) -> bool:
        """Whether nothing is paid for on that day and later."""
        return all(term.end <= today for term in self.terms)

    def happen(self, day: date, what: str) -> None:
        """Note what happens."""
        self.happenings.append((day, what))

    def order(self) -> int:
        """Number of a new order."""
        self._orders += 1
        return self._orders

    def has(self, first: date, until: date, plan: Plan, rate: Rate) -> None:
        """From `first` until `until` the customer has this, whatever he had for these days before."""
        self.loses(first, until)
        if first < until:
            self.stretches.append(Stretch(first, until, plan, rate))
            self.stretches.sort(key=lambda each: each.first)

    def loses(self, first: date, until: date) -> None:
        """From `first` until `until` the customer has nothing."""
        kept = []
        for each in self.stretches:
            if each.until <= first or until <= each.first:
                kept.append(each)
                continue
            if each.first < first:
                kept.append(Stretch(each.first, first, each.plan, each.rate))
            if until < each.until:
                kept.append(Stretch(until, each.until, each.plan, each.rate))
        self.stretches = kept

    def rate_on(self, day: date) -> Rate:
        """What he pays a month on that day; nothing if he has nothing."""
        return next((each.rate for each in self.stretches if each.first <= day < each.until), Rate())

    def invoice(self, line: Line) -> Line:
        """Write a line."""
        self.lines.append(line)
        return line

    def charge(
        self, sale_type: str | None, sold: date, start: date, end: date, usd: Fraction, plan: Plan, order: int
    ) -> Line:
        """Write a line of so much money, rounded to cents; the vendor gets the share of the day of the sale."""
        gross = cents(usd)
        net = cents(Fraction(gross, 100) * self.shares.on(sold, cloud=self.cloud))
        return self.invoice(Line(sale_type, sold, start, end, gross, net, plan, order))

    def term_on(self, day: date) -> Term:
        """The term that the day belongs to.

        Raises:
            ValueError: None is paid for that day.
        """
        for term in self.terms:
            if term.start <= day < term.end:
                return term
        raise ValueError(f"nothing is paid for {day}")

    def terms_after(self, day: date) -> list[Term]:
        """The term of the day and those that are paid for already and follow it."""
        return [term for term in self.terms if day < term.end]
