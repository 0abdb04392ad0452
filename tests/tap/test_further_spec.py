"""The streams of the API against its own description, where that is at hand."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from tests.tap.catalogue import catalog, paths, walk
from tests.tap.fake_marketplace import run

SPEC = Path(__file__).parents[3] / "shared" / "specs" / "atlassian-marketplace-v3.openapi.json"
EXAMPLES = {
    "churn_events": ("sales/metrics/churn/details", "Reports_CloudLicenseEvents", "events"),
    "feedback": ("feedback/details", "Reports_GetFeedback", "feedback"),
    "reviews": ("reviews", "ReviewsResponse", "reviews"),
}
ROWS = {
    "licenses": "License",
    "transactions": "Transaction",
    "churn_events": "LicenseTransition",
    "conversion_events": "LicenseTransition",
    "renewal_events": "LicenseTransition",
    "feedback": "VendorFeedback",
    "quotes": "Quote",
    "marketing_attribution": "MarketingAttributionActivity",
    "app_versions": "AppSoftwareVersionGetResponse",
    "reviews": "AppReview",
}


def described(components, schema):
    while "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    return schema


def described_types(components, schema, path=""):
    """Each path of a row, with the types that its values have as far as they are told."""
    schema = described(components, schema)
    if path:
        yield path, types(components, schema)
    for name, inner in schema.get("properties", {}).items():
        yield from described_types(components, inner, f"{path}.{name}")
    if "items" in schema:
        yield from described_types(components, schema["items"], f"{path}[]")


def types(components, schema):
    """The types that values of a schema may have; none if it says nothing about that."""
    schema = described(components, schema)
    told = schema.get("type", [])
    ways = [way for kind in ("oneOf", "anyOf", "allOf") for way in schema.get(kind, ())]
    return {told} if isinstance(told, str) else set(told).union(*(types(components, way) for way in ways))


def kinds_of(schema):
    """The types of a field of ours but null, which every field may be."""
    return ({schema["type"]} if isinstance(schema["type"], str) else set(schema["type"])) - {"null"}


def told_of(stream):
    """The paths that a row of a stream has by the description, with their types."""
    description = json.loads(SPEC.read_text("utf-8"))
    components = description["components"]["schemas"]
    if stream == "apps":
        path = "/rest/3/product-listing/developer-space/{developerId}"
        answer = description["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        row = answer["properties"]["items"]["items"]
    else:
        row = components[ROWS[stream]]
    # What belongs to a framework only is open in the schema.
    return {
        path: kinds
        for path, kinds in described_types(components, row)
        if not path.startswith(".frameworkDetails.attributes.")
    }


@pytest.mark.skipif(not SPEC.exists(), reason="the API description is not at hand")
@pytest.mark.parametrize("stream", [*ROWS, "apps"])
def test_every_described_field_is_in_the_schema_with_its_type(stream):
    ours = {path: kinds_of(schema) for path, schema in walk(catalog()[stream]["schema"]) if path}
    told = told_of(stream)
    assert told.keys() - ours.keys() == set()
    others = {path: (kinds, ours[path]) for path, kinds in told.items() if kinds != ours[path]}
    assert others == {}
    assert all(told.values())


@pytest.mark.skipif(not SPEC.exists(), reason="the API description is not at hand")
@pytest.mark.parametrize("stream", EXAMPLES)
def test_the_examples_of_the_api_reference_pass(marketplace, stream):
    report, component, name = EXAMPLES[stream]
    examples = json.loads(SPEC.read_text("utf-8"))["components"]["schemas"][component]["example"][name]
    marketplace(others={report: copy.deepcopy(examples)})
    records = run(streams=[stream]).records(stream)
    assert len(records) == len(examples) > 0
    schema = catalog()[stream]["schema"]
    for record in records:
        Draft202012Validator(schema, format_checker=FormatChecker()).validate(record)
        assert set(paths(record)) <= {path for path, _ in walk(schema)}
