"""Properties of books under any history, against a slow and obvious account of the same rows; and limits over time.

The exhaustive search has small worlds, unit amounts and no time. Here amounts, windows and the age of what is final are any.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from guard.core.facts import Movement
from guard.core.ids import TransferId
from guard.core.transfer import Transfer
from guard.core.windows import compute_window
from guard.signer.book import (
    Book,
    book_cancel_certificate,
    book_transfer_certificate,
    record_cancel,
    record_final,
    record_signed,
    to_book,
)
from guard.signer.release_chain import (
    WHOLE_CHAIN,
    ChainRules,
    compute_counted,
    compute_open_nonce,
    compute_unmined,
    find_cancel_refusal,
    find_transfer_refusal,
    find_unmined_refusal,
)
from tests.factories import make_limit, make_transfer
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

FIRST = 5
NAMES = tuple(TransferId(f"T{number}") for number in range(1, 5))
NONCES = st.integers(FIRST, FIRST + 4)
TRANSFERS = st.sampled_from(NAMES)
NAMED = st.frozensets(TRANSFERS, max_size=3)


@dataclass(frozen=True)
class Rows:
    """A journal's rows about one vault, in no order."""

    signed: dict[int, TransferId]
    cancelled: frozenset[int]
    certified: frozenset[tuple[int, TransferId]]
    cancels: frozenset[tuple[int, frozenset[TransferId]]]
    final: dict[int, int]

    def to_book(self, order: int = 0) -> Book:
        """The book, from the rows in one of many orders."""
        return to_book(
            first_nonce=FIRST,
            owner_from_nonce=FIRST,
            signed=_turn(sorted(self.signed.items()), order),
            cancelled=_turn(sorted(self.cancelled), order),
            certified=_turn(sorted(self.certified), order),
            cancel_certificates=_turn(sorted(self.cancels, key=lambda row: (row[0], sorted(row[1]))), order),
            final=_turn(sorted(self.final.items()), order),
        )

    def has_certificate(self, nonce: int) -> bool:
        """Whether any row is a certificate of the nonce."""
        return any(at == nonce for at, _ in self.certified) or any(at == nonce for at, _ in self.cancels)

    def says_possible(self, nonce: int, transfer_id: TransferId) -> bool:
        """Whether a certificate of the nonce carries or names the transfer."""
        return (nonce, transfer_id) in self.certified or any(
            at == nonce and transfer_id in named for at, named in self.cancels
        )


def _turn(rows: list, order: int) -> list:  # type: ignore[type-arg]
    """The rows in another order: rotated, and every other time backwards."""
    if not rows:
        return rows
    turned = rows[order % len(rows) :] + rows[: order % len(rows)]
    return turned[::-1] if order % 2 else turned


@st.composite
def rows(draw: st.DrawFn) -> Rows:
    """Any rows that a journal can hold, also such as no signer under the whole rules would have written."""
    certified = draw(st.frozensets(st.tuples(NONCES, TRANSFERS), max_size=5))
    cancels = draw(st.frozensets(st.tuples(NONCES, NAMED), max_size=5))
    passed = sorted({nonce for nonce, _ in certified} | {nonce for nonce, _ in cancels})
    final = draw(st.dictionaries(st.sampled_from(passed), st.integers(0, 1000), max_size=5)) if passed else {}
    return Rows(
        draw(st.dictionaries(NONCES, TRANSFERS, max_size=5)), draw(st.frozensets(NONCES)), certified, cancels, final
    )


def open_slowly(rows: Rows) -> int:
    """The open nonce, by looking at one nonce after the other."""
    return next(nonce for nonce in count(FIRST) if not rows.has_certificate(nonce))


def refuse_slowly(rows: Rows, transfer_id: TransferId) -> bool:
    """Whether TRUST section 5 forbids to sign the transfer, sentence by sentence."""
    nonce = open_slowly(rows)
    mine = [at for at, signed in rows.signed.items() if signed == transfer_id]
    sentences = (
        rows.signed.get(nonce, transfer_id) != transfer_id,
        nonce in rows.cancelled,
        any(at != nonce and not rows.has_certificate(at) for at in mine),
        any(at != nonce and rows.says_possible(at, transfer_id) for at in mine),
        any(at in rows.cancelled for at in mine),
        any(certified == transfer_id for _, certified in rows.certified),
    )
    return any(sentences)


