"""The figures and the order of outcomes in the page about delivery are those of the code."""

from __future__ import annotations

import re

from scripts.setup import ROOT

from marketplace_http.retry import TRANSIENT_STATUSES, RetryPolicy
from target_journy.operations import Outcome
from target_journy.target import JournySink
from target_journy.transports import MEMBERS_PER_CALL
from target_journy.transports.http import Manners
from target_journy.transports.rehearsal import _LONGEST_PREVIEW
from target_journy.transports.segment import MAX_BYTES, MAX_MESSAGES
from target_journy.transports.segment_messages import MAX_MESSAGE

PAGE = " ".join((ROOT / "docs" / "delivery.md").read_text(encoding="utf-8").split())
SPELT = {8: "eight", 600: "ten minutes"}


def test_outcomes_stand_in_their_order() -> None:
    text = (ROOT / "docs" / "delivery.md").read_text(encoding="utf-8")
    section = text.split("## Outcomes")[1].split("## ")[0]
    told = [name.upper() for name in re.findall(r"^\| (\w+) \|", section, re.MULTILINE)]
    assert told == ["OUTCOME", *(outcome.name for outcome in sorted(Outcome, reverse=True))]


def test_figures() -> None:
    for said in (
        f"made up to {SPELT[Manners(user_agent='').tries]} times",
        f"`Retry-After` of up to {SPELT[int(RetryPolicy().patience)]}",
        f"within a batch of {JournySink.MAX_SIZE_DEFAULT:,} records",
        f"the first {_LONGEST_PREVIEW:,} calls",
        f"up to {MEMBERS_PER_CALL} memberships",
        f"up to {MAX_MESSAGES:,} messages or {MAX_BYTES // 1000} kB",
        f"the size of a message, {MAX_MESSAGE:,} bytes",
        f"or {', '.join(str(status) for status in sorted(TRANSIENT_STATUSES) if status < 500)} or a 5xx",
    ):
        assert said in PAGE, said
