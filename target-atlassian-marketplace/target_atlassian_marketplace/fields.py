"""The fields of a licence import, and which column of a record is which field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

REQUIRED = (
    "id",
    "email",
    "firstName",
    "lastName",
    "organisationName",
    "isoCountryCode",
    "startDate",
    "endDate",
    "licenseType",
    "users",
)
OPTIONAL = ("address1", "address2", "city", "state", "postcode", "expertEmail")
ALL = (*REQUIRED, *OPTIONAL)

_BY_PLAIN_NAME = {name.lower(): name for name in ALL}


def field_of(column: str) -> str | None:
    """The field that a column is, or None; taps for databases and spreadsheets write `firstname` or `first_name`."""
    # Excel begins a "CSV UTF-8" file with a byte-order mark, which many taps leave at the first heading.
    return _BY_PLAIN_NAME.get(column.removeprefix("\ufeff").replace("_", "").lower())


def pick(record: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Take the documented fields out of a record.

    Args:
        record: A record of any tap.

    Returns:
        The values as they came, by the name that the License Service has for them, empty ones left out; and what is
        wrong: two columns with a value are the same field.
    """
    values: dict[str, Any] = {}
    columns: dict[str, str] = {}
    problems = []
    for column, value in record.items():
        field = field_of(column)
        if field is None or value is None or value == "":
            continue
        if field in values:
            problems.append(f"{field}: the columns {columns[field]} and {column} both give it; leave one out")
        else:
            values[field], columns[field] = value, column
    return values, problems
