"""The sandbox as a server on one port, for tests in this process and for the command line."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from marketplace_sandbox.control import Control
from marketplace_sandbox.journal import Journal, JournalMiddleware
from marketplace_sandbox.journy.api import JournyApi
from marketplace_sandbox.journy.limit import SlidingWindow
from marketplace_sandbox.journy.state import JournyState
from marketplace_sandbox.marketplace.api import MarketplaceApi
from marketplace_sandbox.marketplace.exports import FAULTS, Exports
from marketplace_sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_START_SECONDS = 10.0
_STOP_SECONDS = 10.0


@dataclass
class Sandbox:
    """A running sandbox.

    Attributes:
        url: Base URL, without a slash at the end.
        world: What the Marketplace holds.
        journy: What journy.io holds.
        journal: Every call so far.
        faults: Names of the faults that are on; may be changed while it runs.
    """

    url: str
    world: World
    journy: JournyState
    journal: Journal
    faults: set[str] = field(default_factory=set)

    @property
    def marketplace_url(self) -> str:
        """Base URL of the Marketplace, to which clients add `/rest/3/...`."""
        return f"{self.url}/marketplace"

    @property
    def journy_url(self) -> str:
        """Base URL of journy.io."""
        return f"{self.url}/journy"


@contextlib.contextmanager
def running(
    world: World | None = None,
    *,
    seed: int = 1,
    customers: int = 0,
    today: str = "2026-03-02",
    host: str = "127.0.0.1",
    port: int = 0,
    polls_until_ready: int = 1,
    rate_limit: int = 1800,
    rate_window: float = 60.0,
    faults: Iterable[str] = (),
) -> Iterator[Sandbox]:
    """Run the sandbox in a thread for as long as the context lasts.

    Args:
        world: What the Marketplace holds; by default the fixture companies and `customers` ordinary ones.
        seed: Seed of that default world.
        customers: Ordinary customers of that default world.
        today: First day of that default world.
        host: Address to listen at.
        port: Port to listen at; 0 takes a free one.
        polls_until_ready: The poll that first answers that an export is COMPLETED.
        rate_limit: journy.io's calls per window.
        rate_window: Length of that window in seconds.
        faults: Names of the faults to begin with, see `marketplace_sandbox.marketplace.exports`.

    Raises:
        OSError: The port is taken.
        ValueError: A fault is not known.
    """
    active = set(faults)
    if unknown := active - set(FAULTS):
        raise ValueError(f"Unknown fault {', '.join(sorted(unknown))}; there are {', '.join(FAULTS)}")
    listener = socket.create_server((host, port))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio does it for its own sockets only
    sandbox = Sandbox(
        url=f"http://{host}:{listener.getsockname()[1]}",
        world=world or World(seed=seed, customers=customers, today=today),
        journy=JournyState(),
        journal=Journal(),
        faults=active,
    )
    limit = SlidingWindow(rate_limit, rate_window, time.monotonic)
    app = _application(sandbox, Exports(polls_until_ready, active), limit)
    config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="sandbox", daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("The sandbox did not start")
            time.sleep(0.01)
        yield sandbox
    finally:
        server.should_exit = True
        thread.join(_STOP_SECONDS)
        listener.close()


def _application(sandbox: Sandbox, exports: Exports, limit: SlidingWindow) -> Starlette:
    marketplace = MarketplaceApi(sandbox.world, exports)
    journy = JournyApi(sandbox.journy, limit, _now)
    control = Control(sandbox.world, sandbox.journy, sandbox.journal)
    app = Starlette(
        routes=[
            Mount("/marketplace", routes=marketplace.routes()),
            Mount("/journy", routes=journy.routes()),
            *control.routes(),
        ],
        middleware=[Middleware(JournalMiddleware, journal=sandbox.journal)],
    )
    app.router.redirect_slashes = False
    return app


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
