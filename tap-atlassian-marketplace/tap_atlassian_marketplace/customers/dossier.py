"""What is known about one licence before it is examined, and what is found out about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tap_atlassian_marketplace.customers.domains import DomainClasses
from tap_atlassian_marketplace.customers.overrides import Overrides

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from tap_atlassian_marketplace.customers.money_tally import MoneyEntry
    from tap_atlassian_marketplace.customers.people import PersonPart

Row = dict[str, Any]


@dataclass(frozen=True)
class Settings:
    """What the vendor decides.

    Attributes:
        today: The day for which stages, health and today's MRR are computed. Later rows count; later events are left
            out.
        grace_days: Days after the end of what is paid for until a customer counts as gone; it never changes MRR.
        ignore_goodwill_below: A refund smaller than this share of its sale leaves MRR as it is.
        domains: Whose e-mail domains are whose, as far as the settings say; what the rows say of partners comes from
            the survey.
        links: Addresses by property name, with `{account_id}` in them.
        overrides: What the vendor knows better than the rows.
    """

    today: date
    grace_days: int = 30
    ignore_goodwill_below: Decimal | None = None
    domains: DomainClasses = field(default_factory=DomainClasses)
    links: Mapping[str, str] = field(default_factory=dict)
    overrides: Overrides = field(default_factory=Overrides)


@dataclass(frozen=True)
class Dossier:
    """All rows about one licence, as the API sends them, in any order.

    Attributes:
        license: The licence; None when only sales of it are known.
        transactions: Its transaction rows; rows that come twice count once.
        feedback: Its feedback rows.
        quotes: Its accepted quotes; None when the vendor may not read quotes.
        twins: Where several rows are this licence, those of which `license` was made.
    """

    license: Mapping[str, Any] | None
    transactions: Sequence[Mapping[str, Any]] = ()
    feedback: Sequence[Mapping[str, Any]] = ()
    quotes: Sequence[Mapping[str, Any]] | None = None
    twins: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Findings:
    """Rows of the customer streams about one licence; money is `Decimal`, days are text, what is not known is `None`.

    Attributes:
        account: The row of `accounts`; None for sales that name no licence at all.
        account_events: Rows of `account_events`.
        mrr_segments: Rows of `mrr_segments`.
        anomalies: Rows of `anomalies`.
        money: Where the purchase price of each transaction went, to be added to a `MoneyTally`.
        people: What the licence says about people, to be sorted by e-mail and folded by `fold_person`.
    """

    account: Row | None
    account_events: list[Row]
    mrr_segments: list[Row]
    anomalies: list[Row]
    money: list[MoneyEntry]
    people: list[PersonPart]
