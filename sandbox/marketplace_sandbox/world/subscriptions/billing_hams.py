"""The old billing system: a change in mid-term is one line, the difference of the prices for the rest of the term."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sandbox.world.months import months

if TYPE_CHECKING:
    from datetime import date

    from marketplace_sandbox.world.subscriptions.life import Life
    from marketplace_sandbox.world.subscriptions.plan import Plan


def upgrade(life: Life, day: date, plan: Plan) -> None:
    """From `day` on the customer has a dearer plan, for the rest of all that is paid for.

    The rate grows by the difference that he pays, by the months that he pays it for.
    """
    order = life.order()
    for term in life.terms_after(day):
        start = max(day, term.start)
        usd = (plan.rate - term.plan.rate) * months(start, term.end)
        line = life.charge("Upgrade", day, start, term.end, usd, plan, order)
        line.previous = term.plan
        life.has(start, term.end, plan, life.rate_on(start) + line.rate)
        term.lines.append(line)
        term.plan = plan
