"""A target's command: every error is one line, and shows neither credentials nor people's data."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from marketplace_singer.reading import TOO_DEEP

if TYPE_CHECKING:
    from collections.abc import Callable

logger = logging.getLogger(__name__)

_PATIENCE = 10.0  # seconds


def run(command: Callable[..., Any], expected: tuple[type[Exception], ...]) -> None:
    """Run a plugin's command line; an error becomes one line and exit code 1.

    Args:
        command: The click command.
        expected: Errors whose message says what to do. Of any other only the type and place are told, because its
            message may quote data.
    """
    try:
        sys.exit(command(standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.Abort:
        sys.exit(1)
    except expected as error:
        logger.error("%s", str(error).replace("\n", " "))  # noqa: TRY400 - one line, no traceback
        _read_on()
        sys.exit(1)
    except RecursionError:  # what could just be read may be too deep to be written
        logger.error("%s", TOO_DEEP)  # noqa: TRY400
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the last resort, which must not print data
        logger.error("%s", unexpected(error))  # noqa: TRY400
        sys.exit(1)


def unexpected(error: BaseException) -> str:
    """Say what nobody foresaw: only its kind and place, for the text of such an error may quote data."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"Unexpected {type(error).__name__} at {Path(last.filename).name}:{last.lineno}; please report it"


def _read_on() -> None:
    """Let the tap finish writing, for a moment: a pipe that breaks fills the log with the errors of others."""
    if sys.stdin is None or sys.stdin.closed or sys.stdin.isatty():
        return
    reader = threading.Thread(target=_read_to_the_end, daemon=True)
    reader.start()
    reader.join(_PATIENCE)


def _read_to_the_end() -> None:
    with contextlib.suppress(OSError, ValueError):
        while os.read(sys.stdin.fileno(), 1 << 20):
            pass
