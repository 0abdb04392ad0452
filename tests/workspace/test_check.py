"""`make check` says one line about each side, and its exit code follows."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest
from scripts import check
from scripts.meltano_project import own_environment

from marketplace_sandbox.server import running

if TYPE_CHECKING:
    from pathlib import Path


def test_each_side_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with running() as sandbox:
        settings = {
            "TAP_ATLASSIAN_MARKETPLACE_API_URL": sandbox.marketplace_url,
            "TARGET_JOURNY_API_URL": sandbox.journy_url,
            "TARGET_JOURNY_API_KEY": "no-such-key-as-this",
        }
        monkeypatch.setattr(check, "users_environment", lambda: own_environment(settings, tmp_path / "meltano"))
        monkeypatch.setattr(check, "USERS_SETTINGS", os.devnull)

        code = check.main(["dev"])

    marketplace, journy = capsys.readouterr().out.splitlines()
    assert code == 1
    assert marketplace.startswith("Marketplace: ok")
    assert journy.startswith("journy.io: ")
    assert "api_key" in journy
    assert "401" in journy
    assert "no-such-key-as-this" not in journy


@pytest.mark.parametrize(
    ("printed", "said"),
    [
        ('{"level": "info", "event": "Meltano"}\nok: all is well\n', "ok: all is well"),
        ('{"level": "error", "event": "first"}\n{"level": "error", "event": "second"}\n', "first"),
        ('ok\n{"level": "critical", "event": " broken "}\n', "broken"),
        ("5\n", "5"),
        ("", "no answer"),
    ],
)
def test_the_line_that_matters(printed: str, said: str) -> None:
    assert check.verdict(io.StringIO(printed)) == said
