"""What the queries of docs/warehouses.md about customers must find among rows that a tap emitted."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.end_to_end.singer_file import Emitted

    Row = Mapping[str, Any]
    Key = tuple[Any, ...]

QUERIES = ("customers", "account_people", "sale_segments")
DAY = "2026-01-31"
"""For which the document asks what customers pay."""

_CENT = Decimal("0.01")


@dataclass(frozen=True)
class Customers:
    """Rows by key, computed from without SQL; of accounts and segments those alone that hold."""

    accounts: dict[Key, Row]
    people: dict[Key, Row]
    contacts: dict[Key, Row]
    sales: dict[Key, Row]
    segments: dict[Key, Row]

    @classmethod
    def among(cls, *emissions: dict[str, Emitted]) -> Customers:
        """Of each key the row that was emitted last, of accounts and segments those that the last run found."""
        streams = ("people", "contacts", "transactions")
        tables = ({key: row for found in emissions for key, row in found[name].rows.items()} for name in streams)
        return cls(emissions[-1]["accounts"].rows, *tables, emissions[-1]["mrr_segments"].rows)

    def mrr(self) -> dict[str, Decimal]:
        """What each account pays a month on the day, net."""
        sums: dict[str, Decimal] = defaultdict(Decimal)
        for row in self.segments.values():
            if row["valid_from"] <= DAY < row["valid_to"]:
                sums[row["account_id"]] += row["mrr"]
        return {account: max(total.quantize(_CENT, ROUND_HALF_UP), Decimal(0)) for account, total in sums.items()}

    def account_people(self) -> set[Key]:
        emails = {row["email"]: row["full_name"] for row in self.people.values()}
        accounts = {row["license_key"]: row["account_id"] for row in self.accounts.values()}
        return {
            (accounts[row["license_id"]], row["role"], row["email"], emails[row["email"]])
            for row in self.contacts.values()
            if row["license_id"] in accounts and row["email"] in emails
        }

    def sale_segments(self) -> set[Key]:
        return {
            (*sale, row["valid_from"], row["target_transaction_key"], row["mrr_gross"])
            for sale in self.sales
            for row in self.segments.values()
            if row["transaction_key"] == "|".join(sale)
        }

    def assert_found(self, results: Mapping[str, Iterable[Any]]) -> None:
        """Compare what the queries gave."""
        by_id = {row["account_id"]: row for row in self.accounts.values()}
        mrr = self.mrr()
        assert any(mrr.values())
        for account, name, stage, renewal, today, found in results["customers"]:
            row = by_id[account]
            assert (name, stage, renewal and str(renewal)) == (row["name"], row["lifecycle_stage"], row["renewal_date"])
            assert _exact(today) == row["mrr"]
            assert round(_exact(found), 2) == mrr.pop(account)
        assert mrr == {}
        people = {(row[0], row[2], row[3], row[4]) for row in results["account_people"]}
        assert people == self.account_people() != set()
        segments = {(row[0], row[1], str(row[4]), row[7], _exact(row[6])) for row in results["sale_segments"]}
        assert segments == self.sale_segments() != set()


def _exact(value: Any) -> Decimal:
    return Decimal(str(value))
