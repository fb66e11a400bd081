"""Limits over time: any amounts, a sliding window, what is final and what is not, and a hostile worker.

The exhaustive search has unit amounts and one window. Here time passes, and the product's own window judges what a book counts.
The oracle is the chain itself: every window of its history, with whatever could still be executed executed now.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count, takewhile
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.facts import Movement
from guard.core.ids import TransferId
from guard.core.transfer import Transfer
from guard.core.windows import compute_window
from guard.signer.book import (
    Book,
    book_transfer_certificate,
    record_final,
    record_signed,
)
from guard.signer.release_chain import (
    WHOLE_CHAIN,
    ChainRules,
    compute_counted,
    compute_open_nonce,
    find_cancel_refusal,
    find_transfer_refusal,
    find_unmined_refusal,
)
from tests.factories import make_limit, make_transfer
from tests.search.ablations import believe_without_statements, count_signatures, is_any_other_certificate
from tests.search.explore import iter_histories
from tests.search.world import (
    Certificate,
    Honest,
    book_certificate,
    compute_certificates,
    make_honest,
    make_setting,
    sign_cancel,
    sign_transfer,
)

NAMES = make_setting(2, 3, transfers=4).transfer_ids
WINDOW = 100
CAP = 100


@pytest.mark.parametrize(("waited", "fits"), [(WINDOW - 1, False), (WINDOW, False), (WINDOW + 1, True)])
def test_a_withheld_certificate_ages_from_the_time_its_finality_was_learnt(waited: int, fits: bool) -> None:
    """It may be executed at the last moment before that, long after it was signed and booked."""
    learnt_at = 10_000
    book = book_transfer_certificate(record_signed(Book(first_nonce=0, owner_from_nonce=0), 0, NAMES[0]), 0, NAMES[0])
    assert not _fits(book, CAP, 1, now=learnt_at)
    assert _fits(record_final(book, 0, learnt_at), CAP, 1, now=learnt_at + waited) is fits


def _fits(book: Book, counted_units: int, units: int, *, now: int) -> bool:
    """Whether a transfer of so many units fits beside what the book counts, at so many units each."""
    amounts = dict.fromkeys(NAMES, counted_units)
    return _Ledger(amounts).fits(book, TransferId("new"), units, now=now)


@dataclass
class _Ledger:
    """The product's own window over what a book counts."""

    amounts: dict[TransferId, int]
    obeyed: ChainRules = WHOLE_CHAIN

    def fits(self, book: Book, transfer_id: TransferId, units: int, *, now: int) -> bool:
        movements = [
            Movement.of(counted, self._transfer(self.amounts[counted]), at)
            for counted, at in compute_counted(self.obeyed, book).items()
        ]
        limit = make_limit(CAP, window=WINDOW)
        return compute_window(limit, self._transfer(units), transfer_id, movements, now).fits

    def _transfer(self, units: int) -> Transfer:
        return make_transfer(amount_units=units)


class Round(NamedTuple):
    """What a hostile worker does with one nonce and between two: everything in any selection, order and amount."""

    asked: tuple[tuple[int, frozenset[int]], ...]
    cancelling: frozenset[int]
    cancelling_earlier: frozenset[int]
    brought: tuple[int, ...]
    executing: tuple[int, ...]
    waited: int
    seeing_final: frozenset[int]


MOST_SIGNERS = 4


def make_round(random: Random) -> Round:
    """A round drawn evenly. Hypothesis itself draws mostly small and equal things, with which nothing is lost by any rules."""

    def draw_signers(share: float) -> frozenset[int]:
        return frozenset(number for number in range(MOST_SIGNERS) if random.random() < share)

    return Round(
        asked=tuple((random.randrange(4), draw_signers(0.6)) for _ in range(random.choice([1, 1, 2]))),
        cancelling=draw_signers(random.choice([0, 0.5, 0.7])),
        cancelling_earlier=draw_signers(random.choice([0, 0.5])),
        brought=tuple(random.randrange(3) for _ in range(MOST_SIGNERS)),
        executing=tuple(random.randrange(4) for _ in range(random.choice([0, 0, 1, 2]))),
        waited=random.choice([0, 0, 1, WINDOW - 1, WINDOW, WINDOW + 1]),
        seeing_final=draw_signers(0.5),
    )


