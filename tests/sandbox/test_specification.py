"""The stand-ins' answers against the services' own API descriptions, as far as those obey themselves."""

import copy
import json
from pathlib import Path

import jsonschema
import pytest
import requests
import yaml

from marketplace_sandbox import credentials

SPECS = Path(__file__).parents[3] / "shared" / "specs"
MARKETPLACE = SPECS / "atlassian-marketplace-v3.openapi.json"
JOURNY = SPECS / "journy-openapi.yaml"
pytestmark = pytest.mark.skipif(not SPECS.is_dir(), reason="the API descriptions are not beside this checkout")

REPORTS = "/rest/3/reporting/developer-space/{developerId}"

# Real rows lack fields that the description calls required, hold nulls, and values outside its enumerations.
LOOSE = ("required", "enum", "format")


def loosened(schema):
    """The schema without what real answers do not obey: types that also allow null, no required fields."""
    if isinstance(schema, list):
        return [loosened(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    loose = {key: loosened(value) for key, value in schema.items() if key not in LOOSE or isinstance(value, dict)}
    if isinstance(loose.get("type"), str):
        loose["type"] = [loose["type"], "null"]
    return loose


@pytest.fixture(scope="module")
def description():
    return json.loads(MARKETPLACE.read_text(encoding="utf-8"))


def answer_schema(description, path, method, *, strict=False):
    answer = description["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
    components = copy.deepcopy(description["components"])
    if not strict:
        components["schemas"] = {
            name: loosened(schema)
            if name in ("License", "Transaction") or "ontact" in name or "etails" in name
            else schema
            for name, schema in components["schemas"].items()
        }
    return {**answer, "components": components}


@pytest.mark.parametrize(
    ("path", "method", "query"),
    [
        ("/rest/3/developer-space/vendor/{vendorId}", "get", {}),
        ("/rest/3/developer-space/{developerId}", "get", {}),
        ("/rest/3/product-listing/developer-space/{developerId}", "get", {"includePrivate": "true"}),
        (f"{REPORTS}/licenses", "get", {"startDate": "2018-07-01", "withDataInsights": "true", "limit": "50"}),
        (f"{REPORTS}/licenses", "get", {"includeAtlassianLicenses": "true", "limit": "50", "offset": "50"}),
        (f"{REPORTS}/licenses/async/export", "post", {}),
        (f"{REPORTS}/licenses/async/export/{{exportId}}/status", "get", {}),
        (f"{REPORTS}/sales/transactions", "get", {"includeManualInvoice": "true", "limit": "50"}),
        (f"{REPORTS}/sales/transactions", "get", {"limit": "50", "offset": "50"}),
        (f"{REPORTS}/sales/transactions/async/export", "post", {}),
        (f"{REPORTS}/sales/transactions/async/export/{{exportId}}/status", "get", {}),
    ],
)
def test_marketplace_answers_obey_the_description(marketplace, description, path, method, query):
    filled = path.replace("{vendorId}", str(credentials.VENDOR_ID)).replace("{developerId}", credentials.DEVELOPER_ID)
    if "{exportId}" in filled:
        export = marketplace.call("POST", filled.partition("/{exportId}")[0]).json()["export"]["id"]
        filled = filled.replace("{exportId}", export)
    response = marketplace.call(method.upper(), filled, params=query)
    assert response.status_code == 200
    schema = answer_schema(description, path, method)
    jsonschema.Draft202012Validator(schema).validate(response.json())


def fields(description, component):
    """Dotted names of a component's fields, down to the leaves."""
    schemas, found = description["components"]["schemas"], set()

    def walk(schema, prefix):
        while "$ref" in schema:
            schema = schemas[schema["$ref"].rpartition("/")[2]]
        if "items" in schema:
            walk(schema["items"], prefix)
            return
        for key, value in schema.get("properties", {}).items():
            walk(value, f"{prefix}.{key}" if prefix else key)
        if "properties" not in schema:
            found.add(prefix)

    walk(schemas[component], "")
    return found


def leaves(value, prefix=""):
    if isinstance(value, dict):
        return {leaf for key, entry in value.items() for leaf in leaves(entry, f"{prefix}.{key}" if prefix else key)}
    if isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
        return {leaf for entry in value for leaf in leaves(entry, prefix)}
    return {prefix}


@pytest.mark.parametrize(("component", "rows"), [("License", "licenses"), ("Transaction", "transactions")])
def test_every_described_field_occurs_in_the_world(sandbox, description, component, rows):
    occurring = {leaf for row in getattr(sandbox.world, rows) for leaf in leaves(row)}
    assert fields(description, component) - occurring == set()


def journy_schema(node):
    """OpenAPI 3.0's `nullable` in the words of JSON Schema; formats are left to the server."""
    if isinstance(node, list):
        return [journy_schema(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    changed = {key: journy_schema(value) for key, value in node.items() if key not in ("nullable", "format", "example")}
    if node.get("nullable") is True:
        changed["type"] = [node["type"], "null"]
    return changed


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("post", "/accounts/upsert", {"identification": {"accountId": "E-1"}, "properties": {"n": 1, "t": "a"}}, 201),
        ("post", "/accounts/upsert", {"identification": {"accountId": "E-1"}, "properties": {"n": "1"}}, 201),
        ("post", "/accounts/upsert", {"identification": {}}, 400),
        ("post", "/users/upsert", {"identification": {"email": "a@b.example"}, "properties": {"l": ["x"]}}, 201),
        ("post", "/users/upsert", {"identification": {"email": "a"}}, 400),
        ("post", "/track", {"identification": {"user": {"userId": "1"}}, "name": "x", "metadata": {"p": 0.1}}, 201),
        ("post", "/track", {"identification": {"user": {"userId": "1"}}, "name": "x", "metadata": {"p": [1]}}, 400),
        ("post", "/accounts/users/add", {"account": {"accountId": "E-1"}, "users": []}, 201),
        ("delete", "/users", {"identification": {"email": "a@b.example"}}, 202),
        ("delete", "/accounts", {"identification": {"accountId": "E-1"}}, 202),
        ("get", "/validate", None, 200),
        ("get", "/properties/accounts", None, 200),
        ("get", "/properties/users", None, 200),
        ("get", "/events", None, 200),
        ("get", "/segments/users", None, 200),
    ],
)
def test_journy_bodies_and_answers_obey_the_description(shared_journy, method, path, body, status):
    operation = yaml.safe_load(JOURNY.read_text(encoding="utf-8"))["paths"][path][method]
    response = shared_journy.call(method.upper(), path, body)
    assert response.status_code == status, response.text
    described = operation["responses"][str(status)]
    jsonschema.Draft4Validator(journy_schema(described["content"]["application/json"]["schema"])).validate(
        response.json()
    )
    assert set(described["headers"]) <= {name for name in described["headers"] if name in response.headers}
    if body is not None and status < 300:
        request = operation["requestBody"]["content"]["application/json"]["schema"]
        jsonschema.Draft4Validator(journy_schema(request)).validate(body)


def test_the_described_errors_are_those_that_are_given(session, sandbox, marketplace, description):
    entry = description["components"]["schemas"]["ErrorEntity"]
    wrong = requests.get(f"{sandbox.marketplace_url}/rest/2/x", timeout=10).json()
    jsonschema.Draft202012Validator(entry).validate(wrong["errors"][0])
    reporting = {**description["components"]["schemas"]["JsonErrorsDoc"], "components": description["components"]}
    jsonschema.Draft202012Validator(reporting).validate(marketplace.list("licenses", startDate="x").json())
