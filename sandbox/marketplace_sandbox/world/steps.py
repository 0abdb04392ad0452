"""One day in the world: what falls due, what the first days hold in store, and one surprise a day."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from marketplace_sandbox.world.apps import FORMS
from marketplace_sandbox.world.calendar import days_between, shift
from marketplace_sandbox.world.rows import money
from marketplace_sandbox.world.trials import evaluation

if TYPE_CHECKING:
    from collections.abc import Callable

    from marketplace_sandbox.world.builder import Builder
    from marketplace_sandbox.world.rows import Row
    from marketplace_sandbox.world.world import World

_TRIAL = "EVALUATION"
_MADE_UP = "-sbx.com"
_RENEWAL_RATE = 0.85
_CONVERSION_RATE = 0.4


def pass_day(world: World, builder: Builder) -> None:
    """Change the rows of a world to those of its new day; every changed row says so in `lastUpdated`."""
    builder.begin(f"day_{world.day}")
    chance = random.Random(f"{builder.seed}/day/{world.day}")  # noqa: S311 - made-up data
    script = _SCRIPT.get(world.day, ()) if world.ideas else ()
    for happening in script:
        happening(world, builder)
    for row in list(world.licenses):
        if row.get("status") == "active" and (row.get("maintenanceEndDate") or "9999") <= world.today:
            _fall_due(world, builder, row, chance.random())
    if not script:
        _surprise(world, builder, chance)


def _fall_due(world: World, b: Builder, row: Row, luck: float) -> None:
    if row.get("licenseType") == _TRIAL:
        if luck < _CONVERSION_RATE:
            convert(b, row)
        else:
            end(b, row)
    elif luck < _RENEWAL_RATE and _last_sale(world, row):
        renew(world, b, row)
    else:
        end(b, row)


def _surprise(world: World, b: Builder, chance: random.Random) -> None:
    paid = [row for row in world.licenses if row.get("status") == "active" and _last_sale(world, row)]
    named = [row for row in paid if _technical_email(row).endswith(_MADE_UP)]
    if not named:
        return
    row = chance.choice(named)
    happenings: tuple[Callable[[], None], ...] = (
        lambda: change_phone(b, row, "technicalContact"),
        lambda: refund(world, b, row, share=0.2),
        lambda: replace_contact(b, row, "technicalContact"),
        lambda: restate(world, b, row, factor=0.9),
        lambda: new_customer(b),
        lambda: forget(b, row, "technicalContact"),
    )
    happenings[world.day % len(happenings)]()


def renew(world: World, b: Builder, row: Row) -> None:
    """The next term begins where the last one ended, at the price of the last sale."""
    sale = _last_sale(world, row)
    if sale is None:
        return
    last = sale["purchaseDetails"]
    months = 1 if last.get("billingPeriod") == "Monthly" else 12
    start = row["maintenanceEndDate"]
    _begin_term(row, start, months=months)
    _touch(b, row)
    b.sale(row, "Renewal", last["purchasePrice"], saleDate=b.today)


def convert(b: Builder, row: Row) -> None:
    """A trial is bought: the same licence turns commercial, and its first sale appears."""
    row["licenseType"], row["tier"] = "COMMERCIAL", "25 Users"
    row["evaluationSaleDate"] = b.today
    row["daysToConvertEval"] = str(days_between(row["evaluationEndDate"], b.today))
    _begin_term(row, b.today, months=12)
    _touch(b, row)
    b.sale(row, "New", 299)


def end(b: Builder, row: Row) -> None:
    """The licence is over."""
    row["status"] = "inactive"
    _touch(b, row)


def refund(world: World, b: Builder, row: Row, *, share: float) -> None:
    """A share of the last sale is paid back today."""
    sale = _last_sale(world, row)
    if sale is None:
        return
    last = sale["purchaseDetails"]
    original = {"transactionId": sale["transactionId"], "saleDate": last["saleDate"]}
    term = {key: last[key] for key in ("maintenanceStartDate", "maintenanceEndDate")}
    price = -last["purchasePrice"] * share
    b.sale(row, "Refund", price, saleDate=b.today, originalTransactionDetails=original, **term)
    _touch(b, row)


def replace_contact(b: Builder, row: Row, role: str) -> None:
    """Another person of the same company takes over a role."""
    contact = row["contactDetails"][role]
    person = b.person(contact["email"].strip().rpartition("@")[2])
    while person.email == contact["email"]:
        person = b.person(person.email.rpartition("@")[2])
    contact.update(person.contact())
    _touch(b, row)


def change_phone(b: Builder, row: Row, role: str) -> None:
    """The person in a role has a new telephone number."""
    row["contactDetails"][role]["phone"] = b.person("phone.example").phone
    _touch(b, row)


def forget(b: Builder, row: Row, role: str) -> None:
    """The data of the person in a role are erased."""
    contact = row["contactDetails"][role]
    contact.update(dict.fromkeys(contact, "RTBF"))
    _touch(b, row)


def restate(world: World, b: Builder, row: Row, *, factor: float) -> None:
    """The amounts of the last sale are corrected afterwards."""
    sale = _last_sale(world, row)
    if sale is None:
        return
    for key in ("purchasePrice", "vendorAmount"):
        sale["purchaseDetails"][key] = money(sale["purchaseDetails"][key] * factor)
    _touch(b, sale)


def new_customer(b: Builder) -> None:
    """Somebody buys for the first time."""
    company = b.company(f"Yucca Ventures {b.today}", "United States")
    row = b.cloud(company, FORMS, b.today, shift(b.today, months=12), tier="30 Users")
    b.sale(row, "New", "359.99")


def begin_trial(b: Builder) -> None:
    """Somebody tries an app for the first time; only now the visits are told of by which they had come to it."""
    company = b.company(f"Saguaro Labs {b.today}", "Netherlands")
    b.cloud(company, FORMS, b.today, shift(b.today, days=30), **evaluation(b.today, users=40))


def _gain_entitlement_number(world: World, b: Builder) -> None:
    row = world.ideas["gains_entitlement_number"][0]
    gained = {
        "appEntitlementId": b.ids.uuid(b.label("gained")),
        "appEntitlementNumber": b.ids.entitlement_number(b.label("gained")),
    }
    for holder in (row, *_sales(world, row)):
        holder.update(gained)
        _touch(b, holder)


def _report_late_sale(world: World, b: Builder) -> None:
    row = world.ideas["late_transaction"][0]
    b.sale(row, "New", 440, fields={"lastUpdated": b.today})
    _touch(b, row)


def _delete_license(world: World, b: Builder) -> None:
    gone = world.ideas["far_countries"][2]
    b.licenses[:] = [row for row in b.licenses if row is not gone]


def _begin_term(row: Row, start: str, *, months: int) -> None:
    row["maintenanceStartDate"], row["maintenanceEndDate"] = start, shift(start, months=months)
    if "latestMaintenanceStartDate" in row:
        row["latestMaintenanceStartDate"] = start


def _technical_email(row: Row) -> str:
    contact = (row.get("contactDetails") or {}).get("technicalContact") or {}
    return str(contact.get("email") or "").strip().lower()


def _touch(b: Builder, row: Row) -> None:
    row["lastUpdated"] = b.today


def _sales(world: World, row: Row) -> list[Row]:
    ids = [(key, row[key]) for key in ("appEntitlementNumber", "addonLicenseId") if row.get(key)]
    return [sale for sale in world.transactions if any(sale.get(key) == value for key, value in ids)]


def _last_sale(world: World, row: Row) -> Row | None:
    kinds = ("New", "Renewal")
    sales = [sale for sale in _sales(world, row) if sale["purchaseDetails"].get("saleType") in kinds]
    return sales[-1] if sales else None


_SCRIPT: dict[int, tuple[Callable[[World, Builder], None], ...]] = {
    1: (
        lambda world, b: renew(world, b, world.ideas["simple_annual"][0]),
        lambda world, b: refund(world, b, world.ideas["co_termed"][0], share=0.3),
        lambda world, b: end(b, world.ideas["no_tier"][0]),
        lambda world, b: replace_contact(b, world.ideas["two_year_data_center"][0], "technicalContact"),
        lambda world, b: change_phone(b, world.ideas["unlimited_users"][1], "billingContact"),
        _gain_entitlement_number,
        lambda _, b: new_customer(b),
    ),
    2: (
        lambda world, b: convert(b, world.ideas["trial_that_converts"][0]),
        lambda world, b: restate(world, b, world.ideas["altered_amount"][0], factor=0.75),
        lambda world, b: forget(b, world.ideas["late_renewal"][0], "billingContact"),
        _report_late_sale,
    ),
    3: (_delete_license,),
    4: (lambda _, b: begin_trial(b),),
}
