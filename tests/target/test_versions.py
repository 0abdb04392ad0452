"""Of two records the newer one counts, in whatever forms they tell when they were made."""

from __future__ import annotations

import datetime as dt
from itertools import permutations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from target_journy.versions import rank

if TYPE_CHECKING:
    from tests.target.runs import World

MAPPING = {
    "streams": {
        "clients": {
            "key": "id",
            "version": "at",
            "account": {"id": "account", "properties": {"name": "name"}},
            "user": {"email": "email", "properties": {}},
            "membership": {"slot": "account", "account": {"id": "account"}, "email": "email"},
        }
    }
}

IN_ORDER = (
    "2026-01-01",
    "2026-01-01T00:00:00Z",
    "2026-01-01T01:00:00.5+01:00",
    "2026-01-01T00:00:00.5000001Z",
    "2026-01-01T00:00:00.50000020Z",
    "2026-01-01 00:00:01",
    "2025-12-31T19:00:02-0500",
    "2026-01-02",
)


@pytest.mark.parametrize("versions", [IN_ORDER, ("", "0", "9", "10", "011", "9" * 41, "1" + "0" * 41)])
def test_versions_are_in_order_whatever_their_form(versions: tuple[str, ...]) -> None:
    ranks = [rank(version) for version in versions]
    assert ranks == sorted(set(ranks))


def test_one_moment_in_several_forms_is_one() -> None:
    assert len({rank(text) for text in ("2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00", "20260101T000000.0")}) == 1


def test_what_is_no_time_is_a_text() -> None:
    assert [rank(text) for text in ("v2", "0001-01-01T00:00:00+05:00", "2026-13-01")] == [
        "v2",
        "0001-01-01T00:00:00+05:00",
        "2026-13-01",
    ]


@given(
    st.lists(st.datetimes(dt.datetime(2000, 1, 2), dt.datetime(2100, 1, 1)), min_size=2, max_size=2),  # noqa: DTZ001
    st.lists(st.integers(-23, 23), min_size=2, max_size=2),
)
def test_times_are_in_order_whatever_their_zones(times: list[dt.datetime], hours: list[int]) -> None:
    moments = [
        time.replace(tzinfo=dt.timezone(dt.timedelta(hours=hour))) for time, hour in zip(times, hours, strict=True)
    ]
    first, second = (rank(moment.isoformat()) for moment in moments)
    assert (first < second, first == second) == (moments[0] < moments[1], moments[0] == moments[1])


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_newest_row_is_right_though_zones_differ(fake: World, order: tuple[int, ...]) -> None:
    rows = [
        {"id": "c", "at": "2026-03-01T09:00:00+02:00", "name": "oldest", "email": "a@acme.com"},
        {"id": "b", "at": "2026-03-01T08:00:00.25Z", "name": "newer", "email": "b@acme.com"},
        {"id": "a", "at": "2026-03-01T04:00:00-05:00", "name": "newest", "email": "c@acme.com"},
    ]
    for number in order:
        fake.load([("clients", {**rows[number], "account": "1"})], mapping=MAPPING, memberships="sync")
    assert fake.state.accounts["1"].properties["name"] == "newest"
    assert sorted(fake.state.accounts["1"].users) == ["c@acme.com"]
