"""The one place of this package, and of the targets, that touches the Singer SDK's private parts.

In the tap too, settings are checked without quoting them, and a closed terminal stops the plugin. A target passes STATE
on early and stops when it is told to.
"""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.plugin_base import JSONSchemaValidator, PluginBase
from singer_sdk.sinks import Sink
from singer_sdk.target_base import Target
from typing_extensions import override

from marketplace_singer.environment import settings_from_environment
from marketplace_singer.errors import SettingsError
from marketplace_singer.reading import InputError, QuietReader
from marketplace_singer.settings import misspelt, without_value

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    import click
    from singer_sdk.plugin_base import _ConfigInput
    from singer_sdk.sinks.core import BaseJSONSchemaValidator

    ConfigInput = _ConfigInput
    """What `--config` and the environment give, as the SDK hands it to `invoke`."""


TABLE_SETTINGS = frozenset({"add_record_metadata", "load_method", "process_activate_version_messages"})
"""Settings that the SDK gives every target; a loader that fills no tables has no use for them."""


class StrictSettings(PluginBase):
    """A plugin whose settings fit or are refused, and whose messages about them name the setting and no value.

    A terminal that is closed (SIGHUP) ends it as SIGTERM does, so that it cleans up, unless it was started to go on.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._handle_termination)

    @classproperty
    def _env_var_config(cls) -> dict[str, Any]:  # noqa: N805
        cls.append_builtin_config(cls.config_jsonschema)
        return settings_from_environment(cls.config_jsonschema, cls._env_var_prefix)

    @classmethod
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:
        """Read the files given by `--config`.

        Raises:
            SettingsError: One of them is not there, or is not JSON.
        """
        try:
            return super().cb_config(ctx, param, value)
        except (OSError, TypeError, ValueError) as error:
            raise SettingsError(f"a file given by --config cannot be read as JSON ({type(error).__name__})") from None

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        self.append_builtin_config(self.config_jsonschema)
        validator = JSONSchemaValidator(self.config_jsonschema)
        errors = [*map(without_value, validator.iter_errors(self._config)), *self._look_at_unknown()]
        if errors and raise_errors:
            raise SettingsError("; ".join(errors))
        return errors

    def _look_at_unknown(self) -> Iterator[str]:
        """Name settings that are written wrong; one that is like none is left over from something else, as a rule."""
        known = self.config_jsonschema["properties"]
        for name in sorted(self._config.keys() - known.keys() - TABLE_SETTINGS):
            if meant := misspelt(name, known):
                yield f"setting {name!r} is not known; did you mean {meant!r}?"
            else:
                self.logger.warning("Setting %r is not known and has no effect.", name)


class PlainSink(Sink):
    """A sink that hands on records as they came: unchecked, dates as the texts that they are.

    The mapping coerces every value that it sends, so checking records against the schema would only cost time, and
    turning texts into dates at the top level alone would make values depend on where they stand.
    """

    @override
    def get_validator(self) -> BaseJSONSchemaValidator | None:
        return None

    @override
    def _validate_and_parse(self, record: dict[str, Any]) -> dict[str, Any]:
        return record


class CheckpointingTarget(StrictSettings, Target):
    """A target that passes a STATE on as soon as all before it is done, and drains one sink after the other.

    Attributes:
        emits_state: Whether STATE is passed on at all.
    """

    message_reader_class = QuietReader
    emits_state = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.max_parallelism = 1
        self._last_written: dict[str, Any] | None = None

    @override
    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        super().append_builtin_config(config_jsonschema)
        for name in TABLE_SETTINGS:
            config_jsonschema["properties"].pop(name, None)

    def is_settled(self) -> bool:
        """Whether every record that came has an outcome."""
        raise NotImplementedError

    def checkpoint(self) -> None:
        """Pass on the newest STATE; called when no record is left without an outcome."""
        if self._latest_state:
            self._write_state_message(self._latest_state)

    @override
    def _process_state_message(self, message_dict: dict[str, Any]) -> None:
        super()._process_state_message(message_dict)
        if self.is_settled():
            self.checkpoint()

    @override
    def _process_record_message(self, message_dict: dict[str, Any]) -> None:
        if not isinstance(message_dict.get("record"), dict) or not isinstance(message_dict.get("stream"), str):
            raise InputError("a RECORD message of the input lacks its record or stream: is this the output of a tap?")
        self.look_at(message_dict)
        super()._process_record_message(message_dict)

    def look_at(self, message: dict[str, Any]) -> None:
        """Take note of a RECORD message, before a sink is given its record."""

    @override
    def _process_activate_version_message(self, message_dict: dict[str, Any]) -> None:
        self.activate(message_dict)

    def activate(self, message: dict[str, Any]) -> None:
        """Do what an ACTIVATE_VERSION message asks; here what the SDK does."""
        super()._process_activate_version_message(message)

    @override
    def _process_schema_message(self, message_dict: dict[str, Any]) -> None:
        schema = message_dict.get("schema")
        properties = schema.get("properties") if isinstance(schema, dict) else None
        if not isinstance(properties, dict) or not isinstance(message_dict.get("stream"), str):
            raise InputError(
                "a SCHEMA message of the input lacks its properties or stream: is this the output of a tap?"
            )
        super()._process_schema_message(message_dict)

    @override
    def _process_batch_message(self, message_dict: dict[str, Any]) -> None:
        raise InputError(
            "the input has BATCH messages, which this loader does not read: take batch_config from the tap"
        )

    @override
    def _write_state_message(self, state: dict[str, Any]) -> None:
        if self.emits_state and state != self._last_written:
            self._last_written = state
            super()._write_state_message(state)

    def stop(self) -> None:
        """Begin to stop: called from a signal handler; it may raise."""
        raise NotImplementedError

    @override
    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:
        # The SDK would drain everything and end with 0, as if all had been read.
        self.stop()
