"""The new billing system: a change in mid-term gives the old plan's money back and bills the new plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sandbox.world.months import months
from marketplace_sandbox.world.subscriptions.refunds import give_back, give_back_rest

if TYPE_CHECKING:
    from datetime import date

    from marketplace_sandbox.world.subscriptions.life import Life
    from marketplace_sandbox.world.subscriptions.plan import Plan


def change(life: Life, day: date, plan: Plan, *, original_dates: bool = False, named: bool = True) -> None:
    """From `day` on the customer has another plan, for the rest of all that is paid for.

    Money goes back at the vendor's share of the day on which it was paid, the new bill has the share of today.

    Args:
        life: Whose.
        day: From when on.
        plan: The new plan; its price decides between `Upgrade` and `Downgrade`.
        original_dates: Give all of the term's money back and bill the whole term anew, both with the dates of the
            term; otherwise both with the dates of the rest.
        named: Whether the refund names the order that it takes back.
    """
    order = life.order()
    for term in life.terms_after(day):
        start = max(day, term.start)
        sale_type = "Upgrade" if plan.rate >= term.plan.rate else "Downgrade"
        previous = term.plan
        if original_dates:
            give_back(life, day, term, order=order, named=named)
        else:
            give_back_rest(life, day, term, order=order, named=named)
        begins = term.start if original_dates else start
        line = life.charge(sale_type, day, begins, term.end, plan.rate * months(begins, term.end), plan, order)
        line.previous = previous
        life.has(start, term.end, plan, line.rate)
        term.lines = [line]
        term.plan = plan
