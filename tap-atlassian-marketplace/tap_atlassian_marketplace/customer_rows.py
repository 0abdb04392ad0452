"""The rows of the customer streams: computed once a run from all that the API tells of them, and kept on disk."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec

from tap_atlassian_marketplace.customers.identity import aliases
from tap_atlassian_marketplace.customers.money_tally import MoneyTally
from tap_atlassian_marketplace.customers.people import PersonPart, fold_person
from tap_atlassian_marketplace.customers.survey import Survey
from tap_atlassian_marketplace.examining import PERSON_PARTS, encode, examine_all, found
from tap_atlassian_marketplace.hash_index import hash64
from tap_atlassian_marketplace.joining import LicenseJoin
from tap_atlassian_marketplace.row_file import private_file
from tap_atlassian_marketplace.row_ids import with_license_ids
from tap_atlassian_marketplace.row_kinds import FEEDBACK, LICENSES, QUOTES, TRANSACTIONS
from tap_atlassian_marketplace.site_domains import site_domains

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from tap_atlassian_marketplace.customers.dossier import Settings
    from tap_atlassian_marketplace.merging import Row
    from tap_atlassian_marketplace.selection import Selection

PEOPLE = "people"
_BUCKETS = 64  # of people, each of which is sorted in memory

_logger = logging.getLogger("tap-atlassian-marketplace")
_decode_part = msgspec.json.Decoder(PersonPart, float_hook=Decimal).decode


class CustomerRows:
    """What the Marketplace says about customers; iterate over each stream as often as needed.

    Memory grows by 16 bytes for each id of a licence, by some 200 for each site with technical contacts of several
    organisations, and by what a hundredth of all rows takes.

    Args:
        directory: An existing private directory for the rows.
        reports: All licences and transactions, and the feedback and quotes that may be read, by report; gone through
            more than once.
        settings: What the vendor decides.
        selection: Which customers are emitted.

    Attributes:
        tally: Where the money of the emitted customers' transactions went.
    """

    def __init__(
        self,
        directory: Path,
        reports: Mapping[str, Iterable[Row]],
        settings: Settings,
        selection: Selection,
    ) -> None:
        self.tally = MoneyTally()
        self._today = settings.today.isoformat()
        survey = Survey.begin(settings.today)
        unknown = set(settings.overrides.licenses)
        for report, look in ((LICENSES, survey.add_license), (TRANSACTIONS, survey.add_transaction)):
            for row in reports[report]:
                look(row)
                if unknown:
                    unknown.difference_update(aliases(row))
        if unknown and not selection.is_trial:
            _logger.warning("`overrides_path`: no licence was found for %s.", ", ".join(sorted(unknown)))
        if count := survey.unusable_emails:
            _logger.warning("%d contacts have an e-mail that is no address; `anomalies` names their licences.", count)
        self._domains = survey.domains(settings.domains)
        survey.site_domains = site_domains(reports[LICENSES], reports[TRANSACTIONS], self._domains)
        self._parts = LicenseJoin(directory, reports[LICENSES], _naming_licenses(reports)).parts
        for tally in examine_all(self._parts, settings, survey, selection, knows_quotes=QUOTES in reports):
            self.tally.merge(tally)
        self._people = [directory / f"{PEOPLE}-{bucket}.jsonl" for bucket in range(_BUCKETS)]
        self._sort_people()

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


def _naming_licenses(reports: Mapping[str, Iterable[Row]]) -> dict[str, Iterable[Row]]:
    """Give the rows that name a licence by the names that the join knows; what nobody signed tells of no customer."""
    return {
        TRANSACTIONS: reports[TRANSACTIONS],
        FEEDBACK: (row for row in reports.get(FEEDBACK, ()) if aliases(row)),
        QUOTES: filter(aliases, map(with_license_ids, reports.get(QUOTES, ()))),
    }
