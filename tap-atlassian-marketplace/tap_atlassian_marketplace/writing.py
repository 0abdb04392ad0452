"""Singer messages on their way out: records when the buffer is full, everything else at once."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.contrib.msgspec import MsgSpecWriter, serialize_jsonl

from tap_atlassian_marketplace.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from singer_sdk.singerlib import Message

_BUFFER = 1 << 16  # what a pipe holds


def widen_stdout() -> None:
    """Give stdout a buffer of 64 kB, where it is a file or pipe; Python's own holds but a record or two."""
    with suppress(io.UnsupportedOperation):
        sys.stdout = open(sys.stdout.fileno(), "w", buffering=_BUFFER, encoding="utf-8", closefd=False)  # noqa: SIM115


class RecordWriter(MsgSpecWriter):
    """Leaves records to the buffer of stdout, so that a loader is not woken for each; any other message flushes it.

    That buffer also keeps lines whole when a signal interrupts a write. For use by one thread.
    """

    def write_record(self, stream: str, record: Mapping[str, Any] | bytes, version: int | None) -> None:
        """Write a record as the SDK's message would, without making one.

        Args:
            stream: The name that loaders know.
            record: The record, or its JSON on one line.
            version: Of the table, if it has one.
        """
        message: dict[str, Any] = {"type": "RECORD", "stream": stream}
        message["record"] = msgspec.Raw(record) if isinstance(record, bytes) else record
        if version is not None:
            message["version"] = version
        message["time_extracted"] = datetime.now(timezone.utc)
        try:
            sys.stdout.buffer.write(serialize_jsonl(message))
        except OSError as error:
            raise _explained(error) from None

    def write_message(self, message: Message) -> None:
        """Write any other message."""
        try:
            super().write_message(message)
        except OSError as error:
            raise _explained(error) from None

    def flush(self) -> None:
        """Send what is in the buffer."""
        try:
            sys.stdout.flush()
        except OSError as error:
            raise _explained(error) from None


def give_up_stdout() -> None:
    """Drop what stdout could not take, else the interpreter would try and fail once more when it ends."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explained(error: OSError) -> OutputError:
    if isinstance(error, BrokenPipeError):
        return OutputError("The loader stopped reading.")
    return OutputError(f"The messages cannot be written to the output ({error.strerror}).")
