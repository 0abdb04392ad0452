"""The SDK's own suite for targets, over the sandbox: none of its streams is the import's, so nothing is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from singer_sdk.testing import get_target_test_class

from marketplace_sandbox import credentials
from marketplace_sandbox.world.apps import TIMESHEETS
from target_atlassian_marketplace.target import TargetAtlassianMarketplace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marketplace_sandbox.server import Sandbox

CONFIG: dict[str, Any] = {
    "email": credentials.VENDOR_EMAIL,
    "api_token": credentials.API_TOKEN,
    "app_key": TIMESHEETS,
}


class TestStandardSuite(
    get_target_test_class(TargetAtlassianMarketplace, config=CONFIG, parse_env_config=False)  # type: ignore[misc]
):
    """Each test has files of its own, and is followed by a look at what was sent."""

    @pytest.fixture(autouse=True)
    def _nothing_sent(self, sandbox: Sandbox, tmp_path: Path) -> Iterator[None]:
        CONFIG.update(
            api_url=sandbox.license_service_url,
            results_path=str(tmp_path / "results.jsonl"),
            rejected_path=str(tmp_path / "rejected.jsonl"),
        )
        yield
        assert sandbox.journal.calls == []
        assert not (tmp_path / "results.jsonl").exists()
        assert not (tmp_path / "rejected.jsonl").exists()
