"""The ledger: what was delivered to journy.io last, what still waits, and what was refused."""

from target_journy.ledger.claims import Claim, Share
from target_journy.ledger.condition import Condition, condition_of
from target_journy.ledger.copying import Copy, copy_ledger
from target_journy.ledger.errors import LedgerError
from target_journy.ledger.events import NO_ACCOUNT, Event
from target_journy.ledger.ledger import Ledger, LedgerTransaction
from target_journy.ledger.memberships import Slot
from target_journy.ledger.records import SeenRecord
from target_journy.ledger.runs import Run

__all__ = [
    "NO_ACCOUNT",
    "Claim",
    "Condition",
    "Copy",
    "Event",
    "Ledger",
    "LedgerError",
    "LedgerTransaction",
    "Run",
    "SeenRecord",
    "Share",
    "Slot",
    "condition_of",
    "copy_ledger",
]
