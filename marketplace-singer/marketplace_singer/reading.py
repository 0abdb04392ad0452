"""Reading Singer messages without ever quoting them: a line that cannot be read may hold people's data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from singer_sdk.contrib.msgspec import MsgSpecReader, decoder
from singer_sdk.singerlib import SingerMessageType
from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import IO

TOO_DEEP = "a line of the input is nested too deeply to be read; leave that field out"

_NO_JSON = "a line of the input is no JSON: is this the output of a Singer tap?"
_MESSAGE_TYPES = [kind.value for kind in SingerMessageType]


class InputError(Exception):
    """The input is not what a Singer tap writes; the message quotes none of it."""


class QuietReader(MsgSpecReader):
    """Reads Singer messages; unlike the SDK's readers it never logs or quotes a line that it cannot read."""

    @override
    def process_lines(self, file_input: IO[str] | None, callbacks: dict[str, Callable[[dict[str, Any]], None]]) -> Any:
        return super().process_lines(_readable(file_input or self.default_input), callbacks)  # type: ignore[arg-type]

    @override
    def deserialize_json(self, line: str) -> dict[str, Any]:
        try:
            message = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeError):
            raise InputError(_NO_JSON) from None
        except RecursionError:
            raise InputError(TOO_DEEP) from None
        if not isinstance(message, dict) or message.get("type") not in _MESSAGE_TYPES:
            raise InputError("a line of the input is no Singer message: is this the output of a Singer tap?")
        return message

    @override
    @staticmethod
    def assert_line_requires(line_dict: dict[str, Any], requires: set[str]) -> None:
        if missing := requires - line_dict.keys():
            kind = line_dict.get("type", "Singer")
            raise InputError(f"a {kind} message of the input lacks {', '.join(sorted(missing))}")


def _readable(lines: IO[str]) -> Iterator[str]:
    """The lines, as long as they are text at all."""
    try:
        yield from lines
    except UnicodeDecodeError:
        raise InputError(_NO_JSON) from None
