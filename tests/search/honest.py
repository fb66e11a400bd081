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
from collections.abc import Iterable, Iterator
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
from tests.search.explore import Explored, State, to_lines
from tests.search.world import Certificate, book_certificate, iter_subsets, to_owner

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


class Standing(NamedTuple):
    """How a signer stands to the transfers: refuses, refuses for good; and whether it would sign one that is new."""

    refused: frozenset[TransferId]
    settled: frozenset[TransferId]
    signs_another: bool


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A reachable state from which honest steps do not lead to an end."""

    reason: str
    trace: tuple[str, ...]
    chain_nonce: int
    books: tuple[Book, ...]

    def __str__(self) -> str:
        held = (f"  Q holds {book.pages}" for book in self.books)
        return "\n".join([f"{self.reason}, the chain at nonce {self.chain_nonce}:", *to_lines(self.trace), *held])


@dataclass(frozen=True, slots=True)
class Settled:
    """How many situations an honest worker was put in, and the nearest one from which there is no end."""

    situations: int
    unsettled: Unsettled | None
    seconds: float

    def __str__(self) -> str:
        found = self.unsettled.reason if self.unsettled else "all come to an end"
        return f"{self.situations:,} situations, {self.seconds:.1f} s, {found}"


def settle_all(explored: Explored, rules: ChainRules, *, keeps_some: bool) -> Settled:
    """Try every reachable state with every Q and every stand of the chain.

    The worker has kept no certificate besides those of Q or all that ever could be made; with `keeps_some` any selection.
    """
    began = time.monotonic()
    office = _Office(explored, rules)
    desks: set[Desk] = set()
    unsettled = None
    for state in sorted(explored.distances, key=explored.distances.__getitem__):
        for desk in set(office.iter_desks(state, keeps_some=keeps_some)) - desks:
            desks.add(desk)
            reason = office.settle(desk)
            if reason is not None and unsettled is None:
                books = tuple(office.library.books[number] for number in desk.books)
                unsettled = Unsettled(reason, explored.trace(state)[1], desk.chain_nonce, books)
    return Settled(len(desks), unsettled, time.monotonic() - began)


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
        self._standings: dict[int, Standing] = {}

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
                for each in frozenset(self._transfers) - self.standing(number).refused
                if find_unmined_refusal(book, MAX_UNMINED) is None and len(now | {each}) <= self._cap
            )
        return self._accepted[key]

    def standing(self, number: int) -> Standing:
        """How the signer stands to the transfers, budget aside."""
        if number not in self._standings:
            book = self.books[number]
            said = {each: find_transfer_refusal(self._rules, book, each) for each in (*self._transfers, PROBE)}
            refused = {each: refusal for each, refusal in said.items() if refusal is not None}
            settled = frozenset(each for each, refusal in refused.items() if not refusal.is_passing)
            self._standings[number] = Standing(frozenset(refused) - {PROBE}, settled - {PROBE}, PROBE not in refused)
        return self._standings[number]

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
        assert len(explored.setting.seats) == 1, "any M honest signers are owners at every nonce"
        self._census = explored.census
        self._setting = explored.setting
        self._rules = rules
        self._names = tuple(to_owner(number) for number in range(self._setting.threshold))
        self.library = _Library(rules, self._setting.transfer_ids, self._setting.cap)
        self._ends: dict[Desk, str | None] = {}
        self._held: dict[int, Certificates] = {}
        self._brought: dict[tuple[int, Certificates], int] = {}
        self._selections: dict[tuple[object, ...], tuple[frozenset[Certificate], ...]] = {}
        self._seen: set[tuple[State, tuple[int, ...]]] = set()

    def iter_desks(self, state: State, *, keeps_some: bool) -> Iterator[Desk]:
        """Every situation in which the honest worker can find itself when it takes over in this state."""
        available = self._census.available(state)
        could_make = tuple(frozenset(made) for made in self._census.certificates(available))
        gap = next((nonce for nonce, made in enumerate(could_make) if not made), self._setting.nonces)
        for quorum in set(combinations(state, self._setting.threshold)):
            if (quorum, available) in self._seen:
                continue
            self._seen.add((quorum, available))
            for known in self._iter_known(quorum, could_make, keeps_some=keeps_some):
                books = [self._bring(number, known) for number in quorum]
                # The worker broadcasts what is held, so wherever the chain stood below the open nonce, it comes there.
                open_nonce = self.library.open_nonce(books[0])
                for chain_nonce in range(open_nonce, max(open_nonce, gap) + 1):
                    yield self._sit(books, chain_nonce)

    def _iter_known(self, quorum: State, could_make: Certificates, *, keeps_some: bool) -> Iterator[Certificates]:
        choices = []
        for nonce, made in enumerate(could_make):
            held = frozenset[Certificate]().union(*[self._find_held(number)[nonce] for number in quorum])
            key = (held, made)
            if key not in self._selections:
                self._selections[key] = tuple(_iter_selections(held, made, keeps_some=keeps_some))
            choices.append(self._selections[key])
        return product(*choices)

    def _find_held(self, signer: int) -> Certificates:
        if signer not in self._held:
            book = self._census.signers[signer].book
            self._held[signer] = tuple(frozenset(_iter_held(book, nonce)) for nonce in range(self._setting.nonces))
        return self._held[signer]

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

    def _sit(self, books: Iterable[int], chain_nonce: int, *, is_window_later: bool = False) -> Desk:
        """All that is held is executed and seen final."""
        library = self.library
        books = tuple(books)
        open_nonce = library.open_nonce(books[0])
        seen = sorted([library.see_final(number, open_nonce) for number in books])
        return Desk(tuple(seen), max(chain_nonce, open_nonce), is_window_later)

    def _compute_next(self, desk: Desk) -> Desk | Stuck | None:
        library = self.library
        open_nonce = library.open_nonce(desk.books[0])
        accepted = frozenset.intersection(*[library.accepted(number, desk.is_window_later) for number in desk.books])
        if desk.chain_nonce == open_nonce and accepted:
            first = min(accepted)
            books = [library.complete(number, open_nonce, first) for number in desk.books]
            return self._sit(books, desk.chain_nonce, is_window_later=desk.is_window_later)
        if desk.chain_nonce > open_nonce or not all(library.is_fresh(number) for number in desk.books):
            cancelled = self._cancel(desk.books, open_nonce)
            if cancelled is None:
                return Stuck("a nonce cannot be cancelled")
            return self._sit(cancelled, desk.chain_nonce, is_window_later=desk.is_window_later)
        return self._judge_end(desk)

    def _cancel(self, books: tuple[int, ...], nonce: int) -> list[int] | None:
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

    def _judge_end(self, desk: Desk) -> Desk | Stuck | None:
        """Nothing is left that all of Q accept, and the open nonce is fresh: is it a good end?"""
        standings = [self.library.standing(number) for number in desk.books]
        if not all(standing.signs_another for standing in standings):
            return Stuck("a new transfer is refused")
        transfers = frozenset(self._setting.transfer_ids)
        waiting = transfers - frozenset.union(*(standing.refused for standing in standings))
        if waiting:
            return Stuck("over budget for ever") if desk.is_window_later else desk._replace(is_window_later=True)
        if transfers != frozenset.union(*(standing.settled for standing in standings)):
            return Stuck("a transfer waits for something that never comes")
        return None


def _iter_held(book: Book, nonce: int) -> Iterator[Certificate]:
    page = book.page(nonce)
    yield from (Certificate(transfer_id) for transfer_id in page.certified)
    yield from (Certificate(None, named) for named in page.cancel_certificates)


def _iter_selections(
    held: frozenset[Certificate], made: frozenset[Certificate], *, keeps_some: bool
) -> Iterator[frozenset[Certificate]]:
    """What may be known of a nonce: what Q hold and any of the others. Of equal effect on every rule one is enough."""
    kept: dict[object, frozenset[Certificate]] = {}
    others = sorted(made - held, key=lambda each: (each.transfer_id or "", sorted(each.named)))
    for subset in iter_subsets(others) if keeps_some else ((), others):
        known = held.union(subset)
        transfers = frozenset(each.transfer_id for each in known if each.transfer_id is not None)
        named = frozenset(name for each in known for name in each.named)
        kept.setdefault((bool(known), transfers, named), known)
    yield from kept.values()
