"""When a trial began and ended, and whether it was bought."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.tap.customers.ledger import row
from tests.tap.customers.licences import account, licence, trial

if TYPE_CHECKING:
    from tests.tap.customers.ledger import Row

YEAR = row("New", 1200, "2025-01-01", "2026-01-01")


def test_the_end_of_a_trial_is_its_renewal_date() -> None:
    assert account(trial("2025-07-01", "2025-07-31"))["renewal_date"] == "2025-07-31"


@pytest.mark.parametrize(
    ("fields", "start", "count"),
    [
        ({"latestEvaluationStartDate": "2025-03-01", "evaluationStartDate": "2024-01-01"}, "2025-03-01", 2),
        ({"latestEvaluationStartDate": "NA", "evaluationStartDate": "2024-01-01"}, "2024-01-01", 1),
        ({"latestEvaluationStartDate": None}, "2025-07-01", 1),
    ],
)
def test_the_first_day_of_a_trial(fields: Row, start: str, count: int) -> None:
    found = account(trial("2025-07-01", "2025-07-31", **fields))
    assert (found["trial_start_date"], found["trial_count"]) == (start, count)


def test_days_to_convert_are_counted_from_the_first_day_whatever_the_marketplace_says() -> None:
    tried = licence(evaluationStartDate="2024-12-12", evaluationEndDate="2025-02-10", daysToConvertEval="-40")
    found = account(tried, YEAR)
    assert (found["trial_converted_at"], found["days_to_convert"]) == ("2025-01-01", 20)
