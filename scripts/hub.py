"""The definitions for Meltano Hub, and Meltano's lock files of the loaders that others publish.

A definition of our own plugins is that of `meltano.yml` with what the hub wants to know besides; the settings come
from `--about`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml
from meltano.core.plugin.base import PluginDefinition, PluginType, StandalonePlugin
from scripts import publisher
from scripts.meltano_project import IMPORT, JOURNY, PLUGIN_KINDS, TAP
from scripts.settings import PLUGINS, about, settings_of
from scripts.setup import ROOT

if TYPE_CHECKING:
    from pathlib import Path

HUB = "plugins/hub"
THIRD_PARTY = "plugins/third-party"
# Where the plugin's data come from or go to.
DOMAINS = {
    TAP: "https://developer.atlassian.com/platform/marketplace/",
    JOURNY: "https://journy.io",
    IMPORT: "https://marketplace.atlassian.com",
}
TAKEN_OVER = ("namespace", "label", "description", "executable", "settings_group_validation", "select")


def kind_of(plugin: str) -> str:
    """Return Meltano's word for what a plugin is, in the plural."""
    return PLUGIN_KINDS[not plugin.startswith("tap-")]


def definition(plugin: str, project: dict[str, Any]) -> dict[str, Any]:
    """Return what the hub is to know about one of our plugins.

    Args:
        plugin: Its name, which is that of its package too.
        project: Its definition in `meltano.yml`.
    """
    told = about(plugin)
    kind = kind_of(plugin)
    return {
        **{key: project[key] for key in TAKEN_OVER if key in project},
        "name": plugin,
        "variant": publisher.VARIANT,
        "pip_url": plugin,
        "repo": publisher.REPOSITORY,
        "domain_url": DOMAINS[plugin],
        "logo_url": f"/assets/logos/{kind}/{plugin.partition('-')[2]}.png",
        "keywords": ["api", "meltano_sdk"],
        "maintenance_status": "beta",
        "log_parser": "singer-sdk",
        # What the hub reckons for a community's plugin that is built on the SDK.
        "quality": "silver",
        "capabilities": sorted(told["capabilities"]),
        "supported_python_versions": told["supported_python_versions"],
        "settings": [setting.definition() for setting in settings_of(plugin)],
    }


def third_party() -> dict[str, dict[str, Any]]:
    """Return the hub's definitions of the loaders that others publish, by the path of the lock file."""
    found = {}
    for path in sorted((ROOT / THIRD_PARTY / "loaders").glob("*/*.yml")):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        found[f"plugins/loaders/{content['name']}--{content['variant']}.lock"] = content
    return found


def locked(content: dict[str, Any]) -> str:
    """Return the lock file that Meltano makes of a loader's definition from the hub."""
    loader = PluginDefinition(**content, plugin_type=PluginType("loaders"))
    standalone = StandalonePlugin.from_variant(loader.find_variant(None), loader)
    return json.dumps(standalone.canonical(), indent=2) + "\n"


def as_yaml(content: Any) -> str:
    """Return YAML in the order and manner of the hub."""
    return str(yaml.safe_dump(content, allow_unicode=True))


def stale() -> list[Path]:
    """List the definitions of our plugins under the name of another publisher."""
    return [path for path in (ROOT / HUB / "_data").rglob("*.yml") if path.stem != publisher.VARIANT]


def documents() -> dict[str, str]:
    """Return each file that is made here, by its path in the repository, as it should be."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))["plugins"]
    defined = {found["name"]: found for kind in PLUGIN_KINDS for found in project[kind]}
    maintainer = {"label": publisher.LABEL, "name": publisher.VARIANT, "url": publisher.OWNER_URL}
    defaults: dict[str, dict[str, str]] = {}
    found = {path: locked(content) for path, content in third_party().items()}
    for plugin in PLUGINS:
        kind = kind_of(plugin)
        path = f"{HUB}/_data/meltano/{kind}/{plugin}/{publisher.VARIANT}.yml"
        found[path] = as_yaml(definition(plugin, defined[plugin]))
        defaults.setdefault(kind, {})[plugin] = publisher.VARIANT
    found[f"{HUB}/entries/maintainers.yml"] = as_yaml({publisher.VARIANT: maintainer})
    found[f"{HUB}/entries/default_variants.yml"] = as_yaml(defaults)
    return found