def count_slowly(rows: Rows) -> dict[TransferId, int | None]:
    """What counts against limits and since when, transfer by transfer and nonce by nonce."""
    counted: dict[TransferId, int | None] = {}
    for transfer_id in NAMES:
        since = [
            rows.final.get(nonce, inf)
            for nonce in range(FIRST, FIRST + 5)
            if rows.says_possible(nonce, transfer_id)
            or (rows.signed.get(nonce) == transfer_id and not rows.has_certificate(nonce))
        ]
        if since:
            counted[transfer_id] = None if max(since) == inf else int(max(since))
    return counted


@given(rows(), TRANSFERS)
def test_books_say_what_the_rows_say(rows: Rows, transfer_id: TransferId) -> None:
    book = rows.to_book()
    assert compute_open_nonce(book) == open_slowly(rows)
    assert (find_transfer_refusal(WHOLE_CHAIN, book, transfer_id) is not None) == refuse_slowly(rows, transfer_id)
    assert compute_counted(WHOLE_CHAIN, book) == count_slowly(rows)
    unfinal = [n for n in range(FIRST, FIRST + 5) if rows.has_certificate(n) and n not in rows.final]
    assert compute_unmined(book) == len(unfinal)


@given(rows(), st.integers(0, 50))
def test_a_restart_and_the_order_of_rows_change_nothing(rows: Rows, order: int) -> None:
    book = rows.to_book()
    assert rows.to_book(order) == book
    assert hash(rows.to_book(order)) == hash(book)


@given(rows(), NONCES, TRANSFERS, NAMED)
def test_a_certificate_booked_twice_is_booked_once_and_opens_nothing_below(
    rows: Rows, nonce: int, transfer_id: TransferId, named: frozenset[TransferId]
) -> None:
    book = rows.to_book()
    for once in (book_transfer_certificate(book, nonce, transfer_id), book_cancel_certificate(book, nonce, named)):
        assert book_certificate(once, nonce, Certificate(transfer_id)) == book_certificate(
            book_certificate(once, nonce, Certificate(transfer_id)), nonce, Certificate(transfer_id)
        )
        assert compute_open_nonce(once) >= compute_open_nonce(book)
        assert once.page(nonce).signed == book.page(nonce).signed
    both = book_transfer_certificate(book_cancel_certificate(book, nonce, named), nonce, transfer_id)
    assert both == book_cancel_certificate(book_transfer_certificate(book, nonce, transfer_id), nonce, named)


@given(rows(), NONCES, NAMED)
def test_budget_comes_back_only_to_who_signed_and_only_through_proof(
    rows: Rows, nonce: int, named: frozenset[TransferId]
) -> None:
    book = rows.to_book()
    before = compute_counted(WHOLE_CHAIN, book)
    after = compute_counted(WHOLE_CHAIN, book_cancel_certificate(book, nonce, named))
    for transfer_id in before.keys() - after.keys():
        assert book.page(nonce).signed == transfer_id
        assert transfer_id not in named
        assert not rows.says_possible(nonce, transfer_id)


@given(rows(), TRANSFERS, rows())
def test_what_is_refused_for_good_is_never_signed_again(first: Rows, transfer_id: TransferId, later: Rows) -> None:
    """Whatever certificates come, whatever is cancelled or becomes final."""
    refusal = find_transfer_refusal(WHOLE_CHAIN, first.to_book(), transfer_id)
    if refusal is None or refusal.is_passing:
        return
    more = Rows(
        first.signed,
        first.cancelled | later.cancelled,
        first.certified | later.certified,
        first.cancels | later.cancels,
        first.final,
    )
    assert find_transfer_refusal(WHOLE_CHAIN, more.to_book(), transfer_id) is not None


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


SUBSETS = st.sets(st.integers(0, 3), min_size=1)
CHOICES = st.integers(0, 5)