class HostileWorker:
    """Plays rounds against signers that obey the given rules, and tells whether money was lost.

    Whatever could be executed counts as executed now, so that it need not be drawn at the right moment.
    """

    def __init__(self, random: Random, obeyed: ChainRules):
        threshold, all_owners, stolen = random.choice([(2, 3, 0), (3, 4, 1)])
        amounts = [random.choice([34, 50, 51, CAP]) for _ in range(4)]
        self._random = random
        self._setting = make_setting(
            threshold, all_owners, stolen=stolen, transfers=len(amounts), nonces=8, stolen_lie=False
        )
        self._amounts = dict(zip(self._setting.transfer_ids, amounts, strict=True))
        self._obeyed = obeyed
        self._ledger = _Ledger(self._amounts, obeyed)
        self._signers = [make_honest(self._setting, 0) for _ in self._setting.honest]
        self._executed: list[tuple[int, TransferId | None]] = []
        self._now = 0

    def loses_money(self) -> bool:
        """Whether P2 or P5 breaks in some rounds."""
        for _ in range(self._random.randint(2, 6)):
            self._play(make_round(self._random))
            if self._is_broken():
                return True
        return False

    def _play(self, round_: Round) -> None:
        for choice, numbers in round_.asked:
            self._ask(self._setting.transfer_ids[choice], numbers)
        self._cancel(round_.cancelling, back=0)
        for choice in round_.executing:
            self._execute(choice)
        self._bring(round_.brought)
        self._cancel(round_.cancelling_earlier, back=1)
        self._see_final(round_.seeing_final)
        self._now += round_.waited

    def _pick(self, numbers: Iterable[int]) -> Iterator[tuple[int, Honest, int]]:
        for number in sorted(numbers):
            if number < len(self._signers):
                signer = self._signers[number]
                yield number, signer, compute_open_nonce(signer.book)

    def _ask(self, transfer_id: TransferId, numbers: frozenset[int]) -> None:
        for number, signer, open_nonce in self._pick(numbers):
            if (
                find_transfer_refusal(self._obeyed, signer.book, transfer_id) is None
                and find_unmined_refusal(signer.book, 3) is None
                and self._ledger.fits(signer.book, transfer_id, self._amounts[transfer_id], now=self._now)
            ):
                self._signers[number] = sign_transfer(signer, open_nonce, transfer_id)

    def _cancel(self, numbers: frozenset[int], *, back: int) -> None:
        for number, signer, open_nonce in self._pick(numbers):
            nonce = open_nonce - back
            if (
                find_cancel_refusal(self._obeyed, signer.book, nonce) is None
                and not signer.book.page(nonce).is_cancelled
            ):
                self._signers[number] = sign_cancel(signer, nonce)

    def _bring(self, choices: tuple[int, ...]) -> None:
        """Each signer one certificate of its open nonce, of the several that can be made; none for a choice beyond them."""
        for number, signer, open_nonce in self._pick(range(len(self._signers))):
            made = self._find_made(open_nonce)
            if choices[number] < len(made):
                book = book_certificate(signer.book, open_nonce, made[choices[number]])
                self._signers[number] = signer._replace(book=book)

    def _execute(self, choice: int) -> None:
        made = self._find_made(len(self._executed))
        if made:
            self._executed.append((self._now, made[choice % len(made)].transfer_id))

    def _see_final(self, numbers: frozenset[int]) -> None:
        for number, signer, _ in self._pick(numbers):
            book = signer.book
            for nonce in range(len(self._executed)):
                if book.page(nonce).has_certificate:
                    book = record_final(book, nonce, self._now)
            self._signers[number] = signer._replace(book=book)

    def _find_made(self, nonce: int) -> tuple[Certificate, ...]:
        if nonce >= self._setting.nonces:
            return ()
        holders = tuple((0, signer.given[nonce]) for signer in self._signers)
        return compute_certificates(self._setting, self._obeyed, nonce, holders)

    def _iter_possible(self) -> Iterator[list[tuple[int, TransferId | None]]]:
        """The chain's history with everything that could follow now."""
        made = (self._find_made(nonce) for nonce in count(len(self._executed)))
        for executed in iter_histories(list(takewhile(bool, made))):
            yield self._executed + [(self._now, each) for each in executed]

    def _is_broken(self) -> bool:
        for history in self._iter_possible():
            left = [(at, each) for at, each in history if each is not None]
            if len({each for _, each in left}) < len(left):
                return True
            windows = [sum(self._amounts[each] for at, each in left if end - WINDOW <= at <= end) for end, _ in left]
            if max(windows, default=0) > CAP:
                return True
        return False


@pytest.mark.usefixtures("unmeasured")
@given(st.integers(0, 2**32))
def test_no_rounds_of_a_hostile_worker_lose_money(seed: int) -> None:
    random = Random(seed)
    assert not any(HostileWorker(random, WHOLE_CHAIN).loses_money() for _ in range(10))


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.parametrize(
    "obeyed",
    [
        replace(WHOLE_CHAIN, compute_cancel_named=believe_without_statements),
        replace(WHOLE_CHAIN, is_budget_back=is_any_other_certificate),
        replace(WHOLE_CHAIN, is_transfer_certificate=count_signatures),
    ],
    ids=["no statements", "budget back through any certificate", "signatures counted"],
)
def test_the_same_rounds_lose_money_without_one_clause(obeyed: ChainRules) -> None:
    random = Random(0)
    assert any(HostileWorker(random, obeyed).loses_money() for _ in range(3000))
