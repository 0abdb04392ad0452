"""The one place of the tap that touches the Singer SDK's private parts; for settings `marketplace_singer.sdk` does.

Five habits of the SDK do not fit: it runs streams alphabetically, one that fails takes those after it along, it moves
bookmarks by its own rules (back, when a look-back meets only older rows), it tells loaders to drop a table's old rows
before the new ones came, and its test reads everything for the sake of one row of each stream.
"""

from __future__ import annotations

import io
import json
import logging
import sys
import time
from dataclasses import replace
from functools import cached_property
from typing import IO, TYPE_CHECKING, Any, ClassVar

import click
from singer_sdk import Stream, Tap
from singer_sdk.helpers.capabilities import PluginCapabilities
from singer_sdk.helpers.conform import TypeConformanceLevel
from singer_sdk.mapper import SameRecordTransform
from singer_sdk.singerlib.catalog import REPLICATION_FULL_TABLE, Catalog

from marketplace_singer import SettingsError, StrictSettings
from tap_atlassian_marketplace.bookmarks import SEVERAL, VENDOR
from tap_atlassian_marketplace.errors import (
    CredentialsError,
    OutputError,
    SpoolError,
    StreamsFailedError,
    call_stack,
    in_one_line,
)
from tap_atlassian_marketplace.writing import RecordWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, MutableMapping
    from types import FrameType

    from singer_sdk.helpers.capabilities import CapabilitiesEnum
    from singer_sdk.singerlib import RecordMessage


class OrderedTap(StrictSettings, Tap):
    """A tap that emits its streams in a given order and never quotes a setting's value."""

    stream_order: ClassVar[tuple[str, ...]]
    """Names of all streams, in the order of emission."""

    message_writer: RecordWriter
    message_writer_class = RecordWriter
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        capability for capability in Tap.capabilities if capability is not PluginCapabilities.BATCH
    ]

    @classmethod
    def invoke(cls, *, state: IO[str] | None = None, catalog: IO[str] | None = None, **options: Any) -> None:
        """Run the tap, as the command line asks."""
        state, catalog = _checked_json("state", state, _is_state), _checked_json("catalog", catalog, _is_catalog)
        super().invoke(state=state, catalog=catalog, **options)

    @property
    def streams(self) -> dict[str, Stream]:
        """All streams by name, in the order of emission."""
        if self._streams is None:
            found = super().streams
            self._streams = {name: found[name] for name in self.stream_order}
        return self._streams

    def setup_mapper(self) -> None:
        """Make the stream maps; one for a stream that the catalogue leaves out is no error, though it lacks the key."""
        super(Tap, self).setup_mapper()
        self.mapper.register_raw_streams_from_catalog(
            Catalog(
                (name, entry if entry.metadata.resolve_selection()[()] else replace(entry, key_properties=None))
                for name, entry in self.catalog.items()
            )
        )

    def hide(self, config: Mapping[str, Any]) -> None:
        """Keep the secrets of the settings out of the log; called before anything can be logged, or is checked."""

    @property
    def vendor(self) -> str:
        """Whose rows these are, as a hash."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Do what all streams need, before the first one."""

    def check(self) -> str:
        """Say what may be read, in lines."""
        raise NotImplementedError

    def run_connection_test(self) -> bool:  # type: ignore[misc] # final in the SDK, which reads all for a row of each
        """Print what may be read, as `--test` asks."""
        click.echo(self.check())
        return True

    def sync_all(self) -> None:  # type: ignore[misc] # final in the SDK: replacing its loop is the point
        """Emit the selected streams; one that fails leaves the others whole, and its own bookmark where it was.

        Raises:
            StreamsFailedError: Some streams failed.
            TapError: All streams would fail.
        """
        self._reset_state_progress_markers()
        self._set_compatible_replication_methods()
        if self.state:
            self.state_writer.write_state(self.state)
        self.prepare()
        failures: dict[str, list[str]] = {}
        for name, stream in self.streams.items():
            if not stream.selected:
                self.logger.info("Skipping deselected stream '%s'.", name)
                continue
            try:
                stream.sync()
            except (CredentialsError, SettingsError, SpoolError, OutputError, OSError):
                raise
            except Exception as error:  # noqa: BLE001 - whatever one stream trips over, the others go on
                failures.setdefault(in_one_line(error), []).append(name)
                self.logger.debug("Call stack:\n%s", call_stack(error))
            else:
                # Only now: finishing a stream also settles its state.
                stream.finalize_state_progress_markers()
        self.message_writer.flush()
        if failures:
            raise StreamsFailedError([f"{', '.join(names)}: {line}" for line, names in failures.items()])

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        self.hide(self._config)  # the SDK calls this first of all
        return super()._validate_config(raise_errors=raise_errors)

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        # The SDK would exit with 0, as if everything had been read. The state so far was already written.
        self.logger.error("Stopped by a signal before everything was read; the next run goes on from the last state.")
        sys.exit(1)