class HostileWorker(RuleBasedStateMachine):
    """Asks any signers for anything at any time, with any amounts, and executes what it can when it likes.

    Whatever could be executed counts as executed now, so that it need not be drawn at the right moment.
    """

    obeyed = WHOLE_CHAIN

    @initialize(
        owners=st.sampled_from([(2, 3, 0), (2, 3, 0), (3, 4, 1), (3, 4, 0)]),
        amounts=st.lists(st.sampled_from([20, 49, 50, 51, CAP]), min_size=4, max_size=4),
    )
    def begin(self, owners: tuple[int, int, int], amounts: list[int]) -> None:
        """A vault with four transfers."""
        threshold, all_owners, stolen = owners
        self.setting = make_setting(
            threshold, all_owners, stolen=stolen, transfers=len(amounts), nonces=8, stolen_lie=False
        )
        self.amounts = dict(zip(self.setting.transfer_ids, amounts, strict=True))
        self.ledger = _Ledger(self.amounts, self.obeyed)
        self.signers: list[Honest] = [make_honest(self.setting, 0) for _ in self.setting.honest]
        self.executed: list[tuple[int, TransferId | None]] = []
        self.now = 0

    def _find_made(self, nonce: int) -> tuple[Certificate, ...]:
        holders = tuple((0, signer.given[nonce]) for signer in self.signers)
        return compute_certificates(self.setting, self.obeyed, nonce, holders)

    def _pick(self, numbers: set[int]) -> Iterator[tuple[int, Honest, int]]:
        """These signers, with their open nonces."""
        for number in sorted({each % len(self.signers) for each in numbers}):
            signer = self.signers[number]
            open_nonce = compute_open_nonce(signer.book)
            if open_nonce < self.setting.nonces:
                yield number, signer, open_nonce

    @rule(numbers=SUBSETS, choice=st.integers(0, 3))
    def ask(self, numbers: set[int], choice: int) -> None:
        """Some signers for one transfer."""
        transfer_id = self.setting.transfer_ids[choice]
        for number, signer, open_nonce in self._pick(numbers):
            if (
                find_transfer_refusal(self.obeyed, signer.book, transfer_id) is None
                and find_unmined_refusal(signer.book, 3) is None
                and self.ledger.fits(signer.book, transfer_id, self.amounts[transfer_id], now=self.now)
            ):
                self.signers[number] = sign_transfer(signer, open_nonce, transfer_id)

    @rule(numbers=SUBSETS, back=st.sampled_from([0, 0, 1]))
    def ask_cancels(self, numbers: set[int], back: int) -> None:
        """Some signers for the cancel of their open nonce or the one before."""
        for number, signer, open_nonce in self._pick(numbers):
            nonce = open_nonce - back
            if (
                find_cancel_refusal(self.obeyed, signer.book, nonce) is None
                and not signer.book.page(nonce).is_cancelled
            ):
                self.signers[number] = sign_cancel(signer, nonce)

    @rule(numbers=SUBSETS, choice=CHOICES)
    def bring(self, numbers: set[int], choice: int) -> None:
        """Some signers a certificate of their open nonce."""
        for number, signer, open_nonce in self._pick(numbers):
            made = self._find_made(open_nonce)
            if made:
                book = book_certificate(signer.book, open_nonce, made[choice % len(made)])
                self.signers[number] = signer._replace(book=book)

    @rule(choice=CHOICES)
    def execute(self, choice: int) -> None:
        """Some certificate of the chain's nonce."""
        nonce = len(self.executed)
        made = self._find_made(nonce) if nonce < self.setting.nonces else ()
        if made:
            self.executed.append((self.now, made[choice % len(made)].transfer_id))

    @rule(seconds=st.sampled_from([1, WINDOW - 1, WINDOW, WINDOW + 1]))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.now += seconds

    @rule(numbers=SUBSETS)
    def see_final(self, numbers: set[int]) -> None:
        """Some signers are shown that everything executed is final."""
        for number, signer, _ in self._pick(numbers):
            book = signer.book
            for nonce in range(len(self.executed)):
                if book.page(nonce).has_certificate:
                    book = record_final(book, nonce, self.now)
            self.signers[number] = signer._replace(book=book)

    def _iter_possible(self) -> Iterator[list[tuple[int, TransferId | None]]]:
        """The chain's history with everything that could follow now."""
        follow = []
        for nonce in range(len(self.executed), self.setting.nonces):
            made = self._find_made(nonce)
            if not made:
                break
            follow.append(made)
        for executed in iter_histories(follow):
            yield self.executed + [(self.now, each) for each in executed]

    @invariant()
    def no_transfer_has_two_effects_and_no_window_exceeds_the_cap(self) -> None:
        """P2 and P5."""
        for history in self._iter_possible():
            transfers = [(at, each) for at, each in history if each is not None]
            assert len({each for _, each in transfers}) == len(transfers)
            for end, _ in transfers:
                assert sum(self.amounts[each] for at, each in transfers if end - WINDOW <= at <= end) <= CAP


TestHostileWorker = HostileWorker.TestCase


def test_signers_that_saw_the_same_in_another_order_know_the_same() -> None:
    """Booking and signing commute where both are possible."""
    empty = Book(first_nonce=FIRST, owner_from_nonce=FIRST)
    one = record_cancel(record_signed(book_cancel_certificate(empty, FIRST, frozenset()), FIRST + 1, NAMES[0]), FIRST)
    other = record_signed(book_cancel_certificate(record_cancel(empty, FIRST), FIRST, frozenset()), FIRST + 1, NAMES[0])
    assert one == other
