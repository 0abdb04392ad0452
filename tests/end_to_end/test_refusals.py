"""What a person reads when `meltano run` refuses: one line that says what to do, and nothing secret."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from marketplace_sandbox import credentials

if TYPE_CHECKING:
    from tests.end_to_end.conftest import Project


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"TARGET_JOURNY_REQUIRE_LEDGER": "true"}, "the ledger is empty"),
        ({"TARGET_JOURNY_API_KEY": "wrong-key-1234"}, "'api_key'"),
        ({"TAP_ATLASSIAN_MARKETPLACE_API_TOKEN": "wrong-token-1234"}, "`email` and `api_token`"),
    ],
)
def test_a_refused_run_says_why_once(project: Project, settings: dict[str, str], says: str) -> None:
    folder = project.folder
    with pytest.raises(AssertionError) as failed:
        project.run(
            "marketplace-raw-to-journy",
            loader="target-journy",
            **{
                "TARGET_JOURNY_LEDGER_URL": f"sqlite:///{folder / 'ledger.db'}",
                "TARGET_JOURNY_REPORT_PATH": str(folder / "report.json"),
                "TARGET_JOURNY_REJECTED_PATH": str(folder / "rejected.jsonl"),
                "TARGET_JOURNY_REQUIRE_LEDGER": "false",
                **settings,
            },
        )
    assert "(0, 1)" in str(failed.value)  # installed, but the run failed
    log = (folder / "meltano.log").read_text(encoding="utf-8")
    lines = [line for line in log.splitlines() if says in line]
    assert len(lines) == 1, log
    assert "Traceback" not in log
    secrets = [credentials.API_TOKEN, credentials.JOURNY_KEY, *(v for n, v in settings.items() if "REQUIRE" not in n)]
    assert not [secret for secret in secrets if secret in log]
    names = {row["contactDetails"].get("technicalContact", {}).get("email") for row in project.sandbox.world.licenses}
    assert not [name for name in names if name and name in log]
    assert not project.sandbox.journy.accounts
