"""Which rows the reports beside licences and sales hold: metric details, feedback, attribution and quotes.

Each of them reads some parameters only; whatever else a client asks for has no effect. `addon`, an app key, is in no
description and works nevertheless.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from marketplace_sandbox.marketplace.answers import BadParameterError
from marketplace_sandbox.marketplace.parameters import choice, choices, date_of
from marketplace_sandbox.marketplace.selection import EDITIONS, HOSTINGS
from marketplace_sandbox.world.attribution import marketing_attribution
from marketplace_sandbox.world.feedback import feedback
from marketplace_sandbox.world.metric_events import METRICS, flat
from marketplace_sandbox.world.quotes import quotes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.datastructures import QueryParams

    from marketplace_sandbox.world import World
    from marketplace_sandbox.world.rows import Row

_EVENT_PARTNERS = ("direct", "expert", "reseller")
_EVENT_ORDERS = ("addonName", "date", "hosting", "licenseId", "transactionId")
_FEEDBACK_TYPES = ("disable", "uninstall", "unsubscribe")
_PERIODS = ("created", "accepted", "entitlement")


def metric_events(metric: str, world: World, params: QueryParams) -> Iterable[Row]:
    """The events of a metric as its list shows them: the licence in an object of its own.

    Raises:
        BadParameterError: A parameter has a value that the API refuses.
    """
    since = date_of(params, "lastUpdated")
    choices(params, "partnerType", _EVENT_PARTNERS)
    order, names = choice(params, "order", ("asc", "desc"), "asc"), choices(params, "sortBy", _EVENT_ORDERS)
    matches = _matching(params, "eventDate")
    rows = [
        row
        for row in METRICS[metric](world)
        if matches({**row, **row["licenseDetails"]}) and (since is None or row["lastUpdated"] >= since)
    ]
    if names:
        field = {"date": "eventDate"}.get(names[-1], names[-1])
        rows.sort(key=lambda row: str(row.get(field) or row["licenseDetails"].get(field) or ""))
    # Going down is broken: the halves change places.
    return rows[len(rows) // 2 :] + rows[: len(rows) // 2] if order == "desc" else rows


def exported_metric_events(metric: str, world: World, params: QueryParams) -> Iterable[Row]:
    """The same as the export writes them: most are flat, some are as in the list."""
    rows = metric_events(metric, world, params)
    return [row if number % 3 == 2 else flat(row) for number, row in enumerate(rows)]


def feedback_rows(world: World, params: QueryParams) -> Iterable[Row]:
    """The rows of the feedback list; there is no filter by update and no order.

    Raises:
        BadParameterError: A parameter has a value that the API refuses.
    """
    kinds, reasons = choices(params, "type", _FEEDBACK_TYPES), params.getlist("reason")
    anonymous = params.get("anonymous")
    matches = _matching(params, "date")
    return [
        row
        for row in feedback(world)
        if matches(row)
        and (not kinds or row["feedbackType"] in kinds)
        and (not reasons or row.get("reasonKey") in reasons)
        and (anonymous is None or ("email" not in row) == (anonymous == "true"))
    ]


def attribution_rows(world: World, params: QueryParams) -> Iterable[Row]:
    """The rows of the attribution export."""
    matches = _matching(params, "eventTimestamp", hosting=False)
    return [row for row in marketing_attribution(world) if matches(row)]


def quote_rows(world: World, params: QueryParams) -> Iterable[Row]:
    """The rows of the list of quotes, whose dates of creation have another name than those of the export."""
    products = set(params.getlist("productId"))
    pairs = {"created": ("startDate", "endDate")}
    rows = _within(quotes(world), params, {**_pairs(), **pairs})
    return [row for row in rows if not products or row.get("productId") in products]


def exported_quotes(world: World, params: QueryParams) -> Iterable[Row]:
    """The rows of the export of quotes, which needs a whole period and knows no other filter.

    Raises:
        BadParameterError: There is none.
    """
    if not any(all(params.get(name) for name in pair) for pair in _pairs().values()):
        raise BadParameterError("createdStartDate", "At least one date range must be given")
    return _within(quotes(world), params, _pairs())


SELECTIONS: dict[str, tuple[Callable[[World, QueryParams], Iterable[Row]], ...]] = {
    metric: (partial(metric_events, metric), partial(exported_metric_events, metric)) for metric in METRICS
}
"""For each metric what its list and what its export holds."""


def _pairs() -> dict[str, tuple[str, str]]:
    return {period: (f"{period}StartDate", f"{period}EndDate") for period in _PERIODS}


def _within(rows: Iterable[Row], params: QueryParams, pairs: dict[str, tuple[str, str]]) -> list[Row]:
    ranges = {period: [date_of(params, name) for name in pair] for period, pair in pairs.items()}
    fields = {"created": ("quoteCreatedDate",) * 2, "accepted": ("acceptedDate",) * 2}
    fields["entitlement"] = ("endDate", "startDate")  # overlap
    return [
        row
        for row in rows
        if all(
            (since is None or row[fields[period][0]] >= since) and (until is None or row[fields[period][1]] <= until)
            for period, (since, until) in ranges.items()
        )
    ]


def _matching(params: QueryParams, day: str, *, hosting: bool = True) -> Callable[[Row], bool]:
    products, addons = set(params.getlist("productId")), set(params.getlist("addon"))
    text = (params.get("text") or "").lower()
    start, end = date_of(params, "startDate"), date_of(params, "endDate")
    hostings = choices(params, "hosting", HOSTINGS) if hosting else []
    editions = [edition.lower() for edition in choices(params, "appEdition", EDITIONS)] if hosting else []

    def matches(row: Row) -> bool:
        when = row[day][:10]
        return (
            (not products or row.get("productId") in products)
            and (not addons or row.get("addonKey") in addons)
            and (not text or any(text in value for value in _texts(row)))
            and (start is None or when >= start)
            and (end is None or when <= end)
            and (not hostings or str(row.get("hosting")).lower().replace(" ", "") in hostings)
            and (not editions or str(row.get("appEdition")).lower() in editions)
        )

    return matches


def _texts(row: Row) -> Iterable[str]:
    names = ("licenseId", "appEntitlementId", "appEntitlementNumber", "addonLicenseId", "cloudId", "email")
    found: list[Any] = [row.get(name) for name in names]
    return [str(value).lower() for value in found if value]
