"""Which settings the tap has: their JSON schema, as `--about` and Meltano read it."""

from __future__ import annotations

from typing import Any

from singer_sdk import typing as th

DEFAULT_API_URL = "https://api.atlassian.com/marketplace"
DEFAULT_USER_AGENT = "tap-atlassian-marketplace"
COMPLIANCE_BOUNDARIES = ["commercial", "fedramp_moderate", "isolated_cloud"]

_NUMBER_OR_TEXT = th.CustomType({"type": ["string", "number", "null"]})
# The text form is a JSON array or a comma-separated list, as environments and command lines give it.
_LIST = th.CustomType({"type": ["array", "string", "null"], "items": {"type": "string"}})
_DATE = th.CustomType({"type": ["string", "null"], "format": "date"})


def _setting(
    name: str, wrapped: Any, title: str, description: str, *, default: Any = None, **options: Any
) -> th.Property[Any]:
    return th.Property(name, wrapped, title=title, description=description, default=default, **options)


CONFIG_SCHEMA: dict[str, Any] = th.PropertiesList(
    _setting(
        "email",
        th.StringType,
        "E-mail",
        "E-mail address of the Atlassian account that reads the reports.",
        required=True,
    ),
    _setting(
        "api_token",
        th.StringType,
        "API token",
        "API token of that account, made at https://id.atlassian.com/manage-profile/security/api-tokens; "
        "it lives one year at most.",
        required=True,
        secret=True,
    ),
    _setting(
        "developer_id",
        _NUMBER_OR_TEXT,
        "Developer id",
        "The vendor's developer id (a UUID). Either this or `vendor_id` is needed.",
    ),
    _setting(
        "vendor_id",
        _NUMBER_OR_TEXT,
        "Vendor id",
        "The vendor's number, as in marketplace.atlassian.com/manage/vendors/<number>; the developer id is "
        "looked up from it.",
    ),
    _setting(
        "api_url",
        th.StringType,
        "API URL",
        "Base URL of the Marketplace API, without `/rest/3`.",
        default=DEFAULT_API_URL,
    ),
    _setting(
        "start_date",
        _DATE,
        "Start date",
        "Rows last updated before this day (YYYY-MM-DD) are not read. Default: everything.",
    ),
    _setting(
        "end_date",
        _DATE,
        "End date",
        "Rows last updated after this day (YYYY-MM-DD) are left for a later run.",
    ),
    _setting(
        "lookback_days",
        th.CustomType({"type": ["integer", "null"], "minimum": 0}),
        "Look-back",
        "Days before the bookmark that every run reads again, since the API dates its changes by day and "
        "reports some of them late: data insights of a new trial three days after it, so keep it at 5 or more.",
        default=14,
    ),
    _setting("app_keys", _LIST, "App keys", "Only these apps, by app key. Default: all of the vendor's apps."),
    _setting(
        "entitlement_numbers",
        _LIST,
        "Entitlement numbers",
        "Only these licences, by entitlement number or SEN: a trial, which reads them whole and moves no bookmark.",
    ),
    _setting(
        "license_statuses",
        _LIST,
        "Licence statuses",
        "Only licences in these states (active, inactive, cancelled), with their contacts and transactions.",
    ),
    _setting(
        "license_types",
        _LIST,
        "Licence types",
        "Only licences of these types (commercial, academic, evaluation, …), with their contacts and transactions.",
    ),
    _setting(
        "hostings",
        _LIST,
        "Hostings",
        "Only licences with this hosting (cloud, datacenter, server), with their contacts and transactions.",
    ),
    _setting(
        "include_atlassian_licenses",
        th.BooleanType,
        "Include Atlassian's licences",
        "Also read licences of Atlassian's own sites.",
        default=False,
    ),
    _setting(
        "include_free_apps",
        th.BooleanType,
        "Include free apps",
        "Also read licences of apps that were always free.",
        default=False,
    ),
    _setting(
        "include_manual_invoices",
        th.BooleanType,
        "Include manual invoices",
        "Also read transactions that Atlassian invoiced by hand.",
        default=True,
    ),
    _setting(
        "compliance_boundaries",
        _LIST,
        "Compliance boundaries",
        "Which cloud boundaries to read: commercial, fedramp_moderate, isolated_cloud.",
        default=COMPLIANCE_BOUNDARIES,
    ),
    _setting(
        "as_of",
        _DATE,
        "As of",
        "The day (YYYY-MM-DD) that counts as today in the customer streams; later rows still count. "
        "Default: today in UTC.",
    ),
    _setting(
        "own_domains",
        _LIST,
        "Own domains",
        "E-mail domains of the vendor: licences of these people are no customers.",
    ),
    _setting(
        "partner_domains",
        _LIST,
        "Partner domains",
        "E-mail domains of resellers and solution partners, besides those that licences and sales name.",
    ),
    _setting(
        "free_domains_extra",
        _LIST,
        "Further free domains",
        "Further e-mail domains of mailbox providers, which say nothing about a customer.",
    ),
    _setting(
        "overrides_path",
        th.StringType,
        "Overrides",
        "YAML file of what you know better than the Marketplace: whose licences and domains are, and which licences to "
        "leave out. See docs/revenue.md.",
    ),
    _setting(
        "grace_days",
        th.CustomType({"type": ["integer", "null"], "minimum": 0}),
        "Days of grace",
        "Days after the end of what is paid for until a customer counts as gone. It never changes MRR.",
        default=30,
    ),
    _setting(
        "ignore_goodwill_below",
        _NUMBER_OR_TEXT,
        "Ignore goodwill below",
        "Refunds smaller than this share of the sale that they belong to (0.1 for a tenth) lower revenue, but not MRR. "
        "Default: every refund lowers MRR.",
    ),
    _setting(
        "portal_links",
        th.CustomType({"type": ["object", "string", "null"], "additionalProperties": {"type": "string"}}),
        "Portal links",
        "Addresses to put on accounts, by property name (`link_…`), with `{account_id}` and `{vendor_id}` in them. "
        "Default, where `vendor_id` is given: `link_licenses` and `link_transactions` in the vendor portal.",
    ),
    _setting(
        "emit_activate_version_messages",
        th.BooleanType,
        "Tell what vanished",
        "Whether a complete, unfiltered read ends with ACTIVATE_VERSION, by which loaders mark or delete rows that "
        "the Marketplace no longer has.",
        default=True,
    ),
    _setting(
        "export_timeout",
        th.CustomType({"type": ["integer", "null"], "minimum": 1, "maximum": 86400}),
        "Export time-out",
        "Seconds in which the Marketplace must have prepared and delivered an export. It does not bound "
        "a list, which is read page by page: there each page has 60 seconds and six tries.",
        default=1800,
    ),
    _setting(
        "max_parallel_requests",
        th.CustomType({"type": ["integer", "null"], "minimum": 1, "maximum": 64}),
        "Parallel requests",
        "Most calls under way at one time.",
        default=8,
    ),
    _setting(
        "user_agent",
        th.StringType,
        "User agent",
        "How the tap names itself to the Marketplace.",
        default=DEFAULT_USER_AGENT,
    ),
    _setting(
        "spool_dir",
        th.StringType,
        "Spool directory",
        "Where downloaded exports are kept during a run, in a private directory. Default: the system's "
        "directory for temporary files.",
    ),
).to_dict()
