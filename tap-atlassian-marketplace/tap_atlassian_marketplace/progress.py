"""How far the exports of a run are, told while it waits for them: a bar on a terminal, a line every 15 s elsewhere."""

from __future__ import annotations

import logging
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

_SECONDS_BETWEEN_LINES = 15.0
_SECONDS_BETWEEN_LOOKS = 0.2
_MEGABYTE = 1_000_000

_logger = logging.getLogger("tap-atlassian-marketplace")


@dataclass(frozen=True)
class HowFar:
    """How far the exports are.

    Attributes:
        done: How many are complete, or failed.
        total: How many were asked for.
        size: Bytes that came so far, of all of them.
    """

    done: int
    total: int
    size: int

    def __str__(self) -> str:
        return f"{self.done} of {self.total} exports are here, {self.size / _MEGABYTE:.1f} MB so far"


@contextmanager
def told(how_far: Callable[[], HowFar], *, to: TextIO | None = None) -> Iterator[tuple[float, Callable[[], None]]]:
    """Tell how far the exports are, for as long as somebody waits.

    Args:
        how_far: Looks after it.
        to: Where a person reads it, if it is a terminal; stderr by default.

    Yields:
        How many seconds to wait at a time, and what to call after each of them.
    """
    to = to or sys.stderr
    if not to.isatty():
        began = time.monotonic()
        yield (
            _SECONDS_BETWEEN_LINES,
            lambda: _logger.info("Waiting for %.0f s: %s.", time.monotonic() - began, how_far()),
        )
        return
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    # Records go to stdout meanwhile, which rich would else take over.
    with Progress(
        *columns, console=Console(file=to), transient=True, redirect_stdout=False, redirect_stderr=False
    ) as bar:
        task = bar.add_task("Waiting for the Marketplace", total=None)

        def show() -> None:
            now = how_far()
            bar.update(task, description=str(now), completed=now.done, total=now.total)

        yield _SECONDS_BETWEEN_LOOKS, show
