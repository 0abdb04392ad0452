"""The rows of the customer streams: computed once a run from all licences and transactions, and kept on disk."""

from __future__ import annotations

from contextlib import ExitStack
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec

from tap_atlassian_marketplace.customers.money_tally import MoneyTally
from tap_atlassian_marketplace.customers.people import PersonPart, fold_person
from tap_atlassian_marketplace.customers.survey import Survey
from tap_atlassian_marketplace.examining import PERSON_PARTS, TRANSACTIONS, encode, examine_all, found
from tap_atlassian_marketplace.hash_index import hash64
from tap_atlassian_marketplace.joining import LicenseJoin, private_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tap_atlassian_marketplace.customers.dossier import Settings
    from tap_atlassian_marketplace.merging import MergedRows
    from tap_atlassian_marketplace.selection import Selection

PEOPLE = "people"
_BUCKETS = 64  # of people, each of which is sorted in memory

_decode_part = msgspec.json.Decoder(PersonPart, float_hook=Decimal).decode


class CustomerRows:
    """What licences and transactions say about customers; iterate over each stream as often as needed.

    Memory grows by 16 bytes for each id of a licence, and by what a hundredth of all rows takes.

    Args:
        directory: An existing private directory for the rows.
        licenses: All licences.
        transactions: All transactions.
        settings: What the vendor decides.
        selection: Which customers are emitted.

    Attributes:
        tally: Where the money of the emitted customers' transactions went.
    """

    def __init__(
        self,
        directory: Path,
        licenses: MergedRows,
        transactions: MergedRows,
        settings: Settings,
        selection: Selection,
    ) -> None:
        self.tally = MoneyTally()
        self._today = settings.today.isoformat()
        survey = Survey.begin(settings.today)
        for row in licenses:
            survey.add_license(row)
        for row in transactions:
            survey.add_transaction(row)
        self._parts = LicenseJoin(directory, licenses, {TRANSACTIONS: transactions}).parts
        for tally in examine_all(self._parts, settings, survey, selection):
            self.tally.merge(tally)
        self._people = [directory / f"{PEOPLE}-{bucket}.jsonl" for bucket in range(_BUCKETS)]
        self._sort_people()
        self._domains = survey.domains(settings.domains)

    def encoded(self, stream: str) -> Iterator[bytes]:
        """Give the rows of a stream as JSON."""
        if stream == PEOPLE:
            yield from self._folded_people()
            return
        for part in self._parts:
            with found(part, stream).open("rb") as file:
                for line in file:
                    yield line[:-1]

    def _sort_people(self) -> None:
        """Bring what licences say about one e-mail into one file."""
        with ExitStack() as opened:
            buckets = [opened.enter_context(private_file(path)) for path in self._people]
            for part in self._parts:
                with found(part, PERSON_PARTS).open("rb") as file:
                    for line in file:
                        buckets[hash64(_decode_part(line).email) % _BUCKETS].write(line)

    def _folded_people(self) -> Iterator[bytes]:
        for path in self._people:
            with path.open("rb") as file:
                parts = sorted(map(_decode_part, file), key=attrgetter("email"))
            for _, same in groupby(parts, key=attrgetter("email")):
                yield encode({**fold_person(same, self._domains), "as_of": self._today})
