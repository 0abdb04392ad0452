"""The sandbox, and two small clients for it."""

from __future__ import annotations

import pytest
import requests
from tests.contracts import openapi

from marketplace_sandbox import credentials
from marketplace_sandbox.server import running

_SPACE = {"developerId": credentials.DEVELOPER_ID, "vendorId": str(credentials.VENDOR_ID)}


def pytest_itemcollected(item):
    """No test of this folder runs a plugin."""
    item.add_marker(pytest.mark.off_contract(reason="asks the stand-ins for answers, also to wrong requests"))


@pytest.fixture(scope="module")
def sandbox():
    with running() as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def no_faults(sandbox):
    yield
    sandbox.faults.clear()


@pytest.fixture
def marketplace(sandbox):
    """Calls a described path of the Marketplace; `{exportId}` becomes that of an export that is ready."""

    def call(method, template, *, email=credentials.VENDOR_EMAIL, token=credentials.API_TOKEN, **query):
        auth = (email, token)
        for name, value in _SPACE.items():
            template = template.replace(f"{{{name}}}", value)
        start = f"{sandbox.marketplace_url}{template.partition('/{exportId}')[0]}"
        if "{exportId}" in template:
            export = requests.post(start, auth=auth, params=query, timeout=10).json()["export"]["id"]
            requests.get(f"{start}/{export}/status", auth=auth, timeout=10)
            template = template.replace("{exportId}", export)
        return requests.request(
            method, sandbox.marketplace_url + template, auth=auth, params=query, timeout=10, allow_redirects=False
        )

    return call


@pytest.fixture
def journy(sandbox):
    """Calls a path of journy.io."""

    def call(method, path, body=None, key=credentials.JOURNY_KEY):
        headers = {"X-Api-Key": key} if key else {}
        url = sandbox.journy_url + path
        return requests.request(method, url, json=body, headers=headers, timeout=10)

    return call


@pytest.fixture(autouse=True)
def described():
    """Skip what cannot be compared."""
    openapi.skip_unless_present()
