"""What the vendor's Marketplace holds: licences and transactions, the same for the same seed."""

from marketplace_sandbox.world.plain import PlainWorld
from marketplace_sandbox.world.world import World

__all__ = ["PlainWorld", "World"]
