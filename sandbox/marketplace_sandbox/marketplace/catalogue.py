"""Routes about the vendor's apps: listings, the software behind them, versions, and reviews."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Route

from marketplace_sandbox import credentials
from marketplace_sandbox.marketplace import answers
from marketplace_sandbox.marketplace.links import cursor, cursor_position
from marketplace_sandbox.marketplace.parameters import choice, choices, flag
from marketplace_sandbox.marketplace.selection import HOSTINGS
from marketplace_sandbox.world.catalogue import reviews, software, versions

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from marketplace_sandbox.marketplace.parameters import Paging
    from marketplace_sandbox.world import World
    from marketplace_sandbox.world.rows import Row

    Endpoint = Callable[[Request], Awaitable[Response]]

_SORTS: dict[str, tuple[Callable[[Row], Any], bool]] = {
    "recent": (lambda review: review["date"], True),
    "helpful": (lambda review: review["helpfulVotes"], True),
    "highest_rated": (lambda review: review["stars"], True),
    "lowest_rated": (lambda review: review["stars"], False),
}
_STATES = ("draft", "submitted", "approved", "auto-approved", "active", "rejected", "archived")
_PAYMENT_MODELS = ("free", "paid-via-atlassian", "paid-via-vendor")


class Catalogue:
    """The apps of one world.

    Args:
        world: What the Marketplace holds.
        paging: How lists are cut into pages.
    """

    def __init__(self, world: World, paging: Paging) -> None:
        self._world = world
        self._paging = paging

    def routes(self, guard: Callable[[Endpoint], Endpoint]) -> list[Route]:
        """All routes, each behind a guard."""
        return [
            Route("/rest/3/product-listing/developer-space/{developer}", guard(self._listings)),
            Route("/rest/3/app-software/app-key/{app}", guard(self._software)),
            Route("/rest/3/app-software/{software}/versions", guard(self._versions)),
            Route("/rest/3/products/{product}/reviews", guard(self._reviews)),
        ]

    async def _listings(self, request: Request) -> Response:
        if request.path_params["developer"] != credentials.DEVELOPER_ID:
            return answers.not_found("Developer space not found")
        with_private = flag(request.query_params, "includePrivate")
        apps = [app.listing() for app in self._world.apps.values() if with_private or app.state == "PUBLIC"]
        path = f"/product-listing/developer-space/{credentials.DEVELOPER_ID}"
        shown, links = self._page(request, apps, path, "&includePrivate=true" if with_private else "")
        return JSONResponse({"items": shown, "links": links})

    async def _software(self, request: Request) -> Response:
        app = self._world.apps.get(request.path_params["app"])
        if app is None:
            return answers.not_found("App not found")
        hostings = choices(request.query_params, "hosting", HOSTINGS)
        return JSONResponse([each for each in software(app) if not hostings or each["hosting"] in hostings])

    async def _versions(self, request: Request) -> Response:
        wanted = request.path_params["software"]
        known = {each["appSoftwareId"]: (app, each) for app in self._world.apps.values() for each in software(app)}
        if wanted not in known:
            return answers.not_found("App software not found")
        app, each = known[wanted]
        states = choices(request.query_params, "state", _STATES)
        models = choices(request.query_params, "paymentModel", _PAYMENT_MODELS)
        rows = [
            row
            for row in versions(app, each["hosting"])
            if (not states or row["state"] in states) and (not models or row["supportedPaymentModel"] in models)
        ]
        shown, links = self._page(request, rows, f"/app-software/{wanted}/versions", "")
        return JSONResponse({"versions": shown, "totalCount": len(rows), "links": links})

    async def _reviews(self, request: Request) -> Response:
        products = {app.product_id: app for app in self._world.apps.values()}
        product = request.path_params["product"]
        if product not in products:
            return answers.not_found("Product not found")
        hostings = choices(request.query_params, "hosting", HOSTINGS)
        key, down = _SORTS[choice(request.query_params, "sort", tuple(_SORTS), "recent")]
        found = [row for row in reviews(products[product]) if not hostings or row["productHosting"] in hostings]
        found.sort(key=key, reverse=down)
        # An offset is ignored; the place is named by the cursor alone.
        first = cursor_position(request.query_params.get("cursor"))
        _, limit = self._paging.page(request.query_params)
        body: dict[str, Any] = {
            "productId": product,
            "reviews": found[first : first + limit],
            "count": len(found),
            "averageStars": round(sum(row["stars"] for row in found) / len(found), 2) if found else 0,
        }
        if first + limit < len(found):
            body["cursor"] = cursor(first + limit)
        return JSONResponse(body)

    def _page(
        self, request: Request, rows: Sequence[Row], path: str, more: str
    ) -> tuple[Sequence[Row], dict[str, str]]:
        _, limit = self._paging.page(request.query_params)
        first = cursor_position(request.query_params.get("cursor"))
        own = f"{path}?limit={limit}{more}"
        links = {"self": own}
        if first + limit < len(rows):
            links["next"] = f"{own}&cursor={cursor(first + limit)}"
        return rows[first : first + limit], links
