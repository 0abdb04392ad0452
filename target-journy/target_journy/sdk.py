"""The one place that touches private parts of the Singer SDK, and why."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

import click
import msgspec
from singer_sdk.contrib.msgspec import MsgSpecReader
from singer_sdk.helpers._classproperty import classproperty
from singer_sdk.plugin_base import JSONSchemaValidator
from singer_sdk.singerlib import SingerMessageType
from singer_sdk.sinks import Sink
from singer_sdk.target_base import Target
from typing_extensions import override

from target_journy.environment import settings_from_environment
from target_journy.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType
    from typing import IO

    from singer_sdk.sinks.core import BaseJSONSchemaValidator

logger = logging.getLogger(__name__)


_PATIENCE = 10.0  # seconds
_NO_JSON = "a line of the input is no JSON: is this the output of a Singer tap?"
_TOO_DEEP = "a line of the input is nested too deeply to be read; leave that field out"
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
            message = self._decode(line)
        except (msgspec.DecodeError, UnicodeError):
            raise InputError(_NO_JSON) from None
        except RecursionError:
            raise InputError(_TOO_DEEP) from None
        if not isinstance(message, dict) or message.get("type") not in _MESSAGE_TYPES:
            raise InputError("a line of the input is no Singer message: is this the output of a Singer tap?")
        return message

    @override
    @staticmethod
    def assert_line_requires(line_dict: dict[str, Any], requires: set[str]) -> None:
        if missing := requires - line_dict.keys():
            kind = line_dict.get("type", "Singer")
            raise InputError(f"a {kind} message of the input lacks {', '.join(sorted(missing))}")

    def _decode(self, line: str) -> Any:
        from singer_sdk.contrib.msgspec import decoder  # noqa: PLC0415

        return decoder.decode(line)


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


class CheckpointingTarget(Target):
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

    @classproperty
    def _env_var_config(cls) -> dict[str, Any]:  # noqa: N805
        cls.append_builtin_config(cls.config_jsonschema)
        return settings_from_environment(cls.config_jsonschema, cls._env_var_prefix)

    @override
    @classmethod
    def cb_config(cls, ctx: click.Context, param: click.Option, value: tuple[str, ...]) -> Any:
        try:
            return super().cb_config(ctx, param, value)
        except (OSError, TypeError, ValueError) as error:
            raise SettingsError(f"a file given by --config cannot be read as JSON ({type(error).__name__})") from None

    @override
    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        # As the SDK does, but the SDK's messages quote the value, which may be a key.
        self.append_builtin_config(self.config_jsonschema)
        validator = JSONSchemaValidator(self.config_jsonschema)
        errors = [_without_value(error) for error in validator.iter_errors(self._config)]
        if errors and raise_errors:
            raise SettingsError("; ".join(errors))
        return errors

    @override
    @classmethod
    def append_builtin_config(cls, config_jsonschema: dict[str, Any]) -> None:
        super().append_builtin_config(config_jsonschema)
        for name in ("add_record_metadata", "load_method"):  # they are for tables
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
        super()._process_record_message(message_dict)

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


def _readable(lines: IO[str]) -> Iterator[str]:
    """The lines, as long as they are text at all."""
    try:
        yield from lines
    except UnicodeDecodeError:
        raise InputError(_NO_JSON) from None


def _without_value(error: Any) -> str:
    """What is wrong with a setting, without its value."""
    if error.validator == "required":
        name = next(name for name in error.validator_value if name not in error.instance)
        return f"setting {name!r} is missing"
    name = ".".join(str(part) for part in error.absolute_path) or "configuration"
    rule = error.validator_value
    if error.validator == "type":
        kinds = [kind for kind in ([rule] if isinstance(rule, str) else rule) if kind != "null"]
        return f"setting {name!r}: expected {' or '.join(kinds)}"
    if error.validator == "enum":
        return f"setting {name!r}: expected one of {', '.join(str(value) for value in rule)}"
    return f"setting {name!r}: it breaks the rule {error.validator} {rule}"


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
        logger.error("%s", _TOO_DEEP)  # noqa: TRY400
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the last resort, which must not print data
        last = error.__traceback__
        while last and last.tb_next:
            last = last.tb_next
        place = f"{last.tb_frame.f_code.co_filename}:{last.tb_lineno}" if last else "an unknown place"
        logger.error("Unexpected %s at %s; please report it", type(error).__name__, place)  # noqa: TRY400
        sys.exit(1)


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