class BookmarkedStream(Stream):
    """A stream that keeps its own bookmark and takes rows as they are."""

    TYPE_CONFORMANCE_LEVEL = TypeConformanceLevel.NONE
    STATE_MSG_FREQUENCY = sys.maxsize  # state changes only when a stream is complete

    replication_key: str | None = None
    """The field whose days the stream's bookmark names, by which its rows are also asked for."""

    drops_records = False
    """Whether a stream map has filtered a record out."""

    tap: OrderedTap
    """The tap; the SDK's own name for it is private."""

    def __init__(self, tap: OrderedTap, schema: dict[str, Any]) -> None:
        super().__init__(tap, schema=schema)
        self.tap = tap

    def apply_catalog(self, catalog: Catalog) -> None:
        """Take over what the catalogue says.

        Raises:
            SettingsError: It names another replication key; by its days rows would be lost that are asked for by this.
        """
        own = self.replication_key
        super().apply_catalog(catalog)
        entry = catalog.get_stream(self.name)
        if entry and self.replication_key not in {None, own} and entry.metadata.resolve_selection()[()]:
            goes_by = f"goes by `{own}` only" if own else "is read whole each time"
            raise SettingsError(
                f"The catalogue sets `replication-key` of {self.name} to `{self.replication_key}`, but this stream "
                f"{goes_by}: take that out of the catalogue or, in Meltano, of the plugin's `metadata`."
            )
        if self.is_incremental:
            self.replication_key = own

    @property
    def is_incremental(self) -> bool:
        """Whether the catalogue leaves the stream incremental."""
        return self.replication_method != REPLICATION_FULL_TABLE

    @property
    def bookmark_state(self) -> MutableMapping[str, Any]:
        """The stream's part of the state, to be written to."""
        return self.stream_state

    @property
    def emit_activate_version_messages(self) -> bool:
        """Whether rows carry versions, unlike in the SDK unless the settings say no: they tell only what is certain."""
        return self.config.get("emit_activate_version_messages") is not False

    def choose_version(self, *, new: bool) -> None:
        """Choose the version of the records to come.

        Args:
            new: Whether the whole table is read, so that older rows may go when it is complete. Other records carry
                the version of the last such read, beside whose rows they lie, and so do those of another vendor.
        """
        kept = self.bookmark_state.get("version")
        self._stream_version = None
        if self.emit_activate_version_messages:
            last = kept if isinstance(kept, int) else None
            is_new = new and not self._lies_beside_others
            # Seconds, as in the SDK: they fit 32 bits, which is all that some loaders have.
            self._stream_version = max(int(time.time()), (last or 0) + 1) if is_new else last

    @property
    def _lies_beside_others(self) -> bool:
        """Whether the state tells of rows of another vendor, which are in the table, too, and are not gone."""
        return bool(self.bookmark_state.get(VENDOR, self.tap.vendor) != self.tap.vendor)

    def note_vendor(self) -> None:
        """Note in the state whose rows are in the table; to be called when all records were taken."""
        self.bookmark_state[VENDOR] = SEVERAL if self._lies_beside_others else self.tap.vendor

    def retire_older_rows(self, *, unless: str | None) -> None:
        """Tell loaders that rows of older versions are gone; to be called when all records of a new one were taken.

        It comes before the state that notes the version: a run that is killed in between reads the table again.

        Args:
            unless: Why a row may exist that was not emitted; None if it cannot.
        """
        if not self.emit_activate_version_messages:
            return
        if self.drops_records:
            unless = "`stream_maps` leave rows out"
        if self._lies_beside_others:
            unless = "those of another vendor are in the table, too, as the state says"
        if unless:
            self.log("%s: rows that are no longer there are not marked as such, since %s.", self.name, unless)
            return
        super()._write_activate_version_message(self._stream_version or 0)
        self.bookmark_state["version"] = self._stream_version
        self.state_manager.is_flushed = False

    def log(self, message: str, *args: Any, level: int = logging.INFO, **kwargs: Any) -> None:
        """Log a message, except the SDK's remark that an error passed through: the error speaks for itself."""
        if message.startswith("An unhandled error occurred"):
            level = logging.DEBUG
        super().log(message, *args, level=level, **kwargs)

    def get_replication_key_signpost(self, context: Any = None) -> None:
        """Give no signpost: it would become the bookmark."""

    def _write_starting_replication_value(self, context: Any) -> None:
        """Leave the state alone; the SDK would note `start_date` in it."""

    def _process_record(self, record: Any, child_context: Any = None, partition_context: Any = None) -> None:
        """Do nothing with a record on the way: there are neither partitions nor child streams."""

    def _write_record_message(self, record: Any) -> None:
        if self.writes_records_as_they_are:
            self.tap.message_writer.write_record(self.stream_maps[0].stream_alias, record, self._stream_version)
            self.state_manager.is_flushed = False
        else:
            super()._write_record_message(record)

    @cached_property
    def writes_records_as_they_are(self) -> bool:
        """Whether the catalogue deselects nothing and no stream map changes anything.

        What the SDK does with each field of each record is then without effect, and costs more than all the rest.
        """
        (first, *others) = self.stream_maps
        changes = others or type(first) is not SameRecordTransform or first.flattening_enabled
        return not changes and all(self.mask.values())

    def get_batch_config(self, config: Mapping[str, Any]) -> None:
        """Give none: files of rows would lie outside the spool, for everybody to read."""

    def _write_activate_version_message(self, full_table_version: int) -> None:
        """Say nothing yet: a loader would drop the rows it has, and the new ones might never come."""

    def _generate_record_messages(self, record: Any) -> Generator[RecordMessage, None, None]:
        messages = list(super()._generate_record_messages(record))
        self.drops_records |= len(messages) < len(self.stream_maps)
        yield from messages

    def _increment_stream_state(self, latest_record: Any, *, context: Any = None) -> None:
        """Leave the state alone; the bookmark moves when the stream is complete."""


def _checked_json(option: str, file: IO[str] | None, is_one: Callable[[Any], bool]) -> IO[str] | None:
    if file is None:
        return None
    text = file.read()
    try:
        content = json.loads(text)
    except ValueError:
        raise SettingsError(f"The file given by --{option} is not JSON.") from None
    if not is_one(content):
        raise SettingsError(f"The file given by --{option} holds no {option}.")
    return io.StringIO(text)


def _is_state(content: Any) -> bool:
    """Say whether it is a state; the message that holds one, or its bookmarks alone, would let all be read anew."""
    bookmarks = content.get("bookmarks", None if content else {}) if isinstance(content, dict) else None
    return isinstance(bookmarks, dict) and all(isinstance(entry, dict) for entry in bookmarks.values())


def _is_catalog(content: Any) -> bool:
    streams = content.get("streams") if isinstance(content, dict) else None
    return isinstance(streams, list) and all(isinstance(entry, dict) for entry in streams)
