"""What journy.io holds: accounts, users, memberships and events."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?")
_ARTICLES = {
    "date": "a date",
    "string": "a string",
    "boolean": "a boolean",
    "number": "a number",
    "list": "a list",
}


@dataclass
class Account:
    """An account and the keys of its members, present and past, in the order in which they came."""

    domain: str | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    users: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


@dataclass
class User:
    """A user, known by e-mail address, by id, or by both."""

    email: str | None = None
    user_id: str | None = None
    properties: dict[str, Any] = field(default_factory=dict)


class JournyState:
    """All that was accepted.

    Attributes:
        accounts: Accounts by account id, or by domain where no id was ever given.
        users: Users by e-mail address, or by id where no address was ever given.
        events: Every event in the order in which it came; repeated ones are kept.
        types: The type that each property got with its first value, of `accounts` and of `users`.
    """

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.users: dict[str, User] = {}
        self.events: list[dict[str, Any]] = []
        self.types: dict[str, dict[str, str]] = {"accounts": {}, "users": {}}

    def upsert_account(self, identification: dict[str, str], properties: dict[str, Any]) -> dict[str, str]:
        """Create or update an account; answers the refused properties with their reasons."""
        return self._apply("accounts", self.account(identification)[1].properties, properties)

    def upsert_user(self, identification: dict[str, str], properties: dict[str, Any]) -> dict[str, str]:
        """Create or update a user; answers the refused properties with their reasons."""
        return self._apply("users", self.user(identification)[1].properties, properties)

    def delete_account(self, identification: dict[str, str]) -> None:
        """Forget an account, if it is known."""
        wanted = set(identification.values())
        domain = identification.get("domain")
        for key in [key for key, row in self.accounts.items() if key in wanted or (domain and row.domain == domain)]:
            del self.accounts[key]

    def delete_user(self, identification: dict[str, str]) -> None:
        """Forget a user, if known, and every membership."""
        key = self._known_user(identification)
        self.users.pop(key or "", None)
        for account in self.accounts.values():
            account.users = [member for member in account.users if member != key]
            account.removed = [member for member in account.removed if member != key]

    def add_members(self, account: dict[str, str], users: list[dict[str, str]]) -> None:
        """Make users members of an account; who is unknown is created."""
        _, found = self.account(account)
        for identification in users:
            key, _ = self.user(identification)
            if key in found.removed:
                found.removed.remove(key)
            if key not in found.users:
                found.users.append(key)

    def remove_members(self, account: dict[str, str], users: list[dict[str, str]]) -> None:
        """Mark members of an account as removed; the users themselves stay."""
        _, found = self.account(account)
        for identification in users:
            key, _ = self.user(identification)
            if key in found.users:
                found.users.remove(key)
                found.removed.append(key)

    def track(self, body: dict[str, Any], now: str) -> None:
        """Keep an event, whether or not the same one came before."""
        who = body["identification"]
        self.events.append(
            {
                "name": body["name"],
                "account": self.account(who["account"])[0] if "account" in who else None,
                "user": self.user(who["user"])[0] if "user" in who else None,
                "metadata": body.get("metadata", {}),
                "triggeredAt": body.get("triggeredAt", now),
            }
        )

    def account(self, identification: dict[str, str]) -> tuple[str, Account]:
        """Key and account of an identification; made if there is none yet."""
        account_id, domain = identification.get("accountId"), identification.get("domain")
        key = account_id if account_id in self.accounts else None
        if key is None and domain:
            key = next((k for k, row in self.accounts.items() if row.domain == domain), None)
            if key is not None and account_id and key == domain:
                self.accounts[account_id] = self.accounts.pop(key)
                key = account_id
            elif key is not None and account_id:
                key = None
        key = key or account_id or domain or ""
        account = self.accounts.setdefault(key, Account())
        account.domain = domain or account.domain
        return key, account

    def user(self, identification: dict[str, str]) -> tuple[str, User]:
        """Key and user of an identification; made if there is none yet."""
        email, user_id = identification.get("email"), identification.get("userId")
        key = self._known_user(identification) or email or user_id or ""
        user = self.users.setdefault(key, User())
        user.email, user.user_id = email or user.email, user_id or user.user_id
        if user.email and key != user.email:
            self.users[user.email] = self.users.pop(key)
            self._rename_member(key, user.email)
            key = user.email
        return key, user

    def snapshot(self) -> dict[str, Any]:
        """Accounts, users and events as plain data."""
        return {
            "accounts": {
                key: {"properties": row.properties, "users": row.users, "removed": row.removed}
                for key, row in self.accounts.items()
            },
            "users": {key: {"properties": row.properties} for key, row in self.users.items()},
            "events": self.events,
        }

    def _known_user(self, identification: dict[str, str]) -> str | None:
        email, user_id = identification.get("email"), identification.get("userId")
        if email in self.users:
            return email
        if user_id is None:
            return None
        return next((key for key, row in self.users.items() if row.user_id == user_id), None)

    def _rename_member(self, old: str, new: str) -> None:
        for account in self.accounts.values():
            account.users = [new if member == old else member for member in account.users]
            account.removed = [new if member == old else member for member in account.removed]

    def _apply(self, kind: str, held: dict[str, Any], properties: dict[str, Any]) -> dict[str, str]:
        rejected: dict[str, str] = {}
        for name, value in properties.items():
            if value is None:
                held.pop(name, None)
                continue
            found = _type_of(value)
            expected = self.types[kind].setdefault(name, found)
            # A date is also a text, so a text property takes it; the reverse does not hold.
            if found != expected and (expected, found) != ("string", "date"):
                rejected[name] = f"Expected {_ARTICLES[expected]} but found {_ARTICLES[found]}."
            else:
                held[name] = value
        return rejected


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, list):
        return "list"
    return "date" if _is_iso_date(value) else "string"


def _is_iso_date(text: str) -> bool:
    if not _ISO_DATE.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text[:10])
    except ValueError:
        return False
    return True
