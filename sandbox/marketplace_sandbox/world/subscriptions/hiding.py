"""Information that is truly missing: a sale or a refund that no row tells, or that names no licence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marketplace_sandbox.world.subscriptions.life import Blind

if TYPE_CHECKING:
    import random

    from marketplace_sandbox.world.subscriptions.life import Life, Line


def hide(life: Life, chance: random.Random) -> None:
    """Take the licence off one row, or the row away, and note the days whose MRR the rows then do not tell.

    Only a line that no other one of the subscription touches, or a refund that ended the subscription: then these
    days are all that is lost.
    """
    lines = [line for line in life.lines if line.gross and _alone(life, line)]
    if not lines:
        return
    line = chance.choice(lines)
    what = "refund" if line.sale_type == "Refund" else "sale"
    first = max(line.start, line.sold) if what == "refund" else line.start
    if chance.random() < 0.5:
        line.nameless, why = True, f"{what} names no license"
        if line.takes_back and line.named:
            return  # the order that it names is of a license
    else:
        line.reported, why = False, f"{what} is not reported"
    life.blind.append(Blind(first, line.end, why))


def _alone(life: Life, line: Line) -> bool:
    touching = [
        other for other in life.lines if other is not line and other.start < line.end and line.start < other.end
    ]
    if line.sale_type == "Refund":
        return touching == [line.takes_back] and not life.rate_on(max(line.start, line.sold)).gross
    return not touching
