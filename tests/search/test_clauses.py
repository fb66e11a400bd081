"""Each clause of the release chain as a fact about one book. A nonce of 7 is the policy's first."""

from dataclasses import replace

import pytest

from guard.core.ids import Address, TransferId
from guard.errors import CATALOGUE, GuardError
from guard.signer.book import (
    BLANK,
    Book,
    Page,
    book_cancel_certificate,
    book_transfer_certificate,
    record_cancel,
    record_final,
    record_signed,
    to_book,
)
from guard.signer.release_chain import (
    CHAIN_CODES,
    PASSING_CODES,
    WHOLE_CHAIN,
    ChainRefusal,
    compute_cancel_named,
    compute_cancel_statement,
    compute_counted,
    compute_open_nonce,
    compute_unmined,
    find_cancel_refusal,
    find_transfer_refusal,
    find_unmined_refusal,
    is_transfer_certificate,
)
from tests.search.explore import find_violation
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

A, B, C, D = (Address(name) for name in "ABCD")
OWNERS = frozenset({A, B, C, D})
T1, T2, T3 = (TransferId(f"T{number}") for number in (1, 2, 3))
EMPTY = Book(first_nonce=7, owner_from_nonce=7)
NONE: frozenset[TransferId] = frozenset()


def _code(book: Book, transfer_id: TransferId = T1) -> str | None:
    refusal = find_transfer_refusal(WHOLE_CHAIN, book, transfer_id)
    return None if refusal is None else refusal.code


def test_every_code_has_one_line_and_is_in_the_catalogue() -> None:
    assert set(CHAIN_CODES) <= set(CATALOGUE)
    assert set(CHAIN_CODES) >= PASSING_CODES
    for code, message in CHAIN_CODES.items():
        assert code.startswith("chain.")
        assert ChainRefusal(code).message == message == message.strip(". \n").lower().replace("m of n", "M of N")
        assert ChainRefusal(code).is_passing == (code in PASSING_CODES)
    with pytest.raises(GuardError):
        ChainRefusal("chain.invented")


@pytest.mark.parametrize(("signed_by", "expected"), [((A, B), False), ((A, B, C), True), ((A, B, C, D), True)])
def test_a_transfer_certificate_has_m_owners(signed_by: tuple[Address, ...], expected: bool) -> None:
    assert is_transfer_certificate(OWNERS, 3, signed_by) is expected


def test_signatures_of_one_owner_and_of_strangers_do_not_add_up() -> None:
    assert not is_transfer_certificate(OWNERS, 3, (A, A, B, B))
    assert not is_transfer_certificate(OWNERS, 3, (A, B, Address("E")))
    assert compute_cancel_named(OWNERS, 3, (A, A, B, B), {A: None, B: None}) is None
    assert compute_cancel_named(OWNERS, 3, (A, B, Address("E")), {A: None, B: None, Address("E"): None}) is None


@pytest.mark.parametrize(
    ("stating", "named"), [((A, B), None), ((A, B, C), frozenset({T1})), ((A, B, C, D), frozenset({T1, T2}))]
)
def test_a_cancel_certificate_takes_a_statement_of_each_of_m_signers(
    stating: tuple[Address, ...], named: frozenset[TransferId] | None
) -> None:
    said = {A: None, B: T1, C: None, D: T2}
    assert compute_cancel_named(OWNERS, 3, OWNERS, {owner: said[owner] for owner in stating}) == named


def test_a_statement_without_a_signature_names_nothing() -> None:
    assert compute_cancel_named(OWNERS, 3, (A, B, C), {A: None, B: T1, C: None, D: T2}) == frozenset({T1})
    assert compute_cancel_named(OWNERS, 3, (A, B), {A: None, B: T1, C: None, D: T2}) is None


def test_a_threshold_below_one_is_refused() -> None:
    with pytest.raises(GuardError):
        is_transfer_certificate(OWNERS, 0, ())
    with pytest.raises(GuardError):
        compute_cancel_named(OWNERS, 0, (), {})


