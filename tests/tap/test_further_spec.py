"""The further streams against the API's own description, where it is at hand."""

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


def described_paths(components, schema, path=""):
    schema = described(components, schema)
    for name, inner in schema.get("properties", {}).items():
        yield f"{path}.{name}"
        yield from described_paths(components, inner, f"{path}.{name}")
    if "items" in schema:
        yield from described_paths(components, schema["items"], f"{path}[]")


@pytest.mark.skipif(not SPEC.exists(), reason="the API description is not at hand")
@pytest.mark.parametrize("stream", [*ROWS, "apps"])
def test_every_described_field_is_in_the_schema(stream):
    description = json.loads(SPEC.read_text("utf-8"))
    components = description["components"]["schemas"]
    if stream == "apps":
        path = "/rest/3/product-listing/developer-space/{developerId}"
        answer = description["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        row = answer["properties"]["items"]["items"]
    else:
        row = components[ROWS[stream]]
    # What belongs to a framework only is open in the schema.
    wanted = {path for path in described_paths(components, row) if not path.startswith(".frameworkDetails.attributes.")}
    assert wanted - {path for path, _ in walk(catalog()[stream]["schema"])} == set()


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
