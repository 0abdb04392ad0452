"""The one place that touches the Singer SDK's private parts.

Three habits of the SDK do not fit: it runs streams alphabetically, it moves bookmarks by its own rules (back,
when a look-back meets only older rows), and its messages quote configuration values and whole answers.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk import Stream, Tap
from singer_sdk.contrib.msgspec import MsgSpecWriter
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.plugin_base import JSONSchemaValidator
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE

from tap_atlassian_marketplace.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from types import FrameType


class OrderedTap(Tap):
    """A tap that emits its streams in a given order and never quotes a setting's value."""

    stream_order: ClassVar[tuple[str, ...]]
    """Names of all streams, in the order of emission."""

    message_writer_class = MsgSpecWriter

    @property
    def streams(self) -> dict[str, Stream]:
        """All streams by name, in the order of emission."""
        if self._streams is None:
            found = super().streams
            self._streams = {name: found[name] for name in self.stream_order}
        return self._streams

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        self.append_builtin_config(self.config_jsonschema)
        validator = JSONSchemaValidator(self.config_jsonschema)
        errors = [_without_value(error) for error in validator.iter_errors(self._config)]
        if errors and raise_errors:
            raise SettingError(" ".join(errors))
        return errors

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        # The SDK would exit with 0, as if everything had been read. The state so far was already written.
        self.logger.error("Stopped by a signal before everything was read; the next run goes on from the last state.")
        sys.exit(1)


class BookmarkedStream(Stream):
    """A stream that keeps its own bookmark and takes rows as they are."""

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    STATE_MSG_FREQUENCY = sys.maxsize  # state changes only when a stream is complete

    @property
    def is_incremental(self) -> bool:
        """Whether the catalogue leaves the stream incremental."""
        return self.replication_method != REPLICATION_FULL_TABLE

    @property
    def bookmark_state(self) -> MutableMapping[str, Any]:
        """The stream's part of the state, to be written to."""
        return self.stream_state

    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        """Log a message, except the SDK's remark that an error passed through: the error speaks for itself."""
        if message.startswith("An unhandled error occurred"):
            level = logging.DEBUG
        super().log(message, *args, level=level, **kwargs)

    def get_replication_key_signpost(self, context: Any = None) -> None:
        """Give no signpost: it would become the bookmark."""

    def _write_starting_replication_value(self, context: Any) -> None:
        """Leave the state alone; the SDK would note `start_date` in it."""

    def _increment_stream_state(self, latest_record: Any, *, context: Any = None) -> None:
        """Leave the state alone; the bookmark moves when the stream is complete."""


def _without_value(error: Any) -> str:
    """Say what is wrong with a setting without its value, which may be a secret."""
    if error.validator == "required":
        return f"{error.message.replace(chr(39), chr(96))}."
    name = ".".join(str(part) for part in error.absolute_path) or "the configuration"
    if error.validator == "type":
        kinds = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
        return f"`{name}` must be of type {' or '.join(kind for kind in kinds if kind != 'null')}."
    return f"`{name}` breaks the rule {error.validator}: {error.validator_value}."
