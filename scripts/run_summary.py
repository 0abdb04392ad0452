"""What a scheduled run says on its job's page, in Markdown: counts and error lines, and nobody's data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

NOTES = {
    "resumed": "operations that earlier runs left waiting were delivered",
    "waiting": "operations wait in the ledger for a later run",
    "rejected_again": "records were refused before and not sent again",
    "possibly_repeated": "events may have been told twice, because an answer was lost",
}


def summary(job: str, seconds: float, problems: Sequence[str], report: dict[str, Any] | None) -> str:
    """Return the page.

    Args:
        job: What ran.
        seconds: How long it took.
        problems: What went wrong, line by line; nothing if all went well.
        report: The loader's figures, if it gave any.
    """
    parts = [f"## {job}: {'failed' if problems else 'ok'} after {seconds / 60:.1f} minutes"]
    if problems:
        # Indented it is code: no line of a log makes a link or a heading.
        parts.append("\n".join(f"    {line}" for line in problems))
    if report:
        parts += [table(report["streams"]), "\n".join(f"- {line}" for line in notes(report))]
    return "\n\n".join(filter(None, parts)) + "\n"


def table(streams: dict[str, dict[str, int]]) -> str:
    """Return what became of the records of each stream."""
    if not streams:
        return ""
    heads = list(next(iter(streams.values())))
    rows = [[name, *(f"{counts[head]:,}" for head in heads)] for name, counts in streams.items()]
    lines = [["stream", *heads], ["---", *("--:" for _ in heads)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def notes(report: dict[str, Any]) -> list[str]:
    """Return what else is worth a line."""
    new = ", ".join(f"{count:,} {kind}" for kind, count in report["created"].items())
    calls, where = f"{sum(report['calls'].values()):,}", report["destination"]
    first = {
        None: f"new in {where}: {new}; {calls} write calls",
        "dry run": f"nothing was sent (dry run); to {where} it would have been {calls} write calls: {new}",
        "adopted": f"taken as delivered to {where}, nothing was sent: {new}",
        "nothing adopted": f"nothing was taken as delivered to {where}: the ledger is as it was",
    }
    lines = [first[report["adoption"] or report["rehearsal"]]]
    lines += [f"{report[name]:,} {words}" for name, words in NOTES.items() if report[name]]
    if report["changed_mapping"]:
        streams = ", ".join(f"`{stream}` ({since[:10]})" for stream, since in report["changed_mapping"].items())
        lines.append(
            f"the mapping has changed of {streams}: records that do not come again stay as they were sent; run this "
            "job once with `FULL=1`"
        )
    if report["out_of_time"]:
        lines.append("the time that `max_minutes` gives was up: the next run goes on")
    return lines