def test_the_open_nonce_is_the_lowest_without_a_certificate_of_either_kind() -> None:
    assert compute_open_nonce(EMPTY) == 7
    certified = book_transfer_certificate(EMPTY, 7, T1)
    assert compute_open_nonce(certified) == 8
    assert compute_open_nonce(book_cancel_certificate(certified, 8, NONE)) == 9
    assert compute_open_nonce(record_cancel(record_signed(EMPTY, 7, T1), 7)) == 7


def test_a_certificate_above_a_gap_carries_no_signer_over_it() -> None:
    ahead = book_transfer_certificate(EMPTY, 9, T1)
    assert compute_open_nonce(ahead) == 7
    assert compute_open_nonce(book_cancel_certificate(ahead, 7, NONE)) == 8
    assert compute_open_nonce(book_cancel_certificate(book_cancel_certificate(ahead, 7, NONE), 8, NONE)) == 10


def test_if_it_did_more_than_the_cap_would_leave() -> None:
    """Two of three, cap of two: each pair knows of two transfers, and jumps over the nonce of the third."""
    setting = make_setting(2, 3, transfers=3, nonces=5, cap=2)
    jumping = replace(
        WHOLE_CHAIN,
        compute_open_nonce=lambda book: max((n + 1 for n, page in book.entries() if page.has_certificate), default=0),
    )

    def bring(signer: Honest, nonce: int, certificate: Certificate) -> Honest:
        return signer._replace(book=book_certificate(signer.book, nonce, certificate))

    def sign(signer: Honest, nonce: int, transfer_id: TransferId) -> Honest:
        assert jumping.compute_open_nonce(signer.book) == nonce
        assert find_transfer_refusal(jumping, signer.book, transfer_id) is None
        assert len(compute_counted(jumping, signer.book).keys() | {transfer_id}) <= setting.cap
        return sign_transfer(signer, nonce, transfer_id)

    a, b, c = (make_honest(setting, 0) for _ in range(3))
    a, b = sign(a, 0, T1), sign(b, 0, T1)
    a, b = (sign_cancel(bring(each, 0, Certificate(T1)), 1) for each in (a, b))
    b, c = (sign(bring(each, 1, Certificate(None)), 2, T2) for each in (b, c))
    b, c = (sign_cancel(bring(each, 2, Certificate(T2)), 3) for each in (b, c))
    assert [compute_open_nonce(each.book) for each in (a, b, c)] == [1, 3, 0]
    a, c = (sign(bring(each, 3, Certificate(None)), 4, T3) for each in (a, c))
    made = [
        compute_certificates(setting, jumping, nonce, tuple((0, each.given[nonce]) for each in (a, b, c)))
        for nonce in range(5)
    ]
    assert find_violation(setting, made) == (T1, None, T2, None, T3)


def test_one_transfer_per_nonce_and_the_same_again() -> None:
    book = record_signed(EMPTY, 7, T1)
    assert _code(book, T1) is None
    assert _code(book, T2) == "chain.nonce-taken"
    assert _code(book_cancel_certificate(book, 7, NONE), T2) is None


def test_no_transfer_after_the_own_cancel_of_the_open_nonce() -> None:
    book = record_cancel(EMPTY, 7)
    assert _code(book) == "chain.nonce-cancelled"
    assert _code(book_cancel_certificate(book, 7, NONE)) is None


def test_again_once_another_transfer_is_certified_at_its_nonce() -> None:
    book = record_signed(EMPTY, 7, T1)
    assert _code(book_transfer_certificate(book, 7, T2), T1) is None


def test_again_once_a_cancel_that_does_not_name_it_is_booked() -> None:
    book = record_signed(EMPTY, 7, T1)
    assert _code(book_cancel_certificate(book, 7, NONE)) is None
    assert _code(book_cancel_certificate(book, 7, frozenset({T2}))) is None


def test_a_transfer_that_a_cancel_names_is_dead_for_who_signed_it_there_and_for_nobody_else() -> None:
    named = book_cancel_certificate(record_signed(EMPTY, 7, T1), 7, frozenset({T1}))
    assert _code(named) == "chain.dead"
    assert _code(book_cancel_certificate(named, 7, NONE)) == "chain.dead"
    assert _code(book_cancel_certificate(EMPTY, 7, frozenset({T1}))) is None


