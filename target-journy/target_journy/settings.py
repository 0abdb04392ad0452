"""The settings of the loader: their schema for Singer, and what they mean together."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from singer_sdk import typing as th

from marketplace_singer import SettingsError, text_list
from marketplace_singer.shapes import did_you_mean
from target_journy.mapping_file import CORE, PRESETS
from target_journy.transports.journy import DEFAULT_URL
from target_journy.transports.segment import JOURNY_URL, SEGMENT_URLS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEFAULT_LEDGER = "sqlite:///target-journy-ledger.db"
DEFAULT_REJECTED = "target-journy-rejected.jsonl"

EMPTY_LEDGER = (
    "setting 'ledger_url': the ledger is empty for {destination}, so everything would be sent again. Point it to the "
    "ledger of the runs before, or copy that with --copy-ledger-from; or, for a first load, set 'events_since' to all "
    "or to a date; or, if that ledger is lost, run once with --adopt, to take the input as delivered"
)

SETTINGS = th.PropertiesList(
    th.Property(
        "transport",
        th.StringType(nullable=False, allowed_values=["journy", "journy_segment", "segment"]),
        default="journy",
        title="Transport",
        description="The way to journy.io: its REST API (journy), its API/SDK connector, which speaks the Segment "
        "protocol (journy_segment), or Segment and what hangs behind it (segment).",
    ),
    th.Property(
        "api_key",
        th.StringType(nullable=False),
        secret=True,
        title="API key",
        description="Key of journy.io's REST API with the permission to track data: Settings, API access. For the "
        "transport journy.",
    ),
    th.Property(
        "write_key",
        th.StringType(nullable=False),
        secret=True,
        title="Write key",
        description="Key of the source at Segment or in journy.io's API/SDK connector. For the other transports.",
    ),
    th.Property(
        "api_url",
        th.StringType(nullable=False),
        title="API address",
        description=f"Where the calls go. Default: as the transport has it, {DEFAULT_URL} for journy, {JOURNY_URL} for "
        "journy_segment, Segment's by region for segment.",
    ),
    th.Property(
        "segment_region",
        th.StringType(nullable=False, allowed_values=list(SEGMENT_URLS)),
        default="us",
        title="Segment region",
        description="Where the Segment workspace is. What is sent to the wrong region is lost without an error.",
    ),
    th.Property(
        "workspace",
        th.StringType,
        title="Workspace",
        description="Any name for the journy.io business behind the key; keeps two of them apart in one ledger.",
    ),
    th.Property(
        "preset",
        th.StringType(allowed_values=list(PRESETS)),
        title="Preset",
        description="Mapping that comes with the loader, for the streams of tap-atlassian-marketplace: marketplace for "
        "accounts, people and what happened, marketplace-raw for licences, contacts and transactions as they are.",
    ),
    th.Property(
        "property_groups",
        th.CustomType({"type": ["array", "string", "null"], "items": {"type": "string"}}),
        title="Groups of properties",
        description="Which groups of properties to send besides the core ones, by the names that they have in the "
        "mapping; in the preset marketplace: money, trial, insights, contacts, links. Default: all. For the core ones "
        "alone: core.",
    ),
    th.Property(
        "mapping",
        th.CustomType({"type": ["object", "string", "null"]}),
        title="Mapping",
        description="Which stream becomes accounts, users, memberships and events: inline, or the path of a YAML file. "
        "Overrides the preset stream by stream.",
    ),
    th.Property(
        "unknown_streams",
        th.StringType(nullable=False, allowed_values=["skip", "default", "fail"]),
        default="skip",
        title="Unknown streams",
        description="What to do with a stream that no mapping names: skip it, make each record an account with all its "
        "fields (default), or fail.",
    ),
    th.Property(
        "ledger_url",
        th.StringType(nullable=False),
        default=DEFAULT_LEDGER,
        secret=True,
        title="Ledger",
        description="SQLAlchemy URL of the database that remembers what was delivered: a SQLite file or PostgreSQL.",
    ),
    th.Property(
        "require_ledger",
        th.BooleanType,
        title="Require a ledger",
        description="Refuse to start with an empty ledger, because everything would be sent again. "
        "True by default where the environment has CI set.",
    ),
    th.Property(
        "events_since",
        th.StringType,
        title="Events since",
        description="Send events from this date on, or all. Those passed over stay so when it is unset again. "
        "Setting it also allows a start with an empty ledger.",
    ),
    th.Property(
        "requests_per_minute",
        th.IntegerType(nullable=False, minimum=1),
        default=1800,
        title="Requests a minute",
        description="Calls a minute at most; journy.io allows 1800 to all integrations of a business together.",
    ),
    th.Property(
        "max_parallel_requests",
        th.IntegerType(nullable=False, minimum=1, maximum=64),
        default=8,
        title="Parallel requests",
        description="Calls to make at once at most; never two about the same account or user.",
    ),
    th.Property(
        "max_minutes",
        th.NumberType(minimum=0),
        title="Minutes at most",
        description="Stop sending after so many minutes, keep what waits for the next run, and end well.",
    ),
    th.Property(
        "null_policy",
        th.StringType(nullable=False, allowed_values=["keep", "unset"]),
        default="keep",
        title="Nulls",
        description="Whether a null leaves the property as it is (keep) or deletes it (unset).",
    ),
    th.Property(
        "memberships",
        th.StringType(nullable=False, allowed_values=["add", "sync", "none"]),
        default="add",
        title="Memberships",
        description="Make contacts members of their accounts (add), also end memberships of former contacts (sync), "
        "or neither (none).",
    ),
    th.Property(
        "deletes",
        th.StringType(nullable=False, allowed_values=["none", "soft", "hard"]),
        default="none",
        title="Deletes",
        description="What becomes of accounts and users that are gone from the source: nothing (none), the properties "
        "is_deleted and deleted_at (soft), or they are deleted (hard).",
    ),
    th.Property(
        "max_deleted_percent",
        th.NumberType(nullable=False, minimum=0, maximum=100),
        default=10,
        title="Deletes allowed",
        description="Share of what a stream delivered that one run may delete; above it nothing is deleted and the "
        "exit code is 3.",
    ),
    th.Property(
        "max_accounts",
        th.IntegerType(minimum=1),
        title="Accounts at most",
        description="For a careful first run: touch only the first so many accounts and their people, leave all other "
        "records for later, and let no bookmark move.",
    ),
    th.Property(
        "dry_run",
        th.BooleanType(nullable=False),
        default=False,
        title="Dry run",
        description="Send nothing and keep nothing, only read what journy.io knows; the page beside report_path shows "
        "what would be created, changed and rejected, and each request. Without report_path there is no page.",
    ),
    th.Property(
        "report_path",
        th.StringType,
        title="Report",
        description="File for the run's summary as JSON. A page for people goes beside it, under the same name with "
        "the ending .html, of a dry run and of a run of at most 200 records; it shows personal data.",
    ),
    th.Property(
        "rejected_path",
        th.StringType(nullable=False),
        default=DEFAULT_REJECTED,
        title="Rejected records",
        description="JSONL file that takes the records journy.io refused, with the reason.",
    ),
    th.Property(
        "mask_rejected",
        th.BooleanType(nullable=False),
        default=False,
        title="Mask rejected records",
        description="Keep no personal data in rejected_path: all texts and numbers of a record are masked, and what "
        "the reason quotes of them. Names of fields, true, false and null stay, and the record's key unless it holds "
        "an e-mail address or is otherwise no plain id. Lines of earlier runs stay as they are.",
    ),
    th.Property(
        "max_rejected_percent",
        th.NumberType(nullable=False, minimum=0, maximum=100),
        default=5,
        title="Rejected records allowed",
        description="Share of the records with something to send that may be refused; above it the exit code is 3.",
    ),
    th.Property(
        "timeout",
        th.IntegerType(nullable=False, minimum=1),
        default=60,
        title="Time-out",
        description="Seconds to wait for an answer of journy.io.",
    ),
)


def report_files(config: Mapping[str, Any]) -> tuple[Path, Path] | None:
    """The file of the summary and that of the page beside it; None when none is wanted.

    Whoever asks for the page gets the summary beside that.
    """
    if not (wanted := config.get("report_path")):
        return None
    path = Path(wanted)
    is_page = path.suffix.lower() in {".html", ".htm"}
    return (path.with_suffix(".json"), path) if is_page else (path, path.with_suffix(".html"))


def may_be_empty(config: Mapping[str, Any]) -> bool:
    """Whether a run may begin with an empty ledger.

    It may where a first load is asked for; else it depends on `require_ledger`, which holds by default in a CI job.
    """
    wanted = config.get("require_ledger")
    is_needed = bool(os.environ.get("CI")) if wanted is None else bool(wanted)
    return bool(config.get("events_since")) or not is_needed


def property_groups(config: Mapping[str, Any], known: Sequence[str]) -> Sequence[str]:
    """The groups of properties to send.

    Args:
        config: The settings.
        known: The groups that the mapping has.

    Raises:
        SettingsError: The mapping has no such group, so that what was to be withheld might be sent.
    """
    groups = text_list("property_groups", config.get("property_groups"))
    unknown = next((group for group in groups if group not in known), None)
    if unknown is None:
        return groups or known
    has = (
        "all its properties are core ones, which are always sent"
        if [*known] == [CORE]
        else f"it has {', '.join(known)}{did_you_mean(unknown, known)}"
    )
    raise SettingsError(f"setting 'property_groups': the mapping has no group {unknown!r}; {has}")


def first_event_date(config: Mapping[str, Any]) -> str | None:
    """The date before which events are not sent; "" for all; None when nothing is said.

    Raises:
        SettingsError: It is neither `all` nor a date.
    """
    since = config.get("events_since")
    if since in {None, ""}:
        return None
    if since == "all":
        return ""
    try:
        return dt.date.fromisoformat(str(since)).isoformat()
    except ValueError:
        raise SettingsError("setting 'events_since': expected all or a date such as 2026-01-31") from None
