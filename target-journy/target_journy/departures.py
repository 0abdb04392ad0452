"""What has gone from the source: noted as the tap tells it, acted on once an input has ended well.

A tap tells it in two ways: a record with `_sdc_deleted_at`, or ACTIVATE_VERSION after the last record of a stream that
was read as a whole. What was delivered for a record that has gone, and no other asks for, is deleted.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING, Any

from target_journy.ends import mark_deleted
from target_journy.operations import Outcome
from target_journy.orphans import Released
from target_journy.slots import end_memberships, pairs_of
from target_journy.tickets import Ticket

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from target_journy.ledger import Ledger, LedgerTransaction, Share
    from target_journy.operations import Source
    from target_journy.options import Options
    from target_journy.report import Report

_PAGE = 500

logger = logging.getLogger(__name__)


class Departures:
    """What has gone.

    Args:
        ledger: Knows which record asks for what.
        options: What becomes of things that nobody asks for any more.
        report: Told of what was not deleted because it would have been too much.
        most: How much of what a stream delivered may be deleted, in percent.
        is_adopting: Only note it, for the next run to act on.
    """

    def __init__(self, ledger: Ledger, options: Options, report: Report, *, most: float, is_adopting: bool) -> None:
        self._whole: set[str] = set()
        self._ledger = ledger
        self._options = options
        self._report = report
        self._most = most
        self._is_adopting = is_adopting
        self._versions: dict[str, int] = {}  # that records of this run came in, by stream
        self._kept: dict[str, int] | None = None  # what runs before were told and did not act on, by stream
        self._newest: dict[str, int | None] = {}  # version so far, of streams whose records come without one
        self._waiting: dict[str, str] = {}  # stream by source, of deleted records of this run

    @property
    def are_wanted(self) -> bool:
        """Whether anything is to be deleted at all."""
        return self._options.deletes != "none"

    def came(self, stream: str, version: int | None) -> int | None:
        """Note that a record came.

        Returns:
            The version that it counts as: one that comes without any is as new as the newest of its stream so far, so
            that nothing which was told before takes it for gone.

        Raises:
            LedgerError: The ledger failed.
        """
        if stream in self._whole:
            self._doubt(stream)
        if version is None:
            if stream not in self._newest:
                with self._ledger.transaction() as ledger:
                    self._newest[stream] = ledger.newest_version(stream)
            return self._newest[stream]
        if self._kept is None:
            with self._ledger.transaction() as ledger:
                self._kept = ledger.activations()
        if version <= self._kept.get(stream, version - 1):
            self._doubt(stream)
            del self._kept[stream]
        self._versions[stream] = version
        return version

    def activate(self, stream: str, version: int) -> None:
        """Note that all records of a stream in this version have been taken."""
        if stream in self._newest:
            logger.warning(
                "Some records of the stream %r came without its version, so nobody can know whether they all came: "
                "nothing is deleted because of it",
                stream,
            )
            return
        with self._ledger.transaction() as ledger:
            if self._versions.get(stream) != version and not ledger.holds_version(stream, version):
                logger.warning(
                    "No record of the stream %r came in its newest version before that was told: nothing is deleted, "
                    "since a source that comes up empty is no reason to delete everything",
                    stream,
                )
                return
            ledger.save_activation(stream, version)
        self._whole.add(stream)

    def note(self, ledger: LedgerTransaction, deleted: Iterable[Source]) -> set[str]:
        """Note that records were deleted.

        Returns:
            The ids of those for which something was delivered, and that were not told as deleted in this run before.
        """
        streams = {source.id: source.stream for source in deleted}
        news = ledger.delete_claims(streams) - self._waiting.keys()
        self._waiting.update({source: streams[source] for source in news})
        return news

    def carry_out(self) -> list[Released]:
        """At the end of an input: put on record what has to be deleted.

        Returns:
            What has to be sent because of it.
        """
        if not self.are_wanted or self._is_adopting:
            return []
        ended: list[Released] = []
        with self._ledger.transaction() as ledger:
            activated = ledger.activations()
            ledger.drop_activations(*activated)
            if activated or ledger.deleted_records():
                too_much = [share for share in ledger.shares(activated) if self._is_too_much(share)]
                if too_much:
                    self._withhold(too_much, activated)
                    return []
                ended += self._end_slots(ledger, activated)
                for kind in ("account", "user"):
                    ended += self._end_entities(ledger, kind, activated)
                ledger.drop_gone(activated)
        for stream in self._waiting.values():  # others ask for the same, or it is back, or it never got to journy.io
            self._report.move(stream, Outcome.WAITING, Outcome.UNCHANGED)
        self._waiting.clear()
        return ended

    def _doubt(self, stream: str) -> None:
        """Note that a stream went on after its version was told: when it ends the tap does not tell."""
        self._whole.discard(stream)
        with self._ledger.transaction() as ledger:
            ledger.drop_activations(stream)
        logger.warning(
            "The tap tells the version of the stream %r before the last of its records, so nobody can know whether "
            "they all came: nothing is deleted because of it",
            stream,
        )

    def _is_too_much(self, share: Share) -> bool:
        is_asked = share.kind != "slot" or self._options.memberships == "sync"
        return is_asked and share.percent > self._most

    def _withhold(self, shares: list[Share], activated: Mapping[str, int]) -> None:
        self._report.withheld = shares
        for share in shares:
            # Deleted records wait in the ledger; what a read as a whole did not find is to be missed once more.
            way_on = "that reads all (a full refresh)" if share.stream in activated else "(any run: they wait for it)"
            logger.error(
                "Nothing is deleted: %d of the %d %ss that the stream %r delivered have gone from it, %.1f %%, and the "
                "setting 'max_deleted_percent' allows %g. If they are really gone, raise it for one run %s; "
                "if not, see why the tap %s",
                share.going,
                share.delivered,
                "role" if share.kind == "slot" else share.kind,
                share.stream,
                share.percent,
                self._most,
                way_on,
                "did not find them" if share.stream in activated else "tells that they were deleted",
            )

    def _end_slots(self, ledger: LedgerTransaction, activated: Mapping[str, int]) -> Iterator[Released]:
        for page in self._pages(ledger, "slot", activated):
            slots = ledger.slots(page)
            ledger.drop_slots(page)
            ending = end_memberships(ledger, pairs_of(slots.values()), self._options)
            sources = {pair: page[key] for key, slot in slots.items() for pair in pairs_of([slot])}
            for pair in sorted(ending):
                yield from self._ended("membership", pair, sources[pair])

    def _end_entities(self, ledger: LedgerTransaction, kind: str, activated: Mapping[str, int]) -> Iterator[Released]:
        now = dt.datetime.now(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        pages = list(self._pages(ledger, kind, activated))
        # To journy.io it is one person: to delete one name of theirs would delete the other.
        spared = ledger.named_otherwise({key for page in pages for key in page}) if kind == "user" else set()
        for page in pages:
            ended = {}
            for key, entity in ledger.entities(kind, page.keys() - spared).items():
                if not entity.may_exist:
                    ledger.drop_entity(kind, key)
                    continue
                ended[key] = entity
                if self._options.deletes == "hard":
                    entity.gone, entity.rejected = True, {}
                else:
                    mark_deleted(entity, now)
            ledger.save_entities(kind, ended)
            for key in ended:
                yield from self._ended(kind, key, page[key])

    def _ended(self, kind: str, key: Any, sources: Iterable[str]) -> Iterator[Released]:
        records = [source for source in sources if source in self._waiting]
        for source in records:
            yield Released(Ticket(kind, key), "deletion", source, self._waiting.pop(source))
        if not records:
            yield Released(Ticket(kind, key), "deletion", "", None)

    def _pages(
        self, ledger: LedgerTransaction, kind: str, activated: Mapping[str, int]
    ) -> Iterator[dict[str, list[str]]]:
        after = ""
        while page := ledger.over(kind, activated, after=after, limit=_PAGE):
            yield page
            after = list(page)[-1]
