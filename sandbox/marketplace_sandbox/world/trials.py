"""Trials as licence rows."""

from __future__ import annotations

from typing import Any

from marketplace_sandbox.world.calendar import shift


def evaluation(start: str, *, users: int | str) -> dict[str, Any]:
    """Fields that make a licence a trial of 30 days; `users` is the size of the parent product."""
    return {
        "licenseType": "EVALUATION",
        "tier": "Evaluation",
        "latestEvaluationStartDate": start,
        "evaluationStartDate": start,
        "evaluationEndDate": shift(start, days=30),
        "evaluationOpportunitySize": str(users),
        "daysToConvertEval": "NA",
    }
