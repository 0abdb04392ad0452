"""What docs/warehouses.md says, and what its queries must find among rows that a tap emitted."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from scripts.setup import ROOT
from scripts.warehouses import kind_of
from tests.end_to_end import customer_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.end_to_end.singer_file import Emitted

    Row = Mapping[str, Any]
    Key = tuple[Any, ...]

TEXT = (ROOT / "docs" / "warehouses.md").read_text(encoding="utf-8")
QUERIES = ("people", "revenue", "orphans", "vanished", *customer_tables.QUERIES)
EVERY_TABLE = "### In every table"
SPELLING = {"PostgreSQL": str, "DuckDB": str.lower, "Snowflake": str.upper}


def sql(label: str) -> str:
    """The code block with this label."""
    (found,) = re.findall(rf"^```sql {label}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    return str(found).strip().rstrip(";")


def views(warehouse: str) -> list[str]:
    return [*sql(warehouse).split(";"), sql("view"), *sql("current").split(";")]


def _table(heading: str) -> list[dict[str, str]]:
    lines = TEXT.partition(f"\n{heading}\n")[2].partition("\n#")[0].strip().splitlines()
    heads, _, *rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line[:1] == "|"]
    return [dict(zip(heads, row, strict=True)) for row in rows]


def documented(stream: str, warehouse: str) -> dict[str, str]:
    """The columns of a stream's table, as the warehouse spells them, with their types."""
    return _spelled([*_table(f"### `{stream}`"), *_table(EVERY_TABLE)], warehouse)


def documented_by_kind(schema: Mapping[str, Any], warehouse: str) -> dict[str, str]:
    """The same for a stream whose columns are not listed, by the table of kinds; without what is in every table."""
    types = {row["in the schema"]: row[warehouse].strip("`") for row in _table("<!-- columns -->")}
    spell = SPELLING[warehouse]
    return {spell(name): types[kind_of(found)] for name, found in schema["properties"].items()}


def documented_in_every_table(warehouse: str) -> dict[str, str]:
    return _spelled(_table(EVERY_TABLE), warehouse)


def _spelled(rows: list[dict[str, str]], warehouse: str) -> dict[str, str]:
    spell = SPELLING[warehouse]
    return {spell(row["column"].split("`")[1]): row[warehouse].strip("`") for row in rows if row[warehouse]}


def documented_keys(stream: str) -> list[str]:
    return [row["column"].split("`")[1] for row in _table(f"### `{stream}`") if row["column"].endswith("(key)")]


@dataclass(frozen=True)
class Expected:
    """What the queries must find among these rows; computed from them without SQL."""

    licenses: dict[Key, Row]
    contacts: dict[Key, Row]
    sales: dict[Key, Row]

    @classmethod
    def among(cls, *emissions: dict[str, Emitted]) -> Expected:
        """Of each key the row that was emitted last."""
        streams = ("licenses", "contacts", "transactions")
        return cls(*({key: row for found in emissions for key, row in found[name].rows.items()} for name in streams))

    def license_of(self, sale: Row) -> tuple[str, bool] | None:
        """The licence of a sale, and whether it was found by the number of a multi-instance entitlement only."""
        names = set(sale["aliases"])
        own = [row["id"] for row in self.licenses.values() if names & set(row["aliases"])]
        shared = [row["id"] for row in self.licenses.values() if row.get("multiInstanceEntitlementNumber") in names]
        return (min(own or shared, key=lambda name: (len(name), name)), not own) if own or shared else None

    def matches(self) -> set[Key]:
        found = {key: self.license_of(sale) for key, sale in self.sales.items()}
        return {(*key, *match) for key, match in found.items() if match}

    def sales_under_old_numbers(self) -> set[Key]:
        """Sales that name their licence, but not by the number that it has now."""
        return {
            match
            for match in self.matches()
            if not match[3] and self.sales[match[:2]]["account_id"] != self.licenses[match[2:3]]["account_id"]
        }

    def orphans(self) -> set[Key]:
        return {key for key, sale in self.sales.items() if self.license_of(sale) is None}

    def people(self) -> set[Key]:
        return {
            (
                row["account_id"],
                *(self.contacts[row["id"], role]["email"] for role in ("technical", "billing")),
                self.contacts[row["id"], "partner"]["partner_name"],
            )
            for row in self.licenses.values()
        }

    def revenue(self) -> dict[str, tuple[int, Decimal]]:
        """Number and amount of its sales by account id."""
        amounts: dict[str, list[Decimal]] = defaultdict(list)
        for key, sale in self.sales.items():
            if match := self.license_of(sale):
                amounts[match[0]].append(Decimal(self.sales[key]["purchaseDetails"]["vendorAmount"]))
        return {
            row["account_id"]: (len(amounts[row["id"]]), sum(amounts[row["id"]], Decimal(0)))
            for row in self.licenses.values()
        }

    def assert_found(self, results: Mapping[str, Iterable[Any]]) -> None:
        """Compare what the view `sale_licenses` and the queries gave."""
        assert {tuple(row) for row in results["sale_licenses"]} == self.matches()
        assert {(row[0], *row[3:]) for row in results["people"]} == self.people()
        assert {row[0]: (row[5], Decimal(str(row[6]))) for row in results["revenue"]} == self.revenue()
        assert {tuple(row[:2]) for row in results["orphans"]} == self.orphans()
