"""The sandbox as a server on one port, for tests in this process and for the command line."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from marketplace_sandbox import credentials
from marketplace_sandbox.control import Control
from marketplace_sandbox.faults import Faults, Gates
from marketplace_sandbox.faults.wire import Protocol
from marketplace_sandbox.foreign import ForeignHost
from marketplace_sandbox.front import Front
from marketplace_sandbox.journal import Journal
from marketplace_sandbox.journy.api import JournyApi
from marketplace_sandbox.journy.limit import SlidingWindow
from marketplace_sandbox.journy.rate import RateMeter
from marketplace_sandbox.journy.segment_destination import SegmentDestination
from marketplace_sandbox.journy.state import JournyState
from marketplace_sandbox.license_service.api import LicenseServiceApi
from marketplace_sandbox.license_service.state import LicenseServiceState
from marketplace_sandbox.license_service.today import sydney_today
from marketplace_sandbox.marketplace.api import MarketplaceApi
from marketplace_sandbox.marketplace.exports import Exports
from marketplace_sandbox.marketplace.parameters import Paging
from marketplace_sandbox.segment.api import SegmentApi
from marketplace_sandbox.segment.state import SegmentState
from marketplace_sandbox.switches import Switches
from marketplace_sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from marketplace_sandbox.faults import Fault

_START_SECONDS = 10.0
_STOP_SECONDS = 10.0


@dataclass
class Sandbox:
    """A running sandbox.

    Attributes:
        url: Base URL, without a slash at the end.
        world: What the Marketplace holds.
        journy: What journy.io holds.
        journy_segment: What came in at journy.io's door for the Segment protocol.
        segment: What came in at Segment, in either region.
        license_service: What was imported into the License Service.
        journal: Every call so far.
        limit: journy.io's limiter, and the other client that may use it too.
        rate: How fast journy.io was called.
        foreign: The other host, to which faulty answers point.
        faults: What goes wrong; may be changed while it runs.
        gates: Where calls are held; may be changed while it runs.
        latency_ms: By how much every answer is delayed, in milliseconds; may be changed while it runs.
        paging: How the Marketplace cuts lists into pages; may be changed while it runs.
    """

    url: str
    world: World
    journy: JournyState
    journy_segment: SegmentState
    segment: SegmentState
    license_service: LicenseServiceState
    journal: Journal
    limit: SlidingWindow
    rate: RateMeter
    foreign: ForeignHost
    faults: Faults
    latency_ms: float = 0.0
    paging: Paging = field(default_factory=Paging)
    gates: Gates = field(init=False)
    _closing: threading.Event = field(default_factory=threading.Event, init=False)

    def __post_init__(self) -> None:
        self.gates = Gates(self.stopped)

    def stopped(self) -> bool:
        """Whether it is about to end."""
        return self._closing.is_set()

    def stop(self) -> None:
        """Let nothing wait any longer: calls that are held are dropped."""
        self._closing.set()

    @property
    def marketplace_url(self) -> str:
        """Base URL of the Marketplace, to which clients add `/rest/3/...`."""
        return f"{self.url}/marketplace"

    @property
    def journy_url(self) -> str:
        """Base URL of journy.io."""
        return f"{self.url}/journy"

    @property
    def journy_segment_url(self) -> str:
        """Base URL of journy.io's door for the Segment protocol, to which clients add `/v1/...`."""
        return f"{self.url}/journy_segment/backend"

    @property
    def segment_url(self) -> str:
        """Base URL of Segment in the US, to which clients add `/v1/...`."""
        return f"{self.url}/segment"

    @property
    def segment_eu_url(self) -> str:
        """Base URL of Segment in Europe."""
        return f"{self.segment_url}/eu"

    @property
    def license_service_url(self) -> str:
        """Base URL of the License Service, to which clients add `/rest/1.0/plugins/...`."""
        return f"{self.url}/license-service"


