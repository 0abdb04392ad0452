"""Every row finds its licence, whatever the order of the rows, and the join holds little in memory."""

from __future__ import annotations

import stat
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_atlassian_marketplace.hash_map import HashMap
from tap_atlassian_marketplace.joining import LicenseJoin

if TYPE_CHECKING:
    from pathlib import Path

CLOUD = {"appEntitlementId": "uuid-1", "appEntitlementNumber": "E-1"}
DATA_CENTER = {"addonLicenseId": "77", "licenseId": "SEN-77", "appEntitlementNumber": "E-2"}
SITES = [
    {"appEntitlementNumber": "E-9", "multiInstanceEntitlementNumber": "E-MULTI"},
    {"appEntitlementNumber": "E-3", "multiInstanceEntitlementNumber": "E-MULTI"},
    {"appEntitlementNumber": "E-5", "multiInstanceEntitlementNumber": "E-MULTI"},
]


def sale(number: int, **ids: str) -> dict[str, Any]:
    return {"transactionId": f"AT-{number}", "transactionLineItemId": str(number), **ids}


def joined(directory: Path, licenses: list[dict[str, Any]], sales: list[dict[str, Any]]) -> list[Any]:
    join = LicenseJoin(directory, licenses, {"sales": sales})
    first = [(item.license, item.others["sales"]) for item in join]
    assert [(item.license, item.others["sales"]) for item in join] == first  # once more, and in the same order
    return first


@pytest.mark.parametrize(
    ("sold", "license_row"),
    [
        (sale(1, appEntitlementNumber="E-1"), CLOUD),
        (sale(1, appEntitlementId="uuid-1"), CLOUD),
        (sale(1, addonLicenseId="77"), DATA_CENTER),
        (sale(1, licenseId="SEN-77"), DATA_CENTER),
        (sale(1, appEntitlementNumber="E-2"), DATA_CENTER),
        (sale(1, appEntitlementNumber="E-MULTI"), SITES[1]),
        (sale(1, appEntitlementNumber="E-9"), SITES[0]),
    ],
)
def test_a_sale_finds_its_licence_by_any_alias(
    tmp_path: Path, sold: dict[str, Any], license_row: dict[str, Any]
) -> None:
    assert (license_row, [sold]) in joined(tmp_path, [CLOUD, DATA_CENTER, *SITES], [sold])


def test_sales_without_a_licence_stay_together_by_account(tmp_path: Path) -> None:
    lost = [sale(1, appEntitlementNumber="E-X"), sale(2, appEntitlementNumber="E-X"), sale(3, licenseId="SEN-8")]
    nobodys = [sale(4), sale(5)]

    found = joined(tmp_path, [CLOUD], [*lost, *nobodys])

    assert (CLOUD, []) in found
    groups = [sales for license_row, sales in found if license_row is None]
    assert sorted(groups, key=str) == sorted([lost[:2], lost[2:], nobodys], key=str)


def test_money_stays_exact_and_the_files_private(tmp_path: Path) -> None:
    price = Decimal("1234.5600000000000000000001")
    join = LicenseJoin(tmp_path, [CLOUD], {"sales": [{**sale(1, appEntitlementId="uuid-1"), "price": price}]})

    (item,) = join

    assert item.others["sales"][0]["price"] == price
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


@given(st.permutations([CLOUD, DATA_CENTER, *SITES]), st.permutations(range(6)))
def test_the_order_of_rows_does_not_matter(
    tmp_path_factory: pytest.TempPathFactory, licenses: list[dict[str, Any]], order: list[int]
) -> None:
    names = ["E-1", "E-2", "E-3", "E-MULTI", "E-X", "E-MULTI"]
    sales = [sale(number, appEntitlementNumber=names[number]) for number in range(6)]

    def content(some_licenses: list[dict[str, Any]], some_sales: list[dict[str, Any]]) -> list[Any]:
        found = joined(tmp_path_factory.mktemp("join"), some_licenses, some_sales)
        return [(license_row, sorted(group, key=str)) for license_row, group in found]

    assert content(licenses, [sales[number] for number in order]) == content([CLOUD, DATA_CENTER, *SITES], sales)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("xyz"))))
def test_a_map_gives_the_smallest_value_of_a_key(pairs: list[tuple[str, str]]) -> None:
    expected: dict[str, str] = {}
    for key, value in pairs:
        expected[key] = min(expected.get(key, value), value)
    hashes = HashMap([(value, value) for value in "xyz"])

    found = HashMap(pairs)

    assert {key: found.get(key) for key in "abcd"} == {
        key: hashes.get(expected[key]) if key in expected else None for key in "abcd"
    }
