"""The Singer side of the loader: settings, command line, sinks."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import click
from singer_sdk.helpers.capabilities import PluginCapabilities
from typing_extensions import override

from marketplace_http import redact, redact_logs
from marketplace_singer import CheckpointingTarget, HowFar, InputError, PlainSink, telling
from target_journy.dispatch import Stop, StoppedError
from target_journy.doctor import examine
from target_journy.doors import open_door
from target_journy.history import history as tell_history
from target_journy.loader import Loader
from target_journy.moving import ENVIRONMENT, OPTION, VARIABLE, move_ledger
from target_journy.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

    from singer_sdk.helpers.capabilities import CapabilitiesEnum

    from marketplace_singer.sdk import ConfigInput

_COPY_STOPPED = "Stopped: nothing was copied, and the ledger is where it was"


class JournySink(PlainSink):
    """Hands the records of one stream to the loader."""

    MAX_SIZE_DEFAULT = 1000

    def __init__(
        self, target: TargetJourny, stream_name: str, schema: dict[str, Any], key_properties: Sequence[str] | None
    ) -> None:
        super().__init__(target, stream_name, schema, key_properties)
        self._target = target
        target.loader.open_stream(stream_name, schema, key_properties or ())

    @override
    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:
        target = self._target
        target.loader.load(self.stream_name, record, version=target.stream_version, is_deleted=target.is_deleted)

    @override
    def process_batch(self, context: dict[str, Any]) -> None:
        self._target.loader.flush()
        self._target.checkpoint()


class TargetJourny(CheckpointingTarget):
    """Loads streams into journy.io as accounts, users, memberships and events."""

    name = "target-journy"
    config_jsonschema = SETTINGS.to_dict()
    default_sink_class = JournySink
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
        PluginCapabilities.ACTIVATE_VERSION,
    ]

    def __init__(self, *, adopt: bool = False, retry_rejected: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._adopt = adopt
        self._retry_rejected = retry_rejected
        self._stop = Stop()
        self._passes_state = not (self.config.get("dry_run") or self.config.get("max_accounts"))
        self.emits_state = self._passes_state and not adopt  # before its end nothing is adopted
        self.exit_code = 0
        self.stream_version: int | None = None
        self.is_deleted = False
        self._secrets = [self.config.get(name) or "" for name in ("api_key", "write_key")]
        redact_logs(self._secrets)

    @cached_property
    def loader(self) -> Loader:
        """The loader, opened with the first stream."""
        with self._stop.held():
            return Loader(self.config, adopt=self._adopt, retry_rejected=self._retry_rejected, stop=self._stop)

    def _how_far(self) -> HowFar:
        loader = self.__dict__.get("loader")  # it must not be opened by asking for it
        return loader.how_far() if loader else HowFar("waiting for the first stream")

    @override
    def is_settled(self) -> bool:
        return self.loader.is_settled()

    @override
    def stop(self) -> None:
        self._stop.signal()

    @override
    def look_at(self, message: dict[str, Any]) -> None:
        self.stream_version = _version(message)
        self.is_deleted = message["record"].get("_sdc_deleted_at") is not None

    @override
    def activate(self, message: dict[str, Any]) -> None:
        version = _version(message)
        if version is None or message.get("stream") not in self.mapper.stream_maps:
            raise InputError(
                "an ACTIVATE_VERSION message of the input lacks its version or a stream with a SCHEMA: is this the "
                "output of a tap?"
            )
        for stream_map in self.mapper.stream_maps[message["stream"]]:
            self.loader.activate(stream_map.stream_alias, version)

    @override
    def process_endofpipe(self) -> None:
        self.exit_code = self.loader.finish()
        self.emits_state = self._passes_state and not (self._adopt and self.exit_code)
        super().process_endofpipe()

    def load(self, lines: IO[str] | None) -> int:
        """Load a whole input.

        Returns:
            The exit code.
        """
        try:
            with telling(self._how_far, self.logger, doing="Loading"):
                self.listen(lines)
        finally:
            if "loader" in self.__dict__:
                with self._stop.held():
                    self.loader.close()
        return self.exit_code

    @override
    @classmethod
    def invoke(  # type: ignore[override]
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: ConfigInput | None = None,
        file_input: IO[str] | None = None,
        check: bool = False,
        adopt: bool = False,
        retry_rejected: bool = False,
        history: bool = False,
        doctor: bool = False,
        copy_ledger_from: str | None = None,
    ) -> int:
        """Run the command line.

        Returns:
            The exit code.
        """
        if about:
            cls.print_about(about_format)
            return 0
        cls.print_version(print_fn=cls.logger.info)
        target = cls(
            config=config.config if config else {},
            parse_env_config=bool(config and config.parse_env),
            adopt=adopt,
            retry_rejected=retry_rejected,
        )
        if history:
            click.echo("\n".join(tell_history(target.config)))
            return 0
        if doctor:
            return target.examine()
        if copy_ledger_from is not None:
            try:
                for line in move_ledger(target.config, copy_ledger_from, target._stop):
                    click.echo(line)
            except StoppedError:
                raise StoppedError(_COPY_STOPPED) from None
            return 0
        return target.check() if check else target.load(file_input)

    def check(self) -> int:
        """Ask the destination whether the key works, and say what came out.

        Raises:
            DeliveryError: It does not.
        """
        door = open_door(self.config, tries=2)
        try:
            click.echo(f"ok: {door.check()}")
        finally:
            door.close()
        return 0

    def examine(self) -> int:
        """Look for what a run would stumble over, and say it, one line each.

        Returns:
            The exit code: 1 if anything is wrong.
        """
        is_well = True
        for finding in examine(self.config):
            click.echo(redact(str(finding), self._secrets).replace("\n", " "))
            is_well &= finding.grade != "wrong"
        return 0 if is_well else 1

    @override
    @classmethod
    def get_singer_command(cls) -> click.Command:
        command = super().get_singer_command()
        command.params += [
            click.Option(["--check"], is_flag=True, help="Ask the destination whether the key works, then stop."),
            click.Option(["--doctor"], is_flag=True, help="See what a run would stumble over, then stop."),
            click.Option(["--retry-rejected"], is_flag=True, help="Send again what journy.io refused before."),
            click.Option(["--history"], is_flag=True, help="Tell what the ledger knows of the newest runs, then stop."),
            click.Option(["--adopt"], is_flag=True, help="Take the input as delivered already and send nothing."),
            click.Option(
                [OPTION],
                metavar="URL",
                help=f"Copy a whole ledger to where ledger_url says, then stop; {ENVIRONMENT} takes the URL from "
                f"{VARIABLE}.",
            ),
        ]
        return command


def _version(message: dict[str, Any]) -> int | None:
    """The version of its stream that a message tells; what no database can hold is none."""
    version = message.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or abs(version) >= 2**63:
        return None
    return version
