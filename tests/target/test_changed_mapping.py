"""A mapping that has changed since the last run is noticed, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest
    from tests.target.runs import World


def mapping(**properties: Any) -> dict[str, Any]:
    return {"streams": {"clients": {"key": "id", "account": {"id": "id", "properties": properties}}}}


def test_a_changed_mapping_asks_for_a_full_refresh(fake: World, caplog: pytest.LogCaptureFixture) -> None:
    def is_noticed(**settings: Any) -> bool:
        caplog.clear()
        fake.load([("clients", {"id": "1", "name": "Acme", "size": 1})], preset=None, **settings)
        return "run a full refresh once" in caplog.text

    one, other = mapping(name="name"), mapping(name="name", size="size")
    assert not is_noticed(mapping=one)
    assert not is_noticed(mapping=one)
    assert is_noticed(mapping=other, dry_run=True)
    assert is_noticed(mapping=other)
    assert fake.state.accounts["1"].properties == {"name": "Acme", "size": 1}
    assert not is_noticed(mapping=other)


def test_another_destination_has_a_mapping_of_its_own(fake: World, caplog: pytest.LogCaptureFixture) -> None:
    fake.load([("clients", {"id": "1"})], preset=None, mapping=mapping(name="name"))
    fake.load([("clients", {"id": "1"})], preset=None, mapping=mapping(), workspace="other")
    assert "run a full refresh once" not in caplog.text
