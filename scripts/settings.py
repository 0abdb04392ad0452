"""`make settings`: write the plugins' settings, as their `--about` tells them, wherever else they stand.

That is the definitions in `meltano.yml`, the variables in `.env.example`, and the tables in the plugins' READMEs.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml
from scripts.meltano_project import IMPORT, JOURNY, TAP, VENV
from scripts.setup import ROOT

PLUGINS = (TAP, JOURNY, IMPORT)
# What the SDK adds by itself: of little use with these plugins, and documented there.
OF_THE_SDK = re.compile(r"stream_map|faker_|flattening_|batch_|add_record_metadata$|load_method$|validate_records$")
# Not required by the schemas, because `developer_id` or `write_key` would do as well.
TO_FILL_IN = {"vendor_id", "api_key"}
WIDTH = 110
TABLE = "<!-- settings -->"


@dataclass(frozen=True)
class Setting:
    """One setting of a plugin.

    Attributes:
        name: Its name in the configuration.
        schema: Its JSON schema, with title, description and default.
        required: No run without it.
    """

    name: str
    schema: dict[str, Any]
    required: bool

    def kind(self) -> str:
        """Return Meltano's word for the type."""
        types = [name for name in self.schema["type"] if name != "null"]
        if "enum" in self.schema:
            return "options"
        if self.schema.get("format") == "date":
            return "date_iso8601"
        if types == ["string"] and self.name.endswith("_path"):
            return "file"
        # A list is text to Meltano, else it would refuse the comma-separated one from the environment.
        # An object stays one, though the plugin takes text too: only so can Meltano set what is inside.
        # A number is a whole one to Meltano, which cannot hand a decimal one from the environment on.
        for name, kind in (("object", "object"), ("string", "string"), ("number", "integer")):
            if name in types:
                return kind
        return str(types[0])

    def definition(self) -> dict[str, Any]:
        """Return the setting as a Meltano definition has it."""
        found: dict[str, Any] = {"name": self.name, "kind": self.kind()}
        if "enum" in self.schema:
            choices = [choice for choice in self.schema["enum"] if choice is not None]
            found["options"] = [{"label": choice, "value": choice} for choice in choices]
        if self.schema.get("default") is not None:
            found["value"] = self.schema["default"]
        if self.schema.get("secret"):
            found["sensitive"] = True
        return {**found, "label": self.schema["title"], "description": self.schema["description"]}


@cache
def about(plugin: str) -> dict[str, Any]:
    """Return what a plugin says about itself."""
    printed = subprocess.run([VENV / plugin, "--about", "--format=json"], check=True, capture_output=True, text=True)
    return dict(json.loads(printed.stdout))


def settings_of(plugin: str) -> list[Setting]:
    """Return a plugin's own settings in the order in which it names them."""
    settings = about(plugin)["settings"]
    return [
        Setting(name, schema, name in settings.get("required", []))
        for name, schema in settings["properties"].items()
        if not OF_THE_SDK.match(name)
    ]


def as_text(value: Any) -> str:
    """Return a value as an environment variable holds it; the empty text for none."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return (
        ""
        if value is None or isinstance(value, dict)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
    )


def with_definitions(text: str, plugin: str) -> str:
    """Return `meltano.yml` with the definitions of a plugin's settings as they should be."""
    definitions = [setting.definition() for setting in settings_of(plugin)]
    block = yaml.safe_dump(definitions, sort_keys=False, allow_unicode=True, width=WIDTH)
    pattern = rf"(\n  - name: {plugin}\n    namespace.*?\n    settings:\n).*?(?=\n    [a-z])"
    return _replaced(pattern, textwrap.indent(block.rstrip("\n"), "    "), text, "meltano.yml")


def with_variables(text: str, plugin: str) -> str:
    """Return `.env.example` with the variables of a plugin's settings as they should be."""
    prefix = plugin.upper().replace("-", "_")
    meltano = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))["plugins"]
    configs = {found["name"]: found.get("config", {}) for kind in meltano.values() for found in kind}
    lines = []
    for setting in settings_of(plugin):
        lines += textwrap.wrap(setting.schema["description"], WIDTH, initial_indent="# ", subsequent_indent="# ")
        mark = "" if setting.required or setting.name in TO_FILL_IN else "#"
        value = configs[plugin].get(setting.name, setting.schema.get("default"))
        lines.append(f"{mark}{prefix}_{setting.name.upper()}={as_text(value)}")
    return _replaced(rf"(# --- {plugin} ---\n\n).*?(?=\n\n# ---|\Z)", "\n".join(lines), text, ".env.example")


def as_cell(text: str) -> str:
    """Return a text as a cell of a Markdown table, in which `<` would begin a tag."""
    return text.replace("|", "\\|").replace("<", "&lt;")


def with_table(text: str, plugin: str) -> str:
    """Return a plugin's README with its table of settings as it should be."""
    rows = ["| setting | default | meaning |", "|---|---|---|"]
    for setting in settings_of(plugin):
        default = "**required**" if setting.required else as_text(setting.schema.get("default"))
        rows.append(f"| `{setting.name}` | {default} | {as_cell(setting.schema['description'])} |")
    return _replaced(rf"({TABLE}\n).*?(?=<!-- /settings -->)", "\n".join([*rows, ""]), text, f"{plugin}/README.md")


def _replaced(pattern: str, block: str, text: str, name: str) -> str:
    found, count = re.subn(pattern, lambda match: match.group(1) + block, text, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"{name} has {count} places for the settings, not one")
    return found


def documents() -> dict[str, str]:
    """Return each file that names settings, by its path in the repository, as it should be."""
    found = {name: (ROOT / name).read_text(encoding="utf-8") for name in ("meltano.yml", ".env.example")}
    for plugin in PLUGINS:
        found["meltano.yml"] = with_definitions(found["meltano.yml"], plugin)
        found[".env.example"] = with_variables(found[".env.example"], plugin)
        readme = (ROOT / plugin / "README.md").read_text(encoding="utf-8")
        if TABLE in readme:
            found[f"{plugin}/README.md"] = with_table(readme, plugin)
    return found


def main() -> int:
    """Write the files."""
    for name, text in documents().items():
        (ROOT / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
