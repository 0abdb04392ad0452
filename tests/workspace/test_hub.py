"""The definitions for Meltano Hub keep the hub's rules."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml
from scripts.hub import HUB, kind_of
from scripts.publisher import VARIANT
from scripts.settings import PLUGINS, about, settings_of
from scripts.setup import ROOT
from tests.workspace.static_hub import definition_files

if TYPE_CHECKING:
    from pathlib import Path

TEXT = {"type": "string", "minLength": 1}
TEXTS = {"type": "array", "items": TEXT, "minItems": 1, "uniqueItems": True}
KINDS = ["oauth", "hidden", "password", "date_iso8601", "file", "email", "integer", "decimal", "boolean", "string"]
KINDS += ["options", "object", "array"]
SETTING = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        **dict.fromkeys(
            ("name", "label", "placeholder", "env", "description", "tooltip", "documentation", "value_processor"), TEXT
        ),
        "aliases": TEXTS,
        "value": {},
        "kind": {"enum": KINDS},
        "sensitive": {"type": "boolean"},
        "options": {
            "type": "array",
            "items": {"type": "object", "properties": {"label": TEXT, "value": TEXT}, "additionalProperties": False},
        },
    },
}
# What all kinds of plugins may have, as far as it is of use here.
COMMON = {
    **dict.fromkeys(
        ["name", "namespace", "variant", "label", "description", "docs", "repo", "pip_url", "python"], TEXT
    ),
    **dict.fromkeys(["executable", "definition", "prereq", "next_steps", "settings_preamble", "usage"], TEXT),
    "domain_url": {"type": "string", "format": "uri"},
    "logo_url": {"type": "string", "pattern": r"^/assets/logos/(extractors|loaders)/[a-z0-9-]+\.png$"},
    "keywords": TEXTS,
    "capabilities": TEXTS,
    "supported_python_versions": {**TEXTS, "items": {"type": "string", "pattern": r"^3\.\d+$"}},
    "maintenance_status": {"enum": ["active", "beta", "development", "inactive", "unknown"]},
    "quality": {"enum": ["gold", "silver", "bronze", "unknown"]},
    "hidden": {"type": "boolean"},
    "log_parser": {"const": "singer-sdk"},
    "commands": {"type": "object"},
    "settings": {"type": "array", "items": SETTING},
    "settings_group_validation": {"type": "array", "items": {"type": "array", "items": TEXT}},
}
OF_A_KIND: dict[str, dict[str, Any]] = {
    "extractors": {"select": TEXTS, "metadata": {"type": "object"}, "schema": {"type": "object"}},
    "loaders": {"dialect": TEXT, "target_schema": TEXT},
}
REQUIRED = ["name", "namespace", "variant"]


def schema(kind: str, required: list[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": required,
        "additionalProperties": False,
        "properties": COMMON | OF_A_KIND[kind],
    }


def content_of(plugin: str) -> Any:
    path = ROOT / HUB / "_data" / "meltano" / kind_of(plugin) / plugin / f"{VARIANT}.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", definition_files(), ids=lambda path: f"{path.parent.name}--{path.stem}")
def test_a_definition_has_the_keys_and_kinds_that_the_hub_knows(path: Path) -> None:
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    ours = (ROOT / HUB) in path.parents

    jsonschema.validate(content, schema(path.parts[-3], [*REQUIRED, "quality"] if ours else REQUIRED))
    # The hub refuses a file that lies elsewhere.
    assert path.parts[-3:] == (kind_of(content["name"]), content["name"], f"{content['variant']}.yml")
    names = [setting["name"] for setting in content["settings"]]
    assert len(names) == len(set(names))
    assert {name for group in content["settings_group_validation"] for name in group} <= set(names)


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_definition_says_what_the_plugin_says(plugin: str) -> None:
    content = content_of(plugin)
    told = about(plugin)
    required = {setting.name for setting in settings_of(plugin) if setting.required}

    assert [found["name"] for found in content["settings"]] == [found.name for found in settings_of(plugin)]
    assert set(content["capabilities"]) == set(told["capabilities"])
    assert content["supported_python_versions"] == told["supported_python_versions"]
    assert content["pip_url"] == content["executable"] == plugin
    assert all(required <= set(group) for group in content["settings_group_validation"])
    assert {"api", "meltano_sdk"} <= set(content["keywords"])
    assert content["log_parser"] == "singer-sdk"


@pytest.mark.parametrize("plugin", PLUGINS)
def test_a_logo_is_a_small_square(plugin: str) -> None:
    logo = (ROOT / HUB / "static").joinpath(content_of(plugin)["logo_url"].lstrip("/")).read_bytes()
    width, height = struct.unpack(">II", logo[16:24])

    assert logo[:8] == b"\x89PNG\r\n\x1a\n"
    assert width == height == 160
    assert len(logo) < 10_000


def test_there_is_nothing_to_submit_but_our_plugins() -> None:
    found = {path.parent.name for path in (ROOT / HUB).glob("_data/meltano/*/*/*")}
    logos = {path.name for path in (ROOT / HUB).glob("static/assets/logos/*/*")}
    maintainers = yaml.safe_load((ROOT / HUB / "entries" / "maintainers.yml").read_text(encoding="utf-8"))

    assert found == set(PLUGINS)
    assert logos == {content_of(plugin)["logo_url"].rpartition("/")[2] for plugin in PLUGINS}
    assert maintainers.keys() == {VARIANT} == {VARIANT.lower()}
    assert maintainers[VARIANT].keys() == {"label", "name", "url"}
