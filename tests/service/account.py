"""A slow account of what was said to a service: the facts of a prediction kept by the test itself, one event after the other."""

from collections.abc import Callable
from dataclasses import dataclass, field

from guard.core.decide import decide
from guard.core.decision import Decision
from guard.core.facts import Facts, FreezeInForce, Movement, ScopeKind, SeenApproval, SeenProposal, SeenUnfreeze
from guard.core.ids import Digest, PersonId
from guard.core.lifecycle import COUNTED, State
from guard.core.policy import Edition, Policies
from guard.core.stops import is_lifted
from guard.core.transfer import Transfer
from guard.errors import GuardError
from guard.service.acknowledgement import Acknowledgement
from guard.statements.signed import SignedStatement
from guard.statements.values import Approval, Freeze, Unfreeze
from tests.factories import address_of, make_scope
from tests.service.house import House, asked
from tests.team import transfer_id_of

TICK = 10 * 60
"""Everything happens at such steps, so that the account can ask at every instant at which something could have changed."""


@dataclass
class Account:
    """Does what is asked at the service and, where that accepts it, writes it down. What is refused never happened."""

    house: House
    transfers: list[Transfer] = field(default_factory=list)
    proposals: dict[str, SeenProposal] = field(default_factory=dict)
    approvals: list[tuple[str, SeenApproval]] = field(default_factory=list)
    rejections: list[tuple[str, PersonId]] = field(default_factory=list)
    vetoes: list[tuple[str, PersonId]] = field(default_factory=list)
    freezes: list[tuple[Freeze, PersonId, int]] = field(default_factory=list)
    unfreezes: list[SeenUnfreeze] = field(default_factory=list)

    @property
    def now(self) -> int:
        return self.house.clock.wall

    @property
    def edition(self) -> Edition:
        return self.house.showing.load_known().active

    # What happens.

    def wait(self, ticks: int) -> None:
        self.house.clock.advance(ticks * TICK)

    def propose(self, **changes: object) -> Acknowledgement:
        transfer = self.house.people.transfer(**changes)
        given = self.house.service.propose(self.house.people.propose(transfer), asked())
        self.transfers.append(transfer)
        who = transfer.initiator
        seen = SeenProposal(person=who, key=address_of(who), first_seen_at=self.now)
        self.proposals[transfer_id_of(transfer)] = seen
        return given

    def approve(self, place: int, name: str, lasts: int) -> Acknowledgement | None:
        transfer = self._choose(place)
        signed = self.house.people.approve(transfer, name, expires_at=self.now + lasts)
        about = transfer_id_of(transfer)
        version = self.house.row(transfer).version
        given = _ask(lambda: self.house.service.approve(about, signed, asked(version=version)))
        if given is not None:
            self.approvals.append((about, self._to_approval(signed, name)))
        return given

    def _to_approval(self, signed: SignedStatement, name: str) -> SeenApproval:
        said = signed.statement
        assert isinstance(said, Approval)
        return SeenApproval(
            person=PersonId(name),
            key=address_of(name),
            roster=said.roster,
            signed_at=said.signed_at,
            expires_at=said.expires_at,
            first_seen_at=self.now,
        )

    def reject(self, place: int, name: str) -> Acknowledgement | None:
        transfer = self._choose(place)
        given = _ask(lambda: self.house.reject(transfer, name))
        if given is not None:
            self.rejections.append((transfer_id_of(transfer), PersonId(name)))
        return given

    def veto(self, place: int, name: str) -> Acknowledgement | None:
        transfer = self._choose(place)
        given = _ask(lambda: self.house.veto(transfer, name))
        if given is not None:
            self.vetoes.append((transfer_id_of(transfer), PersonId(name)))
        return given

    def freeze(self, name: str, kind: ScopeKind, freeze: str) -> Acknowledgement | None:
        signed = self.house.people.freeze(make_scope(kind), name, freeze=freeze)
        given = _ask(lambda: self.house.service.freeze(signed, asked(key=None)))
        if given is not None and isinstance(signed.statement, Freeze):
            self.freezes.append((signed.statement, PersonId(name), self.now))
        return given

    def unfreeze(self, name: str, freeze: str, lasts: int) -> Acknowledgement | None:
        signed = self.house.people.unfreeze(name, freeze, expires_at=self.now + lasts)
        given = _ask(lambda: self.house.service.unfreeze(signed, asked()))
        said = signed.statement
        if given is not None and isinstance(said, Unfreeze):
            seen = SeenUnfreeze(
                ids=frozenset(said.ids),
                person=PersonId(name),
                key=address_of(name),
                roster=said.roster,
                signed_at=said.signed_at,
                expires_at=said.expires_at,
                first_seen_at=self.now,
            )
            self.unfreezes.append(seen)
        return given

    def move(self, place: int, states: tuple[State, ...]) -> None:
        _ask(lambda: self.house.carry(self._choose(place), *states))

    def _choose(self, place: int) -> Transfer:
        return self.transfers[place % len(self.transfers)]

    # What follows from it.

    def decide(self, transfer: Transfer) -> Decision:
        """The decision from these facts alone."""
        about = transfer_id_of(transfer)
        facts = Facts(
            now=self.now,
            transfer_id=about,
            proposal=self.proposals[about],
            approvals=tuple(seen for each, seen in self.approvals if each == about),
            rejected_by=frozenset(person for each, person in self.rejections if each == about),
            vetoed_by=frozenset(person for each, person in self.vetoes if each == about),
            freezes=self.compute_in_force(),
            movements=self.compute_movements(),
        )
        return decide(transfer, Policies(named=self.edition, active=self.edition), facts)

    def compute_movements(self) -> tuple[Movement, ...]:
        """Everything that counts, by what the worker said of it."""
        rows = [(transfer, self.house.row(transfer)) for transfer in self.transfers]
        return tuple(
            Movement.of(row.id, transfer, row.moved_at if row.state is State.FINALISED else None)
            for transfer, row in rows
            if row.state in COUNTED
        )

    def compute_in_force(self) -> tuple[FreezeInForce, ...]:
        """Plays everything again, instant by instant. A freeze that was lifted once is spent for ever, under whoever's name it comes."""
        lifted: set[Digest] = set()
        begun: dict[Digest, int] = {}
        standing: list[tuple[Freeze, PersonId]] = []
        first = min((at for _, _, at in self.freezes), default=self.now)
        for instant in range(first, self.now + 1, TICK):
            lifted |= self._compute_lifted(begun, instant)
            for freeze, person, at in self.freezes:
                if at == instant and freeze.id not in lifted:
                    begun[freeze.id] = at
                    standing.append((freeze, person))
        return tuple(
            FreezeInForce(id=freeze.id, scope=freeze.scope, person=person)
            for freeze, person in standing
            if freeze.id not in lifted
        )

    def _compute_lifted(self, begun: dict[Digest, int], instant: int) -> set[Digest]:
        seen = [each for each in self.unfreezes if each.first_seen_at <= instant]
        return {each for each, at in begun.items() if is_lifted(each, seen, self.edition, instant, (), frozen_at=at)}


def _ask(ask: Callable[[], object]) -> Acknowledgement | None:
    try:
        given = ask()
    except GuardError:
        return None
    return given if isinstance(given, Acknowledgement) else None
