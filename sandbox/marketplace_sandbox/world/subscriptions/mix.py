"""Lives as a vendor meets them: what happens how often, the same for the same source of chance."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, TypeVar

from marketplace_sandbox.world.subscriptions.happenings import add_users, buy, change_period, change_plan, renew
from marketplace_sandbox.world.subscriptions.hiding import hide
from marketplace_sandbox.world.subscriptions.life import Life
from marketplace_sandbox.world.subscriptions.payments import settle
from marketplace_sandbox.world.subscriptions.plan import Discount, Proration, Shares
from marketplace_sandbox.world.subscriptions.prices import USERS, PriceList
from marketplace_sandbox.world.subscriptions.refunds import cancel, credit, goodwill, refund_in_full, write_off

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence
    from datetime import date

    from marketplace_sandbox.world.subscriptions.plan import Plan

_T = TypeVar("_T")
_DAY = timedelta(days=1)
_REFUND_DAYS = 30
_WRITE_OFF_DAYS = 60


@dataclass(frozen=True)
class Mix:
    """How often what happens; shares are of 1.

    Attributes:
        years: The longest time for which a subscription has run.
        trials: Licences that were tried and never bought.
        tried: Subscriptions that began with a trial.
        data_center: Subscriptions that are Data Center.
        old_billing: Cloud subscriptions that the old billing system bills; Data Center always is.
        monthly: Cloud subscriptions that begin with monthly bills.
        busy: Terms of a year or longer in which something happens; of a month a quarter as many.
        renewed: Terms of a year that are renewed.
        hidden: Subscriptions with a sale or refund that no row tells, or whose row names no licence.
        shares: The vendor's share of sales.
        prorations: Ways in which the rest of a term is refunded, each for as many subscriptions.
    """

    years: float = 6
    trials: float = 0.15
    tried: float = 0.5
    data_center: float = 0.25
    old_billing: float = 0.15
    monthly: float = 0.3
    busy: float = 0.45
    renewed: float = 0.88
    hidden: float = 0.02
    shares: Shares = field(default_factory=Shares)
    prorations: tuple[Proration, ...] = (
        Proration(),
        Proration(by_line=True, up=False),
        Proration(by_days=True, up=False),
        Proration(by_days=True, by_line=True, up=False),
    )


def paid_life(chance: random.Random, today: date, mix: Mix) -> Life:
    """A subscription that was bought at least once, up to today."""
    life = _Walk(chance, today, mix).to_the_end()
    settle(life, chance, today)
    if chance.random() < mix.hidden:
        hide(life, chance)
    return life


class _Walk:
    """Leads one life from its first sale to today."""

    def __init__(self, chance: random.Random, today: date, mix: Mix) -> None:
        self._chance = chance
        self._today = today
        self._mix = mix
        cloud = chance.random() >= mix.data_center
        old_billing = not cloud or chance.random() < mix.old_billing
        unit = Fraction(chance.randint(90, 310), 100) if cloud else Fraction(chance.randint(8, 19))
        proration = mix.prorations[int(unit * 100) // (1 if cloud else 100) % len(mix.prorations)]
        self.life = Life(cloud=cloud, old_billing=old_billing, shares=mix.shares, proration=proration)
        self._prices = PriceList(cloud, unit, *self._terms_of_trade(cloud=cloud))
        self._users = chance.choice(USERS)
        self._edition = "Standard" if cloud else None
        self._period = self._choose((1, 12, 24), (mix.monthly, 0.95 - mix.monthly, 0.05)) if cloud else 12
        if not cloud:
            self._period = self._choose((12, 24, 36), (0.82, 0.13, 0.05))
        self._last = today  # day of the last happening; nothing else happens on it

    def to_the_end(self) -> Life:
        """All that happens until today."""
        back = self._chance.randint(1, int(self._mix.years * 365))
        day: date | None = self._today - back * _DAY
        while day and day <= self._today:
            self._begin(day)
            while self._term_passes() and self._renewal():
                pass
            day = self._comes_back()
        return self.life

    def _terms_of_trade(self, *, cloud: bool) -> tuple[str, tuple[Discount, ...]]:
        kind = self._choose(("COMMERCIAL", "ACADEMIC", "COMMUNITY"), (0.92, 0.06, 0.02))
        discounts: tuple[Discount, ...] = ()
        luck = self._chance.random()
        if luck < 0.06:
            discounts = (Discount("EXPERT", Fraction(self._chance.choice((5, 10, 20)), 100)),)
        elif luck < 0.08:
            discounts = (Discount("MANUAL", Fraction(1), reason="DUAL_LICENSING"),)
        elif luck < 0.12 and not cloud:
            discounts = (Discount("LOYALTY_DISCOUNT", Fraction(15, 100)),)
        return kind, discounts

    def _choose(self, values: Sequence[_T], weights: Sequence[float]) -> _T:
        return self._chance.choices(values, weights)[0]

    def _plan(self, *more: Discount) -> Plan:
        return self._prices.plan(self._users, self._period, edition=self._edition, more=more)

    # The first sale, and the one after a time without.

    def _begin(self, day: date) -> None:
        more: tuple[Discount, ...] = ()
        if self._chance.random() < 0.1 and self._plan().rate:
            share = Fraction(self._chance.choice((10, 15, 25)), 100)
            more = (Discount("MARKETPLACE_PROMOTION", share, code=f"SANDBOX{int(share * 100)}"),)
        until = None
        if self._period == 12 and self._chance.random() < 0.15:
            until = day + self._chance.randint(20, 340) * _DAY
        buy(self.life, day, self._plan(*more), until=until, by_hand=self._chance.random() < 0.01)
        self._last = day

    def _comes_back(self) -> date | None:
        if self._chance.random() < 0.7:
            return None
        ended = max(self._last, self.life.terms[-1].end) if self.life.terms else self._last
        return ended + self._chance.randint(3, 400) * _DAY

    # In mid-term.

    def _term_passes(self) -> bool:
        """What happens in the current term; whether it is over and nobody has ended it."""
        busy = self._mix.busy * (0.25 if self._period == 1 else 1)
        while self._chance.random() < busy:
            day = self._day_in_term()
            if day is None:
                break
            self._something(day)
            if not self.life.terms or self.life.paid_until <= day:
                return False
        return self.life.paid_until <= self._today

    def _day_in_term(self) -> date | None:
        """A day of the current term after all that happened, not its last."""
        first = max(self._last, self.life.terms[-1].start) + _DAY
        last = min(self.life.paid_until - 2 * _DAY, self._today)
        if last < first or not self.life.rate_on(first).gross:
            return None
        return first + self._chance.randint(0, (last - first).days) * _DAY

    def _something(self, day: date) -> None:
        sold = max(line.sold for line in self.life.term_on(day).lines)
        possible: dict[Callable[[date], None], float] = {
            self._upgrade: 0.4,
            self._cancel: 0.06,
            self._goodwill: 0.07,
            self._credit: 0.07,
        }
        if (day - sold).days <= _REFUND_DAYS and len(self.life.terms_after(day)) == 1:
            possible[self._refund] = 0.1
        if not self.life.old_billing:
            possible[self._downgrade] = 0.12
            possible[self._other_period] = 0.06
        if self._period == 1 and self.life.paid_until <= self._today:
            possible[self._add_users] = 0.5
        self._choose(tuple(possible), tuple(possible.values()))(day)
        self._last = max(self._last, day)

    def _named(self) -> bool:
        return self._chance.random() < 0.7

    def _upgrade(self, day: date) -> None:
        before = self._users, self._edition
        if self._edition == "Standard" and self._chance.random() < 0.2:
            self._edition = "Advanced"
        else:
            self._users = _tier(self._users, self._chance.randint(1, 2))
        self._change(day, before, dearer=True)

    def _downgrade(self, day: date) -> None:
        before = self._users, self._edition
        self._users = _tier(self._users, -1)
        self._change(day, before, dearer=False)

    def _change(self, day: date, before: tuple[int, str | None], *, dearer: bool) -> None:
        """Change the plan, its discounts kept, if that makes it dearer (or cheaper) as it should."""
        now = self.life.term_on(day).plan
        plan = replace(self._plan(), discounts=now.discounts)
        if plan.rate == now.rate or (plan.rate > now.rate) != dearer:
            self._users, self._edition = before
        elif self.life.old_billing:
            change_plan(self.life, day, plan)
        else:
            original = self._chance.random() < 0.4
            change_plan(self.life, day, plan, original_dates=original, named=self._named())

    def _other_period(self, day: date) -> None:
        self._period = 12 if self._period == 1 else 1
        change_period(self.life, day, self._plan(), terms=self._choose((1, 2), (0.8, 0.2)), named=self._named())

    def _add_users(self, day: date) -> None:
        added = self._chance.randint(1, 9)
        self._users += added
        term = self.life.term_on(day)
        end, plan = term.end, replace(self._plan(), discounts=term.plan.discounts, edition=term.plan.edition)
        add_users(self.life, day, added, plan)
        self._last = end - 2 * _DAY

    def _cancel(self, day: date) -> None:
        cancel(self.life, day, named=self._named())

    def _refund(self, day: date) -> None:
        refund_in_full(self.life, day, named=self._named())

    def _goodwill(self, day: date) -> None:
        self._lower(day, goodwill)

    def _credit(self, day: date) -> None:
        self._lower(day, credit)

    def _lower(self, day: date, happening: Callable[[Life, date, Fraction], None]) -> None:
        term = self.life.term_on(day)
        left = (term.end - day) / (term.end - term.start)
        lowered = sum(line.takes_back in term.lines for line in self.life.lines if line.takes_back)
        if left > 0.35 and lowered < 2 * len(term.lines):
            happening(self.life, day, Fraction(self._chance.randint(3, 15), 100))

    # At the end of a term.

    def _renewal(self) -> bool:
        """Whether the term that is over was renewed by today, and not in vain."""
        end, luck = self.life.paid_until, self._chance.random()
        renewed = self._mix.renewed if self._period > 1 else self._mix.renewed ** (1 / 6)
        if luck > renewed:
            return False
        day = end + self._choose((0, 1, -1), (0.8, 0.1, 0.1)) * self._chance.randint(1, 25) * _DAY
        if not self._last < day <= self._today:
            day = end
        if not self._last < day:
            return False
        self._grow()
        collected = self._chance.random() > 0.01
        by_hand, terms = self._chance.random() < 0.01, self._choose((1, 2), (0.97, 0.03))
        lines = renew(self.life, day, self._plan(), terms=terms, by_hand=by_hand, collected=collected)
        if not collected and day + _WRITE_OFF_DAYS * _DAY <= self._today:
            for line in lines:
                write_off(self.life, day + _WRITE_OFF_DAYS * _DAY, line)
        self._last = day
        return collected

    def _grow(self) -> None:
        """The plan of the next term: prices, users and the period change now and then."""
        luck = self._chance.random()
        yearly = self._period > 1 or luck < 1 / 12
        if yearly and luck < 0.6:
            self._prices = replace(
                self._prices, unit=self._prices.unit * self._choose((100, 103, 108), (2, 1, 1)) / 100
            )
        elif yearly and luck < 0.75:
            self._users = _tier(self._users, +1)
        elif yearly and luck < 0.85:
            self._users = _tier(self._users, -1)
        elif luck > 0.97 and self.life.cloud:
            self._period = 12 if self._period == 1 else 1


def _tier(users: int, steps: int) -> int:
    """The tier so many steps above or below the one that these users need."""
    at = next((at for at, ceiling in enumerate(USERS) if ceiling >= users), len(USERS) - 1)
    return USERS[min(max(at + steps, 0), len(USERS) - 1)]
