"""A running sandbox and two small clients for it."""

from __future__ import annotations

import pytest
import requests

from marketplace_sandbox import credentials
from marketplace_sandbox.server import running

REPORTS = f"/rest/3/reporting/developer-space/{credentials.DEVELOPER_ID}"


def pytest_itemcollected(item):
    """No test of this folder runs a plugin."""
    item.add_marker(pytest.mark.off_contract(reason="asks the stand-ins what they answer to wrong requests, too"))


class Marketplace:
    """Calls the Marketplace stand-in of a sandbox as the vendor."""

    def __init__(self, session, sandbox):
        self._session = session
        self._base = sandbox.marketplace_url

    def call(self, method, path, *, email=credentials.VENDOR_EMAIL, token=credentials.API_TOKEN, **kwargs):
        return self._session.request(method, self._base + path, auth=(email, token), timeout=10, **kwargs)

    def get(self, path, **params):
        return self.call("GET", path, params=params)

    def list(self, report, **params):
        return self.get(f"{REPORTS}/{report}", **params)

    def export(self, report, **params):
        """All rows of a report; 200 is taken for granted."""
        response = self.get(f"{REPORTS}/{report}/export", accept="json", **params)
        assert response.status_code == 200, response.text
        return response.json()


class Journy:
    """Calls the journy.io stand-in of a sandbox."""

    def __init__(self, session, sandbox):
        self._session = session
        self._base = sandbox.journy_url

    def call(self, method, path, body=None, *, key=credentials.JOURNY_KEY, **kwargs):
        headers = {} if key is None else {"X-Api-Key": key}
        if body is not None:
            kwargs["json"] = body
        return self._session.request(method, self._base + path, headers=headers, timeout=10, **kwargs)

    def post(self, path, body):
        return self.call("POST", path, body)

    def account(self, account_id, **properties):
        return self.post("/accounts/upsert", {"identification": {"accountId": account_id}, "properties": properties})

    def user(self, email, **properties):
        return self.post("/users/upsert", {"identification": {"email": email}, "properties": properties})

    def members(self, verb, account_id, *emails):
        users = [{"identification": {"email": email}} for email in emails]
        return self.post(f"/accounts/users/{verb}", {"account": {"accountId": account_id}, "users": users})


@pytest.fixture(scope="session")
def session():
    with requests.Session() as session:
        yield session


@pytest.fixture(scope="module")
def sandbox():
    """A sandbox with the fixture companies; tests of one module share it."""
    with running() as sandbox:
        yield sandbox


@pytest.fixture
def fresh():
    """A sandbox of this test alone."""
    with running() as sandbox:
        yield sandbox


@pytest.fixture
def marketplace(session, sandbox):
    return Marketplace(session, sandbox)


@pytest.fixture
def journy(session, fresh):
    return Journy(session, fresh)


@pytest.fixture
def shared_journy(session, sandbox):
    return Journy(session, sandbox)
