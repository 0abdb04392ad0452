from __future__ import annotations

import contextlib
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests_mock
from tests.tap.fake_marketplace import CONFIG, license_row, transaction_row

from marketplace_http import RetryPolicy
from tap_atlassian_marketplace import spool_directory
from tap_atlassian_marketplace.client import MarketplaceClient
from tap_atlassian_marketplace.errors import CredentialsError, MarketplaceError, SpoolError
from tap_atlassian_marketplace.exports import ExportRequest
from tap_atlassian_marketplace.settings import Settings
from tap_atlassian_marketplace.spool import Spool
from tap_atlassian_marketplace.spool_directory import SpoolDirectory
from tap_atlassian_marketplace.tap import TapAtlassianMarketplace

REQUEST = ExportRequest("licenses", (("startDate", "2018-07-01"),))
SALES = ExportRequest("sales/transactions", ())


def open_spool(directory, **settings):
    checked = Settings.from_config({**CONFIG, "spool_dir": str(directory), **settings})
    return Spool(MarketplaceClient(checked), checked)


def test_exports_are_private_and_vanish(marketplace, tmp_path):
    marketplace([license_row(1)])
    directory = tmp_path / "spool"
    spool = open_spool(directory)
    spool.start([REQUEST])
    path = spool.rows(REQUEST).path
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.parent.parent == directory
    spool.close()
    assert list(directory.iterdir()) == []


def test_the_spool_of_a_run_vanishes_with_it(marketplace, tmp_path):
    marketplace([license_row(1)])
    tap = TapAtlassianMarketplace(config={**CONFIG, "spool_dir": str(tmp_path)})
    tap.sync_all()
    assert len(list(tmp_path.glob("*/*.json"))) == 3
    tap.reports._spool.close()
    assert list(tmp_path.iterdir()) == []


def test_a_spool_that_cannot_be_made_names_the_setting(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolError, match="`spool_dir`"):
        open_spool(tmp_path / "file")


def test_an_export_that_fails_leaves_the_others_whole(marketplace, tmp_path):
    fake = marketplace([license_row(1)], [transaction_row(1, 1)])
    fake.mock.post(requests_mock.ANY, status_code=400, additional_matcher=lambda r: "/licenses/" in r.path)
    spool = open_spool(tmp_path, max_parallel_requests=1)
    spool.start([REQUEST, SALES])
    with pytest.raises(MarketplaceError, match="400"):
        spool.rows(REQUEST)
    assert "IN-1" in spool.rows(SALES).path.read_text()
    spool.close()


def test_refused_credentials_stop_all_exports(marketplace, tmp_path):
    fake = marketplace([license_row(1)], [transaction_row(1, 1)])
    fake.mock.post(requests_mock.ANY, status_code=401, additional_matcher=lambda r: "/licenses/" in r.path)
    fake.statuses = ["QUEUED"] * 10_000
    spool = open_spool(tmp_path, max_parallel_requests=2)
    began = time.monotonic()
    spool.start([SALES, REQUEST])
    for request in (SALES, REQUEST):
        with pytest.raises(CredentialsError, match="401"):
            spool.rows(request)
    assert time.monotonic() - began < 5
    spool.close()


def test_nobody_waits_for_an_export_when_the_credentials_of_another_were_refused(marketplace, tmp_path, monkeypatch):
    gone_on = threading.Event()
    fake = marketplace([license_row(1)], [transaction_row(1, 1)])
    fake.mock.post(requests_mock.ANY, status_code=403, additional_matcher=lambda r: "/sales/" in r.path)
    fake.mock.post(requests_mock.ANY, status_code=502, additional_matcher=lambda r: "/licenses/" in r.path)
    monkeypatch.setattr("tap_atlassian_marketplace.client._RETRY", RetryPolicy(sleep=lambda _: gone_on.wait(20)))
    began = time.monotonic()
    spool = open_spool(tmp_path, max_parallel_requests=2)
    spool.start([REQUEST, SALES])
    try:
        with pytest.raises(CredentialsError, match="403"):
            spool.rows(REQUEST)
        assert time.monotonic() - began < 10
    finally:
        gone_on.set()
    spool.close()


ABANDON = """
import os, sys
from tap_atlassian_marketplace.spool_directory import SpoolDirectory
directory = SpoolDirectory(sys.argv[1])
(directory.path / "1.json").write_text("people")
print(directory.path, flush=True)
sys.stdin.read()
os.kill(os.getpid(), 9)
"""


def test_what_a_killed_run_left_is_removed_by_the_next_and_a_live_run_is_left_alone(tmp_path):
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", ABANDON, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    dead, live = (run.stdout.readline().strip() for run in runs)
    runs[0].communicate(timeout=20)
    assert Path(dead).exists()
    mine = SpoolDirectory(str(tmp_path))
    assert {str(path) for path in tmp_path.iterdir()} == {live, str(mine.path)}
    assert Path(f"{live}/1.json").exists()
    runs[1].communicate(timeout=20)
    SpoolDirectory(str(tmp_path)).remove()
    assert list(tmp_path.iterdir()) == [mine.path]
    mine.remove()


def test_directories_of_other_users_are_neither_removed_nor_counted(tmp_path, monkeypatch):
    mine = tmp_path / "tap-atlassian-marketplace-mine"
    others = [tmp_path / f"tap-atlassian-marketplace-{number}" for number in range(3)]
    for directory in (mine, *others):
        directory.mkdir()
        (directory / "owner.lock").write_text("")
    monkeypatch.setattr("tap_atlassian_marketplace.spool_directory._MOST_LOOKED_AT", 1)
    is_mine = spool_directory._is_of_this_user
    monkeypatch.setattr(spool_directory, "_is_of_this_user", lambda entry: is_mine(entry) and entry.name[-1] == "e")
    SpoolDirectory(str(tmp_path)).remove()
    assert sorted(tmp_path.iterdir()) == sorted(others)
    monkeypatch.setattr(spool_directory, "_is_of_this_user", is_mine)
    monkeypatch.setattr(os, "getuid", lambda: others[0].stat().st_uid + 1)
    SpoolDirectory(str(tmp_path)).remove()
    assert sorted(tmp_path.iterdir()) == sorted(others)


def test_a_run_that_ends_while_another_begins_is_no_trouble(tmp_path, monkeypatch):
    ending = SpoolDirectory(str(tmp_path))
    scandir = os.scandir

    @contextlib.contextmanager
    def scandir_while_it_ends(path):
        with scandir(path) as entries:
            listed = list(entries)
            monkeypatch.setattr(os, "scandir", scandir)
            ending.remove()
            yield iter(listed)

    monkeypatch.setattr(os, "scandir", scandir_while_it_ends)
    mine = SpoolDirectory(str(tmp_path))
    assert list(tmp_path.iterdir()) == [mine.path]
    mine.remove()


def test_only_what_is_the_taps_own_and_old_enough_is_removed(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "tap-atlassian-marketplace-file").write_text("")
    target = tmp_path / "people"
    target.mkdir()
    (tmp_path / "tap-atlassian-marketplace-link").symlink_to(target)
    young, old = (tmp_path / f"tap-atlassian-marketplace-{name}" for name in ("young", "old"))
    for directory in (young, old):
        directory.mkdir()
        (directory / "1.json").write_text("")
    os.utime(old, (0, 0))
    SpoolDirectory(str(tmp_path)).remove()
    assert not old.exists()
    assert len(list(tmp_path.iterdir())) == 5
    assert (young / "1.json").exists()
