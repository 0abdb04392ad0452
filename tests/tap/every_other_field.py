"""A row that has every field of its schema, of each report beside licences and sales, as it would be sent."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

REPORTS = {
    "sales/metrics/churn/details": "churn_events",
    "sales/metrics/conversion/details": "conversion_events",
    "sales/metrics/renewal/details": "renewal_events",
    "feedback/details": "feedback",
    "quotes": "quotes",
    "marketing-attribution": "marketing_attribution",
    "recurring_revenue": "recurring_revenue",
    "apps": "apps",
    "app_versions": "app_versions",
    "reviews": "reviews",
}
"""The stream of each report."""

_MADE_BY_US = {"account_id", "aliases", "month"}
_KNOWN = {
    "addonKey": "com.example.one",
    "appKey": "com.example.one",
    "productId": "product-1",
    "appEntitlementNumber": "E-1",
    "eventTimestamp": "2026-02-01 10:11:12",
}


def row_of(report: str, **fields: Any) -> dict[str, Any]:
    """Give such a row.

    Args:
        report: The report.
        fields: Other values.
    """
    name = REPORTS[report]
    schema = json.loads(files("tap_atlassian_marketplace.schemas").joinpath(f"{name}.json").read_text("utf-8"))
    row = {key: _value(key, each) for key, each in schema["properties"].items() if key not in _MADE_BY_US}
    if report != "reviews":
        row.pop("id", None)
    return {**row, **fields}


def bare_row(report: str, **fields: Any) -> dict[str, Any]:
    """Give a row that has nothing but what names it: all else is null.

    Args:
        report: The report.
        fields: Other values.
    """
    names = {name: f"another {name}" for name in ("transactionId", "cloudId", "quoteId", "userId")}
    names |= {"subscription": "OTHER", "buildNumber": 7, "id": "another id", "date": "2026-01-01"}
    names |= {"eventDate": "2026-01-01", "eventTimestamp": "2026-01-01 10:11:12", "feedbackType": "another"}
    names |= {"appKey": "com.example.two", "productId": "product-2", "addonKey": "com.example.one"}
    return {
        **{name: names.get(name) for name in row_of(report)},
        **({"id": "r"} if report == "reviews" else {}),
        **fields,
    }


def _value(name: str, schema: dict[str, Any]) -> Any:
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    match kinds[0]:
        case "object":
            return {key: _value(key, each) for key, each in schema.get("properties", {}).items()} or {"x": 1}
        case "array":
            return [_value(name, schema["items"])]
        case "integer" | "number":
            return 3
        case "boolean":
            return True
    return _KNOWN.get(name, "2026-02-01" if schema.get("format") == "date" else f"a {name}")


EVERY_OTHER_FIELD = {report: [row_of(report), bare_row(report)] for report in REPORTS}
