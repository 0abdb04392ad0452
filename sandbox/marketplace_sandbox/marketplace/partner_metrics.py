"""The route of partner metrics: a question in JSON, and an answer in periods. Of the metrics, only MRR is there."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Route

from marketplace_sandbox import credentials
from marketplace_sandbox.marketplace import answers
from marketplace_sandbox.marketplace.answers import BadParameterError
from marketplace_sandbox.marketplace.parameters import number
from marketplace_sandbox.world.calendar import add_months
from marketplace_sandbox.world.recurring_revenue import recurring_revenue

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from marketplace_sandbox.world import World

    Endpoint = Callable[[Request], Awaitable[Response]]

DEFAULT_PERIODS = 7
MOST_PERIODS = 14
_KNOWN = {"attributes", "metrics", "dateRange", "sortByList", "granularity", "attributeFilter", "attributesFilter"}
_ATTRIBUTES = {"APP_KEY", "APP_NAME", "SUBSCRIPTION", "HOSTING", "LICENSE_TYPE"}


class PartnerMetrics:
    """The metrics of one world."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self, guard: Callable[[Endpoint], Endpoint]) -> list[Route]:
        """All routes, each behind a guard."""
        path = "/rest/3/partner-metrics/developer-space/{developer}"
        return [Route(path, guard(self._answer), methods=["POST"])]

    async def _answer(self, request: Request) -> Response:
        if request.path_params["developer"] != credentials.DEVELOPER_ID:
            return answers.not_found("Developer space not found")
        question = _question(await request.body())
        offset = number(request.query_params, "offset", 0, least=0)
        limit = min(number(request.query_params, "limit", DEFAULT_PERIODS, least=1), MOST_PERIODS)
        months = _months(question, self._world.today)[offset : offset + limit]
        attributes = {entry["name"] for entry in question.get("attributes", [])}
        rows = list(recurring_revenue(self._world, months))
        return JSONResponse({"records": rows if "SUBSCRIPTION" in attributes else _summed(rows)})


def _question(body: bytes) -> dict[str, Any]:
    """The question, if it has the shape that the API takes; any other is 400."""
    try:
        question = json.loads(body)
    except ValueError:
        question = None
    if not isinstance(question, dict) or not question.keys() <= _KNOWN:
        raise BadParameterError("body", "Invalid request body")
    if question.get("granularity") != "MONTH":
        raise BadParameterError("granularity", "Must be one of: YEAR, MONTH, WEEK, DAY")
    sets = (question.get("metrics") or {}).get("metricSets")
    if sets != [{"name": "RECURRING_REVENUE"}]:
        raise BadParameterError("metrics", "Must name metric sets or metric fields")
    attributes = question.get("attributes", [])
    if not isinstance(attributes, list) or not all(
        isinstance(entry, dict) and entry.get("name") in _ATTRIBUTES for entry in attributes
    ):
        raise BadParameterError("attributes", f"Must be one of: {', '.join(sorted(_ATTRIBUTES))}")
    return question


def _months(question: dict[str, Any], today: str) -> list[str]:
    asked = question.get("dateRange") or {}
    try:
        first, last = (date.fromisoformat(asked.get(name) or today) for name in ("startDate", "endDate"))
    except (TypeError, ValueError):
        raise BadParameterError("dateRange", "Must be a date") from None
    found, month = [], first.replace(day=1)
    while month <= last:
        found.append(month.isoformat())
        month = add_months(month, 1)
    return found


def _summed(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    totals: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        key = row["date"], row["productId"]
        total = totals.setdefault(key, {name: row[name] for name in ("date", "appKey", "productId")})
        for name, amount in row.items():
            if isinstance(amount, (int, float)):
                total[name] = round(total.get(name, 0) + amount, 2)
    return list(totals.values())
