"""How a run has ended that came to the end of its input: well, or with too much that was refused or has gone."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from target_journy.report import Report

DONE = "done"

logger = logging.getLogger(__name__)


def verdict(report: Report, most: float, kept_in: Path | None) -> str:
    """Find out how it has ended, and say so if it is not well.

    Args:
        report: What it did.
        most: How much of what was to be sent may be refused, in percent.
        kept_in: File of the records that were refused; None for a run that keeps none.

    Returns:
        `done`, `too many rejected`, or `too many deleted` (so nothing was, and that was said).
    """
    share = report.rejected_percent()
    if share <= most:
        return "too many deleted" if report.withheld else DONE
    logger.error(
        "More was rejected than is allowed: %.1f %% of the records that had something to send, and the setting "
        "'max_rejected_percent' allows %g. %s. Mend the mapping or the source, or raise the setting%s",
        share,
        most,
        f"The records and the reasons are in {kept_in}" if kept_in else "The page beside 'report_path' has the reasons",
        ", then adopt again: nothing was adopted and the ledger is as it was" if report.adoption else "",
    )
    return "too many rejected"
