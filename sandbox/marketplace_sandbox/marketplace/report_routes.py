"""Routes of one report: its list, its export at once, and the export that is started, polled and downloaded."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from marketplace_sandbox.marketplace import answers
from marketplace_sandbox.marketplace.exports import EXPORT_GONE
from marketplace_sandbox.marketplace.links import ROOT, href, with_query
from marketplace_sandbox.marketplace.parameters import choice
from marketplace_sandbox.marketplace.table import as_csv, as_json

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from starlette.requests import Request

    from marketplace_sandbox.marketplace.exports import Content, Export, Exports
    from marketplace_sandbox.marketplace.parameters import Paging
    from marketplace_sandbox.marketplace.reports import Report
    from marketplace_sandbox.world import World

    Endpoint = Callable[[Request], Awaitable[Response]]

_FORMATS = (("csv", "text/csv"), ("json", "application/json"))


class ReportRoutes:
    """The ways to the rows of a report.

    Args:
        report: The report.
        world: What the Marketplace holds.
        exports: The asynchronous exports.
        paging: How its list is cut.
    """

    def __init__(self, report: Report, world: World, exports: Exports, paging: Paging) -> None:
        self._report = report
        self._world = world
        self._exports = exports
        self._paging = paging

    def below(self, root: str, guard: Callable[[Endpoint], Endpoint]) -> list[Route]:
        """The routes below the vendor's reports, each behind a guard."""
        report, routes = self._report, []
        if report.rows:
            routes.append(Route(f"{root}/{report.path}", guard(self._list)))
        if report.at_once:
            routes.append(Route(f"{root}/{report.path}/export", guard(self._export)))
        if report.started:
            found = f"{root}/{report.export_path}/{{export}}"
            routes += [
                Route(f"{root}/{report.path}/async/export", guard(self._start), methods=["POST"]),
                Route(f"{found}/status", guard(self._status)),
                Route(found, guard(self._download)),
            ]
        return routes

    def index(self) -> dict[str, Any]:
        """The links of this report in the index of all."""
        report, filters = self._report, "productId*,startDate,endDate,text,lastUpdated"
        template = {"templated": True, "name": report.name}
        links: dict[str, Any] = {}
        key = report.path.split("/")[-2] if report.name == "events" else report.name
        if report.rows:
            address = f"{ROOT}/{report.path}{{?{filters},offset,limit}}"
            links[key] = {"href": address, "type": "application/json", **template}
        if report.at_once:
            links[f"{key}Export"] = [
                {"href": f"{ROOT}/{report.path}/export?accept={kind}{{&{filters}}}", "type": media_type, **template}
                for kind, media_type in _FORMATS
            ]
        return links

    async def _list(self, request: Request) -> Response:
        report = self._report
        rows = list(report.rows(self._world, request.query_params)) if report.rows else []
        offset, limit = self._paging.page(request.query_params)
        base = f"{ROOT}/{report.path}"
        kept = [(key, value) for key, value in request.query_params.multi_items() if key not in ("offset", "limit")]
        links: dict[str, Any] = {
            "self": {"href": with_query(base, request.url.query)},
            "query": {"href": f"{base}{{?productId*,startDate,endDate,offset,limit}}", "templated": True},
        }
        if report.at_once or report.started:
            links["export"] = [
                {"href": href(f"{base}/export", [*kept, ("accept", kind)]), "type": media_type}
                for kind, media_type in _FORMATS
            ]
        if offset > 0:
            back = [("offset", str(max(0, offset - limit))), ("limit", str(limit))]
            links["prev"] = {"href": href(base, kept + back)}
        if offset + limit < len(rows):
            on = [("offset", str(offset + limit)), ("limit", str(limit))]
            links["next"] = {"href": href(base, kept + on)}
        content: dict[str, Any] = {"_links": links, report.name: rows[offset : offset + limit]}
        return JSONResponse({**content, "totalCount": len(rows)} if report.total else content)

    async def _export(self, request: Request) -> Response:
        content, media_type = self._content(request)
        return _body(content, media_type)

    async def _start(self, request: Request) -> Response:
        report = self._report
        content, media_type = self._content(request)
        query, reuse = request.url.query, report.shared
        export = self._exports.start(report.export_path, content, media_type, query, _fault(request), reuse=reuse)
        request.state.stored = True
        return JSONResponse({"_links": self._export_links(export), "export": {"id": export.id}})

    async def _status(self, request: Request) -> Response:
        export = self._exports.find(self._report.export_path, request.path_params["export"])
        if export is None:
            return answers.not_found("Export not found")
        status = self._exports.poll(export)
        return JSONResponse({"_links": self._export_links(export), "export": {"id": export.id, "status": status}})

    async def _download(self, request: Request) -> Response:
        export = self._exports.find(self._report.export_path, request.path_params["export"])
        if export is None:
            return answers.not_found("Export not found")
        if _fault(request) == EXPORT_GONE:
            self._exports.forget(export)
            return answers.not_found("Export not found")
        if export.status != "COMPLETED":
            return answers.not_found("Export is being processed")
        return _body(export.content, export.media_type)

    def _content(self, request: Request) -> tuple[Content, str]:
        wants_csv = "text/csv" in request.headers.get("accept", "")
        wanted = choice(request.query_params, "accept", ("csv", "json"), "csv" if wants_csv else "json")
        rows = self._report.export_rows(self._world, request.query_params)
        write, media_type = (as_csv, "text/csv") if wanted == "csv" else (as_json, "application/json")
        # The content is that of this moment. Where nothing changes, it need not be kept until it is read.
        content = partial(write, rows) if self._world.standing else b"".join(write(rows))
        return content, media_type

    def _export_links(self, export: Export) -> dict[str, Any]:
        # Also where status and content are elsewhere, the links name the report.
        start = f"{self._report.link_root}/{self._report.path}/async/export"
        return {
            "self": {"href": start},
            "query": {"href": with_query(start, export.query)},
            "status": {"href": f"{start}/{export.id}/status"},
            "download": {"href": f"{start}/{export.id}"},
        }


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
