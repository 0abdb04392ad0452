"""The stand-ins' answers against the services' own API descriptions, as far as those obey themselves.

Where real answers and descriptions differ, reality is followed: rows of reports lack required fields, hold nulls and
values outside the enumerations (`validator(loose_rows=True)`); the root of the reports is described with a slash at its
end, which is 404; downloads and the Marketplace's errors have no schema of their own, so components stand in for
them; a 204 of journy.io has no body.
"""

import jsonschema
import pytest
from tests.contracts import openapi

from marketplace_sandbox import credentials

REPORTS = "/rest/3/reporting/developer-space/{developerId}"
SALES = f"{REPORTS}/sales/transactions"
ACCOUNT = {"identification": {"accountId": "E-1"}}
USER = {"identification": {"email": "a@b.example"}}
MEMBERS = {"account": {"accountId": "E-1"}, "users": [USER]}
QUOTES = {"createdStartDate": "2010-01-01", "createdEndDate": "2099-01-01"}
EVENT = {"identification": {"user": {"userId": "1"}}, "name": "x"}


def marketplace_answer_fits(response, template, method):
    description = openapi.marketplace()
    operation = description.operation(method, template.replace("{", "").replace("}", ""))
    schema = description.answer(operation, response.status_code)["content"]["application/json"]["schema"]
    if "product-listing" in template:
        schema = openapi.loosened(schema)  # the rows are described in place, instead of by a component
    description.validator(schema, loose_rows=True).validate(response.json())


@pytest.mark.parametrize(
    ("path", "method", "query"),
    [
        ("/rest/3/developer-space/vendor/{vendorId}", "get", {}),
        ("/rest/3/developer-space/{developerId}", "get", {}),
        ("/rest/3/product-listing/developer-space/{developerId}", "get", {"includePrivate": "true"}),
        ("/rest/3/product-listing/developer-space/{developerId}", "get", {"limit": "1"}),
        (REPORTS, "get", {}),
        (f"{REPORTS}/licenses", "get", {"startDate": "2018-07-01", "withDataInsights": "true", "limit": "50"}),
        (f"{REPORTS}/licenses", "get", {"includeAtlassianLicenses": "true", "limit": "50", "offset": "50"}),
        (f"{REPORTS}/licenses/async/export", "post", {}),
        (f"{REPORTS}/licenses/async/export/{{exportId}}/status", "get", {}),
        (SALES, "get", {"includeManualInvoice": "true", "limit": "50"}),
        (SALES, "get", {"limit": "50", "offset": "50"}),
        (f"{SALES}/async/export", "post", {}),
        (f"{SALES}/async/export/{{exportId}}/status", "get", {}),
        (f"{REPORTS}/sales/metrics/churn/details", "get", {"limit": "50"}),
        (f"{REPORTS}/quotes", "get", {"limit": "50"}),
        (f"{REPORTS}/quotes/async/export", "post", QUOTES),
        (f"{REPORTS}/quotes/async/export/{{exportId}}/status", "get", QUOTES),
        (f"{REPORTS}/marketing-attribution/async/export", "post", {}),
    ],
)
def test_marketplace_answers(marketplace, path, method, query):
    response = marketplace(method, path, **query)
    assert response.status_code == 200
    marketplace_answer_fits(response, path, method)


@pytest.mark.parametrize("way", ["export", "async/export/{exportId}"])
@pytest.mark.parametrize(("report", "component"), [("licenses", "License"), ("sales/transactions", "Transaction")])
def test_rows_of_exports(marketplace, way, report, component):
    query = {"startDate": "2018-07-01", "withDataInsights": "true"} if report == "licenses" else {}
    rows = marketplace("get", f"{REPORTS}/{report}/{way}", **query).json()
    assert len(rows) > 50
    schema = {"type": "array", "items": {"$ref": f"#/components/schemas/{component}"}}
    openapi.marketplace().validator(schema, loose_rows=True).validate(rows)


def test_rows_of_feedback(marketplace):
    # The description takes the links of a page for a page, so only the rows are compared.
    rows = marketplace("get", f"{REPORTS}/feedback/details", limit="50").json()["feedback"]
    assert rows
    schema = {"type": "array", "items": {"$ref": "#/components/schemas/VendorFeedback"}}
    openapi.marketplace().validator(schema, loose_rows=True).validate(rows)


def test_rows_of_the_catalogue(sandbox, marketplace):
    description = openapi.marketplace()
    for app in sandbox.world.apps.values():
        for software in marketplace("get", f"/rest/3/app-software/app-key/{app.key}").json():
            schema = {"$ref": "#/components/schemas/AppSoftwareByAppKeyResponse"}
            description.validator(schema, loose_rows=True).validate(software)
            rows = marketplace("get", f"/rest/3/app-software/{software['appSoftwareId']}/versions").json()
            schema = {"type": "array", "items": {"$ref": "#/components/schemas/AppSoftwareVersionGetResponse"}}
            description.validator(schema, loose_rows=True).validate(rows["versions"])
        reviews = marketplace("get", f"/rest/3/products/{app.product_id}/reviews").json()["reviews"]
        schema = {"type": "array", "items": {"$ref": "#/components/schemas/AppReview"}}
        description.validator(schema, loose_rows=True).validate(reviews)


