"""The release chain with one clause taken out, and how soon the search finds what is lost by it.

Each ablation is the whole chain but for the clause that it names. `steps` is the length of the shortest way to a transfer
with two effects or a window over its cap, counting every signature, every certificate brought and every execution.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, replace

from guard.core.ids import Address, TransferId
from guard.signer.book import Book, Named, Page
from guard.signer.release_chain import (
    WHOLE_CHAIN,
    ChainRules,
    Clause,
    count_certified,
    count_named,
    refuse_after_own_cancel,
    refuse_cancelled_here,
    refuse_certified,
    refuse_named_before_ownership,
    refuse_second_transfer_at_nonce,
    refuse_while_executable,
)
from tests.search.world import Seats, Setting, make_setting

TWICE = "a transfer has two effects"
OVER = "more than the cap"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """One clause taken out. Of several variants the worker may choose at each request."""

    name: str
    variants: tuple[ChainRules, ...]
    setting: Setting
    kind: str
    steps: int
    is_deep: bool = False

    def __str__(self) -> str:
        return f"{self.name} ({self.setting})"


def make_replacement(*, nonces: int = 2, cap: int = 1, stay: int = 1, change: int = 1, threshold: int = 2) -> Setting:
    """Some owners stay; others are replaced by as many new keys from nonce 1 on."""
    return Setting(
        seats=(Seats(count=stay), Seats(count=change, owner_until=1), Seats(count=change, owner_from=1)),
        stolen=0,
        threshold=threshold,
        transfers=2,
        nonces=nonces,
        cap=cap,
    )


ONE_REPLACED = make_replacement(stay=2)
TWO_REPLACED = make_replacement(stay=1, change=2)


def without(*clauses: Clause) -> ChainRules:
    """The whole chain less these clauses."""
    assert set(clauses) <= set(WHOLE_CHAIN.clauses)
    return replace(WHOLE_CHAIN, clauses=tuple(each for each in WHOLE_CHAIN.clauses if each not in clauses))


def count_only(count: Callable[[Page], frozenset[TransferId]]) -> ChainRules:
    """The whole chain, but of what others signed only this counts."""
    return replace(WHOLE_CHAIN, counted_of_others=(count,))


def count_signatures(owners: Set[Address], threshold: int, signed_by: Iterable[Address]) -> bool:
    """A certificate by the number of signatures, whoever made them."""
    return len([each for each in signed_by if each in owners]) >= threshold


def believe_without_statements(
    owners: Set[Address], threshold: int, signed_by: Iterable[Address], statements: Mapping[Address, TransferId | None]
) -> Named | None:
    """A cancel certificate by its signatures alone, with whatever statements come along."""
    if len(owners & frozenset(signed_by)) < threshold:
        return None
    return frozenset(each for each in statements.values() if each is not None)


def refuse_before_any_certificate(book: Book, open_nonce: int, transfer_id: TransferId) -> str | None:
    """Again after any certificate but the transfer's own, even a cancel that names it."""
    others = [book.page(nonce) for nonce in book.nonces_signing(transfer_id) if nonce != open_nonce]
    is_passed = all(page.has_certificate and transfer_id not in page.certified for page in others)
    return None if is_passed else "chain.still-executable"


def is_any_other_certificate(page: Page, transfer_id: TransferId) -> bool:
    """Budget back through any certificate but the transfer's own, even a cancel that names it."""
    return page.has_certificate and transfer_id not in page.certified


def name_any_nonce(nonces: int) -> tuple[ChainRules, ...]:
    """The nonce is the worker's word."""

    def open_at(nonce: int) -> Callable[[Book], int]:
        return lambda book: nonce

    return tuple(replace(WHOLE_CHAIN, compute_open_nonce=open_at(nonce)) for nonce in range(nonces))


NAMING_IGNORED = replace(
    WHOLE_CHAIN,
    clauses=tuple(
        refuse_before_any_certificate if each is refuse_while_executable else each for each in WHOLE_CHAIN.clauses
    ),
)
"""A transfer is signed again although a cancel certificate names it."""