def test_never_again_while_one_of_its_nonces_is_without_proof() -> None:
    """Such a book cannot come about while the open nonce is the lowest; the clause does not lean on that."""
    book = record_signed(record_signed(EMPTY, 7, T1), 8, T1)
    first_void = book_cancel_certificate(book, 7, NONE)
    assert _code(first_void) is None
    rules = replace(WHOLE_CHAIN, compute_open_nonce=lambda book: 9)
    refusal = find_transfer_refusal(rules, first_void, T1)
    assert refusal is not None
    assert refusal.code == "chain.still-executable"
    assert find_transfer_refusal(rules, book_cancel_certificate(first_void, 8, NONE), T1) is None


def test_never_again_after_the_own_cancel_of_its_nonce() -> None:
    book = record_cancel(record_signed(EMPTY, 7, T1), 7)
    assert _code(book_cancel_certificate(book, 7, NONE)) == "chain.cancelled-here"
    assert _code(book_cancel_certificate(book, 7, NONE), T2) is None


def test_never_again_once_its_certificate_is_held_whoever_signed_it() -> None:
    assert _code(book_transfer_certificate(EMPTY, 7, T1)) == "chain.certified"
    assert _code(book_transfer_certificate(EMPTY, 9, T1)) == "chain.certified"
    assert _code(book_transfer_certificate(record_signed(EMPTY, 7, T1), 7, T1)) == "chain.certified"


@pytest.mark.parametrize(
    ("owner_from", "code"), [(8, None), (9, "chain.dead-before-owner"), (10, "chain.dead-before-owner")]
)
def test_what_was_named_before_a_key_was_an_owner_is_dead_for_it(owner_from: int, code: str | None) -> None:
    book = Book(first_nonce=7, owner_from_nonce=owner_from)
    for nonce in range(7, 10):
        book = book_cancel_certificate(book, nonce, frozenset({T1}) if nonce == 8 else NONE)
    assert _code(book) == code
    assert _code(book, T2) is None


@pytest.mark.parametrize(("owner_from", "code"), [(7, None), (8, None), (9, "chain.not-an-owner")])
def test_a_key_signs_only_at_nonces_at_which_it_is_an_owner(owner_from: int, code: str | None) -> None:
    book = book_transfer_certificate(Book(first_nonce=7, owner_from_nonce=owner_from), 7, T2)
    assert _code(book) == code
    refusal = find_cancel_refusal(WHOLE_CHAIN, book, 8)
    assert (refusal and refusal.code) == code


@pytest.mark.parametrize(
    ("nonce", "code"),
    [(6, "chain.cancel-before-first"), (7, None), (8, None), (9, None), (10, "chain.cancel-ahead")],
)
def test_any_nonce_up_to_the_open_one_may_be_cancelled(nonce: int, code: str | None) -> None:
    book = book_cancel_certificate(book_transfer_certificate(record_signed(EMPTY, 7, T1), 7, T1), 8, NONE)
    refusal = find_cancel_refusal(WHOLE_CHAIN, book, nonce)
    assert (refusal and refusal.code) == code


def test_a_cancel_states_what_was_signed_there_or_none() -> None:
    book = record_signed(EMPTY, 7, T1)
    assert compute_cancel_statement(book, 7) == T1
    assert compute_cancel_statement(record_cancel(book, 7), 7) == T1
    assert compute_cancel_statement(book, 8) is None


def test_budget_is_kept_from_signing_until_a_certificate_proves_it_void() -> None:
    signed = record_signed(EMPTY, 7, T1)
    assert compute_counted(WHOLE_CHAIN, signed) == {T1: None}
    assert compute_counted(WHOLE_CHAIN, record_cancel(signed, 7)) == {T1: None}
    assert compute_counted(WHOLE_CHAIN, book_cancel_certificate(signed, 8, NONE)) == {T1: None}
    assert compute_counted(WHOLE_CHAIN, book_cancel_certificate(signed, 7, NONE)) == {}
    assert compute_counted(WHOLE_CHAIN, book_transfer_certificate(signed, 7, T2)) == {T2: None}


