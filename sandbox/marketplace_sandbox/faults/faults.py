"""The faults that are on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from marketplace_sandbox.calls import GROUPS
from marketplace_sandbox.faults.catalogue import FAULTS
from marketplace_sandbox.faults.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from marketplace_sandbox.calls import Call


@dataclass(kw_only=True)
class Fault(Scope):
    """A fault and the calls that it hits.

    Attributes:
        name: One of `FAULTS`.
        seconds: How long it lasts, or the wait that it asks for; by default what `FAULTS` says.

    Raises:
        ValueError: There is no such fault, or it can hit no call that it is aimed at.
    """

    name: str
    seconds: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or self.name not in FAULTS:
            raise ValueError(f"Unknown fault {self.name!r}; there are {', '.join(FAULTS)}")
        super().__post_init__()
        trouble = FAULTS[self.name]
        if self.seconds is None:
            self.seconds = trouble.seconds
        if not isinstance(self.seconds, (int, float)) or isinstance(self.seconds, bool) or self.seconds < 0:
            raise ValueError("seconds: must be a number")
        aimed_at = GROUPS.get(self.kind or "", {self.kind})
        elsewhere = self.side not in (None, "marketplace")
        if trouble.kinds and ((self.kind and trouble.kinds.isdisjoint(aimed_at)) or elsewhere):
            raise ValueError(f"{self.name} hits marketplace calls only: {', '.join(sorted(trouble.kinds))}")

    def covers(self, call: Call) -> bool:
        """Whether a call is one of those aimed at, and of a kind that the fault can hit."""
        kinds = FAULTS[self.name].kinds
        return (kinds is None or call.kind in kinds) and super().covers(call)


class Faults:
    """The faults that are on; may be changed while calls are answered."""

    def __init__(self, names: Iterable[str | Fault] = ()) -> None:
        self._faults: list[Fault] = []
        for fault in names:
            self._faults.append(fault if isinstance(fault, Fault) else Fault(name=fault))

    def add(self, name: str, **scope: Any) -> Fault:
        """Switch a fault on.

        Args:
            name: One of `FAULTS`.
            scope: `side`, `kind`, `path`, `query`, `times`, `after`, `seconds`: see `Fault`. The fault that was
                switched on first wins where several hit one call.

        Raises:
            ValueError: Name or scope are wrong.
        """
        try:
            fault = Fault(name=name, **scope)
        except TypeError:
            raise ValueError("A fault has name, side, kind, path, query, times, after and seconds") from None
        self._faults.append(fault)
        return fault

    def discard(self, name: str) -> None:
        """Switch a fault off, if it is on."""
        self._faults = [fault for fault in self._faults if fault.name != name]

    def clear(self) -> None:
        """Switch all faults off."""
        self._faults = []

    def strike(self, call: Call) -> Fault | None:
        """The fault that hits a call; it is counted."""
        due = [fault for fault in self._faults if fault.is_due(call)]
        if not due:
            return None
        due[0].hits += 1
        return due[0]

    def snapshot(self) -> list[dict[str, Any]]:
        """The faults as plain data, with `seen` and `hits`; those that hit no more calls, too."""
        return [asdict(fault) for fault in self._faults]

    def __contains__(self, name: object) -> bool:
        return any(fault.name == name and not fault.spent for fault in self._faults)

    def __iter__(self) -> Iterator[str]:
        return iter([fault.name for fault in self._faults if not fault.spent])

    def __len__(self) -> int:
        return len(list(iter(self)))
