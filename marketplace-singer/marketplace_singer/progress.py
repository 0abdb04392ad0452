"""How far a run is, told while somebody waits: a bar on a terminal, a line every 15 s elsewhere; never on stdout."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Iterator
    from typing import TextIO

_SECONDS_BETWEEN_LINES = 15.0
_SECONDS_BETWEEN_LOOKS = 0.2


@dataclass(frozen=True)
class HowFar:
    """How far something is.

    Attributes:
        text: What there is to say about it, without a full stop.
        done: How much of `total` is done.
        total: How much there is to do; None where nobody knows.
    """

    text: str
    done: float = 0
    total: float | None = None


@contextmanager
def told(
    how_far: Callable[[], HowFar], logger: logging.Logger, *, doing: str = "Waiting", to: TextIO | None = None
) -> Iterator[tuple[float, Callable[[], None]]]:
    """Tell how far something is, for as long as somebody waits and asks for it.

    Args:
        how_far: Looks after it.
        logger: Takes the lines.
        doing: What the lines begin with.
        to: Where a person reads it, if it is a terminal and this is no CI job; stderr by default.

    Yields:
        How many seconds to wait at a time, and what to call after each of them.
    """
    to = to or sys.stderr
    if _is_a_persons(to):
        with _bar(how_far, doing, to) as show:
            yield _SECONDS_BETWEEN_LOOKS, show
        return
    began = time.monotonic()
    yield (
        _SECONDS_BETWEEN_LINES,
        lambda: logger.info("%s for %.0f s: %s.", doing, time.monotonic() - began, how_far().text),
    )


@contextmanager
def telling(
    how_far: Callable[[], HowFar], logger: logging.Logger, *, doing: str, to: TextIO | None = None
) -> Iterator[None]:
    """Tell how far something is, as `told` does, beside the work that goes on inside.

    Args:
        how_far: Looks after it, from a thread of its own.
        logger: Takes the lines.
        doing: What the lines begin with.
        to: As for `told`.
    """
    ended = threading.Event()
    with told(how_far, logger, doing=doing, to=to) as (seconds, tell):

        def keep_telling() -> None:
            while not ended.wait(seconds):
                tell()

        teller = threading.Thread(target=keep_telling, name="progress", daemon=True)
        teller.start()
        try:
            yield
        finally:
            ended.set()
            teller.join()


@contextmanager
def _bar(how_far: Callable[[], HowFar], doing: str, to: TextIO) -> Iterator[Callable[[], None]]:
    # It takes a tenth of a second, and only a terminal needs it.
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn()
    # Messages go to stdout meanwhile, which rich would else take over.
    with Progress(
        *columns, console=Console(file=to), transient=True, redirect_stdout=False, redirect_stderr=False
    ) as bar:
        task = bar.add_task(doing, total=None)

        def show() -> None:
            now = how_far()
            bar.update(task, description=now.text, completed=now.done, total=now.total)

        yield show


def _is_a_persons(stream: TextIO) -> bool:
    return stream.isatty() and not os.environ.get("CI") and os.environ.get("TERM") != "dumb"
