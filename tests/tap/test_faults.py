"""The fault matrix: whatever goes wrong, the output is the same, or one clear line says so and the bookmark stays."""

from __future__ import annotations

import copy
import json

import pytest
from tests.tap.command import errors, settings
from tests.tap.fake_marketplace import Output, run

from marketplace_http import RetryPolicy

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("quick_and_clear")]

server = pytest.importorskip("marketplace_sandbox.server", reason="the sandbox is not installed")
FAULTS = pytest.importorskip("marketplace_sandbox.faults.catalogue").FAULTS

STREAMS = {"licenses": ["licenses", "contacts"], "sales/transactions": ["transactions"]}

SOMETIMES = {"times": 1}
ALWAYS = {}
DOWNLOADS = {"kind": "download"}

# What refuses the call, instead of failing it, is not tried again; a wait that is asked for again and again neither.
REFUSED = {"401", "403", "410", "redirect"}
RATE = {"429-seconds", "429-date", "429-plain"}
HARMLESS = {"slow", "slow-body", "foreign-links", "duplicate-rows", "export-reused"}
ONE_WAY = {"export-failed", "export-truncated", "export-gone"}


def expects_the_same_output(fault, scope):
    if fault in HARMLESS | ONE_WAY:
        return True
    if fault in REFUSED or fault == "export-never-ready":
        return False
    if scope is SOMETIMES:
        return True
    # Where only downloads fail, the list is left.
    return scope is DOWNLOADS and fault not in RATE


def each_case():
    for fault, trouble in FAULTS.items():
        for name, scope in (("once", SOMETIMES), ("always", ALWAYS), ("downloads", DOWNLOADS)):
            if scope is DOWNLOADS and trouble.kinds and "download" not in trouble.kinds:
                continue
            for report in STREAMS:
                yield pytest.param(fault, scope, report, id=f"{fault}-{name}-{report}")


@pytest.fixture(scope="module")
def sandbox():
    with server.running(customers=2) as running:
        yield running


@pytest.fixture(scope="module")
def undisturbed(sandbox, tmp_path_factory):
    """The state of a first run, and the output of the next one after a day."""
    config = settings(sandbox, tmp_path_factory.mktemp("undisturbed"))
    state = run(**config).state
    sandbox.world.step()
    return state, run(copy.deepcopy(state), **config)


def records(output, streams):
    return [json.dumps(record, sort_keys=True) for name in streams for record in output.records(name)]


@pytest.mark.parametrize(("fault", "scope", "report"), list(each_case()))
def test_faults(tap, config, sandbox, undisturbed, fault, scope, report):
    state, expected = undisturbed
    trouble = sandbox.faults.add(fault, side="marketplace", path=f"/{report}", seconds=0.05, **scope)
    result = tap({**config, "export_timeout": 2 if fault == "export-never-ready" else 60}, state=state)
    output = Output(result.stdout)
    hit, spared = STREAMS[report], [name for other in STREAMS if other != report for name in STREAMS[other]]
    if expects_the_same_output(fault, scope):
        assert result.returncode == 0, result.stderr
        assert records(output, hit + spared) == records(expected, hit + spared)
        assert output.state == expected.state
    else:
        assert result.returncode == 1
        (line,) = errors(result)
        assert len(line) < 600
        for name in hit:
            assert output.bookmark(name) == state["bookmarks"][name]["replication_key_value"]
        if fault not in {"401", "410"}:
            assert line.startswith(f"{', '.join(hit)}: ")
            assert records(output, spared) == records(expected, spared)
            assert all(output.bookmark(name) == expected.bookmark(name) for name in spared)
    assert trouble.hits
    assert sandbox.foreign.calls == []


@pytest.mark.parametrize("fault", sorted({*FAULTS} - {"foreign-links", *(f for f in FAULTS if FAULTS[f].kinds)}))
@pytest.mark.parametrize("scope", [SOMETIMES, ALWAYS], ids=["once", "always"])
@pytest.mark.parametrize("kind", ["vendor", "apps"])
def test_faults_of_the_calls_before_any_export(tap, config, sandbox, undisturbed, fault, scope, kind):
    state, _ = undisturbed
    trouble = sandbox.faults.add(fault, kind=kind, seconds=0.05, **scope)
    result = tap({**config, "app_keys": [next(iter(sandbox.world.apps))]}, state=state)
    assert trouble.hits
    assert sandbox.foreign.calls == []
    if result.returncode == 0:
        assert fault in HARMLESS or (scope is SOMETIMES and fault not in REFUSED)
    else:
        assert fault not in HARMLESS
        assert scope is ALWAYS or fault in REFUSED | {"empty"}
        assert len(errors(result)) == 1
        assert Output(result.stdout).state in ({}, state)
        assert '"RECORD"' not in result.stdout


def test_a_download_that_trickles_ends_in_time_and_names_the_setting(tap, config, sandbox):
    sandbox.faults.add("slow-body", kind="download", path="/sales/", seconds=20)
    result = tap({**config, "export_timeout": 1})
    assert result.returncode == 1
    (line,) = errors(result)
    assert line.startswith("transactions: ")
    assert "not downloaded within 1 seconds: raise `export_timeout`" in line


def test_an_answer_that_does_not_come_is_given_up_and_asked_for_again(tap, config, sandbox, monkeypatch):
    monkeypatch.setattr("tap_atlassian_marketplace.client._DOWNLOAD_TIMEOUT", 0.3)
    trouble = sandbox.faults.add("slow", kind="download", times=2, seconds=5)
    result = tap(config)
    assert trouble.hits == 2
    assert result.returncode == 0, result.stderr


def test_a_body_that_stands_still_is_given_up_and_started_again(tap, config, sandbox, monkeypatch):
    monkeypatch.setattr("tap_atlassian_marketplace.client._DOWNLOAD_TIMEOUT", 0.3)
    sandbox.gates.hold("mid-answer", kind="download", times=1)
    try:
        result = tap(config)
    finally:
        sandbox.gates.clear()
    assert result.returncode == 0, result.stderr
    assert "broke off (ReadTimeoutError)" in result.stderr


@pytest.mark.parametrize("kind", ["start", "status", "download"])
def test_a_wait_that_is_asked_for_is_waited(tap, config, sandbox, monkeypatch, kind):
    waits = []
    monkeypatch.setattr("tap_atlassian_marketplace.client._RETRY", RetryPolicy(sleep=waits.append))
    sandbox.faults.add("429-seconds", kind=kind, times=1, seconds=7)
    sandbox.faults.add("429-date", kind=kind, times=1, seconds=40)
    sandbox.faults.add("429-plain", kind=kind, times=1)
    result = tap({**config, "max_parallel_requests": 1})
    assert result.returncode == 0, result.stderr
    first, second, third = waits
    assert first == 7
    assert 35 <= second <= 45
    assert third <= 4
