"""Routes of the Marketplace stand-in: developer space, product listings, reports and their exports."""

from __future__ import annotations

import asyncio
import base64
import binascii
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from marketplace_sandbox import credentials
from marketplace_sandbox.basic_auth import basic_credentials
from marketplace_sandbox.marketplace import answers, selection
from marketplace_sandbox.marketplace.exports import EXPORT_GONE
from marketplace_sandbox.marketplace.parameters import choice, flag, page
from marketplace_sandbox.marketplace.table import as_csv, as_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.datastructures import QueryParams
    from starlette.requests import Request

    from marketplace_sandbox.marketplace.exports import Content, Export, Exports
    from marketplace_sandbox.world import World

    Endpoint = Callable[[Request], Awaitable[Response]]

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_REPORTS: dict[str, tuple[str, Callable[[World, QueryParams], selection.Selection]]] = {
    "licenses": ("licenses", selection.licenses),
    "sales/transactions": ("transactions", selection.transactions),
}


class MarketplaceApi:
    """The vendor API over one world.

    Args:
        world: What the Marketplace holds.
        exports: The asynchronous exports.
    """

    def __init__(self, world: World, exports: Exports) -> None:
        self._world = world
        self._exports = exports

    def routes(self) -> list[Route]:
        """All routes, below the base URL of the stand-in."""
        space = "/rest/3/developer-space"
        root = "/rest/3/reporting/developer-space/{developer}"
        routes = [
            Route("/rest/2/{rest:path}", self._retired, methods=_METHODS),
            Route(f"{space}/vendor/{{vendor}}", self._signed_in(self._vendor)),
            Route(f"{space}/{{developer}}", self._signed_in(self._developer_space)),
            Route(f"{space}/{{developer}}/reporting{{rest:path}}", self._signed_in(self._wrong_order)),
            Route("/rest/3/product-listing/developer-space/{developer}", self._signed_in(self._listings)),
            Route(root, self._report(self._index)),
        ]
        for path in _REPORTS:
            base = f"{root}/{path}"
            routes += [
                Route(base, self._report(self._list, path)),
                Route(f"{base}/export", self._report(self._export, path)),
                Route(f"{base}/async/export", self._report(self._start, path), methods=["POST"]),
                Route(f"{base}/async/export/{{export}}/status", self._report(self._status, path)),
                Route(f"{base}/async/export/{{export}}", self._report(self._download, path)),
            ]
        return [*routes, Route("/{rest:path}", self._signed_in(_unknown), methods=_METHODS)]

    def _signed_in(self, endpoint: Endpoint) -> Endpoint:
        async def checked(request: Request) -> Response:
            if _user(request) is None:
                return answers.unauthorized()
            try:
                return await endpoint(request)
            except answers.BadParameterError as error:
                return answers.bad_parameter(error)

        return checked

    def _report(self, endpoint: Callable[..., Awaitable[Response]], *args: str) -> Endpoint:
        async def checked(request: Request) -> Response:
            if _user(request) == credentials.NO_REPORTS_EMAIL:
                return answers.forbidden()
            if request.path_params["developer"] != credentials.DEVELOPER_ID:
                return answers.not_found("Developer space not found")
            return await endpoint(request, *args)

        return self._signed_in(checked)

    async def _retired(self, _: Request) -> Response:
        return answers.retired()

    async def _wrong_order(self, _: Request) -> Response:
        return answers.forbidden()

    async def _vendor(self, request: Request) -> Response:
        if request.path_params["vendor"] != str(credentials.VENDOR_ID):
            return answers.not_found("Vendor not found")
        return JSONResponse({"developerId": credentials.DEVELOPER_ID})

    async def _developer_space(self, request: Request) -> Response:
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

    async def _listings(self, request: Request) -> Response:
        if request.path_params["developer"] != credentials.DEVELOPER_ID:
            return answers.not_found("Developer space not found")
        with_private = flag(request.query_params, "includePrivate")
        _, limit = page(request.query_params)
        apps = [app for app in self._world.apps.values() if with_private or app.state == "PUBLIC"]
        first = _cursor_position(request.query_params.get("cursor"))
        rest = first + limit
        path = f"/product-listing/developer-space/{credentials.DEVELOPER_ID}?limit={limit}"
        path += "&includePrivate=true" if with_private else ""
        links = {"self": path}
        if rest < len(apps):
            links["next"] = f"{path}&cursor={_cursor(rest)}"
        return JSONResponse({"items": [app.listing() for app in apps[first:rest]], "links": links})

    async def _index(self, _: Request) -> Response:
        links: dict[str, Any] = {"self": {"href": _root()}}
        for path, (name, _rows) in _REPORTS.items():
            filters = "productId*,startDate,endDate,text,lastUpdated"
            template = {"templated": True, "name": name}
            href = f"{_root()}/{path}{{?{filters},offset,limit}}"
            links[name] = {"href": href, "type": "application/json", **template}
            links[f"{name}Export"] = [
                {"href": f"{_root()}/{path}/export?accept={kind}{{&{filters}}}", "type": media_type, **template}
                for kind, media_type in (("csv", "text/csv"), ("json", "application/json"))
            ]
        return JSONResponse({"_links": links})

    async def _list(self, request: Request, path: str) -> Response:
        name, select = _REPORTS[path]
        rows = list(select(self._world, request.query_params))
        offset, limit = page(request.query_params)
        base = f"{_root()}/{path}"
        kept = [(key, value) for key, value in request.query_params.multi_items() if key not in ("offset", "limit")]
        links: dict[str, Any] = {
            "self": {"href": _with_query(base, request.url.query)},
            "query": {"href": f"{base}{{?productId*,startDate,endDate,offset,limit}}", "templated": True},
            "export": [
                {"href": _href(f"{base}/export", [*kept, ("accept", "csv")]), "type": "text/csv"},
                {"href": _href(f"{base}/export", [*kept, ("accept", "json")]), "type": "application/json"},
            ],
        }
        if offset > 0:
            back = [("offset", str(max(0, offset - limit))), ("limit", str(limit))]
            links["prev"] = {"href": _href(base, kept + back)}
        if offset + limit < len(rows):
            on = [("offset", str(offset + limit)), ("limit", str(limit))]
            links["next"] = {"href": _href(base, kept + on)}
        return JSONResponse({"_links": links, name: rows[offset : offset + limit], "totalCount": len(rows)})

    async def _export(self, request: Request, path: str) -> Response:
        content, media_type = self._content(request, path)
        return _body(content, media_type)

    async def _start(self, request: Request, path: str) -> Response:
        content, media_type = self._content(request, path)
        export = self._exports.start(path, content, media_type, request.url.query, _fault(request))
        request.state.stored = True
        return JSONResponse({"_links": _export_links(path, export), "export": {"id": export.id}})

    async def _status(self, request: Request, path: str) -> Response:
        export = self._exports.find(path, request.path_params["export"])
        if export is None:
            return answers.not_found("Export not found")
        status = self._exports.poll(export)
        return JSONResponse({"_links": _export_links(path, export), "export": {"id": export.id, "status": status}})

    async def _download(self, request: Request, path: str) -> Response:
        export = self._exports.find(path, request.path_params["export"])
        if export is None:
            return answers.not_found("Export not found")
        if _fault(request) == EXPORT_GONE:
            self._exports.forget(export)
            return answers.not_found("Export not found")
        if export.status != "COMPLETED":
            return answers.not_found("Export is being processed")
        return _body(export.content, export.media_type)

    def _content(self, request: Request, path: str) -> tuple[Content, str]:
        wants_csv = "text/csv" in request.headers.get("accept", "")
        wanted = choice(request.query_params, "accept", ("csv", "json"), "csv" if wants_csv else "json")
        rows = _REPORTS[path][1](self._world, request.query_params)
        write, media_type = (as_csv, "text/csv") if wanted == "csv" else (as_json, "application/json")
        # The content is that of this moment. Where nothing changes, it need not be kept until it is read.
        content = partial(write, rows) if self._world.standing else b"".join(write(rows))
        return content, media_type


