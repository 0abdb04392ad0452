"""journy.io's REST API: one call a record, and what each of its answers means."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from marketplace_http import HeaderAuth
from target_journy.people import is_email
from target_journy.transports import DeliveryError, PayloadRejectedError, Receipt
from target_journy.transports.http import HttpDoor, request_id
from target_journy.values import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import requests

    from target_journy.transports.http import Manners
    from target_journy.values import Scalar, Value

DEFAULT_URL = "https://api.journy.io"

_WHERE_TO_FIND_THE_KEY = "keys are made in journy.io under Settings, API access"
_WRITES = "trackdata"


class JournyRest(HttpDoor):
    """The REST API of one journy.io business.

    Args:
        api_key: A key with the permission to track data.
        api_url: Where the API is.
        manners: How calls are made.
    """

    knows_repeats = False
    can_delete = True

    def __init__(self, api_key: str, api_url: str, manners: Manners) -> None:
        super().__init__("journy", api_url, HeaderAuth("X-Api-Key", api_key), api_key, manners)

    def check(self) -> str:
        """Ask whether the key works and may write.

        Raises:
            DeliveryError: It does not, or the server does not answer.
        """
        permissions = self.permissions()
        named = ", ".join(permissions) or "none named"
        if permissions and not any(_WRITES in re.sub("[^a-z]", "", name.lower()) for name in permissions):
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
        try:
            response, _ = self._request("GET", "/validate")
        except PayloadRejectedError as error:
            raise DeliveryError(f"{self._session.host} refused to validate the key: {error.reason}") from None
        data = _json(response).get("data")
        permissions = data.get("permissions") if isinstance(data, dict) else None
        if not isinstance(permissions, list):
            raise DeliveryError(
                f"Setting 'api_url': {self._session.host} did not say what the key may do. It is not the address of "
                f"journy.io's API, such as {DEFAULT_URL}"
            )
        return [str(permission) for permission in permissions]

    def upsert_account(self, account: str, properties: Mapping[str, Value], revision: int) -> Receipt:  # noqa: ARG002
        """Create or update an account, known by its id alone: accounts that share a domain stay apart."""
        return self._call("/accounts/upsert", {"identification": _account(account), "properties": dict(properties)})

    def upsert_user(self, user: str, properties: Mapping[str, Value], revision: int) -> Receipt:  # noqa: ARG002
        """Create or update a user; the e-mail address of one that has an id tells who it is, too."""
        identification, rest = _user(user), dict(properties)
        email = rest.get("email")
        if "email" not in identification and isinstance(email, str) and is_email(email):
            identification["email"] = email
            del rest["email"]
        return self._call("/users/upsert", {"identification": identification, "properties": rest})

    def add_members(self, account: str, users: Sequence[str]) -> Receipt:
        """Make users members of an account."""
        return self._call("/accounts/users/add", _members(account, users))

    def remove_members(self, account: str, users: Sequence[str]) -> Receipt:
        """End memberships; the users stay."""
        return self._call("/accounts/users/remove", _members(account, users))

    def delete_account(self, account: str) -> Receipt:
        """Delete an account. journy.io does it some time after its answer."""
        return self._call("/accounts", {"identification": _account(account)}, method="DELETE")

    def delete_user(self, user: str) -> Receipt:
        """Delete a user. journy.io does it some time after its answer."""
        return self._call("/users", {"identification": _user(user)}, method="DELETE")

    def track(
        self,
        event_id: str,  # noqa: ARG002 - as above
        name: str,
        account: str | None,
        triggered_at: str,
        metadata: Mapping[str, Scalar],
        user: str | None = None,
    ) -> Receipt:
        """Tell an event. There is no idempotency key: what may be a repeat is counted."""
        return self._call(
            "/track",
            {
                "identification": {
                    **({"user": _user(user)} if user else {}),
                    **({"account": _account(account)} if account else {}),
                },
                "name": name,
                "triggeredAt": triggered_at,
                "metadata": dict(metadata),
            },
        )

    def _call(self, path: str, body: dict[str, Any], *, method: str = "POST") -> Receipt:
        response, repeats = self._request(method, path, to_json(body).encode())
        answer = _json(response)
        rejected = answer.get("rejected")
        return Receipt(
            request_id=request_id(answer),
            rejected={str(name): self._mask(reason) for name, reason in rejected.items()}
            if isinstance(rejected, dict)
            else {},
            possibly_repeated=repeats,
        )

    def _advice(self, said: str) -> dict[int, str]:
        return {
            401: f"Setting 'api_key': {said}. The key is wrong or lacks the permission to track data; "
            f"{_WHERE_TO_FIND_THE_KEY}",
            403: f"Setting 'api_key': {said}. The key is disabled; {_WHERE_TO_FIND_THE_KEY}",
            404: f"Setting 'api_url': {said}. It is not the address of journy.io's API, such as {DEFAULT_URL}",
            429: f"{said}. Lower the setting 'requests_per_minute', or let other integrations rest, then run again",
        }


def _account(account: str) -> dict[str, str]:
    return {"accountId": account}


def _user(user: str) -> dict[str, str]:
    return {"email" if is_email(user) else "userId": user}


def _members(account: str, users: Sequence[str]) -> dict[str, Any]:
    return {
        "account": _account(account),
        "users": [{"identification": _user(user)} for user in users],
    }


def _json(response: requests.Response) -> dict[str, Any]:
    """The body of a successful answer; a 204, as for memberships that ended, has none."""
    return response.json() if response.content else {}
