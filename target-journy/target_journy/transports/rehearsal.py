"""Transports that send nothing: to see what a run would do, or to take its input as delivered already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from target_journy.people import is_email
from target_journy.transports import Receipt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from target_journy.values import Scalar, Value

_LONGEST_PREVIEW = 1000


class SilentTransport:
    """Accepts every call and makes none.

    Args:
        can_delete: Whether the transport that it stands for can delete.

    Attributes:
        preview: The first calls, as plain data.
    """

    knows_repeats = True

    def __init__(self, *, can_delete: bool) -> None:
        self.can_delete = can_delete
        self.preview: list[dict[str, Any]] = []

    def upsert_account(self, account: str, properties: Mapping[str, Value], revision: int) -> Receipt:  # noqa: ARG002
        """Accept an account."""
        return self._accept("upsert_account", account=account, properties=properties)

    def upsert_user(self, user: str, properties: Mapping[str, Value], revision: int) -> Receipt:  # noqa: ARG002
        """Accept a user."""
        return self._accept("upsert_user", **{"email" if is_email(user) else "user": user}, properties=properties)

    def add_members(self, account: str, users: Sequence[str]) -> Receipt:
        """Accept new memberships."""
        return self._accept("add_members", account=account, users=users)

    def remove_members(self, account: str, users: Sequence[str]) -> Receipt:
        """Accept the end of memberships."""
        return self._accept("remove_members", account=account, users=users)

    def delete_account(self, account: str) -> Receipt:
        """Accept that an account goes."""
        return self._accept("delete_account", account=account)

    def delete_user(self, user: str) -> Receipt:
        """Accept that a user goes."""
        return self._accept("delete_user", **{"email" if is_email(user) else "user": user})

    def track(
        self,
        event_id: str,  # noqa: ARG002
        name: str,
        account: str | None,
        triggered_at: str,
        metadata: Mapping[str, Scalar],
        user: str | None = None,
    ) -> Receipt:
        """Accept an event."""
        who = {"account": account, "user": user}
        whom = {kind: key for kind, key in who.items() if key}
        return self._accept("track", name=name, **whom, triggered_at=triggered_at, metadata=metadata)

    def _accept(self, call: str, **details: Any) -> Receipt:
        if len(self.preview) < _LONGEST_PREVIEW:
            self.preview.append({"call": call, **details})
        return Receipt()