OUTSIDE_THE_BOUND: tuple[tuple[Setting, int], ...] = (
    (make_setting(2, 3, stolen=1), 6),
    (make_setting(3, 4, stolen=2), 6),
    (make_setting(3, 5, stolen=1), 10),
    (make_setting(4, 5, stolen=3), 6),
    (make_setting(2, 4), 10),
    (make_setting(3, 6), 14),
)
"""One stolen signer too many, or a threshold of half the owners: with every clause, money is lost in so many steps."""

ABLATIONS: tuple[Ablation, ...] = (
    Ablation(
        name="signatures are counted, not owners",
        variants=(replace(WHOLE_CHAIN, is_transfer_certificate=count_signatures),),
        setting=make_setting(2, 3),
        kind=TWICE,
        steps=7,
    ),
    Ablation(
        name="a cancel counts without a statement of each of its signers",
        variants=(replace(WHOLE_CHAIN, compute_cancel_named=believe_without_statements),),
        setting=make_setting(2, 3),
        kind=TWICE,
        steps=10,
    ),
    Ablation(
        name="named transfers are not counted by whoever books the cancel",
        variants=(count_only(count_certified),),
        setting=ONE_REPLACED,
        kind=OVER,
        steps=10,
    ),
    Ablation(
        name="named transfers are not counted by whoever books the cancel, owners unchanged",
        variants=(count_only(count_certified),),
        setting=make_setting(2, 3, transfers=3, nonces=3, cap=2),
        kind=OVER,
        steps=18,
        is_deep=True,
    ),
    Ablation(
        name="certified transfers are counted only by those who signed them",
        variants=(count_only(count_named),),
        setting=ONE_REPLACED,
        kind=OVER,
        steps=8,
    ),
    Ablation(
        name="certified transfers are counted only by those who signed them, owners unchanged",
        variants=(count_only(count_named),),
        setting=make_setting(2, 3, transfers=3, nonces=3, cap=2),
        kind=OVER,
        steps=14,
        is_deep=True,
    ),
    Ablation(
        name="the worker names the nonce",
        variants=name_any_nonce(3),
        setting=make_setting(2, 3, transfers=3, nonces=3, cap=2),
        kind=OVER,
        steps=9,
    ),
    Ablation(
        name="two transfers are signed at one nonce",
        variants=(without(refuse_second_transfer_at_nonce),),
        setting=make_setting(2, 3, cap=2),
        kind=TWICE,
        steps=10,
    ),
    Ablation(
        name="a transfer is signed after the own cancel of its nonce",
        variants=(without(refuse_after_own_cancel),),
        setting=make_setting(2, 3),
        kind=TWICE,
        steps=10,
    ),
    Ablation(
        name="a transfer is signed again without proof that it is void at earlier nonces",
        variants=(without(refuse_while_executable),),
        setting=make_setting(2, 3),
        kind=TWICE,
        steps=10,
    ),
    Ablation(
        name="a transfer is signed again although a cancel certificate names it",
        variants=(NAMING_IGNORED,),
        setting=make_setting(2, 3),
        kind=TWICE,
        steps=10,
    ),
    Ablation(
        name="a transfer is signed again although its certificate is held",
        variants=(without(refuse_certified),),
        setting=ONE_REPLACED,
        kind=TWICE,
        steps=8,
    ),
    Ablation(
        name="a new owner signs what was named before its time",
        variants=(without(refuse_named_before_ownership),),
        setting=ONE_REPLACED,
        kind=TWICE,
        steps=10,
    ),
    Ablation(
        name="a transfer is signed again after the own cancel, and although a cancel certificate names it",
        variants=(
            replace(NAMING_IGNORED, clauses=tuple(c for c in NAMING_IGNORED.clauses if c is not refuse_cancelled_here)),
        ),
        setting=make_setting(2, 2),
        kind=TWICE,
        steps=10,
    ),
    Ablation(
        name="budget comes back through any certificate",
        variants=(replace(WHOLE_CHAIN, is_budget_back=is_any_other_certificate),),
        setting=make_setting(2, 3),
        kind=OVER,
        steps=10,
    ),
    Ablation(
        name="budget is not kept for what was signed here",
        variants=(replace(WHOLE_CHAIN, is_budget_back=lambda page, transfer_id: True),),
        setting=make_setting(2, 3),
        kind=OVER,
        steps=8,
    ),
)
