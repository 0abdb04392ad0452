"""The fault matrix for the pages after the first one, for every way in which rows come page by page.

A fault of a single call is survived with all rows, unless it refuses the call; what goes wrong each time is one clear
line that names the stream, whose bookmark stays.
"""

from __future__ import annotations

import json
from typing import NamedTuple

import pytest
from tests.tap.catalogue import chosen
from tests.tap.command import errors, settings
from tests.tap.fake_marketplace import Output, run

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("quick_and_clear")]

server = pytest.importorskip("marketplace_sandbox.server", reason="the sandbox is not installed")
FAULTS = pytest.importorskip("marketplace_sandbox.faults.catalogue").FAULTS


class Way(NamedTuple):
    """How the rows of a stream come page by page.

    Attributes:
        stream: The stream.
        path: What the calls for pages have in their paths.
        kind: Of which kind they are.
        later: What the queries of all but the first have in them.
        rows: Rows of a page, so that there are three pages at least where these are of rows.
        no_export: The fault, and the kind of call, that leaves nothing but the list.
        total: Whether the pages tell how many rows there are.
        before: How many earlier pages have the same in their queries.
    """

    stream: str
    path: str
    kind: str
    later: str
    rows: int = 50
    no_export: tuple[str, str] | None = None
    total: bool = False
    before: int = 0


_STARTED, _AT_ONCE = ("export-failed", "start"), ("export-truncated", "export")
WAYS = {
    "links": Way("apps", "/product-listing/", "apps", "cursor=", rows=2),
    "links of links": Way("app_versions", "/app-software/", "versions", "cursor=", rows=20, total=True),
    "cursor": Way("reviews", "/reviews", "reviews", "cursor=", rows=20, total=True),
    "periods": Way("recurring_revenue", "/partner-metrics/", "metrics", "limit=6", before=1),
    "list": Way("feedback", "/feedback/", "list", "offset=", rows=2, total=True),
    "list for an export": Way("renewal_events", "/renewal/", "list", "offset=", rows=2, no_export=_AT_ONCE),
    "list of quotes": Way("quotes", "/quotes", "list", "offset=", rows=5, no_export=_STARTED),
    "list of licences": Way("licenses", "/licenses", "list", "offset=", 20, no_export=_STARTED, total=True),
    "list of sales": Way("transactions", "/sales/transactions", "list", "offset=", 20, no_export=_STARTED, total=True),
}
SPARED = "churn_events"

HARMLESS = {"slow", "slow-body", "foreign-links", "duplicate-rows"}
ENDING = {"401", "410"}
"""What ends the run."""
LIKE_AN_ANSWER = {"empty", "duplicate-rows", "half-answer", "cut-body", "cut-body-chunked", "non-json"}
"""What could be taken for a page, and a last one for the end."""
REFUSED = {"401", "403", "410", "redirect"}
"""What is not tried again."""


def each_case():
    for fault, trouble in FAULTS.items():
        for name, way in WAYS.items():
            if trouble.kinds and way.kind not in trouble.kinds:
                continue
            for scope in ("second", "last", "always"):
                if scope == "last" and fault not in LIKE_AN_ANSWER:
                    continue
                # That pages are empty each time cannot be seen where nothing tells how many rows there are.
                if scope != "always" or fault != "empty" or way.total:
                    yield pytest.param(fault, scope, name, id=f"{fault}-{scope}-{name.replace(' ', '_')}")


@pytest.fixture(scope="module")
def sandbox():
    with server.running(customers=5) as running:
        yield running


@pytest.fixture(scope="module")
def state(sandbox, tmp_path_factory):
    """The state of a first run; the next one is three days later, and looks back far enough to have many pages."""
    streams = {way.stream for way in WAYS.values()} | {SPARED}
    found = run(streams=streams, **settings(sandbox, tmp_path_factory.mktemp("first"))).state
    sandbox.world.step(3)
    return found


@pytest.fixture
def read(tap, config, sandbox, state, monkeypatch):
    """Run the tap for a way: in small pages, and without its export if it has one; or as usual."""

    def call(way, *, usual=False):
        monkeypatch.setattr(sandbox.paging, "largest", 50 if usual else way.rows)
        if way.no_export and not usual:
            fault, kind = way.no_export
            sandbox.faults.add(fault, side="marketplace", path=way.path, kind=kind)
        return tap({**config, "lookback_days": 1000}, state=state, catalog=chosen(way.stream, SPARED))

    return call


@pytest.fixture(scope="module")
def undisturbed():
    """For each way what an undisturbed run gave, and how many later pages there were."""
    return {}


@pytest.fixture
def expected(read, sandbox, undisturbed, request):
    way = WAYS[request.getfixturevalue("way")]
    if way not in undisturbed:
        usual = read(way, usual=True)
        sandbox.journal.clear()
        result = read(way)
        assert result.returncode == 0, result.stderr
        calls = [call for call in sandbox.journal.calls if call["kind"] == way.kind and way.path in call["path"]]
        later = [(call["path"], call["query"]) for call in calls if way.later in call["query"]]
        assert len(set(later)) >= (1 if way.kind == "metrics" else 2)
        assert records(Output(result.stdout), way.stream) == records(Output(usual.stdout), way.stream)
        undisturbed[way] = Output(result.stdout), len(later)
        sandbox.faults.clear()
    return undisturbed[way]


def records(output, stream):
    return [json.dumps(record, sort_keys=True) for record in output.records(stream)]


@pytest.mark.parametrize(("fault", "scope", "way"), list(each_case()))
def test_faults_of_later_pages(read, sandbox, state, expected, fault, scope, way):
    way, (whole, pages) = WAYS[way], expected
    aim = {"times": None if scope == "always" else 1, "after": pages - 1 if scope == "last" else way.before}
    trouble = sandbox.faults.add(
        fault, side="marketplace", path=way.path, kind=way.kind, query=way.later, seconds=0.05, **aim
    )
    result = read(way)
    output = Output(result.stdout)
    assert trouble.hits
    assert sandbox.foreign.calls == []
    if fault not in ENDING:
        assert records(output, SPARED) == records(whole, SPARED)
    if fault in HARMLESS or (scope != "always" and fault not in REFUSED):
        assert result.returncode == 0, result.stderr
        assert records(output, way.stream) == records(whole, way.stream)
        assert output.bookmark(way.stream) == whole.bookmark(way.stream)
    else:
        assert result.returncode == 1
        (line,) = errors(result)
        assert len(line) < 700
        assert fault in ENDING or way.stream in line.partition(":")[0]
        assert output.bookmark(way.stream) in (None, state["bookmarks"][way.stream].get("replication_key_value"))
        assert not [m for m in output.messages if m["type"] == "ACTIVATE_VERSION" and m["stream"] == way.stream]
