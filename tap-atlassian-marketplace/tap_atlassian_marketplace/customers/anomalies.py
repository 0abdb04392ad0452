"""What is odd about a licence's sales: named with what to do about it, never an exception and never silent."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

UNMATCHED_REFUND = "unmatched_refund"
REFUND_EXCEEDS_SALES = "refund_exceeds_sales"
REFUND_NOT_NEGATIVE = "refund_not_negative"
OVERLAP = "overlap_anomaly"
COVERAGE_MISSING = "coverage_missing"
AMOUNT_MISSING = "amount_missing"
SALE_DATE_MISSING = "sale_date_missing"
UNKNOWN_SALE_TYPE = "unknown_sale_type"
UNKNOWN_TIER = "unknown_tier"
NEGATIVE_MRR = "negative_mrr"
UNUSABLE_EMAIL = "unusable_email"
LICENSE_MISSING = "license_missing"
LICENSE_TWICE = "license_twice"
NO_LICENSE_NAMED = "no_license_named"

WHAT_TO_DO = {
    UNMATCHED_REFUND: "No earlier sale of this licence covers the refunded days, so MRR is as if it did not exist. "
    "See in the vendor portal which sale it belongs to; that may sit on another licence.",
    REFUND_EXCEEDS_SALES: "More was refunded than was paid for the sales of those days; MRR went down to nothing and "
    "no further. See whether a sale is missing or a refund was booked twice.",
    REFUND_NOT_NEGATIVE: "A refund or credit note with a positive amount; it is kept out of MRR. Ask Atlassian what "
    "was meant.",
    OVERLAP: "Two sales of this licence cover the same days and none was refunded, so both count. See whether the "
    "customer was billed twice.",
    COVERAGE_MISSING: "The sale does not say which days it covers, so it is no part of MRR. Invoices written by hand "
    "often lack them.",
    AMOUNT_MISSING: "The purchase price or the vendor amount is missing, or no amount that anybody pays, and counts as "
    "nothing.",
    SALE_DATE_MISSING: "The day of the sale is missing or no date; the first day covered stands for it.",
    UNKNOWN_SALE_TYPE: "The type of the sale is not known; it counts from its first day covered, like a new sale.",
    UNKNOWN_TIER: "The tier of the sale, or of the licence where no sale is named, is of no known form, so the number "
    "of users is unknown.",
    UNUSABLE_EMAIL: "The e-mail of a contact of this licence is no address, so the contact counts as without one. "
    "Correct it with the customer, or in the vendor portal.",
    NEGATIVE_MRR: "On these days refunds are more than the sales; MRR counts as nothing. See which refund is too much.",
    LICENSE_MISSING: "Sales of a licence that the Marketplace does not list; they count, and the account shows what "
    "they tell.",
    LICENSE_TWICE: "Several licences share an id, so they are taken for one: the row that was updated last says most, "
    "the others what it leaves open. Ask Atlassian which is right.",
    NO_LICENSE_NAMED: "The sale names no licence at all, so its money is nobody's MRR. See in the vendor portal whose "
    "it is.",
}
"""What each reason means, and what a vendor does about it."""


@dataclass(frozen=True)
class Anomaly:
    """One oddity.

    Attributes:
        reason: One of the names in `WHAT_TO_DO`.
        account_id: The account.
        license_id: The licence.
        transaction_key: The sale or refund; empty when it is about none in particular.
        other_transaction_key: The second sale of a pair, else empty.
        since: First day that it is about.
        until: Day after the last.
        amount: How much it is about, in USD; in USD a month for `refund_exceeds_sales`, `overlap_anomaly` and
            `negative_mrr`.
    """

    reason: str
    account_id: str
    license_id: str
    transaction_key: str = ""
    other_transaction_key: str = ""
    since: date | None = None
    until: date | None = None
    amount: Decimal | None = None

    @property
    def id(self) -> str:
        """SHA-256 of reason, licence, both transaction keys and the first day, so that it stays from run to run."""
        since = self.since.isoformat() if self.since else ""
        parts = (self.reason, self.license_id, self.transaction_key, self.other_transaction_key, since)
        return sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()

    def row(self) -> dict[str, Any]:
        """Give the row of the stream `anomalies`."""
        return {
            "id": self.id,
            "reason": self.reason,
            "account_id": self.account_id,
            "license_id": self.license_id,
            "transaction_key": self.transaction_key,
            "other_transaction_key": self.other_transaction_key,
            "valid_from": self.since.isoformat() if self.since else None,
            "valid_to": self.until.isoformat() if self.until else None,
            "amount": self.amount,
            "what_to_do": WHAT_TO_DO[self.reason],
        }
