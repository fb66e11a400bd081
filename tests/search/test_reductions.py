"""What the search leaves out gives the worker nothing: every small book is asked, and a plain search finds the same."""

import os
from collections.abc import Iterator
from functools import cache
from itertools import product

import pytest

from guard.core.ids import TransferId
from guard.signer.book import Book, Page, record_final
from guard.signer.release_chain import (
    WHOLE_CHAIN,
    ChainRules,
    compute_counted,
    find_unmined_refusal,
    refuse_after_own_cancel,
)
from tests.search.ablations import without
from tests.search.explore import Executed, Explored, explore, iter_histories
from tests.search.plain import explore_plainly
from tests.search.world import (
    Allowed,
    Certificate,
    Honest,
    Setting,
    book_certificate,
    compute_allowed,
    iter_subsets,
    make_setting,
)

pytestmark = pytest.mark.usefixtures("unmeasured")

IS_DEEP = os.environ.get("TEST_PROFILE") == "deep"
SETTING = make_setting(2, 3, nonces=3)
NAMES = SETTING.transfer_ids
CERTIFICATES = (
    *(Certificate(transfer_id) for transfer_id in NAMES),
    *(Certificate(None, frozenset(named)) for named in iter_subsets(NAMES)),
)


@cache
def _pages(most_certificates: int) -> tuple[Page, ...]:
    """Every page: what the signer signed there, whether it cancelled, and which certificates it holds."""
    return tuple(
        Page(
            signed=signed,
            is_cancelled=is_cancelled,
            certified=frozenset(each.transfer_id for each in held if each.transfer_id is not None),
            cancel_certificates=frozenset(each.named for each in held if each.transfer_id is None),
        )
        for signed, is_cancelled in product((None, *NAMES), (False, True))
        for held in iter_subsets(CERTIFICATES)
        if len(held) <= most_certificates
    )


def _iter_books() -> Iterator[Book]:
    """Every book of two pages: some certificates at nonce 0 (in the long run any), at most one at nonce 1."""
    for pages in product(_pages(len(CERTIFICATES) if IS_DEEP else 2), _pages(1)):
        book = Book(first_nonce=0, owner_from_nonce=0)
        for nonce, page in enumerate(pages):
            book = book.with_page(nonce, page)
        yield book


@cache
def _allowed(book: Book, cap: int) -> Allowed:
    setting = make_setting(2, 3, nonces=3, cap=cap)
    return compute_allowed(setting, (WHOLE_CHAIN,), Honest(0, book, (frozenset(),) * 3))


def _is_no_looser(more: Book, less: Book) -> bool:
    """Whether a signer with the first book does nothing that it would not do with the second."""
    return all(
        set(_allowed(more, cap).transfers) <= set(_allowed(less, cap).transfers)
        and set(_allowed(more, cap).cancels) <= set(_allowed(less, cap).cancels)
        and compute_counted(WHOLE_CHAIN, more).keys() >= compute_counted(WHOLE_CHAIN, less).keys()
        for cap in (1, 2)
    )


def test_a_second_certificate_for_a_nonce_never_lets_a_signer_do_more() -> None:
    """Whatever both signers do next, they have such a pair of books again: so the second is not needed later either."""
    asked = 0
    for book in _iter_books():
        if book.page(0).has_certificate:
            for certificate in CERTIFICATES:
                asked += 1
                assert _is_no_looser(book_certificate(book, 0, certificate), book), (book, certificate)
    assert asked > 30_000


def test_a_certificate_above_the_open_nonce_never_lets_a_signer_do_more() -> None:
    for signed, is_cancelled in product((None, *NAMES), (False, True)):
        open_page = Page(signed=signed, is_cancelled=is_cancelled)
        for earlier in _pages(2):
            book = Book(first_nonce=0, owner_from_nonce=0).with_page(0, earlier).with_page(1, open_page)
            for certificate in CERTIFICATES:
                ahead = book_certificate(book, 2, certificate)
                if earlier.has_certificate:
                    assert _is_no_looser(ahead, book), (book, certificate)
                assert _allowed(ahead, 1).open_nonce == _allowed(book, 1).open_nonce


def test_a_cancel_that_names_more_never_lets_a_signer_do_more() -> None:
    """So the stolen loosen most when their statements name none."""
    for book in _iter_books():
        for fewer, more in product(iter_subsets(NAMES), repeat=2):
            if set(fewer) < set(more):
                loosest = book_certificate(book, 0, Certificate(None, frozenset(fewer)))
                assert _is_no_looser(book_certificate(book, 0, Certificate(None, frozenset(more))), loosest), book


def test_finality_changes_nothing_but_the_age_of_what_counts() -> None:
    for page in _pages(2):
        book = Book(first_nonce=0, owner_from_nonce=0).with_page(0, page)
        if page.has_certificate:
            final = record_final(book, 0, 7)
            assert _allowed(final, 1) == _allowed(book, 1)
            assert set(compute_counted(WHOLE_CHAIN, book).values()) <= {None}
            assert set(compute_counted(WHOLE_CHAIN, final).values()) <= {7}
            assert compute_counted(WHOLE_CHAIN, final).keys() == compute_counted(WHOLE_CHAIN, book).keys()
            assert find_unmined_refusal(book, 1) is not None
            assert find_unmined_refusal(final, 1) is None


LESS = without(refuse_after_own_cancel)
PLAIN: tuple[tuple[Setting, ChainRules], ...] = (
    (make_setting(2, 2), WHOLE_CHAIN),
    (make_setting(2, 2, nonces=3), WHOLE_CHAIN),
    (make_setting(2, 2, stolen=1), WHOLE_CHAIN),
    (make_setting(2, 2, transfers=3, cap=2), WHOLE_CHAIN),
    (make_setting(3, 3, stolen=1), WHOLE_CHAIN),
    (make_setting(2, 3, nonces=1), WHOLE_CHAIN),
    (make_setting(2, 3, stolen=1), WHOLE_CHAIN),
    (make_setting(3, 4, stolen=2), WHOLE_CHAIN),
    (make_setting(2, 2), LESS),
    (make_setting(2, 3), LESS),
)
LARGE: tuple[tuple[Setting, ChainRules], ...] = ((make_setting(2, 3), WHOLE_CHAIN),)


def _to_id(value: Setting | ChainRules) -> str:
    return str(value) if isinstance(value, Setting) else "whole" if value is WHOLE_CHAIN else "less one clause"


@pytest.mark.parametrize(("setting", "rules"), PLAIN + (LARGE if IS_DEEP else ()), ids=_to_id)
def test_a_plain_search_finds_the_same_histories_and_the_same_shortest_violation(
    setting: Setting, rules: ChainRules
) -> None:
    plain, explored = explore_plainly(setting, rules), explore(setting, rules)
    steps = len(explored.violation.trace) if explored.violation else None
    assert plain.steps_to_violation == steps
    if steps is None:
        assert {_rename(each) for each in plain.histories} == _find_histories(explored)


def _find_histories(explored: Explored) -> set[Executed]:
    """Everything that the chain can have executed, in every state; transfers are named in the order of their execution."""
    census = explored.census
    return {
        _rename(executed)
        for state in explored.distances
        for last in range(explored.setting.nonces + 1)
        for executed in iter_histories(census.certificates(census.available(state))[:last])
    }


def _rename(executed: Executed) -> Executed:
    names: dict[TransferId, TransferId] = {}
    for each in executed:
        if each is not None:
            names.setdefault(each, TransferId(f"T{len(names) + 1}"))
    return tuple(None if each is None else names[each] for each in executed)
