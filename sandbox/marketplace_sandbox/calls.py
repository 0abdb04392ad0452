"""What kind of call a method and a path are, so that faults and holds can be aimed at it."""

from __future__ import annotations

import re
from dataclasses import dataclass

SIDES = ("marketplace", "journy", "journy_segment", "segment", "license-service")

_REPORT = r"/rest/3/reporting/developer-space/[^/]+"
_MARKETPLACE = (
    ("vendor", "GET", r"/rest/3/developer-space/vendor/[^/]+"),
    ("developer_space", "GET", r"/rest/3/developer-space/[^/]+"),
    ("apps", "GET", r"/rest/3/product-listing/developer-space/[^/]+"),
    ("software", "GET", r"/rest/3/app-software/app-key/[^/]+"),
    ("versions", "GET", r"/rest/3/app-software/[^/]+/versions"),
    ("reviews", "GET", r"/rest/3/products/[^/]+/reviews"),
    ("metrics", "POST", r"/rest/3/partner-metrics/developer-space/[^/]+"),
    ("index", "GET", _REPORT),
    ("start", "POST", rf"{_REPORT}/.+/async/export"),
    ("status", "GET", rf"{_REPORT}/(.+/)?async/export/[^/]+/status"),
    ("download", "GET", rf"{_REPORT}/(.+/)?async/export/[^/]+"),
    ("export", "GET", rf"{_REPORT}/.+/export"),
    ("list", "GET", rf"{_REPORT}/.+"),
)
_JOURNY = {
    ("POST", "/accounts/upsert"): "upsert_account",
    ("POST", "/users/upsert"): "upsert_user",
    ("DELETE", "/accounts"): "delete_account",
    ("DELETE", "/users"): "delete_user",
    ("POST", "/accounts/users/add"): "add_members",
    ("POST", "/accounts/users/remove"): "remove_members",
    ("POST", "/track"): "track",
    ("GET", "/validate"): "validate",
    ("GET", "/properties/accounts"): "definitions",
    ("GET", "/properties/users"): "definitions",
    ("GET", "/events"): "definitions",
    ("GET", "/segments/accounts"): "definitions",
    ("GET", "/segments/users"): "definitions",
}
_MESSAGES = ("identify", "group", "track", "page", "screen", "alias")
_SEGMENT = tuple((kind, "POST", rf"(/backend|/eu)?/v1/{kind}") for kind in ("batch", *_MESSAGES))
_LICENSE_SERVICE = (("license", "POST", r"/rest/1\.0/plugins/[^/]+/license"),)
_COMPILED = {
    side: [(kind, method, re.compile(pattern)) for kind, method, pattern in patterns]
    for side, patterns in (
        ("marketplace", _MARKETPLACE),
        ("journy_segment", _SEGMENT),
        ("segment", _SEGMENT),
        ("license-service", _LICENSE_SERVICE),
    )
}

GROUPS = {
    "members": frozenset({"add_members", "remove_members"}),
    "write": frozenset(kind for (method, _), kind in _JOURNY.items() if method != "GET") | {"batch", *_MESSAGES},
}
"""Names for several kinds together: `members`, and `write` for all that changes what journy.io holds."""

KINDS = tuple(
    dict.fromkeys(
        (*(kind for kind, *_ in _MARKETPLACE), *_JOURNY.values(), *(kind for kind, *_ in _SEGMENT), "license", "other")
    )
)
"""Every kind; `other` is what none of the APIs has."""


@dataclass(frozen=True)
class Call:
    """One call to a stand-in.

    Attributes:
        side: One of `SIDES`.
        kind: One of `KINDS`.
        method: In capitals.
        path: With the side in front: `/journy/track`.
        query: As sent, still encoded.
    """

    side: str
    kind: str
    method: str
    path: str
    query: str


def call_of(method: str, path: str, query: str) -> Call | None:
    """The call, or None if it is to none of the stand-ins."""
    side, _, rest = path[1:].partition("/")
    if side not in SIDES:
        return None
    return Call(side, _kind(side, method, f"/{rest}"), method, path, query)


def _kind(side: str, method: str, path: str) -> str:
    if side == "journy":
        return _JOURNY.get((method, path), "other")
    found = (kind for kind, wanted, pattern in _COMPILED[side] if method == wanted and pattern.fullmatch(path))
    return next(found, "other")
