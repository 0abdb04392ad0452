"""What journy.io does not have any more needs no deleting; another server's 404 says nothing of the kind."""

from __future__ import annotations

from typing import Any

import pytest
import requests_mock

from target_journy.transports import DeliveryError
from target_journy.transports.http import Manners
from target_journy.transports.journy import JournyRest

URL = "https://api.example"
OWN = {"success": False, "message": "not found", "meta": {"requestId": "r-1", "status": 404}}


def test_what_is_not_there_is_deleted() -> None:
    door = JournyRest("key", URL, Manners(user_agent="test"))
    with requests_mock.Mocker() as mock:
        mock.delete(requests_mock.ANY, status_code=404, json=OWN)
        receipts = [door.delete_account("E-1"), door.delete_user("ann@acme.com")]
    assert [(each.request_id, each.status) for each in receipts] == [("r-1", 404)] * 2


@pytest.mark.parametrize(
    "answer",
    [{"text": "not found"}, {"json": {"message": "not found"}}, {"json": OWN, "status_code": 410}],
    ids=["a page", "another API", "an API that is no more"],
)
def test_what_another_server_lacks_ends_the_run(answer: dict[str, Any]) -> None:
    door = JournyRest("key", URL, Manners(user_agent="test"))
    with requests_mock.Mocker() as mock:
        mock.delete(requests_mock.ANY, **{"status_code": 404, **answer})
        with pytest.raises(DeliveryError):
            door.delete_account("E-1")
