"""A test whose request does not fit the API descriptions fails, whatever it asserts itself."""

import os
import re
import subprocess
import sys

from scripts.setup import ROOT

TESTS = """
import pytest
import requests
from marketplace_sandbox import credentials
from marketplace_sandbox.server import running

def ask(path, **query):
    with running() as sandbox:
        auth = (credentials.VENDOR_EMAIL, credentials.API_TOKEN)
        requests.get(sandbox.marketplace_url + path, auth=auth, params=query, timeout=10)
        sandbox.journal.clear()

@pytest.fixture(scope="module")
def wrong():
    ask("/rest/3/nowhere")

def test_right():
    ask(f"/rest/3/developer-space/{credentials.DEVELOPER_ID}")

def test_wrong():
    ask(f"/rest/3/developer-space/{credentials.DEVELOPER_ID}", color="red")

@pytest.mark.off_contract(reason="to see that it may")
def test_wrong_on_purpose():
    ask("/rest/3/elsewhere")

def test_wrong_in_a_fixture(wrong):
    pass

@pytest.mark.off_contract
def test_wrong_without_a_reason():
    ask("/rest/3/elsewhere")

def test_silent():
    pass
"""
WITHOUT_DESCRIPTIONS = """
from pathlib import Path
from tests.contracts import openapi
openapi.SPECS = Path("no-such-folder")
"""


def errors(folder, text):
    """What pytest says went wrong around the tests of a file, by their names."""
    file = folder / "test_them.py"
    file.write_text(text)
    options = ["-p", "tests.contracts.watch", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), "-rE"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, str(file)],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "300"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "6 passed" in done.stdout, done.stdout
    return dict(re.findall(r"^ERROR .*::test_(\w+) - (.*)", done.stdout, re.MULTILINE))


def test_a_request_that_does_not_fit_fails_the_test(tmp_path):
    found = errors(tmp_path, TESTS)
    assert found.keys() == {"wrong", "wrong_in_a_fixture", "wrong_without_a_reason"}
    assert "?color= is not described" in found["wrong"]
    assert "nowhere: the path is not described" in found["wrong_in_a_fixture"]
    assert "reason" in found["wrong_without_a_reason"]


def test_without_descriptions_nothing_is_checked(tmp_path):
    assert errors(tmp_path, WITHOUT_DESCRIPTIONS + TESTS).keys() == {"wrong_without_a_reason"}
