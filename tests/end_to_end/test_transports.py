"""The daily job over the Segment protocol: journy.io holds the same as over REST, but for what nobody can end there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.end_to_end.expected_journy import Journy
from tests.end_to_end.journy_content import held, unlike, wanted

from marketplace_sandbox import credentials

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.end_to_end.conftest import Project

    from marketplace_sandbox.server import Sandbox

DOORS: dict[str, Callable[[Sandbox], tuple[str, str]]] = {
    "journy_segment": lambda sandbox: (sandbox.journy_segment_url, credentials.WRITE_KEY),
    "segment": lambda sandbox: (sandbox.segment_eu_url, credentials.EU_WRITE_KEY),
}


@pytest.mark.long
@pytest.mark.parametrize("transport", DOORS)
def test_the_job_over_the_segment_protocol(project: Project, transport: str) -> None:
    sandbox, folder = project.sandbox, project.folder
    url, key = DOORS[transport](sandbox)
    expected = Journy()

    def run() -> dict[str, Any]:
        expected.absorb(sandbox.world)
        project.run(
            "marketplace-raw-to-journy",
            loader="target-journy",
            TARGET_JOURNY_TRANSPORT=transport,
            TARGET_JOURNY_API_URL=url,
            TARGET_JOURNY_WRITE_KEY=key,
            TARGET_JOURNY_LEDGER_URL=f"sqlite:///{folder / 'ledger.db'}",
            TARGET_JOURNY_REPORT_PATH=str(folder / "report.json"),
            TARGET_JOURNY_REJECTED_PATH=str(folder / "rejected.jsonl"),
            TARGET_JOURNY_REQUIRE_LEDGER="false",
            TARGET_JOURNY_MAX_REJECTED_PERCENT="100",
        )
        report: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        return report

    run()
    assert unlike(held(sandbox), wanted(expected)) == {}

    # A contact is replaced: the former one stays a member, as `memberships: add` has it over REST, too.
    members = set(expected.members)
    sandbox.world.step()
    report = run()
    replaced = members - expected.members
    assert len(replaced) == 1
    assert unlike(held(sandbox), wanted(expected)) == {("members", pair): (True, None) for pair in replaced}
    assert all(stream["rejected"] == 0 for stream in report["streams"].values())

    # A person is erased: that cannot be passed on, and is named.
    sandbox.world.step()
    report = run()
    erased = {user for user, properties in expected.users.items() if not properties}
    assert erased
    left = unlike(held(sandbox), wanted(expected))
    members = {path[1] for path in left if path[0] == "members"}
    assert {user for _, user in members - replaced} == {path[1] for path in left if path[0] == "users"} == erased
    gone = [found for path, (found, _) in left.items() if path[0] == "accounts"]
    assert gone == [found for found in gone if found in erased]
    assert len(left) == len(members) + len([path for path in left if path[0] == "users"]) + len(gone)
    lines = [json.loads(line) for line in (folder / "rejected.jsonl").read_text(encoding="utf-8").splitlines()]
    for stream in ("licenses", "contacts"):
        keys = {line["key"] for line in lines if line["stream"] == stream}
        assert report["streams"][stream]["rejected"] == len(keys) > 0
    assert all("The Segment protocol cannot" in line["reason"] for line in lines)

    services = (sandbox.journy_segment, sandbox.segment)
    assert [(service.discarded, service.unused, service.repeated) for service in services] == [([], [], [])] * 2
