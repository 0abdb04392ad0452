"""Records that were refused, kept in a file with the reason so that somebody can look at them."""

from __future__ import annotations

import datetime as dt
import os
from typing import TYPE_CHECKING, Any

import msgspec

from marketplace_singer.errors import SettingsError
from marketplace_singer.masking import masked_key, masked_quotes, masked_record
from marketplace_singer.naming import Naming
from marketplace_singer.private_files import open_private

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path


_ERASED = b'{"reason":"erased: this record named a person who has to be forgotten"}'

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
    ) -> None:
        """Keep a record that was refused.

        Args:
            stream: The stream that it came in.
            key: Its identity within that stream, as text.
            record: The record itself.
            reason: Why it was refused.
            request_id: The server's name for the call that refused it, if there was one.
            sent: What was sent, if anything: the reason may quote it.

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
        }
        try:
            descriptor = open_private(self.path, os.O_CREAT | os.O_RDWR | os.O_APPEND)
            size = os.fstat(descriptor).st_size
            # A kill may have left half a line, which stays on a line of its own.
            is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
            try:
                with os.fdopen(descriptor, "ab") as file:
                    file.write(b"\n" * is_torn + _encode(line) + b"\n")
            except OSError:  # such as a full disk: half a line would spoil the next one too
                os.truncate(self.path, size)
                raise
        except OSError as error:
            raise SettingsError(
                f"setting 'rejected_path': cannot write {str(self.path)!r} ({error.strerror})"
            ) from None

    def forget(self, people: Collection[str]) -> int:
        """Erase the records that name some people, of this run and of those before.

        It happens in place, line by line, so that others may add to the file meanwhile and a kill leaves all else.

        Args:
            people: Their e-mail addresses and ids; an id names them only where it is the whole text of a value.

        Returns:
            How many records were erased.

        Raises:
            SettingsError: The file cannot be written.
        """
        if not people or self.path is None or not self.path.exists():
            return 0
        erased = offset = 0
        try:
            with os.fdopen(open_private(self.path, os.O_RDWR), "r+b", buffering=0) as file:
                naming = Naming(people)
                with open(file.fileno(), "rb", closefd=False) as lines:
                    for line in lines:
                        content = line.rstrip(b"\n")
                        if naming.is_in_json(content):
                            os.pwrite(file.fileno(), _ERASED[: len(content)].ljust(len(content)), offset)
                            erased += 1
                        offset += len(line)
        except OSError as error:
            raise SettingsError(
                f"setting 'rejected_path': cannot write {str(self.path)!r} ({error.strerror})"
            ) from None
        return erased
