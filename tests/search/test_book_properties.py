"""Properties of books under any history, against a slow and obvious account of the same rows."""

from dataclasses import dataclass
from itertools import count
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from guard.core.ids import TransferId
from guard.signer.book import (
    Book,
    book_cancel_certificate,
    book_transfer_certificate,
    record_cancel,
    record_signed,
    to_book,
)
from guard.signer.release_chain import (
    WHOLE_CHAIN,
    compute_counted,
    compute_open_nonce,
    compute_unmined,
    find_transfer_refusal,
)
from tests.search.world import (
    Certificate,
    book_certificate,
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


def test_signers_that_saw_the_same_in_another_order_know_the_same() -> None:
    """Booking and signing commute where both are possible."""
    empty = Book(first_nonce=FIRST, owner_from_nonce=FIRST)
    one = record_cancel(record_signed(book_cancel_certificate(empty, FIRST, frozenset()), FIRST + 1, NAMES[0]), FIRST)
    other = record_signed(book_cancel_certificate(record_cancel(empty, FIRST), FIRST, frozenset()), FIRST + 1, NAMES[0])
    assert one == other
