"""The whole input, kept aside until its end: only then is it known which ids occur twice."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from marketplace_singer import SettingsError
from target_atlassian_marketplace.fields import pick

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True)
class Entry:
    """A record of the input.

    Attributes:
        number: Its place in the input, from 1.
        record: The record as it came.
        values: The documented fields of it that have a value.
        problems: Why it cannot be one licence, whatever the values are.
    """

    number: int
    record: dict[str, Any]
    values: dict[str, Any]
    problems: list[str]

    @property
    def id(self) -> str:
        """The vendor's name for the licence, or "" where there is none."""
        value = self.values.get("id")
        return value if isinstance(value, str) else ""


class Intake:
    """Takes the records in and gives them out again, from a file that vanishes with the process."""

    def __init__(self) -> None:
        self.count = 0
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        self._first: dict[int, int] = {}
        self._repeats: dict[int, list[int]] = {}
        self._encode = msgspec.json.Encoder(enc_hook=str, decimal_format="number").encode

    def add(self, record: Mapping[str, Any]) -> None:
        """Take a record in.

        Raises:
            SettingsError: There is no room for it.
        """
        self.count += 1
        self._note_id(record)
        try:
            self._file.write(self._encode(record) + b"\n")
        except OSError as error:
            raise SettingsError(f"cannot keep the input in {tempfile.gettempdir()!r} ({error.strerror})") from None

    def entries(self) -> Iterator[Entry]:
        """Give all records, in their order.

        Raises:
            SettingsError: There was no room for the last of them.
        """
        try:
            self._file.seek(0)
        except OSError as error:  # what was buffered is written now
            raise SettingsError(f"cannot keep the input in {tempfile.gettempdir()!r} ({error.strerror})") from None
        for number, line in enumerate(self._file, 1):
            record = msgspec.json.decode(line)
            entry = Entry(number, record, *pick(record))
            places = self._repeats.get(_short(entry.id)) if entry.id else None
            if places:
                entry.problems.append(
                    f"id: it occurs {len(places)} times in the input, in the records {', '.join(map(str, places))}"
                )
            yield entry

    def close(self) -> None:
        """Forget the input."""
        with contextlib.suppress(OSError):  # what was not written yet is not wanted any more
            self._file.close()

    def _note_id(self, record: Mapping[str, Any]) -> None:
        id_ = pick(record)[0].get("id")
        if not isinstance(id_, str):
            return
        short = _short(id_)
        first = self._first.setdefault(short, self.count)
        if first != self.count:
            self._repeats.setdefault(short, [first]).append(self.count)


def _short(id_: str) -> int:
    """64 bits of an id's hash."""
    return int.from_bytes(blake2b(id_.encode(errors="surrogatepass"), digest_size=8).digest(), "big")
