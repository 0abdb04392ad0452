"""However much is logged and whatever goes wrong: no token, licence key, address or name is told."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING, Any

import pytest
from tests.licence_import.rows import as_csv, lines, messages, row, tap_csv

from marketplace_sandbox import credentials

if TYPE_CHECKING:
    from tests.licence_import.runs import Import

TOKEN = "very-secret-token-1234"
PEOPLE = {
    "firstName": "Zebedee",
    "lastName": "Quibblesworth",
    "organisationName": "Quobble & Sons",
    "address1": "Long Street 17",
    "address2": "Rear building",
    "city": "Oddtown",
    "postcode": "QX7 4TT",
}
ADDRESS = "zebedee@private.example"
SECRETS = [TOKEN, credentials.API_TOKEN, ADDRESS, "private.example", *PEOPLE.values()]
RECORDS = [
    row("OLD-1", email=ADDRESS, **PEOPLE),
    row("OLD-2", email=f"bad address {ADDRESS}", **{**PEOPLE, "firstName": " Zebedee"}),
    row("OLD-3", email=ADDRESS, **{**PEOPLE, "expertEmail": ADDRESS}),
    row("OLD-4", email=ADDRESS, **{**PEOPLE, "lastName": ["Quibblesworth"], "city": {"Oddtown": ADDRESS}}),
    row("OLD-5", email=ADDRESS, **PEOPLE),
]

CRASH = """
import target_atlassian_marketplace.{module} as module
def crash(*parts, **names): raise {error}(str(parts), str(names), {texts!r})
module.{name} = crash
"""


def crash(module: str, name: str, error: str = "RuntimeError") -> str:
    return CRASH.format(module=module, name=name, error=error, texts=SECRETS)


QUOTES = """
import marketplace_http, target_atlassian_marketplace.service as service
def refuse(self, content, *args): raise marketplace_http.ApiError({status}, content.decode(), body=content.decode())
service.LicenseService._post = refuse
"""
Scenario = tuple[int, dict[str, Any], str]
SCENARIOS: dict[str, Scenario] = {
    "invalid and refused records": (3, {}, ""),
    "a dry run": (3, {"dry_run": True}, ""),
    "a wrong token": (1, {"api_token": TOKEN}, ""),
    "an address with the token in it": (1, {"api_url": f"http://u:{TOKEN}@127.0.0.1"}, ""),
    "a token of a wrong kind": (1, {"api_token": [TOKEN]}, ""),
    "no web address": (1, {"api_url": TOKEN}, ""),
    "a service that quotes what it refuses": (3, {}, QUOTES.format(status=400)),
    "a service that quotes what it cannot do": (1, {}, QUOTES.format(status=500)),
    "a crash in the check": (1, {}, crash("importer", "check", "KeyError")),
    "a crash in a thread": (1, {}, crash("service", "LicenseService.issue")),
    "a crash at an answer": (1, {}, crash("service", "LicenseService._license", "ValueError")),
    "a crash at a result": (1, {}, crash("results", "Results.keep", "UnicodeError")),
    "a crash at the end": (1, {}, crash("report", "Report.lines")),
    "a crash in the intake": (1, {}, crash("intake", "Intake.add")),
    "a crash in the preview": (1, {"dry_run": True}, crash("preview", "Preview.send")),
}
KEEPS_KEYS = {"license-results.jsonl", "license-results.unverified.jsonl"}
KEEPS_PEOPLE = {"license-rejected.jsonl"}


def check(work: Import) -> None:
    """No file but those for it tells a secret, and each is for its owner alone."""
    keys = [licence.license_key for licence in work.sandbox.license_service.licenses.values()]
    for path in work.folder.iterdir():
        if path.name in {"config.json", "in"}:
            continue
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        text = path.read_text()
        assert not [key for key in keys if key in text] or path.name in KEEPS_KEYS
        assert TOKEN not in text
        assert credentials.API_TOKEN not in text
        if path.name not in KEEPS_PEOPLE:
            assert not [secret for secret in SECRETS if secret in text], path


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_nothing_is_told(work: Import, scenario: str) -> None:
    code, changed, first = SCENARIOS[scenario]
    run = work.run(RECORDS, first=first, code=code, env={"TARGET_ATLASSIAN_MARKETPLACE_LOGLEVEL": "DEBUG"}, **changed)
    assert "DEBUG" in run.log or "'api_" in run.errors[0]  # some settings are refused before anything else is done
    assert run.states == ([1] if code == 3 and "dry_run" not in changed else [])
    if "crash" in scenario:
        assert "Unexpected" in run.errors[0]
    check(work)


@pytest.mark.parametrize("fault", ["401", "403", "500", "502-after", "non-json", "cut-body", "drop-before", "redirect"])
def test_no_fault_makes_it_tell_more(work: Import, fault: str) -> None:
    work.sandbox.faults.add(fault, kind="license", after=1)
    work.run(RECORDS, code=1, env={"TARGET_ATLASSIAN_MARKETPLACE_LOGLEVEL": "DEBUG"})
    check(work)
    assert work.sandbox.foreign.calls == []


def test_a_list_without_headings_is_not_read_out(work: Import) -> None:
    """A tap takes the first customer for the names of the columns."""
    text = as_csv(RECORDS[:1] * 2).partition("\r\n")[2]
    run = work.run(text=tap_csv(text, keys=[]), code=3)
    assert "line of headings" in run.log
    check(work)


@pytest.mark.parametrize("line", [f'{{"email": "{ADDRESS}"', f'{{"type": "{ADDRESS}"}}', '"Quibblesworth"', "Zebedee"])
def test_no_line_of_the_input_is_quoted(work: Import, line: str) -> None:
    text = lines(messages(RECORDS, state=None)) + line + "\n"
    work.run(text=text, code=1, env={"TARGET_ATLASSIAN_MARKETPLACE_LOGLEVEL": "DEBUG"})
    assert work.calls == []
    check(work)
