"""What the License Service holds: imported licences, and the Atlassian accounts made for their people."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marketplace_sandbox.world.ids import Ids

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

_KEY_BYTES = 450
_NAMES = ("firstName", "lastName", "organisationName")


@dataclass(frozen=True)
class License:
    """A licence that was issued.

    Attributes:
        app_key: The app.
        id: The vendor's own id, unique in that app.
        sen: Support entitlement number, `SEN-L12345678`.
        license_key: 600 characters on one line.
        body: What was sent, as it was sent.
    """

    app_key: str
    id: str
    sen: str
    license_key: str
    body: dict[str, Any]

    def answer(self) -> dict[str, str]:
        """What the vendor is told, however often it asks."""
        return {"id": self.id, "sen": self.sen, "licenseKey": self.license_key}


class LicenseServiceState:
    """All that was imported.

    Args:
        seed: Number and key of a licence follow from seed, app key and id.
        today: The date in Sydney.

    Attributes:
        today: As given.
        knows_ids_first: Look for the id before anything else, so that a known one gets 409 where its `startDate` would
            get 400 by now. In which order the real service looks is not published.
        licenses: Licences by app key and id, in the order in which they came; an id that is no text by its JSON.
        faulty: Why a licence is faulty, by app key and id; sound ones are not listed.
        accounts: `firstName`, `lastName`, `organisationName` of each Atlassian account that was made, by e-mail
            address in lower case, as first told.
    """

    def __init__(self, seed: int, today: Callable[[], date]) -> None:
        self.today = today
        self.knows_ids_first = False
        self.licenses: dict[tuple[str, str], License] = {}
        self.faulty: dict[tuple[str, str], list[str]] = {}
        self.accounts: dict[str, dict[str, Any]] = {}
        self._seed = seed
        self._ids = Ids(seed)

    def issue(self, app_key: str, body: dict[str, Any], flaws: list[str]) -> tuple[License, bool]:
        """The licence of an app with the id of this body, and whether it is new.

        Args:
            app_key: The app.
            body: With every required field. If the id is known it changes nothing, whatever else it says.
            flaws: What makes the licence faulty.
        """
        key = _key(app_key, body)
        if key in self.licenses:
            return self.licenses[key], False
        label = json.dumps(key)
        sen = f"SEN-L{self._ids.license_number(label)}"
        self.licenses[key] = License(*key, sen, _license_key(f"{self._seed}/{label}"), body)
        if flaws:
            self.faulty[key] = flaws
        self.accounts.setdefault(str(body["email"]).lower(), {name: body[name] for name in _NAMES})
        return self.licenses[key], True

    def has(self, app_key: str, body: dict[str, Any]) -> bool:
        """Whether an app has a licence with the id of this body."""
        return _key(app_key, body) in self.licenses

    def snapshot(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "today": self.today().isoformat(),
            "licenses": [
                {"appKey": row.app_key, **row.answer(), "body": row.body, "faulty": self.faulty.get(key, [])}
                for key, row in self.licenses.items()
            ],
            "accounts": self.accounts,
        }


def _key(app_key: str, body: dict[str, Any]) -> tuple[str, str]:
    given = body.get("id")
    return app_key, given if isinstance(given, str) else json.dumps(given)


def _license_key(label: str) -> str:
    # Begins as real keys do: with the length of its first part in four bytes.
    content = b"\0\0\1" + hashlib.shake_256(label.encode()).digest(_KEY_BYTES - 3)
    return base64.b64encode(content).decode()
