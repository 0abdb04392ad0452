"""A large world of ordinary licences, for load: rows are made when they are read, so that it takes no memory."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from marketplace_sandbox.world.apps import DIAGRAMS, FORMS, TIMESHEETS
from marketplace_sandbox.world.calendar import shift
from marketplace_sandbox.world.rows import Row
from marketplace_sandbox.world.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LETTERS = string.digits + string.ascii_uppercase
_YEARS = 11
_TERM_DAYS = 365
_STRIDE = 7919  # a prime: neighbouring rows begin years apart
_USERS = (10, 25, 50, 100, 250, 500)
_PRICE_PER_USER = 12.34


class MadeRows(Sequence[Row]):
    """Rows that are made each time they are read.

    Args:
        count: How many there are.
        make: Makes the row at a position.
    """

    def __init__(self, count: int, make: Callable[[int], Row]) -> None:
        self._count = count
        self._make = make

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Row]:
        return map(self._make, range(self._count))

    @overload
    def __getitem__(self, at: int) -> Row: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Row]: ...

    def __getitem__(self, at: int | slice) -> Row | Sequence[Row]:
        positions = range(self._count)[at]
        return self._make(positions) if isinstance(positions, int) else [self._make(each) for each in positions]


class PlainWorld(World):
    """So many licences with one sale each: three in cloud, then one in Data Center, and so on.

    Two licences share a company; each has a technical contact of its own, every second one a billing contact, too.
    Terms of a year begin on any day of the last eleven years. Nothing changes when days pass.

    Args:
        licenses: How many.
        seed: Worlds of one seed are equal, those of two seeds share no id.
        today: The first day.
    """

    standing = True

    def __init__(self, *, licenses: int, seed: int = 1, today: str = "2026-03-02") -> None:
        super().__init__(seed=seed, today=today, ideas=())
        self._seed = seed
        self._days = [shift(today, days=-back) for back in range(_YEARS * _TERM_DAYS, -_TERM_DAYS - 1, -1)]
        self._patterns = self._patterns_of_rows()
        self.licenses = MadeRows(licenses, self._license)
        self.transactions = MadeRows(licenses, self._sale)

    def step(self, days: int = 1) -> dict[str, Any]:
        """Move on without any change."""
        self.day += days
        self.today = shift(self.today, days=days)
        return {"today": self.today, "changes": []}

    def content(self) -> dict[str, Any]:
        """Date, apps, and the number of rows: the rows themselves would be too many."""
        counts = {"licenses": len(self.licenses), "transactions": len(self.transactions)}
        return {"today": self.today, "apps": [app.listing() for app in self.apps.values()], "counts": counts}

    def _patterns_of_rows(self) -> list[tuple[Row, Row]]:
        builder = self._builder
        builder.begin("plain")
        company = builder.company("Plain")
        made = []
        for app in (TIMESHEETS, DIAGRAMS, FORMS):
            for add in (builder.cloud, builder.cloud, builder.cloud, builder.data_center):
                row = add(company, app, self.today, self.today)
                made.append((row, builder.sale(row, "New", 1)))
        return made

    def _ids(self, at: int, *, cloud: bool) -> Row:
        if not cloud:
            number = str(self._seed * 10**8 + at)
            return {"addonLicenseId": number, "licenseId": f"SEN-{number}"}
        letters, rest = "", self._seed * 10**9 + at
        for _ in range(12):
            rest, letter = divmod(rest, len(_LETTERS))
            letters += _LETTERS[letter]
        groups = "-".join(letters[first : first + 3] for first in range(0, 12, 3))
        number, host = f"{self._seed:08x}-0000-4000-8000-{at:012x}", f"{self._seed:08x}-0000-4000-9000-{at:012x}"
        return {
            "appEntitlementId": number,
            "appEntitlementNumber": f"E-{groups}",
            "hostEntitlementId": host,
            "hostEntitlementNumber": f"E-{groups[::-1]}",
            "cloudId": host,
        }

    def _term(self, at: int) -> tuple[str, str]:
        begins = at * _STRIDE % (_YEARS * _TERM_DAYS)
        return self._days[begins], self._days[begins + _TERM_DAYS]

    def _license(self, at: int) -> Row:
        pattern, _ = self._patterns[at % len(self._patterns)]
        cloud = "cloudId" in pattern
        start, end = self._term(at)
        active = end >= self._builder.today
        row = {
            **pattern,
            **self._ids(at, cloud=cloud),
            "lastUpdated": start if active else end,
            "maintenanceStartDate": start,
            "maintenanceEndDate": end,
            "status": "active" if active else "inactive",
            "tier": f"{_users(at)} Users",
            "contactDetails": _contacts(at, pattern["contactDetails"]),
        }
        if cloud:
            row |= {"latestMaintenanceStartDate": start, "cloudSiteHostname": f"plain-{at}.atlassian.net"}
        return row

    def _sale(self, at: int) -> Row:
        _, pattern = self._patterns[at % len(self._patterns)]
        start, end = self._term(at)
        price = round(_users(at) * _PRICE_PER_USER, 2)
        return {
            **pattern,
            "transactionId": f"{'IN' if 'cloudId' in pattern else 'AT'}-{self._seed * 10**9 + at}",
            "transactionLineItemId": f"{self._seed:08x}-0000-4000-a000-{at:012x}",
            **self._ids(at, cloud="cloudId" in pattern),
            "lastUpdated": start,
            "customerDetails": _contacts(at, pattern["customerDetails"]),
            "purchaseDetails": {
                **pattern["purchaseDetails"],
                "saleDate": start,
                "tier": f"{_users(at)} Users",
                "purchasePrice": price,
                "vendorAmount": round(price * 0.85, 2),
                "maintenanceStartDate": start,
                "maintenanceEndDate": end,
            },
        }


def _users(at: int) -> int:
    return _USERS[at % len(_USERS)]


def _contacts(at: int, pattern: Row) -> Row:
    company = at // 2
    domain = f"plain-{company}-sbx.com"
    who = {"technicalContact": ("Admin", "admin"), "billingContact": ("Buyer", "buyer")}
    if at % 2:
        del who["billingContact"]
    people = {
        role: {**pattern[role], "email": f"{box}.{at}@{domain}", "name": f"{title} {at}"}
        for role, (title, box) in who.items()
    }
    rest = {key: value for key, value in pattern.items() if key != "billingContact"}
    return {**rest, "company": f"Plain Company {company}", **people}
