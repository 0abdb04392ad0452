"""The services' own API descriptions, and what of a request or an answer does not fit them."""

from __future__ import annotations

import copy
import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jsonschema
import pytest
import yaml

SPECS = Path(__file__).parents[3] / "shared" / "specs"
MARKETPLACE = SPECS / "atlassian-marketplace-v3.openapi.json"
JOURNY = SPECS / "journy-openapi.yaml"

Call = dict[str, Any]
Schema = dict[str, Any]

# The description calls dates plain strings; the API takes this form only.
_DATES = ("startDate", "endDate", "lastUpdated")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")

# The lists of metric events lack these among their parameters, but name them in the template of their links.
_OF_PAGES = ("offset", "limit")

# Real rows lack fields that the description calls required, hold nulls, and values outside its enumerations.
_NOT_OF_ROWS = ("required", "enum", "format")


@dataclass(frozen=True)
class Operation:
    """A described method of a described path."""

    template: str
    pattern: re.Pattern[str]
    method: str
    described: dict[str, Any]


class Description:
    """One OpenAPI file.

    Attributes:
        content: The file as it is.
    """

    def __init__(self, path: Path) -> None:
        # JSON is YAML, but a hundred times slower to read as such.
        text = path.read_text(encoding="utf-8")
        self.content: dict[str, Any] = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
        # Fixed parts of a path before variable ones: `.../transactions/export` is no `.../transactions/{metric}`.
        templates = sorted(self.content["paths"], key=lambda template: (template.count("{"), template))
        self._validators: dict[tuple[str, str], jsonschema.protocols.Validator] = {}
        self._operations = [
            Operation(template, _pattern(template), method, described)
            for template in templates
            for method, described in self.content["paths"][template].items()
            if method in ("get", "post", "put", "patch", "delete")
        ]

    def operation(self, method: str, path: str) -> Operation | None:
        """The operation of a method and a path below the base URL, if it is described."""
        found = (each for each in self._operations if each.method == method.lower() and each.pattern.fullmatch(path))
        return next(found, None)

    def is_path(self, path: str) -> bool:
        """Whether a path is described, for whatever method."""
        return any(each.pattern.fullmatch(path) for each in self._operations)

    def validator(self, schema: Schema, *, loose_rows: bool = False) -> jsonschema.protocols.Validator:
        """A validator of a schema of this file.

        Args:
            schema: The schema; references in it are those of the file.
            loose_rows: Without what rows of reports do not obey in reality, see `_NOT_OF_ROWS`.
        """
        if self.content["openapi"].startswith("3.0"):
            return jsonschema.Draft4Validator(_without_nullable(schema))
        components = copy.deepcopy(self.content["components"])
        if loose_rows:
            components["schemas"] = {
                name: loosened(each) if _is_part_of_rows(name) else each for name, each in components["schemas"].items()
            }
        return jsonschema.Draft202012Validator({**schema, "components": components})

    def body_validator(self, operation: Operation) -> jsonschema.protocols.Validator:
        """The validator of an operation's request bodies, made once; fields that are not described are wrong."""
        key = operation.template, operation.method
        if key not in self._validators:
            content = operation.described["requestBody"]["content"]
            self._validators[key] = self.validator(_closed(content["application/json"]["schema"]))
        return self._validators[key]

    def answer(self, operation: Operation, status: int) -> dict[str, Any] | None:
        """What is described of an answer, if anything is."""
        described: dict[str, Any] | None = operation.described["responses"].get(str(status))
        return described


@functools.cache
def marketplace() -> Description:
    """Atlassian's description of the Marketplace API, version 3."""
    return Description(MARKETPLACE)


@functools.cache
def journy() -> Description:
    """journy.io's description of its REST API."""
    return Description(JOURNY)


# The License Service has no description of its own.
_DESCRIBED = {"marketplace": marketplace, "journy": journy}


def misfits(call: Call) -> list[str]:
    """What of a request is not as described; nothing where a side has no description.

    Args:
        call: An entry of the sandbox's journal: `side`, `method`, `path` with the side in front, `query`, and `body`
            where there is one.
    """
    if call["side"] not in _DESCRIBED:
        return []
    description = _DESCRIBED[call["side"]]()
    path = call["path"].removeprefix(f"/{call['side']}")
    operation = description.operation(call["method"], path)
    if operation is None:
        return [f"the {'method' if description.is_path(path) else 'path'} is not described"]
    return [*_query_misfits(description, operation, call["query"]), *_body_misfits(description, operation, call)]


