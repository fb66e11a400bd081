"""P2 and P5: whatever a hostile worker does, no transfer has two effects and no window exceeds its cap; and a way out is open.

A test names the configuration that it completes; `TEST_PROFILE=deep` adds the larger ones. `python -m tests.search` tells the
shortest way to each loss.
"""

import os
from collections.abc import Callable
from dataclasses import replace

import pytest

from guard.signer.book import Book
from guard.signer.release_chain import WHOLE_CHAIN, refuse_cancel, refuse_cancelled_here
from tests.search.ablations import (
    ABLATIONS,
    NAMING_IGNORED,
    ONE_REPLACED,
    OUTSIDE_THE_BOUND,
    TWO_REPLACED,
    Ablation,
    make_replacement,
    without,
)
from tests.search.explore import explore
from tests.search.honest import settle_all
from tests.search.world import Setting, make_setting

pytestmark = pytest.mark.usefixtures("unmeasured")

IS_DEEP = os.environ.get("TEST_PROFILE") == "deep"
Record = Callable[[str, object], None]

SMALL = (make_setting(2, 2, nonces=3), make_setting(2, 3), make_setting(2, 3, cap=2), make_setting(3, 3))
TWO_OF_THREE = (make_setting(2, 3, nonces=3), make_setting(2, 3, transfers=3, cap=2))
THREE_OF_FOUR = (
    make_setting(3, 4, stolen=1, nonces=3, stolen_lie=False),
    make_setting(3, 4, stolen=1, transfers=3, cap=2, stolen_lie=False),
    make_setting(3, 4, stolen=1),
)
LARGE = (
    make_setting(3, 4, stolen=1, nonces=3),
    make_setting(3, 4, stolen=1, transfers=3, cap=2),
    make_setting(3, 5),
    make_setting(4, 5, stolen=1),
)
LARGEST = (
    make_setting(2, 3, transfers=3, nonces=3, cap=2),
    make_setting(4, 5, stolen=2, transfers=3, cap=2),
    make_replacement(stay=2, cap=2),
    TWO_REPLACED,
)


@pytest.mark.parametrize("setting", (*SMALL, *TWO_OF_THREE, *THREE_OF_FOUR, *(LARGE if IS_DEEP else ())), ids=str)
def test_every_reachable_state_is_safe_and_has_a_way_to_an_end(setting: Setting, record_property: Record) -> None:
    explored = explore(setting, WHOLE_CHAIN)
    assert explored.violation is None, str(explored.violation)
    settled = settle_all(explored, WHOLE_CHAIN, keeps_some=True)
    assert settled.unsettled is None, str(settled.unsettled)
    assert settled.situations > len(explored.distances) // 2
    record_property("states", len(explored.distances))
    record_property("situations of an honest worker", settled.situations)


@pytest.mark.parametrize("setting", (ONE_REPLACED, *(LARGEST if IS_DEEP else ())), ids=str)
def test_every_reachable_state_is_safe(setting: Setting, record_property: Record) -> None:
    explored = explore(setting, WHOLE_CHAIN)
    assert explored.violation is None, str(explored.violation)
    record_property("states", len(explored.distances))


@pytest.mark.parametrize("ablation", [each for each in ABLATIONS if IS_DEEP or not each.is_deep], ids=str)
def test_without_one_clause_money_is_lost(ablation: Ablation, record_property: Record) -> None:
    violation = explore(ablation.setting, *ablation.variants).violation
    assert violation is not None
    assert violation.kind.startswith(ablation.kind)
    assert len(violation.trace) == ablation.steps, str(violation)
    record_property("steps", len(violation.trace))


@pytest.mark.parametrize(("setting", "steps"), OUTSIDE_THE_BOUND, ids=str)
def test_the_bound_is_tight(setting: Setting, steps: int) -> None:
    violation = explore(setting, WHOLE_CHAIN).violation
    assert violation is not None
    assert len(violation.trace) == steps, str(violation)


@pytest.mark.parametrize(("threshold", "owners"), [(2, 2), (2, 3), (3, 3), (3, 4), (4, 5), (5, 6)])
def test_as_many_stolen_signers_as_the_bound_admits_lose_nothing(threshold: int, owners: int) -> None:
    explored = explore(make_setting(threshold, owners, stolen=2 * threshold - owners - 1), WHOLE_CHAIN)
    assert explored.violation is None, str(explored.violation)


def test_refusing_after_the_own_cancel_is_a_second_line_behind_refusing_what_a_cancel_names() -> None:
    """Alone it is not missed, by this search and by argument.

    A cancel certificate that does not name a transfer holds M signers of whom M - f are honest and never sign it there, so
    at most N - M + f < M ever do: what lets a signer sign again is proof enough, whether it signed a cancel itself or not.
    Where the naming is ignored, this clause alone holds two of two, since every cancel certificate there has both signers.
    """
    alone = explore(make_setting(2, 3), without(refuse_cancelled_here))
    assert alone.violation is None, str(alone.violation)
    backing = explore(make_setting(2, 2), NAMING_IGNORED)
    assert backing.violation is None, str(backing.violation)


def _refuse_every_cancel(book: Book, open_nonce: int, nonce: int) -> str | None:
    return "chain.cancel-ahead"


def _refuse_cancel_of_own_transfer(book: Book, open_nonce: int, nonce: int) -> str | None:
    return "chain.cancel-ahead" if book.page(nonce).signed else refuse_cancel(book, open_nonce, nonce)


@pytest.mark.parametrize("refuse", [_refuse_every_cancel, _refuse_cancel_of_own_transfer])
@pytest.mark.parametrize("setting", [make_setting(2, 3), make_setting(3, 4, stolen=1)], ids=str)
def test_without_cancels_a_split_nonce_blocks_the_vault_after_two_signatures(
    setting: Setting, refuse: Callable[[Book, int, int], str | None]
) -> None:
    rules = replace(WHOLE_CHAIN, refuse_cancel=refuse)
    unsettled = settle_all(explore(setting, rules), rules, keeps_some=True).unsettled
    assert unsettled is not None
    assert unsettled.reason == "a nonce cannot be cancelled"
    assert len(unsettled.trace) == 2, str(unsettled)