def leaves_of_schema(description, component):
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
def test_every_described_field_occurs_in_the_world(sandbox, component, rows):
    occurring = {leaf for row in getattr(sandbox.world, rows) for leaf in leaves(row)}
    assert leaves_of_schema(openapi.marketplace().content, component) - occurring == set()


def error_fits(response, component):
    description = openapi.marketplace()
    description.validator({"$ref": f"#/components/schemas/{component}"}).validate(response.json())


def test_marketplace_errors_of_newer_resources(sandbox, marketplace):
    for response in (
        marketplace("get", "/rest/2/vendors"),
        marketplace("get", "/rest/3/developer-space/unknown"),
        marketplace("get", f"{REPORTS}/licenses", email=credentials.NO_REPORTS_EMAIL),
    ):
        assert response.status_code in (403, 404, 410)
        description = openapi.marketplace()
        entry = {"$ref": "#/components/schemas/ErrorEntity"}
        for error in response.json()["errors"]:
            description.validator(entry).validate(error)


def test_marketplace_errors_of_reports(marketplace):
    response = marketplace("get", f"{REPORTS}/licenses", startDate="x")
    assert response.status_code == 400
    error_fits(response, "JsonErrorsDoc")


@pytest.mark.parametrize("name", ["403", "410", "500"])
def test_marketplace_errors_of_faults(sandbox, marketplace, name):
    sandbox.faults.add(name)
    entry = {"$ref": "#/components/schemas/ErrorEntity"}
    for error in marketplace("get", f"{REPORTS}/licenses").json()["errors"]:
        openapi.marketplace().validator(entry).validate(error)


def journy_answer_fits(response, method, path):
    description = openapi.journy()
    described = description.answer(description.operation(method, path), response.status_code)
    assert described is not None, f"{response.status_code} is not described"
    assert set(described["headers"]) <= {name for name in described["headers"] if name in response.headers}
    if response.status_code == 204:
        assert response.content == b""
    else:
        description.validator(described["content"]["application/json"]["schema"]).validate(response.json())


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("post", "/accounts/upsert", {**ACCOUNT, "properties": {"n": 1, "t": "a", "gone": None}}, 201),
        ("post", "/accounts/upsert", {**ACCOUNT, "properties": {"n": "1"}}, 201),
        ("post", "/accounts/upsert", {"identification": {}}, 400),
        ("post", "/users/upsert", {**USER, "properties": {"l": ["x"]}}, 201),
        ("post", "/users/upsert", {"identification": {"email": "a"}}, 400),
        ("post", "/track", {**EVENT, "metadata": {"p": 0.1, "t": "x"}, "triggeredAt": "2026-03-02T00:00:00Z"}, 201),
        ("post", "/track", {**EVENT, "metadata": {"p": [1]}}, 400),
        ("post", "/accounts/users/add", MEMBERS, 201),
        ("post", "/accounts/users/remove", MEMBERS, 204),
        ("post", "/accounts/users/remove", {"users": []}, 400),
        ("delete", "/users", USER, 202),
        ("delete", "/accounts", ACCOUNT, 202),
        ("delete", "/accounts", {}, 400),
        ("get", "/validate", None, 200),
        ("get", "/properties/accounts", None, 200),
        ("get", "/properties/users", None, 200),
        ("get", "/events", None, 200),
        ("get", "/segments/users", None, 200),
        ("get", "/segments/accounts", None, 200),
    ],
)
def test_journy_answers(sandbox, journy, method, path, body, status):
    response = journy(method, path, body)
    assert response.status_code == status, response.text
    journy_answer_fits(response, method, path)
    if status < 300:
        openapi.assert_requests_fit(sandbox.journal.calls[-1:])


@pytest.mark.parametrize(("method", "path"), [("post", "/accounts/upsert"), ("delete", "/users"), ("get", "/events")])
@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_journy_errors(sandbox, journy, method, path, status):
    sandbox.faults.add("429-plain" if status == 429 else str(status))
    response = journy(method, path, ACCOUNT)
    assert response.status_code == status
    journy_answer_fits(response, method, path)


@pytest.mark.parametrize(("key", "status"), [(None, 401), ("unknown", 401), (credentials.JOURNY_DISABLED_KEY, 403)])
def test_journy_refuses_keys_as_described(journy, key, status):
    response = journy("get", "/validate", key=key)
    assert response.status_code == status
    journy_answer_fits(response, "get", "/validate")


def test_an_answer_that_is_not_as_described_is_found(marketplace):
    page = marketplace("get", f"{REPORTS}/licenses").json()
    schema = openapi.marketplace().operation("get", f"{REPORTS}/licenses".replace("{developerId}", "x")).described
    validator = openapi.marketplace().validator(
        schema["responses"]["200"]["content"]["application/json"]["schema"], loose_rows=True
    )
    page["licenses"][0]["addonName"] = 7
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(page)
