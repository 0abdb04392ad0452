"""No token and nothing about people in any log, however much is logged and whatever goes wrong."""

from __future__ import annotations

import base64
import logging

import pytest
import requests
from tests.tap.command import errors
from tests.tap.fake_marketplace import Output

from marketplace_http import RetryPolicy, redact_logs

server = pytest.importorskip("marketplace_sandbox.server", reason="the sandbox is not installed")
credentials = pytest.importorskip("marketplace_sandbox.credentials")

CRASH = (credentials.API_TOKEN, "Jane Doe", "Long Street 1", "jane@customer.example", "+49 30 1234567")
PERSONAL = ("email", "name", "phone", "address1")


@pytest.fixture(scope="module")
def sandbox():
    with server.running(customers=2) as running:
        yield running


@pytest.fixture
def secrets(sandbox):
    """The token, as it is and as it is sent, and everything about the people of the sandbox."""
    sent = base64.b64encode(f"{credentials.VENDOR_EMAIL}:{credentials.API_TOKEN}".encode()).decode()
    texts = {credentials.API_TOKEN, sent, credentials.VENDOR_EMAIL}
    for row in sandbox.world.licenses:
        details, partner = row.get("contactDetails") or {}, row.get("partnerDetails") or {}
        for person in (details.get("technicalContact"), details.get("billingContact"), partner.get("billingContact")):
            texts |= {str(person[field]) for field in PERSONAL if (person or {}).get(field)}
    return {text for text in texts if len(text) > 5 and text != "RTBF"}


FAULTS = [
    None, "401", "403", "500", "502", "429-seconds", "non-json", "cut-body", "half-answer", "drop-before", "redirect",
    "export-failed", "export-reused", "export-truncated", "export-gone", "foreign-links", "empty", "duplicate-rows",
]  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_no_log_tells_a_secret(tap, config, sandbox, secrets, monkeypatch, fault):
    monkeypatch.setenv("TAP_ATLASSIAN_MARKETPLACE_LOGLEVEL", "DEBUG")
    monkeypatch.setattr("tap_atlassian_marketplace.client._RETRY", RetryPolicy(base=0.01, longest=0.02))
    if fault:
        sandbox.faults.add(fault, side="marketplace", after=1)
    try:
        result = tap(config)
    finally:
        sandbox.faults.clear()
    assert "DEBUG" in result.stderr
    assert not [secret for secret in secrets if secret in result.stderr]
    assert not [secret for secret in (credentials.API_TOKEN, credentials.VENDOR_EMAIL) if secret in result.stdout]


@pytest.mark.parametrize(
    "place",
    [
        "tap_atlassian_marketplace.streams.licenses.contact_rows",
        "tap_atlassian_marketplace.reports.MergedRows",
        "tap_atlassian_marketplace.row_file.key_hashes",
        "tap_atlassian_marketplace.client._repeatable",
        "tap_atlassian_marketplace.streams.base.UnknownFields.look_at",
        "tap_atlassian_marketplace.writing.serialize_jsonl",
    ],
)
def test_no_crash_tells_a_secret(tap, config, monkeypatch, place):
    def crash(*_, **__):
        # A call stack quotes this line, but not what the names in it stand for.
        raise ValueError(*CRASH) from KeyError(CRASH)

    monkeypatch.setattr(place, crash)
    monkeypatch.setenv("TAP_ATLASSIAN_MARKETPLACE_LOGLEVEL", "DEBUG")
    result = tap(config)
    assert result.returncode == 1
    assert errors(result)
    assert all("Unexpected ValueError at " in line for line in errors(result))
    assert not [word for word in CRASH if word in result.stderr]


def test_a_state_holds_days_and_hashes_only(tap, config):
    state = Output(tap(config).stdout).state
    for bookmark in state["bookmarks"].values():
        assert set(bookmark) == {"replication_key", "replication_key_value", "fingerprint", "version", "vendor"}
        assert len(bookmark["fingerprint"]) == len(bookmark["vendor"]) == 64
        assert isinstance(bookmark["version"], int)


def test_handlers_of_other_loggers_and_exceptions_are_masked(caplog):
    lines = []

    class Lines(logging.Handler):
        def emit(self, record):
            lines.append(self.format(record))

    logger = logging.getLogger("tests.tap.secrecy")
    logger.propagate = False
    handler = Lines()
    logger.addHandler(handler)
    try:
        redact_logs(["s3cret"])
        error = requests.ConnectionError("s3cret of jane@customer.example")
        logger.error("It was %s", "s3cret", exc_info=error)
    finally:
        logger.removeHandler(handler)
    (line,) = lines
    assert "ConnectionError" in line
    assert "s3cret" not in line
    assert "jane" not in line
