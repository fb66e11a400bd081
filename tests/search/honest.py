"""Liveness: from every reachable state one honest worker and any M honest signers bring everything to an end.

The attack has stopped, the remaining signers are silent for ever, and the stolen ones give nothing any more. The honest
worker has M honest signers Q, the chain, and every certificate that a signer of Q holds. It may besides have kept any
certificate that could be made before, so every selection of those is tried, from none to all. The chain stands at any nonce to
which the hostile worker could have driven it.

The end that must be reached:

* every nonce below the open one is passed on the chain, with a certificate that all of Q hold: nothing is stuck;
* each transfer is *settled*: its certificate is held (then it was executed or its nonce has passed otherwise), or a signer
  of Q refuses it for good with a code that says why (dead, cancelled here); nothing waits for something that never comes;
* no budget is lost: a transfer over the cap has waited at most until the counted ones became final and aged;
* Q signs a new transfer at once.

It is reached by a plain strategy without looking back, which is all that a worker has to know (`_compute_next`): exchange
certificates; broadcast what is held; at the open nonce have all of Q sign a transfer that all of Q accept; where that cannot
be, or the chain has passed the nonce already, have all of Q cancel it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product
from typing import NamedTuple

from guard.core.ids import TransferId
from guard.signer.book import BLANK, Book, book_transfer_certificate, record_cancel, record_final, record_signed
from guard.signer.release_chain import (
    ChainRules,
    compute_cancel_statement,
    compute_counted,
    find_cancel_refusal,
    find_transfer_refusal,
    find_unmined_refusal,
)
from tests.search.explore import Explored, State
from tests.search.world import Certificate, Honest, book_certificate, iter_subsets, to_owner

MAX_UNMINED = 1
"""The hardest: nothing is signed before everything certified is final."""
SEEN_FINAL_AT = 1
PROBE = TransferId("another")

Certificates = tuple[frozenset[Certificate], ...]
"""Certificates by nonce."""


class Desk(NamedTuple):
    """What the honest worker has before it: the books of Q, the chain's next nonce, whether a window has gone by since."""

    books: tuple[int, ...]
    chain_nonce: int
    is_window_later: bool


class Stuck(NamedTuple):
    """An end that is none."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A reachable state from which honest steps do not lead to an end."""

    reason: str
    books: tuple[Book, ...]
    chain_nonce: int

    def __str__(self) -> str:
        said = "\n".join(f"  {to_owner(number)}: {book.pages}" for number, book in enumerate(self.books))
        return f"{self.reason}, chain at nonce {self.chain_nonce}\n{said}"


@dataclass(frozen=True, slots=True)
class Settled:
    """What the check of liveness has looked at."""

    desks: int
    unsettled: tuple[Unsettled, ...]
    seconds: float

    def __str__(self) -> str:
        return f"{self.desks:,} desks, {self.seconds:.1f} s, {len(self.unsettled)} without an end"


def settle_all(explored: Explored, rules: ChainRules, *, keeps_some: bool) -> Settled:
    """Try every reachable state with every Q and every stand of the chain.

    The worker has kept no certificate besides those of Q or all that ever could be made; with `keeps_some` any selection.
    """
    began = time.monotonic()
    office = _Office(explored, rules)
    desks = {desk for state in explored.distances for desk in office.iter_desks(state, keeps_some=keeps_some)}
    unsettled = []
    for desk in desks:
        reason = office.settle(desk)
        if reason is not None:
            unsettled.append(Unsettled(reason, tuple(office.books[each] for each in desk.books), desk.chain_nonce))
    return Settled(len(desks), tuple(unsettled), time.monotonic() - began)


