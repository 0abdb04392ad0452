"""What can go wrong, by name: whom it hits, and how it shows on the wire."""

from marketplace_sandbox.faults.catalogue import FAULTS
from marketplace_sandbox.faults.faults import Fault, Faults
from marketplace_sandbox.faults.gates import WHENS, Gates
from marketplace_sandbox.faults.scope import Scope

__all__ = ["FAULTS", "WHENS", "Fault", "Faults", "Gates", "Scope"]
