"""When a trial began and ended, and whether it was bought."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.tap.customers.ledger import row
from tests.tap.customers.licences import account, examine, licence, trial

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


def test_a_licence_is_registered_on_the_first_day_of_its_first_trial() -> None:
    tried = licence(evaluationStartDate="2022-03-01", latestEvaluationStartDate="2024-11-01")
    found = examine(tried, YEAR)
    assert found.account is not None
    assert (found.account["registered_at"], found.account["trial_start_date"]) == ("2022-03-01", "2024-11-01")
    assert {part.registered_at for part in found.people} == {"2022-03-01"}
