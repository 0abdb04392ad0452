"""Money that goes back: what the refund lines say, and what the customer has and pays from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sandbox.world.months import months
from marketplace_sandbox.world.subscriptions.life import Line, Rate
from marketplace_sandbox.world.subscriptions.plan import cents, cents_up

if TYPE_CHECKING:
    from datetime import date
    from fractions import Fraction

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
    """What the rest of a term costs at the rate of today, in one refund with the dates of the rest."""
    start = max(day, term.start)
    rate, rest = life.rate_on(start), months(start, term.end)
    gross, net = cents_up(rate.gross * rest), cents_up(rate.net * rest)
    paid = term.lines[0]
    line = Line("Refund", day, start, term.end, -gross, -net, term.plan, order, takes_back=paid, named=named)
    life.loses(start, term.end)
    return [life.invoice(line)]


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
