"""Records that were refused, kept in a file with the reason so that somebody can look at them."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import msgspec

from marketplace_singer.errors import SettingsError
from marketplace_singer.masking import masked_key, masked_quotes, masked_record
from marketplace_singer.naming import Naming
from marketplace_singer.private_files import open_private

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

_ERASED = b'{"reason":"erased: this record named a person who has to be forgotten"}'

_BY_HAND = "by_hand"

_encode = msgspec.json.Encoder(enc_hook=str, decimal_format="number").encode


class Quarantine:
    """A JSONL file, readable by its owner only, that is made when the first record is refused.

    Args:
        path: The file; it is added to. None only counts, as in a dry run.
        is_masked: Leave out people's data: what is in the records, and what the reasons quote of it.
    """

    def __init__(self, path: Path | None, *, is_masked: bool = False) -> None:
        self.path = path
        self._is_masked = is_masked
        self.count = 0

    def add(
        self,
        stream: str,
        key: str,
        record: Mapping[str, Any],
        reason: str,
        request_id: str | None = None,
        sent: Any = None,
        *,
        by_hand: bool = False,
    ) -> None:
        """Keep a record that was refused.

        Args:
            stream: The stream that it came in.
            key: Its identity within that stream, as text.
            record: The record itself.
            reason: Why it was refused.
            request_id: The server's name for the call that refused it, if there was one.
            sent: What was sent, if anything: the reason may quote it.
            by_hand: The reason asks somebody to do something, for which they need the line: `forget` leaves it alone.

        Raises:
            SettingsError: The file cannot be written.
        """
        self.count += 1
        if self.path is None:
            return
        if self._is_masked:
            reason = masked_quotes(reason, record, sent, key)
            record, key = masked_record(record), masked_key(key)
        line = {
            "time": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
            "stream": stream,
            "key": key,
            "reason": reason,
            "request_id": request_id,
            "record": record,
            **({_BY_HAND: True} if by_hand else {}),
        }
        with _alone(self.path, os.O_CREAT | os.O_RDWR | os.O_APPEND) as descriptor:
            size = os.fstat(descriptor).st_size
            # A kill may have left half a line, which stays on a line of its own.
            is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            try:
                _write(descriptor, b"\n" * is_torn + _encode(line) + b"\n")
            except OSError:  # such as a full disk: half a line would spoil the next one too
                os.ftruncate(descriptor, size)
                raise

    def forget(self, people: Collection[str], *, anew: Collection[str] = ()) -> int:
        """Erase the records that name some people, of this run and of those before.

        It happens in place, line by line, so that a kill leaves all else; others who add to the file wait meanwhile.
        What asks for something to be done by hand stays until somebody takes it away.

        Args:
            people: Their e-mail addresses and ids; an id names them only where it is the whole text of a value.
            anew: Those of whom something is asked for anew, so that its older line goes.

        Returns:
            How many records were erased.

        Raises:
            SettingsError: The file cannot be written.
        """
        if not people or self.path is None or not self.path.exists():
            return 0
        erased = offset = 0
        naming, naming_anew = Naming(people), Naming(anew)
        with _alone(self.path, os.O_RDWR) as descriptor, open(descriptor, "rb", closefd=False) as lines:
            for line in lines:
                content = line.rstrip(b"\n")
                if _is_about(naming, naming_anew, content):
                    os.pwrite(descriptor, _ERASED[: len(content)].ljust(len(content)), offset)
                    erased += 1
                offset += len(line)
        return erased


@contextmanager
def _alone(path: Path, flags: int) -> Iterator[int]:
    """Have the file for one process at a time: half of what another one writes is no torn line."""
    try:
        descriptor = open_private(path, flags)
        try:
            with suppress(OSError):  # a network's file system may know no locks
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)
    except OSError as error:
        raise SettingsError(f"setting 'rejected_path': cannot write {str(path)!r} ({error.strerror})") from None


def _write(descriptor: int, content: bytes) -> None:
    """Write all of it, with nothing left in memory for later."""
    while content:
        content = content[os.write(descriptor, content) :]


def _is_about(naming: Naming, naming_anew: Naming, line: bytes) -> bool:
    """Whether a line is about people, those of the other kind if it asks for something to be done by hand."""
    try:
        kept = msgspec.json.decode(line)
    except (msgspec.DecodeError, ValueError, RecursionError):  # half a line, or what somebody else wrote
        return naming.is_in_json(line)
    return (naming_anew if isinstance(kept, dict) and kept.get(_BY_HAND) else naming).is_within(kept)
