"""`make docs`: write what the documents say about settings, functions and the mapping, as the code itself has it.

The definitions for Meltano Hub are such documents too, and the addresses of each package.
"""

from __future__ import annotations

import inspect
import json
import re
import sys
from importlib import resources
from typing import TYPE_CHECKING, Any

from scripts import hub, publisher, settings, warehouses, worked_cases
from scripts.meltano_project import JOURNY, TAP
from scripts.setup import ROOT

from target_journy.expressions import MappingFunctions, fields_of
from target_journy.mapping_file import Property, Template, listed
from target_journy.mapping_reading import load_mapping

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from target_journy.mapping_file import EventSpec, Expression, ReferenceSpec, StreamSpec

PRESET = "marketplace-raw"
PAGE = f"docs/{PRESET}.md"
BECOMES = {"licenses": "accounts", "contacts": "users and members", "transactions": "events"}
TYPES = {"datetime": "date and time", "string": "text", "integer": "number", "array": "list"}
INTRO = """\
# What the preset `marketplace-raw` sends

Written by `make docs` from the [preset](../target-journy/target_journy/presets/marketplace-raw.yml) and the
[schemas](../tap-atlassian-marketplace/tap_atlassian_marketplace/schemas) of the tap; a test keeps it true.

A source is a field of the tap's record or an expression over its fields; the functions are described in the
[README of target-journy](../target-journy/README.md#functions). A source without a value sends nothing. A list among
the metadata of an event goes as one text, joined by commas.

What the preset [`marketplace`](marketplace.md) sends too has the same name and value, except where one row cannot tell:

- `renewal_date` is the end of maintenance; `marketplace` takes the end of what was paid for.
- `dunning_reason` is told where there is one; `marketplace` says `none` where there is none.
- `trial_start_date` and `trial_end_date` are those that the licence tells; `marketplace` takes the days of
  maintenance of a licence on trial, too.
- `domain`, `website`, `partner_name`, `partner_type` and `partner_contact_email` are of the licence; `marketplace`
  asks its sales too, and knows the partners of all licences. A vendor's overrides hold in `marketplace` alone.
- Addresses in properties of an account are sent as they are written, by `marketplace` in small letters and if they are
  addresses.
- A sale is named by its type; `marketplace` goes by its sign too (a negative amount, a credit note), and tells a refund
  and the new bill of an upgrade as one event.
"""
COMPUTED = "marketplace"
COMPUTED_PAGE = f"docs/{COMPUTED}.md"
COMPUTED_INTRO = """\
# What the preset `marketplace` sends

Written by `make docs` from the [preset](../target-journy/target_journy/presets/marketplace.yml) and the
[schemas](../tap-atlassian-marketplace/tap_atlassian_marketplace/schemas) of the tap; a test keeps it true.
How MRR, stages and health come about: [revenue.md](revenue.md).

The group says which choice of the setting `property_groups` sends a property: with
`TARGET_JOURNY_PROPERTY_GROUPS=trial,links` the core properties, those of trials and the links are sent, but neither
money nor contacts. Without the setting all are sent. A contact that was vacated or forgotten is deleted from its
account; other values that are no longer known stay.

Changes are told as events of their own, those of an account as of the day of the run that met them. They have the names
and ids of the preset `marketplace-raw`. Who switches from one preset to the other is told no change twice; one that
falls between the last run of the one and the first of the other is not told.
"""
NOT_SENT = """\
## What is not sent

Fields of the tap that no source above reads. They are in a warehouse all the same, and your own mapping can send
them. Some of them reach journy.io by another way: the people of a licence by the stream `contacts`, the customer and
the ids of a sale by its account.
"""


