"""The story of journy.io's own guide, by `meltano run`: a trial, one app, everything, and then day after day.

After each step all that journy.io holds is compared with what the world of that day says it should.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from tests.end_to_end.expected_journy import Journy, account_id, names
from tests.end_to_end.journy_content import changes, exact, held, tells_a_change, told_changes, unlike, wanted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.end_to_end.conftest import Project

    from marketplace_sandbox.server import Sandbox
    from marketplace_sandbox.world.rows import Row

APP = "com.sandbox.timesheets"


class Story:
    """Runs over one sandbox with one ledger and one state, and what they should have led to so far."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.sandbox: Sandbox = project.sandbox
        self.expected = Journy()
        self._before = Journy()
        self._changes: Counter[tuple[Any, ...]] = Counter()

    def run(self, *options: str, **settings: str) -> Row:
        """Run the daily job and return its report; the sandbox's journal then holds the calls of this run only."""
        self.sandbox.journal.clear()
        folder = self._project.folder
        report = folder / "report.json"
        self._project.run(
            "marketplace-raw-to-journy",
            *options,
            loader="target-journy",
            TARGET_JOURNY_LEDGER_URL=f"sqlite:///{folder / 'ledger.db'}",
            TARGET_JOURNY_REPORT_PATH=str(report),
            TARGET_JOURNY_REJECTED_PATH=str(folder / "rejected.jsonl"),
            TARGET_JOURNY_MEMBERSHIPS="sync",
            TARGET_JOURNY_REQUIRE_LEDGER="false",
            **settings,
        )
        read: Row = json.loads(report.read_text(encoding="utf-8"))
        return read

    def check_content(self) -> None:
        """Compare all that journy.io holds, and the changes that it was told, with what it should."""
        assert unlike(held(self.sandbox), wanted(self.expected)) == {}
        self._changes += changes(self._before, self.expected)
        assert told_changes(self.sandbox) == self._changes
        self._before = copy.deepcopy(self.expected)

    def writes(self) -> Row:
        """What the last run wrote, entity by entity and property by property."""
        written: dict[str, Any] = {"accounts": {}, "users": {}, "added": set(), "removed": set(), "events": Counter()}
        for call in self.sandbox.journal.calls:
            if call["side"] != "journy" or call["method"] == "GET":
                continue
            body, path = call["body"], call["path"].removeprefix("/journy")
            if path == "/accounts/upsert":
                written["accounts"].setdefault(body["identification"]["accountId"], {}).update(body["properties"])
            elif path == "/users/upsert":
                written["users"].setdefault(body["identification"]["email"], {}).update(body["properties"])
            elif path == "/track":
                if not tells_a_change(body):
                    written["events"][body["metadata"]["event_id"]] += 1
            else:
                kind = {"/accounts/users/add": "added", "/accounts/users/remove": "removed"}[path]
                account = body["account"]["accountId"]
                written[kind] |= {(account, user["identification"]["email"]) for user in body["users"]}
        return exact(written)


@pytest.fixture
def story(project: Project) -> Iterator[Story]:
    return Story(project)


def test_guide(story: Story) -> None:
    world = story.sandbox.world

    # A trial with one entitlement number: one account, its contacts and its sales, and nothing else.
    chosen = world.ideas["monthly_max_quantity"][0]
    number = chosen["appEntitlementNumber"]
    story.run(TAP_ATLASSIAN_MARKETPLACE_ENTITLEMENT_NUMBERS=number)
    story.expected.absorb(world, lambda row: account_id(row) == number)
    story.check_content()
    assert list(story.expected.accounts) == [number]
    assert len(story.expected.events) >= 2
    assert unlike(story.writes(), difference(Journy(), story.expected)) == {}

    # All active licences of one app; what the trial delivered is not sent again.
    before = copy.deepcopy(story.expected)
    story.run(TAP_ATLASSIAN_MARKETPLACE_APP_KEYS=APP, TAP_ATLASSIAN_MARKETPLACE_LICENSE_STATUSES="active")
    story.expected.absorb(world, lambda row: row["addonKey"] == APP and row["status"] == "active")
    story.check_content()
    assert len(story.expected.accounts) > len(before.accounts)
    assert unlike(story.writes(), difference(before, story.expected)) == {}

    # Everything; what the narrow runs delivered is not sent again, and what they passed over is not lost.
    before = copy.deepcopy(story.expected)
    report = story.run()
    story.expected.absorb(world)
    story.check_content()
    assert unlike(story.writes(), difference(before, story.expected)) == {}
    licenses = report["streams"]["licenses"]["read"]
    assert licenses == len(story.expected.accounts)

    # A day later: exactly what changed in the world.
    before = copy.deepcopy(story.expected)
    changes = world.step()["changes"]
    story.run()
    story.expected.absorb(world)
    story.check_content()
    written = story.writes()
    assert unlike(written, difference(before, story.expected)) == {}
    assert set(written["accounts"]) == {changed_account(story, change) for change in changes if says_news(change)}
    assert len(written["removed"]) == 1  # the contact who was replaced
    assert story.expected.events.keys() - before.events.keys() == {
        f"tx:{change['id']['transactionId']}|{change['id']['transactionLineItemId']}"
        for change in changes
        if (change["entity"], change["change"]) == ("transaction", "added")
    }

    # The same again, and then everything from the beginning: nothing is sent.
    story.run()
    assert unlike(story.writes(), difference(Journy(), Journy())) == {}
    report = story.run("--full-refresh")
    assert unlike(story.writes(), difference(Journy(), Journy())) == {}
    assert report["streams"]["licenses"]["read"] == len(story.expected.accounts)
    assert report["streams"]["licenses"]["unchanged"] == report["streams"]["licenses"]["read"]
    story.check_content()

    # Two days more: a trial is bought, a person is erased, an amount is restated, a licence vanishes.
    before = copy.deepcopy(story.expected)
    for _ in range(2):
        world.step()
        story.expected.absorb(world)
    story.run()
    story.check_content()
    assert unlike(story.writes(), difference(before, story.expected)) == {}
    erased = [user for user, properties in story.expected.users.items() if not properties]
    assert erased
    assert not any(user in erased for _, user in story.expected.members)


def difference(before: Journy, after: Journy) -> Row:
    """What has to be written to get from one to the other."""
    return exact(
        {
            "accounts": changed(before.accounts, after.accounts),
            "users": changed(before.users, after.users),
            "added": after.members - before.members,
            "removed": before.members - after.members,
            "events": dict.fromkeys(after.events.keys() - before.events.keys(), 1),
        }
    )


def changed(before: dict[str, Row], after: dict[str, Row]) -> dict[str, Row]:
    found = {}
    for key, properties in after.items():
        old = before.get(key, {})
        news = {name: value for name, value in properties.items() if old.get(name) != value}
        news |= dict.fromkeys(old.keys() - properties.keys())
        if news or key not in before:
            found[key] = news
    return found


def changed_account(story: Story, change: Row) -> str:
    """The account of a licence that the world changed, under the id by which journy.io knows it."""
    ids = change["id"]
    return next(
        account
        for account, properties in story.expected.accounts.items()
        if names(ids) & {account, *map(str, properties.values())}
    )


def says_news(change: Row) -> bool:
    """Whether a change of the world shows in an account: a licence, and more than what accounts do not tell."""
    silent = ("lastUpdated", ".phone", ".address1", ".city", ".state", ".postcode")
    fields = [path for path in change.get("fields", {}) if not path.endswith(silent)]
    return change["entity"] == "license" and (change["change"] == "added" or bool(fields))
