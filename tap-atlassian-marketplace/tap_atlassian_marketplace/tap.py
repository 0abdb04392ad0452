"""The tap: its settings, its streams, and the exports that they share."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import click

from marketplace_http import redact_logs
from tap_atlassian_marketplace.bookmarks import fingerprint
from tap_atlassian_marketplace.client import MarketplaceClient
from tap_atlassian_marketplace.config_schema import CONFIG_SCHEMA
from tap_atlassian_marketplace.customer_rows import CustomerRows
from tap_atlassian_marketplace.errors import SpoolError
from tap_atlassian_marketplace.permissions import permissions
from tap_atlassian_marketplace.reports import Reports
from tap_atlassian_marketplace.sdk import OrderedTap
from tap_atlassian_marketplace.settings import Settings
from tap_atlassian_marketplace.streams import NAMES, STREAMS, CustomerStream, MarketplaceStream, OwnReportStream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class TapAtlassianMarketplace(OrderedTap):
    """All that an Atlassian Marketplace vendor can read of licences, people, sales and apps, and what it means."""

    name = "tap-atlassian-marketplace"
    config_jsonschema: ClassVar[dict[str, Any]] = CONFIG_SCHEMA
    stream_order = NAMES

    @cached_property
    def settings(self) -> Settings:
        """The checked settings.

        Raises:
            SettingsError: A setting is unusable.
        """
        return Settings.from_config(self.config)

    @cached_property
    def client(self) -> MarketplaceClient:
        """The API."""
        return MarketplaceClient(self.settings)

    @cached_property
    def reports(self) -> Reports:
        """The reports of this run."""
        return Reports(self.settings, self.client)

    @cached_property
    def vendor(self) -> str:
        """Whose rows these are, as a hash."""
        return fingerprint({"developer_id": self.client.developer_id})

    def discover_streams(self) -> Sequence[MarketplaceStream | CustomerStream]:
        """Make all streams; needs no call."""
        return [stream(self) for stream in STREAMS]

    def prepare(self) -> None:
        """Start the exports of all selected streams; what goes wrong here would go wrong for each of them."""
        if any(stream.selected for stream in self.streams.values()):
            self.open_reports()

    def open_reports(self) -> Reports:
        """Give the reports; the first call starts the exports of all selected streams."""
        if not self.reports.is_open:
            if self.reports.selection.is_trial:
                self.logger.info(
                    "A trial with `entitlement_numbers`: these licences are read whole, no bookmark moves."
                )
            streams = self.streams.values()
            selected = [stream for stream in streams if stream.selected]
            own = [stream for stream in streams if isinstance(stream, OwnReportStream)]
            self.reports.open(
                {stream.name: stream.window for stream in selected if isinstance(stream, MarketplaceStream)},
                [stream.request(self.reports) for stream in own if stream.is_needed],
                everything=self.computes_customers,
            )
        return self.reports

    @cached_property
    def computes_customers(self) -> bool:
        """Whether a customer stream is selected, so that everything is read that tells of customers."""
        return any(stream.selected for stream in self.streams.values() if isinstance(stream, CustomerStream))

    def makes_customers_of(self, report: str) -> bool:
        """Say whether a selected customer stream has rows that would not be there without a report."""
        customers = (stream for stream in self.streams.values() if isinstance(stream, CustomerStream))
        return any(stream.selected and report in stream.made_of for stream in customers)

    @cached_property
    def customers(self) -> CustomerRows:
        """The rows of the customer streams; computed when they are asked for.

        Raises:
            SpoolError: They cannot be kept.
        """
        reports = self.open_reports()
        everything, settings = reports.everything, self.settings.customers()
        try:
            rows = CustomerRows(reports.directory, everything, settings, reports.selection)
        except OSError as error:
            raise SpoolError.no_room("customers", error) from None
        self.logger.info("%s", rows.tally.text())
        return rows

    def check(self) -> str:
        """Make the call that shows whether token, permission and vendor are right, then one for each kind of rows.

        Returns:
            A line for each kind, and a last one that sums up; a kind that may not be read is told, and no error.

        Raises:
            TapError: A setting is missing, or the Marketplace refused.
        """
        self.client.check()
        found = list(permissions(self.client))
        troubled = [each.kind for each in found if each.trouble]
        but = f", but not {'; '.join(troubled)}" if troubled else ""
        last = f"ok: the token may read the reports of developer {self.client.developer_id}{but}"
        return "\n".join([*map(str, found), last])

    @classmethod
    def get_singer_command(cls) -> click.Command:
        """Add `--check` to the SDK's options, and say what `--test` does here."""
        command = super().get_singer_command()
        test = next(param for param in command.params if param.name == "test")
        test.help = "The same as --check; --test=schema writes the schemas of the selected streams."
        command.params.append(
            click.Option(
                ["--check"],
                is_flag=True,
                expose_value=False,
                callback=cls._check_and_exit,
                help="See whether token, permission and vendor are right, and what may be read, by one call each.",
            )
        )
        return command

    @classmethod
    def _check_and_exit(cls, context: click.Context, _: click.Parameter, wanted: bool) -> None:  # noqa: FBT001
        if not wanted:
            return
        given = context.params["config"]
        tap = cls(config=given.config, parse_env_config=given.parse_env)
        click.echo(tap.check())
        context.exit()

    def hide(self, config: Mapping[str, Any]) -> None:
        """Keep the token out of the log."""
        redact_logs([str(config.get("api_token") or "")])
