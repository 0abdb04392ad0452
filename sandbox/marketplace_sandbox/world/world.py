"""The world of the sandbox vendor: its apps, licences and sales, and what today is."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from marketplace_sandbox.world import companies_billing, companies_people, companies_rarities
from marketplace_sandbox.world.apps import vendor_apps
from marketplace_sandbox.world.builder import Builder
from marketplace_sandbox.world.calendar import shift
from marketplace_sandbox.world.changes import Snapshot
from marketplace_sandbox.world.ids import Ids
from marketplace_sandbox.world.ordinary import ordinary_customer
from marketplace_sandbox.world.steps import pass_day
from marketplace_sandbox.world.subscriptions.mix import Mix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from marketplace_sandbox.world.apps import App
    from marketplace_sandbox.world.rows import Row

IDEAS = (*companies_billing.IDEAS, *companies_people.IDEAS, *companies_rarities.IDEAS)


ORDINARY = Mix(years=4, hidden=0)
"""The ordinary customers of a default world: nothing about them is missing."""


class World:
    """Licences and transactions of one vendor on one day.

    Args:
        seed: Worlds of one seed are equal, those of two seeds share no id.
        customers: Ordinary customers beside the fixture companies.
        today: The first day.
        ideas: The functions that make the fixture companies.
        mix: What happens to the ordinary customers how often.

    Attributes:
        today: The world's date, `YYYY-MM-DD`.
        day: Days passed since the world was made.
        apps: The vendor's apps by app key.
        licenses: Licence rows with every field, the data insights too.
        transactions: Transaction rows.
        truth: MRR of the ordinary customers' licences on each day, as it is on the first day.
        repeated: `addonLicenseId` of the licences that a report repeats whatever dates it asks for.
        ideas: The licence rows of each fixture company by the name of its idea.
        standing: Whether rows never change.
    """

    standing = False

    def __init__(
        self,
        *,
        seed: int = 1,
        customers: int = 0,
        today: str = "2026-03-02",
        ideas: Iterable[Callable[[Builder], None]] = IDEAS,
        mix: Mix = ORDINARY,
    ) -> None:
        date.fromisoformat(today)
        ids = Ids(seed)
        self.apps = vendor_apps(ids)
        self.today = today
        self.day = 0
        builder = Builder(today=today, seed=seed, ids=ids, apps=self.apps)
        self.ideas: dict[str, list[Row]] = {}
        for idea in ideas:
            builder.begin(idea.__name__)
            first = len(builder.licenses)
            idea(builder)
            self.ideas[idea.__name__] = builder.licenses[first:]
        for number in range(1, customers + 1):
            builder.begin(f"customer_{number}")
            ordinary_customer(builder, mix)
        self.licenses: Sequence[Row] = builder.licenses
        self.transactions: Sequence[Row] = builder.transactions
        self.repeated = builder.repeated
        self.truth = builder.truth
        self._builder = builder

    @classmethod
    def from_rows(
        cls,
        *,
        licenses: Iterable[Row] = (),
        transactions: Iterable[Row] = (),
        apps: Iterable[App] | None = None,
        today: str = "2026-03-02",
        repeated: Iterable[str] = (),
    ) -> World:
        """A world of the given rows, served as they are.

        Args:
            licenses: Licence rows in Atlassian's field names.
            transactions: Transaction rows in Atlassian's field names.
            apps: The vendor's apps; by default those of the sandbox vendor with seed 1.
            today: The world's date.
            repeated: `addonLicenseId` of licences to be repeated whatever dates are asked for.
        """
        world = cls(today=today, ideas=())
        world._builder.licenses += licenses
        world._builder.transactions += transactions
        if apps is not None:
            world.apps = {app.key: app for app in apps}
        world.repeated.update(repeated)
        return world

    def step(self, days: int = 1) -> dict[str, Any]:
        """Move on day by day.

        Returns:
            The new date as `today`, and as `changes` every row that differs from what it was: `entity`
            (`license` or `transaction`), `id` (its ids), `change` (`added`, `changed` or `removed`) and, of a
            changed row, `fields` (dotted path: old and new value).
        """
        before = Snapshot(self.licenses, self.transactions)
        for _ in range(days):
            self.day += 1
            self.today = shift(self.today, days=1)
            self._builder.today = self.today
            pass_day(self, self._builder)
        return {"today": self.today, "changes": before.changes(self.licenses, self.transactions)}

    def content(self) -> dict[str, Any]:
        """Everything that the Marketplace holds, hidden rows and fields included."""
        return {
            "today": self.today,
            "apps": [app.listing() for app in self.apps.values()],
            "licenses": self.licenses,
            "transactions": self.transactions,
        }