def leaves(schema: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the path and the description of every value that a schema declares; lists are walked through."""
    inner = schema.get("properties") or schema.get("items", {}).get("properties")
    if not inner:
        yield path, schema.get("description", "")
        return
    for name, child in inner.items():
        yield from leaves(child, (*path, name))


def sources(spec: Any) -> Iterator[str]:
    """Yield every expression of a part of the mapping."""
    if isinstance(spec, str):
        yield spec
    elif isinstance(spec, list):
        for part in spec:
            yield from sources(part)
    elif isinstance(spec, dict):
        for part in spec.values():
            yield from sources(part)
    elif isinstance(spec, Property):
        yield from [spec.value] if spec.value else []
    elif spec is not None:
        for name in spec.__struct_fields__:
            if name not in {"erased", "prefix", "names", "order", "other_name"}:
                yield from sources(getattr(spec, name))


def unread(spec: StreamSpec, schema: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the fields that no expression of a stream's mapping reads, each with its description."""
    texts = list(sources(spec))

    def is_read(leaf: tuple[str, ...]) -> bool:
        # `fields_of` ends at a list; what is read of its entries stands behind it in the expression.
        return any(
            leaf[: len(path)] == path and all(name in re.findall(r"\w+", text) for name in leaf[len(path) :])
            for text in texts
            for path in fields_of(text)
        )

    return [(".".join(leaf), told) for leaf, told in leaves(schema) if not is_read(leaf)]


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Return a table in Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"


def type_of(prop: Property, schema: Mapping[str, Any]) -> str:
    """Return the type of a property: as declared, else that of the field it is, else text."""
    if prop.type:
        return TYPES.get(prop.type, prop.type)
    found: Any = schema
    for name in (prop.value or "").split("."):
        found = found.get("properties", {}).get(name, {})
    declared = found.get("type", "string")
    types = [declared] if isinstance(declared, str) else [kind for kind in declared if kind != "null"]
    return TYPES.get(types[0], str(types[0]))


def properties_table(head: str, specs: Mapping[str, str | Property], schema: Mapping[str, Any]) -> str:
    """Return the table of an account's, a user's or an event's values."""
    listed = {name: Property(spec) if isinstance(spec, str) else spec for name, spec in specs.items()}
    rows = [[code(name), type_of(prop, schema), code(prop.value or "")] for name, prop in listed.items()]
    return table([head, "type", "source"], rows) + changes_table(listed)


def changes_table(properties: Mapping[str, Property]) -> str:
    """Return the table of the events that tell of changes, if there are any, behind an empty line."""
    watched = [[f"`{prop.on_change}`", code(name)] for name, prop in properties.items() if prop.on_change]
    return f"\n{table(['event', 'tells of another'], watched)}" if watched else ""


def code(text: str) -> str:
    """Return a text as code in Markdown, backticks and all."""
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def quoted(fields: Expression | Sequence[Expression]) -> str:
    """Return one or several expressions or templates as code."""
    listed_fields = [fields] if isinstance(fields, (str, Template)) else fields
    return ", ".join(code(field if isinstance(field, str) else field.template) for field in listed_fields)


def account_of(reference: ReferenceSpec | None) -> str:
    """Say how a record names its account."""
    if reference is None:
        return "none"
    return f"the one already known by any of `{reference.aliases}`, else `{reference.id}`"


def event_text(event: EventSpec, schema: Mapping[str, Any]) -> str:
    """Return what is said about a stream's events."""
    names = [[f"`{value}`", f"`{name}`"] for value, name in event.names.items()]
    return "\n".join(
        [
            f"- Identity: `{event.prefix}` and then {quoted(event.id)}; it goes along as the metadata `event_id`.",
            f"- Account: {account_of(event.account)}.",
            f"- Time: `{event.time}` at noon UTC, and one second apart in this order: {quoted(event.order)}.",
            "",
            table([f"`{event.name}`", "event"], [*names, ["anything else", f"`{event.other_name}`"]]),
            properties_table("metadata", event.metadata, schema),
        ]
    )


def stream_text(name: str, spec: StreamSpec, schema: Mapping[str, Any]) -> str:
    """Return the section about a stream."""
    lines = [f"## `{name}`: {BECOMES[name]}", ""]
    if spec.version:
        lines.append(f"- Of two records the one with the greater `{spec.version}` is the newer.")
    if spec.erased:
        lines.append(f"- A value `{spec.erased}` deletes the property: the person asked to be forgotten.")
    for account in listed(spec.account):
        lines.append(f"- Account: {account_of(account)}.")
        if shared := account.shared_alias:
            lines.append(f"- A sale that names only the `{shared}` of several accounts goes to the first of them.")
        lines += ["", properties_table("account property", account.properties, schema)]
    for user, membership in zip(listed(spec.user), listed(spec.membership), strict=True):
        lines += [
            f"- User: `{user.email}`; a record without it is nobody.",
            f"- Member of an account: {account_of(membership.account)}.",
            f"- One role each: {quoted(membership.slot)}. Where it says `{membership.forgotten}`, the",
            "  properties of whoever held the role are deleted and their memberships end.",
            "",
            properties_table("user property", user.properties, schema),
        ]
    lines += [event_text(event, schema) for event in listed(spec.event)]
    return "\n".join(lines)


def schema_of(stream: str) -> dict[str, Any]:
    """Return the schema of one of the tap's streams."""
    file = resources.files("tap_atlassian_marketplace").joinpath(f"schemas/{stream}.json")
    return dict(json.loads(file.read_text(encoding="utf-8")))


def page() -> str:
    """Return the page about the preset."""
    streams = load_mapping(PRESET, None)[0].streams
    parts = [INTRO, *(stream_text(name, spec, schema_of(name)) for name, spec in streams.items()), NOT_SENT]
    for name, spec in streams.items():
        rows = [[f"`{field}`", told] for field, told in unread(spec, schema_of(name))]
        parts += [f"### `{name}`\n", table(["field", "meaning"], rows)]
    return "\n".join(parts)


def computed_page() -> str:
    """Return the page about the preset for the customer streams."""
    streams = load_mapping(COMPUTED, None)[0].streams
    (account,), (user,) = listed(streams["accounts"].account), listed(streams["people"].user)
    (membership,), (event, *_) = listed(streams["contacts"].membership), listed(streams["account_events"].event)
    return "\n".join(
        [
            COMPUTED_INTRO,
            "## `accounts`: accounts\n",
            f"Account: {account_of(account)}.\n",
            grouped_table("account property", account.properties, schema_of("accounts")),
            "## `people`: users\n",
            f"User: `{user.email}`.\n",
            grouped_table("user property", user.properties, schema_of("people")),
            "## `contacts`: members\n",
            f"Member of an account: {account_of(membership.account)}. Where a contact says",
            f"`{membership.forgotten}`, the properties of whoever held the role go, and the memberships end.\n",
            "## `account_events`: events\n",
            f"Account: {account_of(event.account)}. Name: `{event.name}`. Time: `{event.time}`. The metadata",
            "`event_id` is the same from run to run. What is not known of an event is left out.\n",
            grouped_table("metadata", event.metadata, None),
        ]
    )


def grouped_table(head: str, specs: Mapping[str, str | Property], schema: Mapping[str, Any] | None) -> str:
    """Return the table of properties with their groups; with a schema, also with what they mean."""
    listed = {name: Property(spec) if isinstance(spec, str) else spec for name, spec in specs.items()}
    meanings = schema["properties"] if schema else {}
    rows = [
        [
            code(name),
            type_of(prop, schema or {}),
            prop.group,
            *([meaning_of(prop, meanings)] if schema else []),
        ]
        for name, prop in listed.items()
    ]
    return table([head, "type", "group", *(["meaning"] if schema else [])], rows) + changes_table(listed)


def meaning_of(prop: Property, meanings: Mapping[str, Any]) -> str:
    """Return what a property means: what its field does, and what it says instead of nothing."""
    field, _, instead = (prop.value or "").partition(" || ")
    meaning: str = meanings[field]["description"]
    value = code(instead.strip("[']"))
    return f"{meaning} {value} where there is none." if instead else meaning


def functions_table() -> str:
    """Return the functions of the mapping language, from their docstrings."""
    rows = []
    for name, function in inspect.getmembers(MappingFunctions, inspect.isfunction):
        if name.startswith("_func_") and name.removeprefix("_func_") and name in vars(MappingFunctions):
            arguments = ", ".join(list(inspect.signature(function).parameters)[1:])
            rows.append([f"`{name.removeprefix('_func_')}({arguments})`", inspect.getdoc(function) or ""])
    return table(["function", "result"], rows)


def required_table() -> str:
    """Return what the main job needs to be filled in, as variables of `.env`."""
    rows = [
        [f"`{prefix}_{setting.name.upper()}`", setting.schema["description"].replace("<", "&lt;")]
        for plugin in (TAP, JOURNY)
        for prefix in [plugin.upper().replace("-", "_")]
        for setting in settings.settings_of(plugin)
        if setting.required or setting.name in settings.TO_FILL_IN
    ]
    return table(["in `.env`", "meaning"], rows)


def warehouse_tables() -> str:
    """Return the columns of each stream's table in the warehouses."""
    heads = ["column", *warehouses.WAREHOUSES, "meaning"]
    parts = [
        table(["in the schema", *warehouses.WAREHOUSES], warehouses.kinds()),
        "### In every table\n",
        table(heads, warehouses.metadata_columns()),
    ]
    for stream in warehouses.STREAMS:
        schema = schema_of(stream)
        parts += [f"### `{stream}`\n", table(heads, warehouses.columns(schema))]
        if inner := list(warehouses.inner_values(schema)):
            parts += [f"### Inside the JSON of `{stream}`\n", table(["path", "kind", "meaning"], inner)]
    return "\n".join(parts)


def between(text: str, marker: str, block: str) -> str:
    """Return a text with the block between `<!-- marker -->` and `<!-- /marker -->` replaced.

    Raises:
        ValueError: There is not exactly one such place.
    """
    pattern = rf"(<!-- {marker} -->\n).*?(?=<!-- /{marker} -->)"
    replaced, count = re.subn(pattern, lambda match: match.group(1) + block, text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{count} places for <!-- {marker} -->, not one")
    return replaced


def documents() -> dict[str, str]:
    """Return each document that is made from code, by its path in the repository, as it should be."""
    readme, journy, warehouse, revenue = "README.md", f"{JOURNY}/README.md", "docs/warehouses.md", "docs/revenue.md"
    texts = {name: (ROOT / name).read_text(encoding="utf-8") for name in (readme, journy, warehouse, revenue)}
    return {
        PAGE: page(),
        COMPUTED_PAGE: computed_page(),
        readme: between(texts[readme], "required settings", required_table()),
        revenue: between(texts[revenue], "worked cases", worked_cases.pictures()),
        journy: between(texts[journy], "functions", functions_table()),
        **publisher.documents(),
        **hub.documents(),
        warehouse: between(texts[warehouse], "columns", warehouse_tables()),
    }


def main() -> int:
    """Write the files, those with settings first; definitions for the hub under another name go."""
    settings.main()
    for path in hub.stale():
        path.unlink()
    for name, text in documents().items():
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
