"""Routes of the Marketplace stand-in: developer space, index of reports, and what the other modules add."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse
from starlette.routing import Route

from marketplace_sandbox import credentials
from marketplace_sandbox.basic_auth import basic_credentials
from marketplace_sandbox.marketplace import answers
from marketplace_sandbox.marketplace.catalogue import Catalogue
from marketplace_sandbox.marketplace.links import ROOT
from marketplace_sandbox.marketplace.partner_metrics import PartnerMetrics
from marketplace_sandbox.marketplace.report_routes import ReportRoutes
from marketplace_sandbox.marketplace.reports import REPORTS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from marketplace_sandbox.marketplace.exports import Exports
    from marketplace_sandbox.marketplace.parameters import Paging
    from marketplace_sandbox.world import World

    Endpoint = Callable[[Request], Awaitable[Response]]

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


class MarketplaceApi:
    """The vendor API over one world.

    Args:
        world: What the Marketplace holds.
        exports: The asynchronous exports.
        paging: How lists are cut into pages.
    """

    def __init__(self, world: World, exports: Exports, paging: Paging) -> None:
        self._reports = [ReportRoutes(report, world, exports, paging) for report in REPORTS]
        self._catalogue = Catalogue(world, paging)
        self._metrics = PartnerMetrics(world)

    def routes(self) -> list[Route]:
        """All routes, below the base URL of the stand-in."""
        space = "/rest/3/developer-space"
        root = "/rest/3/reporting/developer-space/{developer}"
        return [
            Route("/rest/2/{rest:path}", _retired, methods=_METHODS),
            Route(f"{space}/vendor/{{vendor}}", _signed_in(_vendor)),
            Route(f"{space}/{{developer}}", _signed_in(_developer_space)),
            Route(f"{space}/{{developer}}/reporting{{rest:path}}", _signed_in(_wrong_order)),
            *self._catalogue.routes(_signed_in),
            *self._metrics.routes(_with_permission),
            Route(root, _of_vendor(self._index)),
            *(route for report in self._reports for route in report.below(root, _of_vendor)),
            Route("/{rest:path}", _signed_in(_unknown), methods=_METHODS),
        ]

    async def _index(self, _: Request) -> Response:
        links: dict[str, Any] = {"self": {"href": ROOT}}
        for report in self._reports:
            links |= report.index()
        return JSONResponse({"_links": links})


def _signed_in(endpoint: Endpoint) -> Endpoint:
    async def checked(request: Request) -> Response:
        if _user(request) is None:
            return answers.unauthorized()
        try:
            return await endpoint(request)
        except answers.BadParameterError as error:
            return answers.bad_parameter(error)

    return checked


def _with_permission(endpoint: Endpoint) -> Endpoint:
    async def checked(request: Request) -> Response:
        return answers.forbidden() if _user(request) == credentials.NO_REPORTS_EMAIL else await endpoint(request)

    return _signed_in(checked)


def _of_vendor(endpoint: Endpoint) -> Endpoint:
    async def checked(request: Request) -> Response:
        if request.path_params["developer"] != credentials.DEVELOPER_ID:
            return answers.not_found("Developer space not found")
        return await endpoint(request)

    return _with_permission(checked)


async def _retired(_: Request) -> Response:
    return answers.retired()


async def _wrong_order(_: Request) -> Response:
    return answers.forbidden()


async def _vendor(request: Request) -> Response:
    if request.path_params["vendor"] != str(credentials.VENDOR_ID):
        return answers.not_found("Vendor not found")
    return JSONResponse({"developerId": credentials.DEVELOPER_ID})


async def _developer_space(request: Request) -> Response:
    if request.path_params["developer"] != credentials.DEVELOPER_ID:
        return answers.not_found("Developer space not found")
    return JSONResponse(
        {
            "id": credentials.DEVELOPER_ID,
            "name": "Sandbox Apps",
            "status": "ACTIVE",
            "type": "ATLASSIAN_EXTERNAL",
            "vendorId": credentials.VENDOR_ID,
            "organisationId": None,
            "version": 3,
        }
    )


async def _unknown(_: Request) -> Response:
    return answers.not_found("Resource not found")


def _user(request: Request) -> str | None:
    user, token = basic_credentials(request) or ("", "")
    known = user in (credentials.VENDOR_EMAIL, credentials.NO_REPORTS_EMAIL)
    return user if known and token == credentials.API_TOKEN else None
