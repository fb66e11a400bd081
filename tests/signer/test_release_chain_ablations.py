"""Each rule of the release chain on real signers: a hostile worker's play that it stops, and what the play earns without it.

The exhaustive search over the pure rules says that there is no other play; here the same clauses stand in front of real
journals, keys and certificates. `earns` is what is executable in the end: one transfer twice, or more than the cap.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from guard.core.decide import d9_limits_hold
from guard.core.ids import Address, SignerId, TransferId
from guard.core.policy import OwnerEntry
from guard.signer.book import Book, Named, Page
from guard.signer.release_chain import (
    count_certified,
    count_named,
    is_transfer_certificate,
    refuse_after_own_cancel,
    refuse_certified,
    refuse_named_before_ownership,
    refuse_second_transfer_at_nonce,
    refuse_while_executable,
)
from guard.signer.verifier import Verifier
from tests.factories import make_signer, make_vault
from tests.signer.ablation import let_disks_forget, with_chain, without_clauses, without_step
from tests.signer.attacker import CANCELLED, Attacker
from tests.signer.teams import CAP, A, B, C, found_team, make_capped_policy

E, F, G = "signer-e", "signer-f", "signer-g"


# The plays. Each asks and brings what it can and takes a refusal in its stride.


def sign_two_at_one_nonce(attacker: Attacker) -> None:
    """One is hoarded at nonce 0; the certificate of the other one there makes everybody believe that it is void."""
    one, other = attacker.propose(), attacker.propose()
    attacker.ask(one, A, B)
    attacker.ask(other, A, B)
    attacker.bring(attacker.certificate(other, 0))
    attacker.ask(one, A, B, C)


def sign_after_a_cancel(attacker: Attacker) -> None:
    """A states that it has signed nothing at nonce 0, and then signs there."""
    one = attacker.propose()
    attacker.cancel(0, A, C)
    attacker.ask(one, A, B)
    attacker.bring(attacker.cancel_certificate(0, A, C))
    attacker.ask(one, B, C)


def sign_again_though_named(attacker: Attacker) -> None:
    """The certificate of nonce 0 is hoarded; a cancel that names the transfer opens nonce 1."""
    one = attacker.propose()
    attacker.ask(one, A, B)
    attacker.cancel(0, B, C)
    attacker.bring(attacker.cancel_certificate(0, B, C))
    attacker.ask(one, A, C)


def cancel_without_statements(attacker: Attacker) -> None:
    """The same, and the cancel comes without the statements that name the transfer."""
    one = attacker.propose()
    attacker.ask(one, A, B)
    attacker.cancel(0, B, C)
    attacker.bring(attacker.cancel_certificate(0, B, C, with_statements=False))
    attacker.ask(one, A, C)


def believe_one_signature(attacker: Attacker) -> None:
    """One signature on another transfer is shown as the certificate of nonce 0, at which a certificate is hoarded."""
    one, other = attacker.propose(), attacker.propose()
    attacker.ask(other, C)
    attacker.ask(one, A, B)
    attacker.bring(attacker.certificate(other, 0))
    attacker.ask(one, A, B)


def free_a_named_budget(attacker: Attacker) -> None:
    """Two hoarded certificates, then cancels at both nonces that name them: is there room for a third?"""
    for nonce in range(2):
        transfer = attacker.propose()
        attacker.ask(transfer, A, B)
        attacker.cancel(nonce, A, B)
        attacker.bring(attacker.cancel_certificate(nonce, A, B))
    attacker.ask(attacker.propose(), A, B)


def share_the_budget_of_others(attacker: Attacker) -> None:
    """Three payments, each signed by another pair, so that nobody has signed more than two."""
    for nonce, pair in enumerate(((A, B), (B, C), (A, C))):
        transfer = attacker.propose()
        attacker.ask(transfer, *pair)
        attacker.bring(attacker.certificate(transfer, nonce))


def share_the_budget_of_named(attacker: Attacker) -> None:
    """Two hoarded certificates by other pairs, each cancelled by one who signed and one who did not; then a third."""
    for nonce, (pair, cancelling) in enumerate((((A, B), (B, C)), ((B, C), (A, B)))):
        attacker.ask(attacker.propose(), *pair)
        attacker.cancel(nonce, *cancelling)
        attacker.bring(attacker.cancel_certificate(nonce, *cancelling))
    attacker.ask(attacker.propose(), A, C)


def skip_what_others_certified(attacker: Attacker) -> None:
    """C is carried over the first payment and A over the second, each by the cancel of a later nonce; then both sign a third."""
    first, second, third = (attacker.propose() for _ in range(3))
    attacker.ask(first, A, B)
    attacker.bring(attacker.certificate(first, 0), A, B)
    attacker.execute(first)
    attacker.cancel(1, A, B)
    attacker.bring(attacker.cancel_certificate(1, A, B))
    attacker.execute(CANCELLED)
    attacker.finalise()
    attacker.ask(second, B, C)
    if not attacker.loot.executable_at(2):
        return
    attacker.bring(attacker.certificate(second, 2), B, C)
    attacker.execute(second)
    attacker.cancel(3, B, C)
    attacker.bring(attacker.cancel_certificate(3, B, C))
    attacker.execute(CANCELLED)
    attacker.finalise()
    attacker.ask(third, A, C)


def ask_new_owners_for_a_certified_one(attacker: Attacker) -> None:
    """The owners were swapped after nonce 0. The new ones never signed there what is asked of them now."""
    one = attacker.propose()
    attacker.ask(one, A, B)
    attacker.bring(attacker.certificate(one, 0))
    attacker.ask(one, E, F)


def ask_new_owners_for_a_named_one(attacker: Attacker) -> None:
    """The same with a hoarded certificate and the cancel that names it."""
    one = attacker.propose()
    attacker.ask(one, A, B)
    attacker.cancel(0, B, C)
    attacker.bring(attacker.cancel_certificate(0, B, C))
    attacker.ask(one, E, F)


def overdraw(attacker: Attacker) -> None:
    """Three payments where the cap has room for two."""
    for nonce in range(3):
        transfer = attacker.propose()
        attacker.ask(transfer, A, B)
        attacker.bring(attacker.certificate(transfer, nonce))


# What the rules would be without one clause.


def believe_any(owners: Set[Address], threshold: int, signed_by: Iterable[Address]) -> bool:
    """A certificate of one signature."""
    return is_transfer_certificate(owners, 1, signed_by)


def name_nothing(
    owners: Set[Address], threshold: int, signed_by: Iterable[Address], statements: Mapping[Address, TransferId | None]
) -> Named | None:
    """A cancel certificate of M signatures, whatever was stated."""
    if len(owners & frozenset(signed_by)) < threshold:
        return None
    return frozenset(named for named in statements.values() if named is not None)


def open_after_the_highest(book: Book) -> int:
    """The nonce after the highest certificate, gaps or not."""
    held = [nonce for nonce, page in book.entries() if page.has_certificate]
    return max(held, default=book.first_nonce - 1) + 1


def is_back_by_any_certificate(page: Page, transfer_id: TransferId) -> bool:
    """Budget comes back through a cancel that names the transfer, too."""
    return page.has_certificate and transfer_id not in page.certified


@dataclass(frozen=True)
class Clause:
    """One clause: the play, the code that stops it, and the verifier without the clause."""

    play: Callable[[Attacker], None]
    code: str
    without: Verifier
    earns: str
    owners_change: bool = False


CLAUSES = {
    "one-transfer-per-nonce": Clause(
        sign_two_at_one_nonce, "chain.nonce-taken", without_clauses(refuse_second_transfer_at_nonce), "double"
    ),
    "nothing-after-the-own-cancel": Clause(
        sign_after_a_cancel, "chain.nonce-cancelled", without_clauses(refuse_after_own_cancel), "double"
    ),
    "again-only-if-void-everywhere": Clause(
        sign_again_though_named, "chain.dead", without_clauses(refuse_while_executable), "double"
    ),
    "cancels-with-statements": Clause(
        cancel_without_statements, "certificate.too-few", with_chain(compute_cancel_named=name_nothing), "double"
    ),
    "certificates-of-m-owners": Clause(
        believe_one_signature, "certificate.too-few", with_chain(is_transfer_certificate=believe_any), "double"
    ),
    "budget-back-only-through-proof": Clause(
        free_a_named_budget, "decision.limit", with_chain(is_budget_back=is_back_by_any_certificate), "over cap"
    ),
    "certified-by-others-counts": Clause(
        share_the_budget_of_others, "decision.limit", with_chain(counted_of_others=(count_named,)), "over cap"
    ),
    "named-by-others-counts": Clause(
        share_the_budget_of_named, "decision.limit", with_chain(counted_of_others=(count_certified,)), "over cap"
    ),
    "lowest-nonce-without-certificate": Clause(
        skip_what_others_certified, "", with_chain(compute_open_nonce=open_after_the_highest), "over cap"
    ),
    "certified-once-for-all-owners": Clause(
        ask_new_owners_for_a_certified_one,
        "chain.certified",
        without_clauses(refuse_certified),
        "double",
        owners_change=True,
    ),
    "named-before-ownership-is-dead": Clause(
        ask_new_owners_for_a_named_one,
        "chain.dead-before-owner",
        without_clauses(refuse_named_before_ownership),
        "double",
        owners_change=True,
    ),
    "limits-in-every-window": Clause(overdraw, "decision.limit", without_step(d9_limits_hold), "over cap"),
}


def make_changing_policy() -> Any:
    """Two of A, B and C own the Safe at nonce 0; two of E, F and G from nonce 1 on."""
    policy = make_capped_policy(owners=3)
    entries = tuple(
        OwnerEntry(from_nonce=nonce, threshold=2, signers=tuple(SignerId(name) for name in names))
        for nonce, names in enumerate(((A, B, C), (E, F, G)))
    )
    signers = tuple(make_signer(name) for name in (A, B, C, E, F, G))
    return make_capped_policy(signers=signers, vaults=(replace(make_vault(), owners=entries),), numbers=policy.numbers)


def attack(folder: Path, clause: Clause) -> Attacker:
    """A team of two of three, or one whose owners change, in a hostile worker's hands."""
    if clause.owners_change:
        return Attacker(found_team(folder, policy=make_changing_policy()))
    return Attacker(found_team(folder, owners=3))


