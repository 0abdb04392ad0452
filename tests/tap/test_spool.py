from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import requests_mock
from tests.tap.fake_marketplace import CONFIG, REPORTS, license_row, transaction_row

from marketplace_http import RetryPolicy
from tap_atlassian_marketplace import spool_directory
from tap_atlassian_marketplace.client import MarketplaceClient
from tap_atlassian_marketplace.errors import CredentialsError, MarketplaceError, NotPermittedError, SpoolError
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


@pytest.mark.parametrize(("status", "kind"), [(400, MarketplaceError), (403, NotPermittedError)])
def test_an_export_that_fails_leaves_the_others_whole(marketplace, tmp_path, status, kind):
    fake = marketplace([license_row(1)], [transaction_row(1, 1)])
    fake.mock.post(requests_mock.ANY, status_code=status, additional_matcher=lambda r: "/licenses/" in r.path)
    spool = open_spool(tmp_path, max_parallel_requests=1)
    spool.start([REQUEST, SALES])
    with pytest.raises(kind, match=str(status)):
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
    fake.mock.get(REPORTS, status_code=403)
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
    mine = tmp_path / "tap-atlassian-marketplace-0000mine"
    others = [tmp_path / f"tap-atlassian-marketplace-other_{number}0" for number in range(3)]
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


@pytest.mark.parametrize(
    ("name", "content", "goes"),
    [
        ("ab_c1234", "owner.lock", True),
        ("ab_c1234", "owner.lock.new", True),
        ("ab_c1234", None, True),
        ("ab_c1234", "1.json", False),
        ("customer", "work.py", False),
        ("main", "owner.lock", False),
        ("customers", None, False),
    ],
)
def test_only_what_bears_the_mark_of_a_run_is_removed(tmp_path, name, content, goes):
    directory = tmp_path / f"tap-atlassian-marketplace-{name}"
    directory.mkdir()
    if content:
        (directory / content).write_text("")
    os.utime(directory, (0, 0))
    SpoolDirectory(str(tmp_path)).remove()
    assert directory.exists() is not goes


def test_what_may_be_of_a_run_that_begins_or_is_no_directory_is_left_alone(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "tap-atlassian-marketplace-file0000").write_text("")
    target = tmp_path / "people"
    target.mkdir()
    (target / "owner.lock").write_text("")
    (tmp_path / "tap-atlassian-marketplace-link0000").symlink_to(target)
    for name, mark in (("young000", "owner.lock.new"), ("young001", None)):
        young = tmp_path / f"tap-atlassian-marketplace-{name}"
        young.mkdir()
        if mark:
            (young / mark).write_text("")
    there = sorted(tmp_path.rglob("*"))
    SpoolDirectory(str(tmp_path)).remove()
    assert sorted(tmp_path.rglob("*")) == there


def test_a_removal_that_is_killed_leaves_the_mark_for_the_next_run(tmp_path, monkeypatch):
    mine = SpoolDirectory(str(tmp_path))
    (mine.path / "1.json").write_text("people")
    monkeypatch.setattr(spool_directory.shutil, "rmtree", lambda *_, **__: None)
    mine.remove()
    assert [path.name for path in mine.path.iterdir()] == ["owner.lock"]
    monkeypatch.undo()
    SpoolDirectory(str(tmp_path)).remove()
    assert list(tmp_path.iterdir()) == []


def test_without_locks_a_run_goes_on_and_no_run_removes_the_directory_of_another(tmp_path, monkeypatch, caplog):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    first = SpoolDirectory(str(tmp_path))
    assert "`spool_dir`: its file system knows no locks" in caplog.text
    os.utime(first.path, (0, 0))
    second = SpoolDirectory(str(tmp_path))
    monkeypatch.undo()
    os.utime(second.path, (0, 0))
    third = SpoolDirectory(str(tmp_path))
    os.utime(third.path, (0, 0))
    monkeypatch.setattr(fcntl, "flock", no_locks)
    fourth = SpoolDirectory(str(tmp_path))
    runs = [first, second, third, fourth]
    assert all(run.path.exists() for run in runs)
    for run in runs:
        run.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_cannot_be_made_leaves_no_directory(tmp_path, monkeypatch):
    open_any = os.open

    def full(path, flags, *rest, **more):
        if flags & os.O_CREAT:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return open_any(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(SpoolError, match=r"`spool_dir`: .*No space left"):
        SpoolDirectory(str(tmp_path))
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
