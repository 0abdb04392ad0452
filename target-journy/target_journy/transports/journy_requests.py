"""Calls as requests to journy.io's REST API."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from target_journy.people import is_email
from target_journy.transports import NOT_THERE, PayloadRejectedError, Receipt, Request

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_journy.values import Scalar, Value

_PLACES = {"identification.email": "properties.email"}
"""Where a value stands that is sent elsewhere."""


class JournyRequests(ABC):
    """Writes each call as a request, and hands it to `take`."""

    knows_repeats = False
    can_delete = True

    @abstractmethod
    def take(self, request: Request) -> Receipt:
        """Do something about a request."""

    def upsert_account(self, account: str, properties: Mapping[str, Value], revision: int) -> Receipt:  # noqa: ARG002
        """Create or update an account, known by its id alone: accounts that share a domain stay apart."""
        return self._post("/accounts/upsert", {"identification": _account(account), "properties": dict(properties)})

    def upsert_user(self, user: str, properties: Mapping[str, Value], revision: int) -> Receipt:  # noqa: ARG002
        """Create or update a user; the e-mail address of one that has an id tells who it is, too."""
        identification, rest = _user(user), dict(properties)
        email = rest.get("email")
        if "email" in identification or not isinstance(email, str) or not is_email(email):
            return self._post("/users/upsert", {"identification": identification, "properties": rest})
        identification["email"] = email
        del rest["email"]
        try:
            return self._post("/users/upsert", {"identification": identification, "properties": rest})
        except PayloadRejectedError as error:  # an address that is refused is a property still: the others go without
            fields = {_PLACES.get(path, path): reason for path, reason in error.fields.items()}
            raise PayloadRejectedError(error.reason, error.request_id, fields, error.status) from None

    def add_members(self, account: str, users: Sequence[str]) -> Receipt:
        """Make users members of an account."""
        return self._post("/accounts/users/add", _members(account, users))

    def remove_members(self, account: str, users: Sequence[str]) -> Receipt:
        """End memberships; the users stay."""
        return self._post("/accounts/users/remove", _members(account, users))

    def delete_account(self, account: str) -> Receipt:
        """Delete an account. journy.io does it some time after its answer; one that is not there is deleted."""
        return self._delete("/accounts", _account(account))

    def delete_user(self, user: str) -> Receipt:
        """Delete a user. journy.io does it some time after its answer; one who is not there is deleted."""
        return self._delete("/users", _user(user))

    def _delete(self, path: str, identification: dict[str, str]) -> Receipt:
        try:
            return self.take(Request("DELETE", path, {"identification": identification}))
        except PayloadRejectedError as error:
            if error.status != NOT_THERE:
                raise
            return Receipt(request_id=error.request_id, status=error.status)

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
        return self._post(
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

    def _post(self, path: str, body: dict[str, Any]) -> Receipt:
        return self.take(Request("POST", path, body))


class CollectedRequests(JournyRequests):
    """Keeps the requests of calls.

    Attributes:
        requests: All of them so far, in their order.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def take(self, request: Request) -> Receipt:
        """Keep it."""
        self.requests.append(request)
        return Receipt()


def _account(account: str) -> dict[str, str]:
    return {"accountId": account}


def _user(user: str) -> dict[str, str]:
    return {"email" if is_email(user) else "userId": user}


def _members(account: str, users: Sequence[str]) -> dict[str, Any]:
    return {
        "account": _account(account),
        "users": [{"identification": _user(user)} for user in users],
    }
