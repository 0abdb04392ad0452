"""Every setting stands, with the same words, wherever settings are named."""

from __future__ import annotations

import pytest
import yaml
from scripts.settings import PLUGINS, documents, settings_of
from scripts.setup import ROOT


def test_every_file_says_what_the_plugins_say() -> None:
    stale = [name for name, text in documents().items() if (ROOT / name).read_text(encoding="utf-8") != text]

    assert not stale, "run `make settings`"


@pytest.mark.parametrize("plugin", PLUGINS)
def test_every_setting_is_in_each_file(plugin: str) -> None:
    names = {setting.name for setting in settings_of(plugin)}
    meltano = yaml.safe_load((ROOT / "meltano.yml").read_text(encoding="utf-8"))["plugins"]
    defined = next(found for kind in meltano.values() for found in kind if found["name"] == plugin)
    prefix = plugin.upper().replace("-", "_") + "_"
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    variables = {line.lstrip("#").split("=")[0] for line in lines if line.lstrip("#").startswith(prefix)}

    assert names
    assert {setting["name"] for setting in defined["settings"]} == names
    assert variables == {prefix + name.upper() for name in names}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_secrets_are_marked_and_have_no_default(plugin: str) -> None:
    settings = {setting.name: setting for setting in settings_of(plugin)}
    sounds_secret = {name for name in settings if name.endswith(("_token", "_key")) and name != "app_key"}

    assert sounds_secret
    for name in sounds_secret:
        assert settings[name].definition()["sensitive"] is True
        assert "value" not in settings[name].definition()
