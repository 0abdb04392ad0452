"""What happens in the life of a subscription; each happening changes what the customer has and writes its lines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from marketplace_sandbox.world.calendar import add_months
from marketplace_sandbox.world.months import months
from marketplace_sandbox.world.subscriptions import billing_ccp, billing_hams
from marketplace_sandbox.world.subscriptions.life import Rate, Term
from marketplace_sandbox.world.subscriptions.refunds import give_back_rest

if TYPE_CHECKING:
    from datetime import date

    from marketplace_sandbox.world.subscriptions.life import Life, Line
    from marketplace_sandbox.world.subscriptions.plan import Plan


def buy(
    life: Life, day: date, plan: Plan, *, until: date | None = None, starts: date | None = None, by_hand: bool = False
) -> Line:
    """The first sale, or one after a time without.

    Args:
        life: Whose.
        day: Day of the sale.
        plan: What is bought.
        until: The day after the last of the first term, if that is no full one: it ends with the parent product's.
        starts: First day, if it is not the day of the sale.
        by_hand: Whether the invoice was written by hand and says nothing of the kind of sale.
    """
    start = starts or day
    life.happen(day, "bought")
    end = until or add_months(start, plan.period)
    return _begin_term(life, day, start, end, plan, None if by_hand else "New", life.order())


def renew(
    life: Life,
    day: date,
    plan: Plan,
    *,
    terms: int = 1,
    by_hand: bool = False,
    collected: bool = True,
) -> list[Line]:
    """The next term, from the end of what is paid for on.

    Args:
        life: Whose.
        day: Day of the sale: on that end, before it, or after it, if the renewal was posted late.
        plan: What he has from then on.
        terms: How many terms are paid for in one order.
        by_hand: Whether the invoice was written by hand.
        collected: Whether the invoice was paid; the customer of an uncollectible one pays nothing for its days.
    """
    life.happen(day, "renewed" if collected else "renewed and never paid")
    order, lines = life.order(), []
    for _ in range(terms):
        previous, start = life.terms[-1].plan, life.paid_until
        kind = None if by_hand else "Renewal"
        line = _begin_term(life, day, start, add_months(start, plan.period), plan, kind, order)
        line.previous = previous
        if not collected:
            line.fields["paymentStatus"] = "Uncollectible"
            life.has(line.start, line.end, plan, Rate())
        lines.append(line)
    return lines


def change_plan(life: Life, day: date, plan: Plan, **how: Any) -> None:
    """Another tier or edition in mid-term, in the shape of the billing system.

    Args:
        life: Whose.
        day: From when on.
        plan: The new plan of the same billing period; with the old system it must be the dearer one.
        how: Options of the new system, see `billing_ccp.change`.
    """
    life.happen(day, "upgraded" if plan.rate >= life.term_on(day).plan.rate else "downgraded")
    if life.old_billing:
        billing_hams.upgrade(life, day, plan)
    else:
        billing_ccp.change(life, day, plan, **how)


def change_period(life: Life, day: date, plan: Plan, *, terms: int = 1, named: bool = True) -> None:
    """From monthly to annual bills or back, in mid-term: the rest goes back, and a term of the new period begins.

    All lines are of one order: the refund, the first term as an upgrade (to annual) or renewal (to monthly), and
    further terms as renewals.
    """
    life.happen(day, "billing period changed")
    order = life.order()
    previous = life.term_on(day).plan
    for term in life.terms_after(day):
        give_back_rest(life, day, term, order=order, named=named)
        if term.start < day:
            term.end = day
        else:
            life.terms.remove(term)
    start = day
    for number in range(terms):
        kind = "Upgrade" if number == 0 and plan.period > previous.period else "Renewal"
        end = add_months(start, plan.period)
        line = _begin_term(life, day, start, end, plan, kind, order)
        if number == 0:
            line.previous = previous
        start = end


def add_users(life: Life, day: date, added: int, plan: Plan) -> None:
    """Users added within a month of maximum-quantity billing: a one-off charge, posted at the month's end.

    They are part of what the customer has a month from the next renewal on, not before.
    """
    life.happen(day, "users added")
    term = life.term_on(day)
    usd = (plan.rate - term.plan.rate) * months(day, term.end)
    line = life.charge("Upgrade", term.end, day, term.end, usd, replace(plan, users=added), life.order())
    line.purchase |= {"proratedDetails": [{"addedUsers": added, "date": day.isoformat()}], "tier": f"{added} User"}


def _begin_term(life: Life, sold: date, start: date, end: date, plan: Plan, sale_type: str | None, order: int) -> Line:
    line = life.charge(sale_type, sold, start, end, plan.rate * months(start, end), plan, order)
    if sale_type is None:
        line.purchase["licenseType"] = None
        line.fields["isInvoiceManual"] = True
    life.has(start, end, plan, line.rate)
    life.terms.append(Term(start, end, plan, [line]))
    return line