class _Office:
    """The honest worker. Books are numbered, and whatever follows from one is computed once."""

    def __init__(self, explored: Explored, rules: ChainRules):
        self._census = explored.census
        self._setting = explored.setting
        self._rules = rules
        self._names = tuple(to_owner(number) for number in range(self._setting.threshold))
        self.books: list[Book] = []
        self._numbers: dict[Book, int] = {}
        self._brought: dict[tuple[int, Certificates], int] = {}
        self._ends: dict[Desk, str | None] = {}
        self._accepted: dict[tuple[int, bool], frozenset[TransferId]] = {}
        self._selections: dict[tuple[frozenset[Certificate], frozenset[Certificate], bool], tuple[frozenset[Certificate], ...]]
        self._selections = {}
        self._projections: set[tuple[object, ...]] = set()

    def _number(self, book: Book) -> int:
        number = self._numbers.setdefault(book, len(self.books))
        if number == len(self.books):
            self.books.append(book)
        return number

    def iter_desks(self, state: State, *, keeps_some: bool) -> Iterator[Desk]:
        """Every situation in which the honest worker can find itself when it takes over in this state."""
        available = self._census.available(state)
        nonces = range(self._setting.nonces)
        could_make = tuple(frozenset(self._census.certificates(available, nonce)) for nonce in nonces)
        gap = next((nonce for nonce in nonces if not could_make[nonce]), self._setting.nonces)
        for quorum in set(combinations(state, self._setting.threshold)):
            if (quorum, available) in self._projections:
                continue
            self._projections.add((quorum, available))
            signers = [self._census.signers[number] for number in quorum]
            for known in self._iter_known(signers, could_make, keeps_some=keeps_some):
                books = tuple(sorted(self._bring(number, known) for number in quorum))
                yield from (Desk(books, chain_nonce, False) for chain_nonce in range(gap + 1))

    def _iter_known(self, signers: list[Honest], could_make: Certificates, *, keeps_some: bool) -> Iterator[Certificates]:
        choices = []
        for nonce, made in enumerate(could_make):
            held = frozenset(each for signer in signers for each in _iter_held(signer.book, nonce))
            key = (held, made, keeps_some)
            if key not in self._selections:
                self._selections[key] = tuple(_iter_selections(*key))
            choices.append(self._selections[key])
        return product(*choices)

    def _bring(self, number: int, known: Certificates) -> int:
        key = (number, known)
        if key not in self._brought:
            book = self._census.signers[number].book
            for nonce, certificates in enumerate(known):
                for certificate in certificates:
                    book = book_certificate(book, nonce, certificate)
            self._brought[key] = self._number(book)
        return self._brought[key]

    def settle(self, desk: Desk) -> str | None:
        """Follow the strategy to its end: None if it is a good one, otherwise what is wrong."""
        path: list[Desk] = []
        here: Desk | Stuck | None = desk
        while isinstance(here, Desk) and here not in self._ends:
            if len(path) > 4 * (self._setting.nonces + self._setting.transfers):
                here = Stuck("the strategy does not end")
                break
            path.append(here)
            here = self._compute_next(here)
        end = self._ends[here] if isinstance(here, Desk) else None if here is None else here.reason
        self._ends.update(dict.fromkeys(path, end))
        return end

    def _compute_next(self, desk: Desk) -> Desk | Stuck | None:
        books = [self.books[number] for number in desk.books]
        open_nonce = self._rules.compute_open_nonce(books[0])
        if desk.chain_nonce < open_nonce:
            # Everything below is held: broadcast, wait until it is final, and let every signer see it.
            return self._sit(self._see_final(books, open_nonce), open_nonce, desk)
        books = self._see_final(books, open_nonce)
        accepted = frozenset.intersection(*(self._find_accepted(book, desk.is_window_later) for book in books))
        if desk.chain_nonce == open_nonce and accepted:
            return self._sit([_sign(book, open_nonce, min(accepted)) for book in books], desk.chain_nonce, desk)
        if desk.chain_nonce > open_nonce or any(book.page(open_nonce) != BLANK for book in books):
            cancelled = self._cancel(books, open_nonce)
            return Stuck("a nonce cannot be cancelled") if cancelled is None else self._sit(cancelled, desk.chain_nonce, desk)
        return self._judge_end(desk, books)

    def _sit(self, books: list[Book], chain_nonce: int, desk: Desk) -> Desk:
        return Desk(tuple(sorted(self._number(book) for book in books)), chain_nonce, desk.is_window_later)

    def _see_final(self, books: list[Book], below: int) -> list[Book]:
        seen = []
        for book in books:
            for nonce in range(below):
                book = record_final(book, nonce, SEEN_FINAL_AT)  # noqa: PLW2901 The next book follows from the last.
            seen.append(book)
        return seen

    def _find_accepted(self, book: Book, is_window_later: bool) -> frozenset[TransferId]:
        key = (self._number(book), is_window_later)
        if key not in self._accepted:
            counted = compute_counted(self._rules, book)
            now = {each for each, at in counted.items() if at is None or not is_window_later}
            self._accepted[key] = frozenset(
                each
                for each in self._setting.transfer_ids
                if find_transfer_refusal(self._rules, book, each) is None
                and find_unmined_refusal(book, MAX_UNMINED) is None
                and len(now | {each}) <= self._setting.cap
            )
        return self._accepted[key]

    def _cancel(self, books: list[Book], nonce: int) -> list[Book] | None:
        if any(find_cancel_refusal(self._rules, book, nonce) is not None for book in books):
            return None
        statements = {
            name: compute_cancel_statement(book, nonce) for name, book in zip(self._names, books, strict=True)
        }
        named = self._rules.compute_cancel_named(frozenset(self._names), self._setting.threshold, self._names, statements)
        if named is None:
            return None
        return [book_certificate(record_cancel(book, nonce), nonce, Certificate(None, named)) for book in books]

    def _judge_end(self, desk: Desk, books: list[Book]) -> Desk | Stuck | None:
        """Nothing is left that all of Q accept, and the open nonce is fresh: is it a good end?"""
        refusals = {
            transfer_id: [find_transfer_refusal(self._rules, book, transfer_id) for book in books]
            for transfer_id in (*self._setting.transfer_ids, PROBE)
        }
        if any(refusal is not None for refusal in refusals.pop(PROBE)):
            return Stuck("a new transfer is refused")
        waiting = [each for each, said in refusals.items() if all(refusal is None for refusal in said)]
        if waiting and desk.is_window_later:
            return Stuck(f"{waiting[0]} is over budget for ever")
        if waiting:
            return Desk(desk.books, desk.chain_nonce, True)
        for transfer_id, said in refusals.items():
            if not any(refusal is not None and not refusal.is_passing for refusal in said):
                return Stuck(f"{transfer_id} waits for something that never comes")
        return None


def _sign(book: Book, nonce: int, transfer_id: TransferId) -> Book:
    return book_transfer_certificate(record_signed(book, nonce, transfer_id), nonce, transfer_id)


def _iter_held(book: Book, nonce: int) -> Iterator[Certificate]:
    page = book.page(nonce)
    yield from (Certificate(transfer_id) for transfer_id in page.certified)
    yield from (Certificate(None, named) for named in page.cancel_certificates)


def _iter_selections(
    held: frozenset[Certificate], made: frozenset[Certificate], keeps_some: bool
) -> Iterator[frozenset[Certificate]]:
    """What may be known of a nonce: what Q hold and any of the others. Of equal effect on every rule one is enough."""
    kept: dict[object, frozenset[Certificate]] = {}
    others = made - held
    subsets = (frozenset(each) for each in iter_subsets(others)) if keeps_some else (frozenset(), others)
    for subset in subsets:
        known = held | subset
        transfers = frozenset(each.transfer_id for each in known if each.transfer_id is not None)
        named = frozenset(name for each in known for name in each.named)
        kept.setdefault((bool(known), transfers, named), known)
    yield from kept.values()
