"""How often the worker looks again, and how long it waits before it does more. All in seconds; none of it keeps money safe."""

from __future__ import annotations

from dataclasses import dataclass, fields

from guard.core.ids import is_count
from guard.core.refusing import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The worker's times.

    `lease` is how long a claimed errand is another's before it is taken over; it is renewed at each question that is asked. `held` is the
    pause while time alone holds a transfer, `waiting` while people do. `bump_after`: an unmined transaction is offered more. `stuck_after`:
    signatures one short of a certificate are alarmed, and signers that stay silent are no longer counted on. `reverting_after`: a
    certificate whose execution would revert is cancelled.
    """

    lease: int = 120
    busy: int = 1
    mining: int = 2
    final: int = 15
    held: int = 15
    waiting: int = 300
    watch: int = 30
    most_back_off: int = 300
    bump_after: int = 60
    silent_after: int = 300
    stuck_after: int = 600
    reverting_after: int = 3600

    def __post_init__(self) -> None:
        for each in fields(self):
            require(
                is_count(getattr(self, each.name), least=1),
                f"{each.name} of the worker's pace is not a positive number",
            )

    def compute_back_off(self, attempts: int) -> int:
        """The pause after so many troubles in a row: two seconds, doubled each time."""
        return min(self.most_back_off, 1 << min(max(attempts, 1), 20))