def test_certified_named_and_dead_transfers_count_as_now_until_their_nonce_is_seen_final() -> None:
    for signed in (EMPTY, record_signed(EMPTY, 7, T1)):
        for book in (book_transfer_certificate(signed, 7, T1), book_cancel_certificate(signed, 7, frozenset({T1}))):
            assert compute_counted(WHOLE_CHAIN, book) == {T1: None}
            assert compute_counted(WHOLE_CHAIN, record_final(book, 7, 500)) == {T1: 500}


def test_what_one_certificate_names_and_another_does_not_stays_counted() -> None:
    both = book_cancel_certificate(book_cancel_certificate(record_signed(EMPTY, 7, T1), 7, NONE), 7, frozenset({T1}))
    assert compute_counted(WHOLE_CHAIN, both) == {T1: None}


def test_a_transfer_at_several_nonces_counts_once_and_from_the_latest() -> None:
    book = book_cancel_certificate(EMPTY, 7, frozenset({T1}))
    book = record_final(book, 7, 500)
    assert compute_counted(WHOLE_CHAIN, record_signed(book, 8, T1)) == {T1: None}
    certified = book_transfer_certificate(book, 8, T1)
    assert compute_counted(WHOLE_CHAIN, certified) == {T1: None}
    assert compute_counted(WHOLE_CHAIN, record_final(certified, 8, 400)) == {T1: 500}
    assert compute_counted(WHOLE_CHAIN, record_final(certified, 8, 600)) == {T1: 600}


@pytest.mark.parametrize(("certificates", "is_refused"), [(2, False), (3, True), (4, True)])
def test_at_most_max_unmined_certificates_wait_for_finality(certificates: int, is_refused: bool) -> None:
    book = EMPTY
    for nonce in range(7, 7 + certificates):
        book = book_cancel_certificate(book, nonce, NONE)
    refusal = find_unmined_refusal(book, 3)
    assert (refusal is not None) is is_refused
    assert compute_unmined(book) == certificates
    assert find_unmined_refusal(record_final(book, 7, 5), certificates) is None


def test_a_book_cannot_hold_two_transfers_of_one_signer_at_one_nonce() -> None:
    with pytest.raises(GuardError):
        record_signed(record_signed(EMPTY, 7, T1), 7, T2)
    with pytest.raises(GuardError):
        to_book(first_nonce=7, owner_from_nonce=7, signed=[(7, T1), (7, T2)])


def test_a_book_refuses_what_cannot_be() -> None:
    impossible = (
        lambda: record_final(EMPTY, 7, 5),
        lambda: Page(certified=frozenset({T1}), seen_final_at=-1),
        lambda: Page(certified=frozenset({T1}), seen_final_at=True),
        lambda: Book(first_nonce=7, owner_from_nonce=6),
        lambda: Book(first_nonce=-1, owner_from_nonce=0),
        lambda: Book(first_nonce=7, owner_from_nonce=7, pages=(BLANK,)),
        lambda: record_signed(Book(first_nonce=7, owner_from_nonce=8), 7, T1),
        lambda: record_cancel(Book(first_nonce=7, owner_from_nonce=8), 7),
        lambda: record_signed(EMPTY, 6, T1),
        lambda: EMPTY.with_page(6, BLANK),
        lambda: to_book(first_nonce=7, owner_from_nonce=7, certified=[(7, T1)], final=[(7, 5), (7, 6)]),
    )
    for make in impossible:
        with pytest.raises(GuardError) as refused:
            make()
        assert refused.value.code == "value.invalid"


def test_repeating_what_happened_changes_nothing() -> None:
    book = record_final(book_transfer_certificate(record_cancel(record_signed(EMPTY, 7, T1), 7), 7, T1), 7, 5)
    assert record_signed(book, 7, T1) == book
    assert record_cancel(book, 7) == book
    assert book_transfer_certificate(book, 7, T1) == book
    assert record_final(book, 7, 900) == book
    assert book.with_page(9, BLANK) == book
    assert hash(record_cancel(book, 7)) == hash(book)