@contextlib.contextmanager
def running(
    world: World | None = None,
    *,
    seed: int = 1,
    customers: int = 0,
    today: str = "2026-03-02",
    license_service_today: str | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    polls_until_ready: int = 1,
    rate_limit: int = 1800,
    rate_window: float = 60.0,
    latency_ms: float = 0.0,
    journal: bool = True,
    faults: Iterable[str | Fault] = (),
) -> Iterator[Sandbox]:
    """Run the sandbox in a thread for as long as the context lasts.

    Args:
        world: What the Marketplace holds; by default the fixture companies and `customers` ordinary ones.
        seed: Seed of that default world, and of the License Service's keys.
        customers: Ordinary customers of that default world.
        today: First day of that default world.
        license_service_today: The date by which the License Service judges when a licence may start; by default the
            date in Sydney by the clock, whatever day it is in the world: a client checks its dates against the clock
            before it sends them, and both must mean the same 30 days.
        host: Address to listen at.
        port: Port to listen at; 0 takes a free one.
        polls_until_ready: The poll that first answers that an export is COMPLETED.
        rate_limit: journy.io's calls per window.
        rate_window: Length of that window in seconds.
        latency_ms: By how much every answer is delayed, in milliseconds.
        journal: Whether calls are kept with their bodies, or only counted.
        faults: What goes wrong at first: names of `marketplace_sandbox.faults.FAULTS`, or faults with a scope.

    Raises:
        OSError: The port is taken.
        ValueError: A fault is not known, or a date is none.
    """
    active, license_service_clock = Faults(faults), _clock(license_service_today)
    world = world or World(seed=seed, customers=customers, today=today)
    listener, foreign = _listener(host, port), _listener(host, 0)
    journy = JournyState()
    destination = SegmentDestination(journy, _now)
    sandbox = Sandbox(
        url=f"http://{host}:{listener.getsockname()[1]}",
        world=world,
        journy=journy,
        journy_segment=SegmentState(destination.receive),
        segment=SegmentState(destination.receive_from_segment),
        license_service=LicenseServiceState(seed, license_service_clock),
        journal=Journal(keep=journal),
        limit=SlidingWindow(rate_limit, rate_window, time.monotonic),
        rate=RateMeter(rate_window, time.monotonic),
        foreign=ForeignHost(foreign.getsockname()[1]),
        faults=active,
        latency_ms=latency_ms,
    )
    config = uvicorn.Config(
        _application(sandbox, Exports(polls_until_ready)),
        http=Protocol,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    server = uvicorn.Server(config)
    sockets = [listener, foreign]
    thread = threading.Thread(target=server.run, args=(sockets,), name="sandbox", daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("The sandbox did not start")
            time.sleep(0.01)
        yield sandbox
    finally:
        sandbox.stop()
        server.should_exit = True
        thread.join(_STOP_SECONDS)
        for each in sockets:
            each.close()


def _listener(host: str, port: int) -> socket.socket:
    listener = socket.create_server((host, port))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # asyncio does it for its own sockets only
    return listener


def _application(sandbox: Sandbox, exports: Exports) -> Starlette:
    marketplace = MarketplaceApi(sandbox.world, exports, sandbox.paging)
    journy = JournyApi(sandbox.journy, sandbox.limit, _now)
    door = SegmentApi(sandbox.journy_segment, credentials.WRITE_KEY, tells=True)
    segment_us = SegmentApi(sandbox.segment, credentials.WRITE_KEY, tells=False)
    segment_eu = SegmentApi(sandbox.segment, credentials.EU_WRITE_KEY, tells=False)
    license_service = LicenseServiceApi(sandbox.license_service, sandbox.world)
    app = Starlette(
        routes=[
            Mount("/marketplace", routes=marketplace.routes()),
            Mount("/journy", routes=journy.routes()),
            Mount("/journy_segment/backend", routes=door.routes()),
            Mount("/segment/eu", routes=segment_eu.routes()),
            Mount("/segment", routes=segment_us.routes()),
            Mount("/license-service", routes=license_service.routes()),
            *Control(sandbox).routes(),
            *Switches(sandbox).routes(),
        ],
        middleware=[Middleware(Front, sandbox=sandbox)],
    )
    app.router.redirect_slashes = False
    return app


def _now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _clock(day: str | None) -> Callable[[], date]:
    if day is None:
        return sydney_today
    fixed = date.fromisoformat(day)
    return lambda: fixed
