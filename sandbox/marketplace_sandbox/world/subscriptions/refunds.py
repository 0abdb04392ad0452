"""Money that goes back: what the refund lines say, and what the customer has and pays from then on."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from marketplace_sandbox.world.months import months
from marketplace_sandbox.world.subscriptions.life import Line, Rate
from marketplace_sandbox.world.subscriptions.plan import cents

if TYPE_CHECKING:
    from datetime import date

    from marketplace_sandbox.world.subscriptions.life import Life, Term


def give_back(life: Life, day: date, term: Term, *, order: int, named: bool = True) -> list[Line]:
    """All that was paid for what he has in a term and did not go back yet: a refund of each line, with its dates."""
    refunds = []
    for paid in term.lines:
        earlier = [line for line in life.lines if line.takes_back is paid]
        gross = paid.gross + sum(line.gross for line in earlier)
        net = paid.net + sum(line.net for line in earlier)
        line = Line("Refund", day, paid.start, paid.end, -gross, -net, paid.plan, order, takes_back=paid, named=named)
        refunds.append(life.invoice(line))
    life.loses(max(day, term.start), term.end)
    return refunds


def give_back_rest(life: Life, day: date, term: Term, *, order: int, named: bool = True) -> list[Line]:
    """What the rest of a term is worth, in refunds with the dates of the rest, as the billing prorates it."""
    start = max(day, term.start)
    refunds = []
    for paid, worth in _rest(life, start, term):
        gross, net = life.proration.cents(worth.gross), life.proration.cents(worth.net)
        plan = paid.plan if life.proration.by_line else term.plan
        line = Line("Refund", day, start, term.end, -gross, -net, plan, order, takes_back=paid, named=named)
        refunds.append(life.invoice(line))
    life.loses(start, term.end)
    return refunds


def _rest(life: Life, start: date, term: Term) -> list[tuple[Line, Rate]]:
    """USD that the days from `start` on are worth, by the line whose money it is.

    Where money of the term went back before, it is what they cost at the rate of today, in one sum.
    """
    first = term.lines[0]
    touched = any(line.takes_back in term.lines for line in life.lines if line.takes_back)
    if touched or not (life.proration.by_days or life.proration.by_line):
        rate, rest = life.rate_on(start), months(start, term.end)
        return [(first, Rate(rate.gross * rest, rate.net * rest))]
    by_line = [(line, _share(life, line, start)) for line in term.lines]
    return by_line if life.proration.by_line else [(first, sum((worth for _, worth in by_line), Rate()))]


def _share(life: Life, line: Line, start: date) -> Rate:
    if life.proration.by_days:
        part = Fraction((line.end - start).days, (line.end - line.start).days)
    else:
        part = months(start, line.end) / months(line.start, line.end)
    return Rate(line.gross * part / 100, line.net * part / 100)


def refund_in_full(life: Life, day: date, *, named: bool = True) -> None:
    """Within 30 days of the sale all money goes back, and the customer has nothing any more."""
    life.happen(day, "refunded in full")
    order = life.order()
    for term in life.terms_after(day):
        for line in give_back(life, day, term, order=order, named=named):
            line.purchase |= {"refundReason": "REFUND_CANCELLED_PURCHASE", "creditNoteReason": "30 DAY REFUND REQUEST"}
        life.terms.remove(term)


def cancel(life: Life, day: date, *, named: bool = True) -> None:
    """The subscription ends in mid-term; the money for the rest goes back."""
    life.happen(day, "cancelled")
    order = life.order()
    for term in life.terms_after(day):
        for line in give_back_rest(life, day, term, order=order, named=named):
            line.purchase["refundReason"] = "REFUND_CANCELLED_PURCHASE"
        if term.start < day:
            term.end = day
        else:
            life.terms.remove(term)


def write_off(life: Life, day: date, line: Line) -> None:
    """A credit note of an invoice that nobody paid; no money goes back, and the customer has what he had."""
    life.happen(day, "written off")
    note = Line("Refund", day, line.start, line.end, -line.gross, -line.net, line.plan, life.order(), takes_back=line)
    note.purchase["creditNoteReason"] = "UNCOLLECTIBLE INVOICE"
    life.invoice(note)


def goodwill(life: Life, day: date, part: Fraction) -> None:
    """A part of the term's money goes back as an apology, in a refund of each line with the line's dates."""
    life.happen(day, "goodwill refund")
    for refund in _lower(life, day, life.term_on(day), part):
        refund.purchase["creditNoteReason"] = "GOODWILL"


def credit(life: Life, day: date, part: Fraction) -> None:
    """A part of the money for the rest of the term goes back, in a refund of each line with the dates of the rest."""
    life.happen(day, "partial refund")
    for refund in _lower(life, day, life.term_on(day), part, since=day):
        refund.purchase["creditNoteReason"] = "USERS REMOVED"


def _lower(life: Life, day: date, term: Term, part: Fraction, *, since: date | None = None) -> list[Line]:
    """Refunds of a part of what each line of a term costs; their money is spread over the rest of the term."""
    order, rate, rest = life.order(), life.rate_on(day), months(day, term.end)
    refunds = []
    for paid in term.lines:
        start = since or paid.start
        back = part * months(start, term.end)
        if back >= rest:
            raise ValueError(f"on {day} the rest of the term is worth less than what goes back")
        gross, net = cents(paid.rate.gross * back), cents(paid.rate.net * back)
        line = Line("Refund", day, start, term.end, -gross, -net, paid.plan, order, takes_back=paid)
        refunds.append(life.invoice(line))
        rate += Rate(-gross / (rest * 100), -net / (rest * 100))
    life.has(day, term.end, term.plan, rate)
    return refunds
