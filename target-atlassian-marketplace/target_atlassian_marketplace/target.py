"""The Singer side: settings, command line, sinks."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from functools import cached_property
from threading import Event
from typing import TYPE_CHECKING, Any, ClassVar

from singer_sdk.helpers.capabilities import PluginCapabilities
from typing_extensions import override

from marketplace_http import redact_logs
from marketplace_singer import CheckpointingTarget, PlainSink, Quarantine
from target_atlassian_marketplace.fields import ALL, REQUIRED, field_of
from target_atlassian_marketplace.importer import STREAM, Importer
from target_atlassian_marketplace.intake import Intake
from target_atlassian_marketplace.preview import Preview
from target_atlassian_marketplace.report import Outcome, Report
from target_atlassian_marketplace.results import ResultPaths, Results
from target_atlassian_marketplace.service import LicenseService
from target_atlassian_marketplace.settings import SETTINGS, Settings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

    from singer_sdk.helpers.capabilities import CapabilitiesEnum

    from marketplace_singer.sdk import ConfigInput

EXIT_REJECTED = 3
_PARALLEL = 4

logger = logging.getLogger(__name__)


class StoppedError(Exception):
    """The run was told to stop."""


class LicenseSink(PlainSink):
    """Takes the records of one stream in; what is to be done with them is known when the input ends."""

    def __init__(
        self,
        target: TargetAtlassianMarketplace,
        stream_name: str,
        schema: dict[str, Any],
        key_properties: Sequence[str] | None,
    ) -> None:
        super().__init__(target, stream_name, schema, key_properties)
        self._target = target
        if stream_name != STREAM:
            logger.warning("The stream %r is skipped: licences come in a stream named %r", stream_name, STREAM)
            return
        columns = schema["properties"]
        fields = {field_of(column) for column in columns}
        if fields <= {None}:  # the names may be the first customer's
            logger.warning("None of the %d columns is a field of a licence: is there a line of headings?", len(columns))
            return
        if unsent := sorted(column for column in columns if not field_of(column)):
            logger.info("Columns that are no fields of a licence, and are not sent: %s", ", ".join(unsent))
        if missing := [name for name in REQUIRED if name not in fields]:
            logger.warning("No column gives %s; a licence has the fields %s", ", ".join(missing), ", ".join(ALL))

    @override
    def process_record(self, record: dict[str, Any], context: dict[str, Any]) -> None:
        self._target.take(self.stream_name, record)

    @override
    def process_batch(self, context: dict[str, Any]) -> None:
        """Do nothing: a batch is no unit here."""


class TargetAtlassianMarketplace(CheckpointingTarget):
    """Imports a vendor's own licences into the Atlassian Marketplace, which gives a licence key for each."""

    name = "target-atlassian-marketplace"
    config_jsonschema = SETTINGS.to_dict()
    default_sink_class = LicenseSink
    capabilities: ClassVar[list[CapabilitiesEnum]] = [
        PluginCapabilities.ABOUT,
        PluginCapabilities.STREAM_MAPS,
        PluginCapabilities.FLATTENING,
        PluginCapabilities.STRUCTURED_LOGGING,
    ]
    emits_state = False  # until all is done: what is held back must come again

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        redact_logs([self.config.get("api_token") or ""])
        self.settings = Settings.from_config(self.config)
        self.report = Report()
        self._stop = Event()
        self._is_sending = False

    @cached_property
    def _intake(self) -> Intake:
        return Intake()

    def take(self, stream: str, record: dict[str, Any]) -> None:
        """Take a record in.

        Raises:
            SettingsError: There is no room for it.
        """
        self.report.read(stream)
        if stream == STREAM:
            self._intake.add(record)
        else:
            self.report.count(stream, Outcome.SKIPPED)

    @override
    def is_settled(self) -> bool:
        return self.emits_state

    @override
    def stop(self) -> None:
        self._stop.set()
        if not self._is_sending:  # otherwise the calls under way are finished first
            raise StoppedError("Stopped before anything was sent")

    @override
    def process_endofpipe(self) -> None:
        self._finish()
        self.emits_state = self.report.is_complete and not self.settings.dry_run
        super().process_endofpipe()
        if self._stop.is_set() and not self.report.is_complete:
            raise StoppedError("Stopped before everything was imported; run again with the same input")

    def load(self, lines: IO[str] | None) -> int:
        """Load a whole input.

        Returns:
            The exit code: 0, or 3 when more was rejected than `max_rejected_percent` allows.

        Raises:
            ServiceError: The service refuses the vendor or the app, or does not answer.
            SettingsError: A file cannot be used.
            StoppedError: The run was told to stop.
        """
        self.listen(lines)
        return EXIT_REJECTED if self.report.rejected_percent() > self.settings.max_rejected_percent else 0

    @override
    @classmethod
    def invoke(  # type: ignore[override]
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: ConfigInput | None = None,
        file_input: IO[str] | None = None,
    ) -> int:
        """Run the command line.

        Returns:
            The exit code.
        """
        if about:
            cls.print_about(about_format)
            return 0
        cls.print_version(print_fn=cls.logger.info)
        target = cls(config=config.config if config else {}, parse_env_config=bool(config and config.parse_env))
        return target.load(file_input)

    def _finish(self) -> None:
        settings = self.settings
        with ExitStack() as opened:
            opened.callback(self._intake.close)
            results = Results(settings.results_path, settings.app_key, settings.host, read_only=settings.dry_run)
            opened.callback(results.close)
            quarantine = Quarantine(None if settings.dry_run else settings.rejected_path)
            importer = Importer(
                results, quarantine, self.report, settings.rules, stop=self._stop, most=settings.max_records
            )
            preview = None
            self._is_sending = True
            try:
                if settings.dry_run:
                    preview = Preview(ResultPaths.of(settings.results_path).preview)
                    opened.callback(preview.close)
                    importer.rehearse(self._intake.entries(), preview)
                else:
                    service = self._service()
                    opened.callback(service.close)
                    importer.run(self._intake.entries(), service, parallel=_PARALLEL)
            finally:
                for line in self.report.lines(
                    results=results.path,
                    unverified=results.unverified_path,
                    rejected=quarantine.path,
                    preview=preview.path if preview else None,
                ):
                    logger.info("%s", line)

    def _service(self) -> LicenseService:
        return LicenseService(
            email=self.settings.email,
            api_token=self.settings.api_token,
            app_key=self.settings.app_key,
            api_url=self.settings.api_url,
            stop=self._stop,
            parallel=_PARALLEL,
        )
