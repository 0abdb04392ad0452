"""What ledgers hold, and one that holds something of everything."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, inspect, select
from tests.target.rows import license_messages, license_row, person, sale
from tests.target.runs import refuse

from target_journy.ledger import schema as tables
from target_journy.loader import Loader
from target_journy.transports import DeliveryError

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from tests.target.runs import Message, World

ANN, BOB = person("ann@acme.com", "Ann Lee"), person("bob@acme.com", "Bob Ray")
TODAY = [
    *license_messages(
        license_row(1, ANN, BOB, tier="10 Users"),
        license_row(2, ANN, multiInstanceEntitlementNumber="E-M"),
        license_row(3, multiInstanceEntitlementNumber="E-M"),
    ),
    sale(1),
    sale(2, date="2020-01-01"),
    sale(3, licenseId="SEN-2"),
    sale(4, licenseId="SEN-9"),
]
# A licence that had gone by SEN-1 gains a newer number, and its tier changes.
TOMORROW = [
    *license_messages(
        license_row(1, ANN, None, tier="20 Users", appEntitlementNumber="E-1", lastUpdated="2026-03-02"),
        license_row(4, person("cem@acme.com"), lastUpdated="2026-03-02"),
    ),
    sale(5, appEntitlementNumber="E-1"),
]
EVERYTHING: list[Message] = [*TODAY, *TOMORROW, sale(6), sale(7)]
"""What a tap reads that reads all again."""
SETTINGS = {"memberships": "sync", "deletes": "soft", "max_deleted_percent": 100}


def fill(world: World) -> None:
    """Let runs leave something in every table: delivered, refused, waiting, passed over, and cut short."""

    def refuses(path: str, body: dict[str, Any]) -> None:
        if path == "/track" and body["identification"]["account"]["accountId"] == "SEN-2":
            raise refuse()

    def breaks(path: str, body: dict[str, Any]) -> None:
        if path == "/track" or "E-1" in str(body):
            raise DeliveryError("down", maybe_received=True)

    world.settings.update(SETTINGS)
    world.door.before = refuses
    world.load(
        [*TODAY, ("transactions", {**sale(9)[1], "purchaseDetails": {}})],
        version=1,
        whole=["licenses", "contacts", "transactions"],
        events_since="2025-01-01",
        max_rejected_percent=100,
    )
    world.door.before = breaks
    world.load([*TOMORROW, sale(6)], version=2, flush_every=1)
    world.load([sale(7), *TOMORROW, sale(6)], version=2, max_minutes=0)
    stopped = Loader(world.config())
    stopped.activate("licenses", 2)
    stopped.close()
    world.door.before = lambda path, body: None
    world.door.take_calls()


def engine_of(url: str) -> Engine:
    return create_engine(url.replace("postgresql:", "postgresql+psycopg:"))


def content(url: str) -> dict[str, Counter[tuple[Any, ...]]]:
    """The rows of a ledger by table, with the name of the destination in place of its number."""
    engine = engine_of(url)
    found: dict[str, Counter[tuple[Any, ...]]] = {}
    with engine.connect() as connection:
        there = inspect(connection).get_table_names()
        names = dict(connection.execute(select(tables.destinations.c.id, tables.destinations.c.name)).all())
        for table in tables.metadata.sorted_tables:
            if table.name in there and "destination" in table.c:
                rows = connection.execute(select(table)).mappings()
                found[table.name] = Counter((names[row["destination"]], *list(row.values())[1:]) for row in rows)
    engine.dispose()
    return found
