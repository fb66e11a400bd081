"""The exhaustive search: every state that a hostile worker can bring about, the cheapest first, and the shortest way to a violation.

A state is the set of honest signers, each with its book and what it has given. A step is one thing that happens: a signer
signs a transfer or a cancel, a signer is brought a certificate, the chain executes one. The worker is the only one who
acts: it asks any signer for anything at any time, keeps everything that it ever got, and shows it to whom it likes.

What is not stored, since it follows:

* **The chain.** Signatures never vanish, so a certificate that can be made stays executable until its nonce has passed. The
  histories of the chain that are possible in a state are all choices of one certificate per nonce, without a gap from the first
  nonce on. Every state is judged by all of its histories, which is the chain executing whatever it can at every moment.
  What is executed or final only ever restricts a signer (`max_unmined`, an unexplained nonce), so it is left out here.
* **Withheld and hoarded certificates.** Once the signatures exist the worker has the certificate.

What is left out, since it gives the worker nothing (`test_reductions` checks each on every small book, and compares the
whole search with a plain one that leaves out nothing):

* Being brought a certificate changes nobody else and can be put off: it is done just before the signer signs at the nonce that it opens.
* With one certificate for a nonce, another one for it, or one above the open nonce, never lets a signer do more, now or later.

States that differ only by exchanging signers of equal rights, or transfers, are one state.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import permutations, product
from typing import NamedTuple

from guard.core.ids import TransferId
from guard.signer.release_chain import ChainRules
from tests.search.world import (
    Allowed,
    Certificate,
    Honest,
    Setting,
    book_certificate,
    compute_allowed,
    compute_certificates,
    make_honest,
    rename,
    sign_cancel,
    sign_transfer,
    to_owner,
)

State = tuple[int, ...]
"""The honest signers by their numbers in a `Census`, sorted unless said otherwise."""
Available = tuple[int, ...]
"""For each nonce the number of its list of certificates that the worker can make."""
Executed = tuple[TransferId | None, ...]
"""What the chain has executed, nonce by nonce: a transfer, or None for a cancel."""


class Booking(NamedTuple):
    """A signer is brought a certificate."""

    nonce: int
    certificate: Certificate


class Move(NamedTuple):
    """What one signer is made to do: certificates that it is brought, then one signature; `transfer_id` is None for a cancel."""

    becomes: int
    bookings: tuple[Booking, ...]
    nonce: int
    transfer_id: TransferId | None

    @property
    def steps(self) -> int:
        """How many things happen."""
        return len(self.bookings) + 1


class Census:
    """Every signer that was ever met, by number, with all that the rules say of it, computed once."""

    def __init__(self, setting: Setting, variants: tuple[ChainRules, ...]):
        self.setting = setting
        self.variants = variants
        self.signers: list[Honest] = []
        self._numbers: dict[Honest, int] = {}
        self._allowed: list[Allowed | None] = []
        self._moves: list[dict[Available, tuple[Move, ...]]] = []
        self._given: dict[object, int] = {}
        self._holdings: list[tuple[int, ...]] = []
        self._certificates: dict[tuple[int, tuple[int, ...]], int] = {}
        self._lists: list[tuple[Certificate, ...]] = []
        self._list_numbers: dict[tuple[Certificate, ...], int] = {}
        orders = permutations(setting.transfer_ids)
        self._renamings = [dict(zip(setting.transfer_ids, order, strict=True)) for order in orders]
        self._images: list[tuple[int, ...] | None] = []

    def number(self, signer: Honest) -> int:
        """The signer's number."""
        number = self._numbers.get(signer)
        if number is None:
            number = self._numbers[signer] = len(self.signers)
            self.signers.append(signer)
            self._allowed.append(None)
            self._moves.append({})
            self._images.append(None)
            holding = ((signer.seats, given) for given in signer.given)
            self._holdings.append(tuple(self._given.setdefault(each, len(self._given)) for each in holding))
        return number

    def allowed(self, number: int) -> Allowed:
        """What the rules let this signer do."""
        allowed = self._allowed[number]
        if allowed is None:
            allowed = self._allowed[number] = compute_allowed(self.setting, self.variants, self.signers[number])
        return allowed

    def images(self, number: int) -> tuple[int, ...]:
        """The same signer under every exchange of the transfers' names."""
        images = self._images[number]
        if images is None:
            signer = self.signers[number]
            images = tuple(self.number(rename(signer, names)) for names in self._renamings)
            self._images[number] = images
        return images

    def available(self, state: State) -> Available:
        """The certificates that the worker can make in a state, as numbers of their lists."""
        holdings = [self._holdings[number] for number in state]
        return tuple(
            self._list_of(nonce, tuple(sorted([holding[nonce] for holding in holdings])))
            for nonce in range(self.setting.nonces)
        )

    def _list_of(self, nonce: int, holding: tuple[int, ...]) -> int:
        # Who owns the vault may change with the nonce, so the same holdings may make a certificate at one and none at another.
        key = (nonce if len(self.setting.seats) > 1 else 0, holding)
        number = self._certificates.get(key)
        if number is None:
            named = list(self._given)
            holders = tuple(named[each] for each in holding)
            certificates = compute_certificates(self.setting, self.variants[0], nonce, holders)  # type: ignore[arg-type]
            number = self._list_numbers.setdefault(certificates, len(self._lists))
            if number == len(self._lists):
                self._lists.append(certificates)
            self._certificates[key] = number
        return number

    def certificates(self, available: Available) -> list[tuple[Certificate, ...]]:
        """The certificates themselves, nonce by nonce."""
        return [self._lists[number] for number in available]

    def start(self) -> State:
        """Everybody before the first step, in the order of their names."""
        return tuple(self.number(make_honest(self.setting, seats)) for seats in self.setting.honest)

    def moves(self, number: int, available: Available) -> tuple[Move, ...]:
        """Everything that one signer can be made to do while these certificates can be made."""
        moves = self._moves[number].get(available)
        if moves is None:
            moves = self._moves[number][available] = tuple(self._iter_moves(number, available))
        return moves

    def _iter_moves(self, number: int, available: Available) -> Iterator[Move]:
        yield from self._iter_signatures(number, (), self.allowed(number).cancels)
        advanced: list[tuple[int, tuple[Booking, ...]]] = [(number, ())]
        while advanced:
            advanced = [each for last, bookings in advanced for each in self._iter_advances(last, bookings, available)]
            for last, bookings in advanced:
                open_nonce = self.allowed(last).open_nonce
                opened = tuple(nonce for nonce in self.allowed(last).cancels if nonce == open_nonce)
                yield from self._iter_signatures(last, bookings, opened)

    def _iter_advances(
        self, number: int, bookings: tuple[Booking, ...], available: Available
    ) -> Iterator[tuple[int, tuple[Booking, ...]]]:
        signer, nonce = self.signers[number], self.allowed(number).open_nonce
        if nonce < self.setting.nonces and not signer.book.page(nonce).has_certificate:
            for certificate in self._lists[available[nonce]]:
                book = book_certificate(signer.book, nonce, certificate)
                yield self.number(signer._replace(book=book)), (*bookings, Booking(nonce, certificate))

    def _iter_signatures(self, number: int, bookings: tuple[Booking, ...], cancels: tuple[int, ...]) -> Iterator[Move]:
        signer = self.signers[number]
        for nonce, transfer_id in self.allowed(number).transfers:
            yield Move(self.number(sign_transfer(signer, nonce, transfer_id)), bookings, nonce, transfer_id)
        for nonce in cancels:
            yield Move(self.number(sign_cancel(signer, nonce)), bookings, nonce, None)

    def canonical(self, state: State) -> State:
        """The one state that stands for all that differ by names."""
        images = [self.images(number) for number in state]
        return min([tuple(sorted(column)) for column in zip(*images, strict=True)])


