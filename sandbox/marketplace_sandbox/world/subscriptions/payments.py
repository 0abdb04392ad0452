"""Whether invoices were paid, as the rows say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from datetime import date

    from marketplace_sandbox.world.subscriptions.life import Life

_DAYS_TO_PAY = 30


def settle(life: Life, chance: random.Random, today: date) -> None:
    """Some recent invoices are open yet, and some of those that went back in full say so. Both count as ever."""
    back: dict[int, int] = {}
    for line in life.lines:
        if line.takes_back:
            back[id(line.takes_back)] = back.get(id(line.takes_back), 0) - line.gross
    for line in life.lines:
        if line.gross <= 0 or line.fields.get("paymentStatus"):
            continue
        if back.get(id(line)) == line.gross and chance.random() < 0.3:
            line.fields["paymentStatus"] = "Refunded"
        elif (today - line.sold).days < _DAYS_TO_PAY and chance.random() < 0.25:
            line.fields["paymentStatus"] = "Open"
            line.purchase["paymentTerms"] = "Net30"
