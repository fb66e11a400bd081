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
            books = tuple(office.library.books[number] for number in desk.books)
            unsettled.append(Unsettled(reason, books, desk.chain_nonce))
    return Settled(len(desks), tuple(unsettled), time.monotonic() - began)


class _Library:
    """Books by number; what follows from one is computed once."""

    def __init__(self, rules: ChainRules, transfers: tuple[TransferId, ...], cap: int):
        self._rules = rules
        self._transfers = transfers
        self._cap = cap
        self.books: list[Book] = []
        self._numbers: dict[Book, int] = {}
        self._followers: dict[tuple[object, ...], int | None] = {}
        self._open: dict[int, int] = {}
        self._accepted: dict[tuple[int, bool], frozenset[TransferId]] = {}

    def number(self, book: Book) -> int:
        """The book's number."""
        number = self._numbers.setdefault(book, len(self.books))
        if number == len(self.books):
            self.books.append(book)
        return number

    def open_nonce(self, number: int) -> int:
        """The open nonce of a book."""
        if number not in self._open:
            self._open[number] = self._rules.compute_open_nonce(self.books[number])
        return self._open[number]

    def is_fresh(self, number: int) -> bool:
        """Whether nothing was signed at the open nonce."""
        return self.books[number].page(self.open_nonce(number)) == BLANK

    def accepted(self, number: int, is_window_later: bool) -> frozenset[TransferId]:
        """The transfers that the signer would sign now."""
        key = (number, is_window_later)
        if key not in self._accepted:
            book = self.books[number]
            counted = compute_counted(self._rules, book)
            now = {each for each, at in counted.items() if at is None or not is_window_later}
            self._accepted[key] = frozenset(
                each
                for each in self._transfers
                if find_transfer_refusal(self._rules, book, each) is None
                and find_unmined_refusal(book, MAX_UNMINED) is None
                and len(now | {each}) <= self._cap
            )
        return self._accepted[key]

    def bring(self, number: int, nonce: int, certificate: Certificate) -> int:
        """The book with one certificate more."""
        key = (number, nonce, certificate)
        found = self._followers.get(key)
        if found is None:
            found = self._followers[key] = self.number(book_certificate(self.books[number], nonce, certificate))
        return found

    def complete(self, number: int, nonce: int, transfer_id: TransferId) -> int:
        """The book after signing a transfer, and with its certificate."""
        key = (number, nonce, transfer_id)
        found = self._followers.get(key)
        if found is None:
            signed = record_signed(self.books[number], nonce, transfer_id)
            found = self._followers[key] = self.number(book_transfer_certificate(signed, nonce, transfer_id))
        return found

    def cancel(self, number: int, nonce: int) -> int | None:
        """The book after signing the cancel, or None where the rules refuse that."""
        key = (number, nonce, "cancel")
        if key not in self._followers:
            book = self.books[number]
            is_refused = find_cancel_refusal(self._rules, book, nonce) is not None
            self._followers[key] = None if is_refused else self.number(record_cancel(book, nonce))
        return self._followers[key]

    def see_final(self, number: int, below: int) -> int:
        """The book once every nonce below is seen final."""
        key = (number, below, "final")
        found = self._followers.get(key)
        if found is None:
            book = self.books[number]
            for nonce in range(below):
                book = record_final(book, nonce, SEEN_FINAL_AT)
            found = self._followers[key] = self.number(book)
        return found