def present() -> bool:
    """Whether the descriptions are beside the checkout."""
    return SPECS.is_dir()


def skip_unless_present() -> None:
    """Skip a test that needs the descriptions where they are not beside the checkout."""
    if not present():
        pytest.skip("the API descriptions are not beside this checkout")


def assert_requests_fit(calls: list[Call]) -> None:
    """Fail if any request is not as the API descriptions say, and list what is wrong, each thing once.

    To be called at the end of a test: where there are no descriptions, the test counts as skipped from here on.

    Args:
        calls: Entries of the sandbox's journal, whatever was answered.
    """
    skip_unless_present()
    assert calls, "no call was made"
    found = dict.fromkeys(f"{call['method']} {call['path']}: {misfit}" for call in calls for misfit in misfits(call))
    assert not found, "\n".join(found)


def _query_misfits(description: Description, operation: Operation, query: str) -> list[str]:
    described = {each["name"]: each for each in operation.described.get("parameters", []) if each["in"] == "query"}
    given: dict[str, list[str]] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        given.setdefault(name, []).append(value)
    found = [f"?{name}= is required" for name, each in described.items() if each.get("required") and name not in given]
    for name, values in given.items():
        if name in _OF_PAGES and operation.template.endswith("/details"):
            continue
        if name not in described:
            found.append(f"?{name}= is not described")
            continue
        schema = _resolved(description, described[name]["schema"])
        if schema.get("type") == "array":
            schema = _resolved(description, schema["items"])
        elif len(values) > 1:
            found.append(f"?{name}= is given {len(values)} times")
        found += [f"?{name}={value} is not {wanted}" for value in values if (wanted := _unlike(schema, name, value))]
    return found


def _unlike(schema: Schema, name: str, value: str) -> str | None:
    """What a value of a query should be, None if it is."""
    if "enum" in schema and value not in map(str, schema["enum"]):
        return f"one of {', '.join(map(str, schema['enum']))}"
    if name in _DATES and not _DATE.fullmatch(value):
        return "a date"
    if schema.get("type") in ("number", "integer") and not _NUMBER.fullmatch(value):
        return "a number"
    if schema.get("type") == "boolean" and value not in ("true", "false"):
        return "true or false"
    return None if value else "a value"


def _body_misfits(description: Description, operation: Operation, call: Call) -> list[str]:
    described = operation.described.get("requestBody")
    if described is None:
        return ["a body is not described"] if "body" in call else []
    if "body" not in call:
        return ["a body is required"] if described.get("required") else []
    errors = description.body_validator(operation).iter_errors(call["body"])
    return [f"{error.json_path}: {error.message}" for error in errors]


def _resolved(description: Description, schema: Schema) -> Schema:
    while "$ref" in schema:
        schema = description.content["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _pattern(template: str) -> re.Pattern[str]:
    # The root of the reports is described with a slash at its end, which the API itself answers by 404.
    parts = re.split(r"\{[^}]+\}", template.rstrip("/"))
    return re.compile("[^/]+".join(map(re.escape, parts)))


def _is_part_of_rows(component: str) -> bool:
    fixed = ("License", "Transaction", "LicenseTransition", "VendorFeedback", "Quote", "QuoteDiscount", "AppReview")
    parts = ("ontact", "etail", "AppSoftwareVersion", "SourceCodeLicense")
    return component in fixed or any(part in component for part in parts)


def loosened(schema: Any) -> Any:
    """A schema without what real rows do not obey: they lack fields, and hold nulls and other words."""
    if isinstance(schema, list):
        return [loosened(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key not in _NOT_OF_ROWS or isinstance(value, dict)}
    loose = {key: loosened(value) for key, value in kept.items()}
    if isinstance(loose.get("type"), str):
        loose["type"] = [loose["type"], "null"]
    return loose


def _without_nullable(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema; formats are left to the server."""
    if isinstance(node, list):
        return [_without_nullable(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    kept = {key: value for key, value in node.items() if key not in ("nullable", "format", "example")}
    changed = {key: _without_nullable(value) for key, value in kept.items()}
    if node.get("nullable") is True:
        changed["type"] = [node["type"], "null"]
    return changed


def _closed(node: Any) -> Any:
    """A schema whose objects have no other fields than the described ones, unless it says that they may."""
    if isinstance(node, list):
        return [_closed(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    changed = {key: _closed(value) for key, value in node.items()}
    # Not what is only named so: `properties` is a field of journy.io's bodies, too.
    if isinstance(changed.get("type"), str) and "properties" in changed:
        changed.setdefault("additionalProperties", False)
    return changed