@dataclass(frozen=True, slots=True)
class Violation:
    """What must never be, with a shortest way to it."""

    kind: str
    trace: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([f"{self.kind} after {len(self.trace)} steps:", *to_lines(self.trace)])


def to_lines(trace: tuple[str, ...]) -> list[str]:
    """The steps, numbered."""
    return [f"  {number:2}. {step}" for number, step in enumerate(trace, 1)]


@dataclass(slots=True)
class Explored:
    """A search that has ended: every state with its distance and where it was reached from, or the shortest violation."""

    census: Census
    distances: dict[State, int] = field(default_factory=dict)
    parents: dict[State, State] = field(default_factory=dict)
    violation: Violation | None = None
    seconds: float = 0.0

    @property
    def setting(self) -> Setting:
        """What was searched."""
        return self.census.setting

    def __str__(self) -> str:
        found = f"violation after {len(self.violation.trace)} steps" if self.violation else "no violation"
        return f"{self.setting}: {len(self.distances):,} states, {self.seconds:.1f} s, {found}"

    def trace(self, state: State) -> tuple[State, tuple[str, ...]]:
        """A shortest way to a state in words; signers and transfers keep their names along it, also in the state returned."""
        path = [state]
        while path[-1] in self.parents:
            path.append(self.parents[path[-1]])
        named, told = self.census.start(), []
        for wanted in path[-2::-1]:
            steps = self.distances[wanted] - self.distances[self.census.canonical(named)]
            named, said = _follow(self.census, named, wanted, steps)
            told += said
        return named, tuple(told)