def earnings(attacker: Attacker) -> set[str]:
    """What the worker finally has."""
    double = {"double"} if attacker.double is not None else set()
    return double | ({"over cap"} if attacker.most_units > CAP else set())


@pytest.mark.parametrize("name", CLAUSES)
def test_the_play_earns_nothing(folder: Path, name: str) -> None:
    attacker = attack(folder, CLAUSES[name])
    CLAUSES[name].play(attacker)
    assert earnings(attacker) == set()
    assert not CLAUSES[name].code or CLAUSES[name].code in attacker.codes


@pytest.mark.parametrize("name", CLAUSES)
def test_ablation_without_the_clause_the_play_earns(folder: Path, name: str) -> None:
    attacker = attack(folder, CLAUSES[name])
    attacker.team.restart_with(CLAUSES[name].without)
    let_disks_forget(attacker.team)
    CLAUSES[name].play(attacker)
    assert CLAUSES[name].earns in earnings(attacker)


@pytest.mark.parametrize("name", ["one-transfer-per-nonce", "nothing-after-the-own-cancel"])
def test_behind_the_clause_the_journals_own_constraint_is_a_second_line(folder: Path, name: str) -> None:
    attacker = attack(folder, CLAUSES[name])
    attacker.team.restart_with(CLAUSES[name].without)
    with pytest.raises(Exception, match=r"UNIQUE constraint failed|a cancel was signed at this nonce"):
        CLAUSES[name].play(attacker)
    assert earnings(attacker) == set()


def test_a_signer_that_the_gap_did_not_carry_over_signs_at_the_old_nonce_where_it_is_worth_nothing(
    folder: Path,
) -> None:
    attacker = attack(folder, CLAUSES["lowest-nonce-without-certificate"])
    skip_what_others_certified(attacker)
    assert {nonce for nonce, effect in attacker.loot.given if effect is not CANCELLED} == {0, 2}
    assert attacker.loot.executable_at(2) == frozenset()