class _Office:
    """The honest worker."""

    def __init__(self, explored: Explored, rules: ChainRules):
        self._census = explored.census
        self._setting = explored.setting
        self._rules = rules
        self._names = tuple(to_owner(number) for number in range(self._setting.threshold))
        self.library = _Library(rules, self._setting.transfer_ids, self._setting.cap)
        self._ends: dict[Desk, str | None] = {}
        self._brought: dict[tuple[int, Certificates], int] = {}
        self._selections: dict[tuple[object, ...], tuple[frozenset[Certificate], ...]] = {}
        self._seen: set[tuple[State, tuple[int, ...]]] = set()

    def iter_desks(self, state: State, *, keeps_some: bool) -> Iterator[Desk]:
        """Every situation in which the honest worker can find itself when it takes over in this state."""
        available = self._census.available(state)
        nonces = range(self._setting.nonces)
        could_make = tuple(frozenset(self._census.certificates(available, nonce)) for nonce in nonces)
        gap = next((nonce for nonce in nonces if not could_make[nonce]), self._setting.nonces)
        for quorum in set(combinations(state, self._setting.threshold)):
            if (quorum, available) in self._seen:
                continue
            self._seen.add((quorum, available))
            signers = [self._census.signers[number] for number in quorum]
            for known in self._iter_known(signers, could_make, keeps_some=keeps_some):
                books = tuple(sorted([self._bring(number, known) for number in quorum]))
                yield from (Desk(books, chain_nonce, False) for chain_nonce in range(gap + 1))

    def _iter_known(
        self, signers: list[Honest], could_make: Certificates, *, keeps_some: bool
    ) -> Iterator[Certificates]:
        choices = []
        for nonce, made in enumerate(could_make):
            held = frozenset(each for signer in signers for each in _iter_held(signer.book, nonce))
            key = (held, made)
            if key not in self._selections:
                self._selections[key] = tuple(_iter_selections(held, made, keeps_some=keeps_some))
            choices.append(self._selections[key])
        return product(*choices)

    def _bring(self, signer: int, known: Certificates) -> int:
        key = (signer, known)
        found = self._brought.get(key)
        if found is None:
            found = self.library.number(self._census.signers[signer].book)
            for nonce, certificates in enumerate(known):
                for certificate in certificates:
                    found = self.library.bring(found, nonce, certificate)
            self._brought[key] = found
        return found

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
        library = self.library
        open_nonce = library.open_nonce(desk.books[0])
        books = [library.see_final(number, open_nonce) for number in desk.books]
        if desk.chain_nonce < open_nonce:
            # Everything below is held: broadcast it, wait until it is final, and let every signer see that.
            return _sit(books, open_nonce, desk)
        accepted = frozenset.intersection(*(library.accepted(number, desk.is_window_later) for number in books))
        if desk.chain_nonce == open_nonce and accepted:
            first = min(accepted)
            return _sit([library.complete(number, open_nonce, first) for number in books], desk.chain_nonce, desk)
        if desk.chain_nonce > open_nonce or not all(library.is_fresh(number) for number in books):
            cancelled = self._cancel(books, open_nonce)
            return Stuck("a nonce cannot be cancelled") if cancelled is None else _sit(cancelled, desk.chain_nonce, desk)
        return self._judge_end(desk, [library.books[number] for number in books])

    def _cancel(self, books: list[int], nonce: int) -> list[int] | None:
        statements = {
            name: compute_cancel_statement(self.library.books[number], nonce)
            for name, number in zip(self._names, books, strict=True)
        }
        owners = frozenset(self._names)
        named = self._rules.compute_cancel_named(owners, self._setting.threshold, self._names, statements)
        cancelled = [number for each in books if (number := self.library.cancel(each, nonce)) is not None]
        if named is None or len(cancelled) < len(books):
            return None
        return [self.library.bring(number, nonce, Certificate(None, named)) for number in cancelled]

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
            return desk._replace(is_window_later=True)
        for transfer_id, said in refusals.items():
            if not any(refusal is not None and not refusal.is_passing for refusal in said):
                return Stuck(f"{transfer_id} waits for something that never comes")
        return None


def _sit(books: list[int], chain_nonce: int, desk: Desk) -> Desk:
    return Desk(tuple(sorted(books)), chain_nonce, desk.is_window_later)


def _iter_held(book: Book, nonce: int) -> Iterator[Certificate]:
    page = book.page(nonce)
    yield from (Certificate(transfer_id) for transfer_id in page.certified)
    yield from (Certificate(None, named) for named in page.cancel_certificates)


def _iter_selections(
    held: frozenset[Certificate], made: frozenset[Certificate], *, keeps_some: bool
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
