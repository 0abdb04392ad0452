"""What a tap notes about a record is no news of it, and the loader's own id of an event stays its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.target.runs import World


def noted(second: int) -> dict[str, Any]:
    return {"name": "a", "_sdc_extracted_at": f"2026-01-01T00:00:{second:02}Z", "_sdc_lsn": second}


@pytest.mark.parametrize("keys", [["id"], []], ids=["with a key", "by its content"])
def test_what_a_tap_notes_is_neither_sent_nor_news(fake: World, keys: list[str]) -> None:
    fake.settings.update(preset=None, unknown_streams="default")
    runs = [fake.load([("things", {"id": "1", **noted(second)})], keys=keys) for second in (1, 2)]
    (call,) = (body for run in runs for _, body in run.calls)
    assert call["properties"] == {"id": "1", "name": "a"}


def test_a_field_that_is_called_as_the_id_of_events_does_not_replace_it(fake: World) -> None:
    event = {"id": "id", "prefix": "'x:'", "time": "'2026-01-01'", "other_name": "seen", "account": {"id": "id"}}
    account = {"id": "id", "properties": {"id": "id"}}
    streams = {"things": {"key": "id", "account": account, "event": {**event, "fields": {"include": ["event_id"]}}}}
    fake.settings.update(preset=None, mapping={"streams": streams})
    run = fake.load([("things", {"id": "1", "event_id": "another"})])
    ((_, told),) = (call for call in run.calls if call[0] == "/track")
    assert told["metadata"]["event_id"].endswith("1")
