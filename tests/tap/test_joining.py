"""Every row finds its licence, whatever the order of the rows, and the join holds little in memory."""

from __future__ import annotations

import stat
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_atlassian_marketplace.alias_groups import AliasGroups
from tap_atlassian_marketplace.hash_map import HashMap
from tap_atlassian_marketplace.joining import LicenseJoin
from tap_atlassian_marketplace.row_kinds import TRANSACTIONS

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
    join = LicenseJoin(directory, licenses, {TRANSACTIONS: sales})
    first = [(item.license, item.others[TRANSACTIONS]) for item in join]
    assert [(item.license, item.others[TRANSACTIONS]) for item in join] == first  # once more, and in the same order
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


def test_sales_of_an_unlisted_licence_stay_together_by_any_alias(tmp_path: Path) -> None:
    old = sale(1, addonLicenseId="8", licenseId="SEN-8")
    both = sale(2, addonLicenseId="8", licenseId="SEN-8", appEntitlementNumber="E-8")
    new = sale(3, appEntitlementNumber="E-8", appEntitlementId="uuid-8")
    other = sale(4, appEntitlementNumber="E-4", appEntitlementId="uuid-4")

    groups = [sales for license_row, sales in joined(tmp_path, [CLOUD], [new, old, other, both]) if not license_row]

    assert sorted(groups, key=len) == [[other], [new, old, both]]


def test_sales_of_several_sites_stay_where_they_are_when_a_site_is_added(tmp_path: Path) -> None:
    sites = [{"addonLicenseId": number, "multiInstanceEntitlementNumber": "E-M"} for number in ("9999990", "10000001")]
    assert (sites[0], [sale(1, appEntitlementNumber="E-M")]) in joined(
        tmp_path, sites, [sale(1, appEntitlementNumber="E-M")]
    )


@pytest.mark.parametrize("nothing", ["null", "N/A", "NA", "Pending"])
@pytest.mark.parametrize("field", ["appEntitlementNumber", "licenseId", "multiInstanceEntitlementNumber"])
def test_strangers_share_no_text_that_stands_for_nothing(tmp_path: Path, field: str, nothing: str) -> None:
    ids = ["appEntitlementId", "appEntitlementNumber", "licenseId"]
    licenses = [{**{name: f"{name}-{number}" for name in ids}, field: nothing} for number in range(3)]
    sales = [sale(number, appEntitlementId=f"appEntitlementId-{number}", **{field: nothing}) for number in range(4)]
    sales[3]["appEntitlementId"] = nothing

    found = joined(tmp_path, licenses, sales)

    assert sorted(found, key=str) == sorted(
        [*zip(licenses, ([each] for each in sales), strict=False), (None, sales[3:])], key=str
    )


def refund_of(order: str) -> dict[str, Any]:
    """A refund that names no licence."""
    return {**sale(9), "purchaseDetails": {"originalTransactionDetails": {"transactionId": order}}}


@pytest.mark.parametrize("order", ["AT-1", "1"])
def test_a_refund_that_names_no_licence_goes_with_the_order_that_it_names(tmp_path: Path, order: str) -> None:
    paid, back = sale(1, appEntitlementNumber="E-1"), refund_of(order)
    (tmp_path / "unlisted").mkdir()
    assert joined(tmp_path, [CLOUD, DATA_CENTER], [back, paid]) == [(CLOUD, [paid, back]), (DATA_CENTER, [])]
    assert joined(tmp_path / "unlisted", [], [back, paid]) == [(None, [back, paid])]


def test_a_refund_of_an_order_of_two_licences_goes_with_none(tmp_path: Path) -> None:
    paid = [{**sale(1, appEntitlementNumber=number), "transactionLineItemId": number} for number in ("E-1", "E-2")]
    found = joined(tmp_path, [CLOUD, DATA_CENTER], [*paid, refund_of("AT-1"), refund_of("AT-7")])
    assert sorted(len(sales) for _, sales in found) == [1, 1, 2]


def test_a_sale_that_names_two_licences_makes_them_no_one(tmp_path: Path) -> None:
    found = joined(tmp_path, [CLOUD, DATA_CENTER], [sale(1, appEntitlementNumber="E-1", addonLicenseId="77")])

    assert sorted(len(sales) for _, sales in found) == [0, 1]
    assert (CLOUD, [sale(1, appEntitlementNumber="E-1", addonLicenseId="77")]) in found


@given(st.permutations(range(3)))
def test_licences_that_share_an_alias_are_one(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    rows = [
        {"addonLicenseId": "1", "appEntitlementNumber": "E-1", "lastUpdated": "2025-01-01", "tier": "5", "status": "a"},
        {"appEntitlementId": "u", "appEntitlementNumber": "E-1", "lastUpdated": "2025-02-01", "tier": None},
        {"appEntitlementId": "u", "licenseId": "SEN-2", "lastUpdated": "2024-01-01", "status": "b"},
    ]
    sold = [sale(1, appEntitlementId="u"), sale(2, licenseId="SEN-2"), sale(3, addonLicenseId="1")]

    found = joined(tmp_path_factory.mktemp("join"), [rows[number] for number in order], sold)

    license_row = {"addonLicenseId": "1", "licenseId": "SEN-2", "appEntitlementId": "u", "appEntitlementNumber": "E-1"}
    assert found == [({**license_row, "lastUpdated": "2025-02-01", "tier": "5", "status": "a"}, sold)]


def test_money_stays_exact_and_the_files_private(tmp_path: Path) -> None:
    price = Decimal("1234.5600000000000000000001")
    join = LicenseJoin(tmp_path, [CLOUD], {TRANSACTIONS: [{**sale(1, appEntitlementId="uuid-1"), "price": price}]})

    (item,) = join

    assert item.others[TRANSACTIONS][0]["price"] == price
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


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(["9", "10", "8a"]))))
def test_a_map_gives_the_smallest_value_of_a_key(pairs: list[tuple[str, str]]) -> None:
    expected: dict[str, str] = {}
    for key, value in pairs:
        expected[key] = min(expected.get(key, value), value, key=lambda text: (len(text), text))
    hashes = HashMap([(value, value) for value in ("9", "10", "8a")])

    found = HashMap(pairs)

    assert {key: found.get(key) for key in "abcd"} == {
        key: hashes.get(expected[key]) if key in expected else None for key in "abcd"
    }


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh")), max_size=12), st.randoms())
def test_a_group_of_ids_is_all_that_pairs_connect(pairs: list[tuple[str, str]], chance: Any) -> None:
    expected = {name: {name} for pair in pairs for name in pair}
    for one, other in pairs:
        group = expected[one] | expected[other]
        expected |= dict.fromkeys(group, group)
    shuffled = list(pairs)
    chance.shuffle(shuffled)

    groups, again = (AliasGroups([*some, *((name, name) for name in expected)]) for some in (pairs, shuffled))

    for name in "abcdefgh":
        same = {other for other in expected if groups.get(other) == groups.get(name)}
        assert same == expected[name] if name in expected else groups.get(name) is None
        assert groups.get(name) == again.get(name)
