"""Accounts, people and what happened: from the Marketplace's rows by way of tap and loader into journy.io."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from tests.end_to_end.checkouts import bare_environment
from tests.end_to_end.singer_file import decode

from marketplace_sandbox import credentials
from marketplace_sandbox.server import running
from marketplace_sandbox.world.feedback import feedback
from marketplace_sandbox.world.quotes import quotes
from tap_atlassian_marketplace.tap import TapAtlassianMarketplace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from marketplace_sandbox.server import Sandbox

STREAMS = {
    "marketplace": {"contacts", "accounts", "people", "account_events"},
    "marketplace-raw": {"licenses", "contacts", "transactions"},
}


class Chain:
    """Tap and loader over a sandbox, with one ledger."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self._folder = folder

    def run(self, preset: str, **loader: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Run both; give what the tap emitted, by stream, and the loader's report."""
        self.sandbox.journal.clear()
        rows = self._process("tap_atlassian_marketplace", self._tap(STREAMS[preset]), "")
        settings = {
            "api_key": credentials.JOURNY_KEY,
            "api_url": self.sandbox.journy_url,
            "preset": preset,
            "ledger_url": f"sqlite:///{self._folder / 'ledger.db'}",
            "report_path": str(self._folder / "report.json"),
            "rejected_path": str(self._folder / "rejected.jsonl"),
            **loader,
        }
        config = self._folder / "journy.json"
        config.write_text(json.dumps(settings))
        self._process("target_journy", ["--config", str(config)], rows)
        return decode(rows), json.loads((self._folder / "report.json").read_text())

    def _tap(self, streams: set[str]) -> list[str]:
        settings = {
            "email": credentials.VENDOR_EMAIL,
            "api_token": credentials.API_TOKEN,
            "vendor_id": credentials.VENDOR_ID,
            "api_url": self.sandbox.marketplace_url,
            "as_of": self.sandbox.world.today,
        }
        catalog = TapAtlassianMarketplace(validate_config=False).catalog_dict
        for stream in catalog["streams"]:
            root = next(entry for entry in stream["metadata"] if not entry["breadcrumb"])
            root["metadata"]["selected"] = stream["tap_stream_id"] in streams
        for name, content in (("tap.json", settings), ("catalog.json", catalog)):
            (self._folder / name).write_text(json.dumps(content))
        return ["--config", str(self._folder / "tap.json"), "--catalog", str(self._folder / "catalog.json")]

    def _process(self, module: str, options: list[str], text: str) -> str:
        command = [sys.executable, "-m", module, *options]
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, check=False, cwd=self._folder, env=bare_environment()
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def writes(self) -> list[dict[str, Any]]:
        return [call for call in self.sandbox.journal.calls if call["side"] == "journy" and call["method"] != "GET"]

    def changes(self) -> Counter[str]:
        """How often which change was told."""
        return Counter(event["name"] for event in self.sandbox.journy.events if "property" in event["metadata"])

    def event_ids(self) -> Counter[str]:
        return Counter(event["metadata"]["event_id"] for event in self.sandbox.journy.events)


CHANGES = Counter(
    ["tier_changed", "license_type_changed", "contact_changed", "payment_status_changed", "transaction_corrected"]
)


def change_something(sandbox: Sandbox) -> None:
    """Let a licence and a sale change on this very day, without anything else."""
    world = sandbox.world
    sale = next(row for row in world.transactions if row["purchaseDetails"]["saleType"] == "New")
    sale["purchaseDetails"]["vendorAmount"] -= 1
    sale["paymentStatus"] = "UNPAID" if sale["paymentStatus"] == "PAID" else "PAID"
    row = next(row for row in world.licenses if row.get("appEntitlementNumber") and row["tier"] != "7 Users")
    row.update(tier="7 Users", licenseType="ACADEMIC")
    row["contactDetails"]["technicalContact"]["email"] = "somebody.new@example.com"
    sale["lastUpdated"] = row["lastUpdated"] = world.today


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[Chain]:
    with running(customers=20) as sandbox:
        yield Chain(sandbox, tmp_path)


def test_journy_holds_what_the_rows_mean(chain: Chain) -> None:
    emitted, report = chain.run("marketplace")
    journy = chain.sandbox.journy
    accounts = {row["account_id"]: row for row in emitted["accounts"].rows.values()}
    assert journy.accounts.keys() == accounts.keys()
    for account_id, account in journy.accounts.items():
        row = accounts[account_id]
        assert account.properties["lifecycle_stage"] == row["lifecycle_stage"]
        assert Decimal(str(account.properties["mrr"])) == row["mrr"]
        assert "days_to_renewal" not in account.properties
    people = {row["email"] for row in emitted["people"].rows.values()}
    assert journy.users.keys() == people
    assert chain.event_ids() == Counter(row["event_id"] for row in emitted["account_events"].rows.values())
    assert not any(counts["rejected"] or counts["waiting"] or counts["failed"] for counts in report["streams"].values())

    # The revenue of simulated customers is the true one, as far as journy.io.
    truth = {known.account_id: known for known in chain.sandbox.world.truth.values()}
    today = type(next(iter(truth.values())).steps[0].first).fromisoformat(chain.sandbox.world.today)
    compared = 0
    for account_id, known in truth.items():
        if known.why_underivable(today) is None and accounts[account_id]["mrr_source"] == "transactions":
            _, net = known.mrr(today)
            assert Decimal(str(journy.accounts[account_id].properties["mrr"])) == net
            compared += bool(net)
    assert compared > 5

    # What customers said, and the quotes that they accepted, are events of their accounts.
    events = [(row["event_id"].split(":"), set(row["aliases"])) for row in emitted["account_events"].rows.values()]
    said = {(parts[2], parts[3], alias) for parts, aliases in events if parts[0] == "fb" for alias in aliases}
    signed = [row for row in feedback(chain.sandbox.world) if row.get("appEntitlementNumber")]
    leaving = [row for row in signed if row["feedbackType"] in {"uninstall", "disable", "unsubscribe"}]
    assert leaving
    assert {(row["feedbackType"], row["date"], row["appEntitlementNumber"]) for row in leaving} <= said
    accepted = {(parts[1], alias) for parts, aliases in events if parts[0] == "quote" for alias in aliases}
    quoted = {(row["quoteId"], row["entitlementNumber"]) for row in quotes(chain.sandbox.world)}
    assert {number for number, _ in quoted} == {number for number, _ in accepted}
    above_sites = {row.get("multiInstanceEntitlementNumber") for row in chain.sandbox.world.licenses}
    assert {each for each in quoted if each[1] not in above_sites} <= accepted

    chain.run("marketplace")
    assert chain.writes() == []


def test_a_day_later_only_what_changed_is_sent(chain: Chain) -> None:
    chain.run("marketplace")
    chain.sandbox.world.step()
    before = len(chain.sandbox.journy.accounts)
    _, report = chain.run("marketplace")
    delivered = report["streams"]["accounts"]["delivered"]
    assert 0 < delivered < before / 3
    assert set(chain.event_ids().values()) == {1}


@pytest.mark.long
@pytest.mark.parametrize(("first", "then"), [("marketplace-raw", "marketplace"), ("marketplace", "marketplace-raw")])
def test_switching_presets_tells_no_event_twice(chain: Chain, first: str, then: str) -> None:
    chain.run(first)
    assert chain.changes() == Counter()
    change_something(chain.sandbox)
    chain.run(first)
    assert chain.changes() == CHANGES
    told = chain.event_ids()
    chain.run(then)
    assert chain.changes() == CHANGES
    assert set(chain.event_ids().values()) == {1}
    both = chain.event_ids().keys() & told.keys()
    assert any(event_id.startswith("tx:") for event_id in both)
    accounts = set(chain.sandbox.journy.accounts)
    chain.run(first)
    assert chain.changes() == CHANGES
    assert set(chain.event_ids().values()) == {1}
    assert set(chain.sandbox.journy.accounts) == accounts


@pytest.mark.long
def test_groups_of_properties_withhold_money_and_contacts(chain: Chain) -> None:
    chain.run("marketplace", property_groups=["trial", "links"])
    for account in chain.sandbox.journy.accounts.values():
        assert not account.properties.keys() & {"mrr", "arr", "lifetime_revenue", "technical_contact_email"}
        assert "lifecycle_stage" in account.properties
    assert any("trial_start_date" in account.properties for account in chain.sandbox.journy.accounts.values())
    assert not any("full_name" in user.properties for user in chain.sandbox.journy.users.values())
    assert not any("purchase_price" in event["metadata"] for event in chain.sandbox.journy.events)


@pytest.mark.long
def test_a_forgotten_contact_leaves_the_account(chain: Chain) -> None:
    chain.run("marketplace")
    named = {
        account_id: account.properties["technical_contact_email"]
        for account_id, account in chain.sandbox.journy.accounts.items()
        if account.properties.get("technical_contact_email")
    }
    row = next(row for row in chain.sandbox.world.licenses if row.get("appEntitlementNumber") in named)
    contact = row["contactDetails"]["technicalContact"]
    contact.update(dict.fromkeys(contact, "RTBF"))
    row["lastUpdated"] = chain.sandbox.world.today
    chain.run("marketplace")
    properties = chain.sandbox.journy.accounts[row["appEntitlementNumber"]].properties
    assert "technical_contact_email" not in properties
    assert "technical_contact_name" not in properties