LEAST_EXECUTED = 2
"""No violation shows on the chain before its second execution."""


def explore(setting: Setting, *variants: ChainRules) -> Explored:
    """Visit every reachable state, or all that are nearer than the shortest violation.

    Of several variants of the rules the worker may use any at each request.
    """
    began = time.monotonic()
    explored = Explored(Census(setting, variants))
    shortest: tuple[int, State] | None = None
    for distance, state, executed in _iter_states(explored):
        if shortest is not None and distance + LEAST_EXECUTED >= shortest[0]:
            break
        if executed is not None and (shortest is None or distance + len(executed) < shortest[0]):
            shortest = (distance + len(executed), state)
    if shortest is not None:
        explored.violation = _tell_violation(explored, shortest[1])
    explored.seconds = time.monotonic() - began
    return explored


def _iter_states(explored: Explored) -> Iterator[tuple[int, State, Executed | None]]:
    """Every state, the nearest first, with the shortest violation that the chain can execute in it."""
    census, distances, parents = explored.census, explored.distances, explored.parents
    start = census.canonical(census.start())
    distances[start] = 0
    buckets = defaultdict(list, {0: [start]})
    distance = 0
    while buckets:
        for state in buckets.pop(distance, ()):
            if distances[state] != distance:
                continue
            available = census.available(state)
            yield distance, state, find_violation(census.setting, census.certificates(available))
            for move, became in _iter_next(census, state, available):
                reached = distance + move.steps
                if reached < distances.get(became, reached + 1):
                    distances[became] = reached
                    parents[became] = state
                    buckets[reached].append(became)
        distance += 1


def _iter_next(census: Census, state: State, available: Available) -> Iterator[tuple[Move, State]]:
    for position, number in enumerate(state):
        # The state is sorted: of signers that are alike one moves for all.
        if position and state[position - 1] == number:
            continue
        rest = state[:position] + state[position + 1 :]
        for move in census.moves(number, available):
            yield move, census.canonical((*rest, move.becomes))


def find_violation(setting: Setting, certificates: list[tuple[Certificate, ...]]) -> Executed | None:
    """The shortest history of the chain with a transfer twice (P2) or more than the cap (P5), if one is possible."""
    for last in range(1, setting.nonces + 1):
        for executed in iter_histories(certificates[:last]):
            if name_violation(setting, executed) is not None:
                return executed
    return None


def iter_histories(certificates: list[tuple[Certificate, ...]]) -> Iterator[Executed]:
    """Every choice of one certificate per nonce; none if a nonce has no certificate."""
    choices = (sorted({each.transfer_id for each in made}, key=lambda each: each or "") for made in certificates)
    return product(*choices)


def name_violation(setting: Setting, executed: Executed) -> str | None:
    """What is wrong with a history of the chain."""
    transfers = [each for each in executed if each is not None]
    if len(set(transfers)) < len(transfers):
        return "a transfer has two effects"
    if len(transfers) > setting.cap:
        return f"more than the cap of {setting.cap} has left"
    return None


def _tell_violation(explored: Explored, last: State) -> Violation:
    census = explored.census
    state, trace = explored.trace(last)
    executed = find_violation(census.setting, census.certificates(census.available(state))) or ()
    executions = (f"the chain executes {each or 'the cancel'} at nonce {nonce}" for nonce, each in enumerate(executed))
    return Violation(name_violation(census.setting, executed) or "", (*trace, *executions))


def _follow(census: Census, state: State, wanted: State, steps: int) -> tuple[State, list[str]]:
    available = census.available(state)
    for position, number in enumerate(state):
        for move in census.moves(number, available):
            reached = (*state[:position], move.becomes, *state[position + 1 :])
            if move.steps == steps and census.canonical(reached) == wanted:
                return reached, list(_tell_move(position, move))
    raise LookupError("no move leads from one state of the path to the next")


def _tell_move(position: int, move: Move) -> Iterator[str]:
    signer = to_owner(position)
    for nonce, certificate in move.bookings:
        yield f"{signer} is brought the {certificate} at nonce {nonce}"
    yield f"{signer} signs {move.transfer_id or 'the cancel'} at nonce {move.nonce}"
