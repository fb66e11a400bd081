"""Which freezes hold by the server's books, for predictions. Pure; each signer counts seats and delay of an unfreeze by its own clock."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from guard.core.facts import FreezeInForce, SeenUnfreeze
from guard.core.ids import Address, Digest, PersonId
from guard.core.policy import Edition
from guard.core.stops import is_lifted
from guard.statements.values import Freeze, Unfreeze


@dataclass(frozen=True, slots=True)
class SaidFreeze:
    """A freeze as it was accepted."""

    statement: Freeze
    person: PersonId
    received_at: int


@dataclass(frozen=True, slots=True)
class SaidUnfreeze:
    """An unfreeze as it was accepted."""

    statement: Unfreeze
    person: PersonId
    key: Address
    received_at: int

    def to_seen(self) -> SeenUnfreeze:
        """The unfreeze as the core judges it."""
        return SeenUnfreeze(
            ids=frozenset(self.statement.ids),
            person=self.person,
            key=self.key,
            roster=self.statement.roster,
            signed_at=self.statement.signed_at,
            expires_at=self.statement.expires_at,
            first_seen_at=self.received_at,
        )


@dataclass(frozen=True, slots=True)
class FreezeStanding:
    """A freeze and whether it holds. One that was lifted is spent: neither its id nor the old unfreezes work again (TRUST §2)."""

    said: SaidFreeze
    is_in_force: bool

    def to_fact(self) -> FreezeInForce:
        """The freeze as the core judges it."""
        freeze = self.said.statement
        return FreezeInForce(id=freeze.id, scope=freeze.scope, person=self.said.person)


def compute_standings(
    freezes: Iterable[SaidFreeze], unfreezes: Iterable[SaidUnfreeze], active: Edition, now: int
) -> tuple[FreezeStanding, ...]:
    """Every freeze, in the order of arrival, with whether it holds now."""
    seen = tuple(unfreeze.to_seen() for unfreeze in unfreezes)
    stored = tuple(freezes)
    frozen_at = _compute_frozen_at(stored, seen, active)
    return tuple(
        FreezeStanding(
            said, not was_lifted(said.statement.id, seen, active, frozen_at=frozen_at[said.statement.id], now=now)
        )
        for said in stored
    )


def _compute_frozen_at(
    freezes: Iterable[SaidFreeze], seen: Sequence[SeenUnfreeze], active: Edition
) -> dict[Digest, int]:
    """When each freeze came; of several under one id the last, as for a signer, unless a quorum had lifted it by then."""
    frozen_at: dict[Digest, int] = {}
    for said in freezes:
        freeze_id, now = said.statement.id, said.received_at
        begun_at = frozen_at.get(freeze_id)
        if begun_at is None or not was_lifted(freeze_id, seen, active, frozen_at=begun_at, now=now):
            frozen_at[freeze_id] = now
    return frozen_at


def was_lifted(
    freeze_id: Digest, unfreezes: Sequence[SeenUnfreeze], active: Edition, *, frozen_at: int, now: int
) -> bool:
    """Whether the seats and the delay of `[unfreeze]` were met at some time until now.

    `is_lifted` says it of one moment; an unfreeze that expires later takes nothing back. If it was ever so, then already when the delay
    from some unfreeze or from the freeze itself was over, since nothing else makes it so.
    """
    delay = active.policy.unfreeze.delay
    naming = sorted((each for each in unfreezes if freeze_id in each.ids), key=lambda each: each.first_seen_at)
    ends = sorted({max(each.first_seen_at, frozen_at) + delay for each in naming})
    queues = _Queues(active, naming)
    return any(
        is_lifted(freeze_id, queues.take_until(at), active, at, (), frozen_at=frozen_at) for at in ends if at <= now
    )


class _Queues:
    """Unfreezes in the order of arrival, as time goes on: of those that differ in time alone the earliest that has not expired.

    No other can make a quorum older, so that somebody's thousand unfreezes cost as much as one.
    """

    def __init__(self, active: Edition, arrived: Sequence[SeenUnfreeze]):
        self._active = active
        self._coming = deque(arrived)
        self._queues: defaultdict[tuple[PersonId, Address, Digest, bool], deque[SeenUnfreeze]] = defaultdict(deque)

    def take_until(self, at: int) -> list[SeenUnfreeze]:
        """Those that may count at this time, which is never before the time that was asked about last."""
        while self._coming and self._coming[0].first_seen_at <= at:
            unfreeze = self._coming.popleft()
            self._queues[self._to_kind(unfreeze)].append(unfreeze)
        for queue in self._queues.values():
            while queue and queue[0].expires_at <= at:
                queue.popleft()
        return [queue[0] for queue in self._queues.values() if queue]

    def _to_kind(self, unfreeze: SeenUnfreeze) -> tuple[PersonId, Address, Digest, bool]:
        """Everything but time by which an unfreeze counts or does not."""
        enrolled_at = self._active.enrolled_at.get(unfreeze.key)
        is_later = enrolled_at is not None and min(unfreeze.signed_at, unfreeze.first_seen_at) >= enrolled_at
        return unfreeze.person, unfreeze.key, unfreeze.roster, is_later
