"""journy.io's REST API: one call a record, and what each of its answers means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from marketplace_http import HeaderAuth
from target_journy.transports import DeliveryError, PayloadRejectedError, Receipt
from target_journy.transports.http import HttpDoor, request_id
from target_journy.transports.journy_requests import JournyRequests
from target_journy.values import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import requests

    from target_journy.transports import Request
    from target_journy.transports.http import Manners

DEFAULT_URL = "https://api.journy.io"

_WHERE_TO_FIND_THE_KEY = "keys are made in journy.io under Settings, API access"


class JournyRest(HttpDoor, JournyRequests):
    """The REST API of one journy.io business.

    Args:
        api_key: A key with the permission to track data.
        api_url: Where the API is.
        manners: How calls are made.
    """

    def __init__(self, api_key: str, api_url: str, manners: Manners) -> None:
        super().__init__("journy", api_url, HeaderAuth("X-Api-Key", api_key), api_key, manners)

    def check(self) -> str:
        """Ask whether the key works and may write.

        Raises:
            DeliveryError: It does not, or the server does not answer.
        """
        return self.verdict(self.permissions())

    def verdict(self, permissions: Sequence[str]) -> str:
        """What the permissions of the key mean for a loader, in one line.

        Raises:
            DeliveryError: It may not write.
        """
        named = ", ".join(permissions) or "none named"
        if not may(permissions, "TrackData"):
            raise DeliveryError(
                f"Setting 'api_key': {self.destination} takes the key, but it may not track data, only {named}. "
                "Give it that permission in journy.io under Settings, API access"
            )
        return f"{self.destination} takes the key; its permissions: {named}"

    def permissions(self) -> list[str]:
        """What the key may do, as `GET /validate` tells.

        Raises:
            DeliveryError: The key does not work, or the server does not answer.
        """
        data = self._read("/validate")
        permissions = data.get("permissions") if isinstance(data, dict) else None
        if not isinstance(permissions, list):
            raise DeliveryError(
                f"Setting 'api_url': {self._session.host} did not say what the key may do. It is not the address of "
                f"journy.io's API, such as {DEFAULT_URL}"
            )
        return [str(permission) for permission in permissions]

    def properties(self, kind: str) -> dict[str, bool]:
        """The properties that journy.io knows, by name, and whether it computes them itself.

        Args:
            kind: `accounts` or `users`.

        Raises:
            DeliveryError: The key may not read them, or the server does not answer.
        """
        return {str(entry["name"]): entry.get("isComputed") is True for entry in self._listed(f"/properties/{kind}")}

    def event_names(self) -> set[str]:
        """The names of the events that journy.io knows.

        Raises:
            DeliveryError: The key may not read them, or the server does not answer.
        """
        return {str(entry["name"]) for entry in self._listed("/events")}

    def take(self, request: Request) -> Receipt:
        """Make a request."""
        response, repeats = self._request(request.method, request.path, to_json(request.body).encode())
        answer = _json(response)
        rejected = answer.get("rejected")
        return Receipt(
            request_id=request_id(answer),
            rejected={str(name): self._mask(reason) for name, reason in rejected.items()}
            if isinstance(rejected, dict)
            else {},
            possibly_repeated=repeats,
            status=response.status_code,
        )

    def _listed(self, path: str) -> list[dict[str, Any]]:
        data = self._read(path)
        if not isinstance(data, list):
            raise DeliveryError(f"{self._session.host} did not answer GET {path} with a list")
        return [entry for entry in data if isinstance(entry, dict) and entry.get("name")]

    def _read(self, path: str) -> Any:
        try:
            response, _ = self._request("GET", path)
        except PayloadRejectedError as error:
            raise DeliveryError(f"{self._session.host} refused to answer GET {path}: {error.reason}") from None
        return _json(response).get("data")

    def _advice(self, said: str) -> dict[int, str]:
        return {
            401: f"Setting 'api_key': {said}. The key is wrong or lacks the permission to track data; "
            f"{_WHERE_TO_FIND_THE_KEY}",
            403: f"Setting 'api_key': {said}. The key is disabled; {_WHERE_TO_FIND_THE_KEY}",
            404: f"Setting 'api_url': {said}. It is not the address of journy.io's API, such as {DEFAULT_URL}",
            429: f"{said}. Lower the setting 'requests_per_minute', or let other integrations rest, then run again",
        }


def may(permissions: Iterable[str], wanted: str) -> bool:
    """Whether a key has a permission, however that is written; one that names none may have any."""
    names = {re.sub("[^a-z]", "", name.lower()) for name in permissions}
    return not names or any(wanted.lower() in name for name in names)


def _json(response: requests.Response) -> dict[str, Any]:
    """The body of a successful answer; a 204, as for memberships that ended, has none."""
    return response.json() if response.content else {}