def _body(content: Content, media_type: str) -> Response:
    if isinstance(content, bytes):
        return Response(content, media_type=media_type)

    async def pieces() -> AsyncIterator[bytes]:
        for piece in content():
            yield piece
            await asyncio.sleep(0)

    return StreamingResponse(pieces(), media_type=media_type)


def _fault(request: Request) -> str | None:
    return getattr(request.state, "fault", None)


async def _unknown(_: Request) -> Response:
    return answers.not_found("Resource not found")


def _user(request: Request) -> str | None:
    user, token = basic_credentials(request) or ("", "")
    known = user in (credentials.VENDOR_EMAIL, credentials.NO_REPORTS_EMAIL)
    return user if known and token == credentials.API_TOKEN else None


# Links lack `/rest/3`, as live ones do: following them as they stand leads nowhere.
def _root() -> str:
    return f"/reporting/developer-space/{credentials.DEVELOPER_ID}"


def _href(path: str, query: list[tuple[str, str]]) -> str:
    return _with_query(path, urlencode(query))


def _with_query(path: str, query: str) -> str:
    return f"{path}?{query}" if query else path


def _export_links(path: str, export: Export) -> dict[str, Any]:
    start = f"{_root()}/{path}/async/export"
    return {
        "self": {"href": start},
        "query": {"href": _with_query(start, export.query)},
        "status": {"href": f"{start}/{export.id}/status"},
        "download": {"href": f"{start}/{export.id}"},
    }


def _cursor(position: int) -> str:
    return base64.urlsafe_b64encode(f"position:{position}".encode()).decode()


def _cursor_position(cursor: str | None) -> int:
    if cursor is None:
        return 0
    try:
        return int(base64.urlsafe_b64decode(cursor).decode().removeprefix("position:"))
    except (binascii.Error, ValueError):
        raise answers.BadParameterError("cursor", "Must be a cursor of this list") from None
