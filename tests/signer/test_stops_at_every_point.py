"""A stop at every point of a release, sent to the signers and to nothing else (P6, TRUST §6).

Accepted is one with N-M+1+f receipts from signers that have not signed the transfer; a stolen signer's receipt says so, too,
whatever it has signed. An accepted stop leaves fewer than M signatures for ever. Where it comes too late the receipts say what
was signed.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from guard.core.decide import d6_nobody_stopped_it
from guard.core.facts import ScopeKind
from guard.core.transfer import Transfer
from guard.errors import GuardError
from guard.signer.stopping import take_stop
from guard.statements import testimony
from guard.statements.digests import compute_digest, compute_transfer_id
from guard.statements.signed import SignedStatement
from guard.statements.values import kind_of
from tests.factories import TREASURY, make_rule, make_scope
from tests.signer.ablation import without_step
from tests.signer.attacker import Attacker
from tests.signer.teams import A, B, C, D, found_team
from tests.team import Team

DELAY = 120

STOPS: dict[str, Callable[[Team, Transfer], SignedStatement]] = {
    "veto": lambda team, transfer: team.veto(transfer),
    "withdrawal": lambda team, transfer: team.reject(transfer, "alice"),
    "freeze of everything": lambda team, transfer: team.freeze(make_scope()),
    "freeze of the vault": lambda team, transfer: team.freeze(make_scope(ScopeKind.VAULT)),
    "freeze of the asset": lambda team, transfer: team.freeze(make_scope(ScopeKind.ASSET)),
    "freeze of the destination": lambda team, transfer: team.freeze(make_scope(ScopeKind.DESTINATION)),
    "freeze of the initiator": lambda team, transfer: team.freeze(make_scope(ScopeKind.PERSON)),
    "freeze of an approver": lambda team, transfer: team.freeze(make_scope(ScopeKind.PERSON, person="bob")),
}
CODES = {"veto": "decision.vetoed", "withdrawal": "decision.withdrawn"}

ALL_POINTS = ("veto", "withdrawal", "freeze of everything")
POINTS = ("before it is seen", "registered", "during the delay", "delay over", 1, 2, 3, "certificate")
"""Where the stop comes: a number is that many honest signatures."""


def make_attacker(folder: Path, owners: int, **changes: Any) -> Attacker:
    """A worker in front of a team whose one rule has a delay; of four signers the last is stolen."""
    team = found_team(folder, owners=owners, rules=(make_rule(delay=DELAY),), **changes)
    return Attacker(team, stolen=[D] if owners == 4 else [])


def push(attacker: Attacker, transfer: Transfer) -> None:
    """Everything that a worker can do to get the rest of the signatures: bring it, wait, ask everybody, in any order."""
    for name in attacker.honest:
        attacker.team.signers[name].register(transfer, attacker.statements[compute_transfer_id(transfer)])
    attacker.team.advance(DELAY, every=DELAY)
    attacker.ask(transfer, *reversed(attacker.honest), *attacker.honest)


def carry_until(attacker: Attacker, transfer: Transfer, point: str | int) -> None:
    """The release up to the point."""
    if point == "before it is seen":
        return
    for name in attacker.honest:
        attacker.team.signers[name].register(transfer, attacker.statements[compute_transfer_id(transfer)])
    if point == "registered":
        return
    delay = DELAY // 2 if point == "during the delay" else DELAY
    attacker.team.advance(delay, every=delay)
    if isinstance(point, int):
        assert attacker.ask(transfer, *attacker.honest[:point]) == [0] * point
    if point == "certificate":
        attacker.ask(transfer, *attacker.honest)
        attacker.bring(attacker.certificate(transfer, 0))


def send(attacker: Attacker, stop: SignedStatement, *names: str) -> list[testimony.Testimony]:
    """Send a stop to these honest signers and take their receipts."""
    return [
        testimony.testimony_from_json(take_stop(attacker.team.signers[name], stop)) for name in names or attacker.honest
    ]


def is_accepted(attacker: Attacker, receipts: list[testimony.Testimony]) -> bool:
    """Enough receipts from signers that have not signed. A stolen signer always says that it has not."""
    owners, threshold = len(attacker.team.signers), attacker.loot.threshold
    stolen = len(attacker.stolen)
    unsigned = sum(1 for receipt in receipts if not receipt.fields["signed"])
    return unsigned + stolen >= owners - threshold + 1 + stolen


CASES = [
    (stop, point)
    for stop in STOPS
    for point in POINTS
    if stop in ALL_POINTS or point in ("registered", 1, "certificate")
]
"""Every point for the stops that differ in kind, three for the freezes that differ in scope alone."""


@pytest.mark.parametrize(("stop", "point"), CASES, ids=str)
def test_a_stop_of_four_signers_is_accepted_and_holds_or_says_what_was_signed(
    folder: Path, stop: str, point: str | int
) -> None:
    attacker = make_attacker(folder, 4)
    check_stop(attacker, stop, point)


@pytest.mark.parametrize("point", POINTS, ids=str)
@pytest.mark.parametrize("stop", ["veto", "freeze of everything"])
def test_a_stop_of_three_signers_is_accepted_and_holds_or_says_what_was_signed(
    folder: Path, stop: str, point: str | int
) -> None:
    attacker = make_attacker(folder, 3)
    check_stop(attacker, stop, point)


def check_stop(attacker: Attacker, stop: str, point: str | int) -> None:
    """Stop at the point, go on as a hostile worker, and see what there is in the end."""
    transfer = attacker.propose()
    transfer_id = compute_transfer_id(transfer)
    carry_until(attacker, transfer, point)
    before = attacker.loot.count_signers(0, transfer_id) - len(attacker.stolen)
    statement = STOPS[stop](attacker.team, transfer)
    receipts = send(attacker, statement)
    verify(attacker, statement, receipts)
    push(attacker, transfer)

    assert attacker.loot.count_signers(0, transfer_id) - len(attacker.stolen) == before
    # One signature fewer than M with the stolen one's: that is just where acceptance ends.
    assert is_accepted(attacker, receipts) == (before + len(attacker.stolen) < attacker.loot.threshold)
    assert is_accepted(attacker, receipts) == (attacker.loot.executable_at(0) == frozenset())
    if before < len(attacker.honest):
        assert CODES.get(stop, "decision.frozen") in attacker.codes
    listed = [signed for receipt in receipts for signed in receipt.fields["signed"]]
    vault = attacker.at.address
    assert listed == [{"transfer": transfer_id, "chain_id": "31337", "vault": vault, "nonce": 0}] * before


def verify(attacker: Attacker, statement: SignedStatement, receipts: list[testimony.Testimony]) -> None:
    """Each receipt is its signer's word, by the journal key that the bundle names, for exactly this stop."""
    for name, receipt in zip(attacker.honest, receipts, strict=True):
        identity = next(signer for signer in attacker.team.policy.signers if signer.id == name)
        fields = testimony.require_testimony(receipt, testimony.RECEIPT, identity.journal_key, TREASURY)
        assert fields["signer"] == name
        assert fields["statement"] == compute_digest(statement.statement, TREASURY)
        assert fields["kind"] == kind_of(statement.statement)


@pytest.mark.parametrize("signed", [0, 1])
def test_just_enough_receipts_are_enough_whichever_signers_give_them(folder: Path, signed: int) -> None:
    """Of four with one stolen: its receipt and those of two honest ones that have not signed. The third honest one knows nothing."""
    for place, reached in enumerate(combinations((A, B, C), 2)):
        attacker = make_attacker(folder / str(place), 4)
        transfer = attacker.propose()
        first = next(name for name in (A, B, C) if name not in reached)
        carry_until(attacker, transfer, "delay over")
        attacker.ask(transfer, *[first][:signed])
        receipts = send(attacker, attacker.team.veto(transfer), *reached)
        assert is_accepted(attacker, receipts)
        push(attacker, transfer)
        assert attacker.loot.count_signers(0, compute_transfer_id(transfer)) == 2
        assert attacker.loot.executable_at(0) == frozenset()


def test_one_receipt_less_is_not_enough(folder: Path) -> None:
    attacker = make_attacker(folder, 4)
    transfer = attacker.propose()
    carry_until(attacker, transfer, "delay over")
    assert not is_accepted(attacker, send(attacker, attacker.team.veto(transfer), C))
    push(attacker, transfer)
    assert attacker.loot.executable_at(0) == {compute_transfer_id(transfer)}


@pytest.mark.parametrize("stop", STOPS)
def test_ablation_without_step_d6_a_stop_holds_nothing(folder: Path, stop: str) -> None:
    attacker = make_attacker(folder, 3, verifier=without_step(d6_nobody_stopped_it))
    transfer = attacker.propose()
    carry_until(attacker, transfer, "during the delay")
    assert is_accepted(attacker, send(attacker, STOPS[stop](attacker.team, transfer)))
    push(attacker, transfer)
    assert attacker.loot.executable_at(0) == {compute_transfer_id(transfer)}


@pytest.mark.parametrize(
    "scope",
    [
        make_scope(ScopeKind.VAULT, chain_id=1),
        make_scope(ScopeKind.ASSET, account=make_scope(ScopeKind.DESTINATION).account),
        make_scope(ScopeKind.DESTINATION, account=make_scope(ScopeKind.VAULT).account),
        make_scope(ScopeKind.PERSON, person="carol"),
    ],
    ids=lambda scope: scope.kind.value,
)
def test_a_freeze_of_another_scope_holds_nothing_and_its_receipt_lists_nothing(folder: Path, scope: Any) -> None:
    attacker = make_attacker(folder, 3)
    transfer = attacker.propose()
    carry_until(attacker, transfer, 1)
    receipts = send(attacker, attacker.team.freeze(scope))
    assert [receipt.fields["signed"] for receipt in receipts] == [[], [], []]
    assert attacker.ask(transfer, B) == [0]


def test_a_freeze_lists_what_was_signed_until_that_is_final(folder: Path) -> None:
    attacker = make_attacker(folder, 3)
    transfer = attacker.propose()
    carry_until(attacker, transfer, "certificate")
    stop = attacker.team.freeze(make_scope())
    assert all(len(receipt.fields["signed"]) == 1 for receipt in send(attacker, stop))
    attacker.execute(transfer)
    assert all(len(receipt.fields["signed"]) == 1 for receipt in send(attacker, stop))
    attacker.finalise()
    assert all(receipt.fields["signed"] == [] for receipt in send(attacker, stop))


def wrong_clock(attacker: Attacker, wrong: str) -> None:
    """Put the clock or what it is compared with out of order."""
    team = attacker.team
    for signer in team.signers.values():
        signer.tick()
    if wrong == "nodes silent":
        team.node.is_silent = True
    elif wrong == "blocks old":
        team.node.block_behind = 10_000
    else:
        team.clock.wall += {"a year ahead": 365 * 86400, "a year behind": -365 * 86400, "at zero": -team.clock.wall}[
            wrong
        ]


@pytest.mark.parametrize("wrong", ["a year ahead", "a year behind", "at zero", "nodes silent", "blocks old"])
@pytest.mark.parametrize("stop", ["veto", "withdrawal", "freeze of everything"])
def test_a_stop_is_stored_and_receipted_whatever_the_clock(folder: Path, stop: str, wrong: str) -> None:
    attacker = make_attacker(folder, 3)
    transfer = attacker.propose()
    carry_until(attacker, transfer, "delay over")
    wall = attacker.team.clock.wall
    wrong_clock(attacker, wrong)
    assert is_accepted(attacker, send(attacker, STOPS[stop](attacker.team, transfer)))
    attacker.team.clock.wall, attacker.team.node.block_behind, attacker.team.node.is_silent = wall, 0, False
    assert attacker.ask(transfer, A, B, C) == [CODES.get(stop, "decision.frozen")] * 3


def test_a_veto_of_a_transfer_that_nobody_has_seen_is_kept(folder: Path) -> None:
    attacker = make_attacker(folder, 3)
    transfer = attacker.propose()
    send(attacker, attacker.team.veto(transfer))
    for name in attacker.honest:
        attacker.team.stop_process(name)
        attacker.team.start(name)
    push(attacker, transfer)
    assert attacker.loot.given == {}
    assert set(attacker.codes) == {"decision.vetoed"}


def test_a_stop_sent_again_gets_its_receipt_again(folder: Path) -> None:
    attacker = make_attacker(folder, 3)
    transfer = attacker.propose()
    carry_until(attacker, transfer, 1)
    stop = attacker.team.veto(transfer)
    first = send(attacker, stop)
    attacker.team.advance(60)
    again = send(attacker, stop)
    assert [receipt.fields["signed"] for receipt in again] == [receipt.fields["signed"] for receipt in first]


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda team, transfer: team.veto(transfer, "bob"), "statement.guardian"),
        (lambda team, transfer: team.freeze(make_scope(), "bob"), "statement.guardian"),
        (lambda team, transfer: team.veto(transfer, "mallory"), "statement.key-unknown"),
        (lambda team, transfer: team.propose(transfer), "signer.not-a-stop"),
        (lambda team, transfer: team.approve(transfer, "bob"), "signer.not-a-stop"),
        (lambda team, transfer: team.unfreeze("erin", "freeze 1"), "signer.not-a-stop"),
    ],
)
def test_what_is_no_stop_of_somebody_who_may_stop_gets_no_receipt(
    folder: Path, make: Callable[[Team, Transfer], SignedStatement], code: str
) -> None:
    attacker = make_attacker(folder, 3)
    transfer = attacker.propose()
    with pytest.raises(GuardError) as refused:
        send(attacker, make(attacker.team, transfer))
    assert refused.value.code == code


def test_a_rejection_by_somebody_else_than_the_initiator_bars_their_seat_and_stops_nothing_more(folder: Path) -> None:
    attacker = make_attacker(folder, 3)
    transfer = attacker.propose()
    carry_until(attacker, transfer, "delay over")
    send(attacker, attacker.team.reject(transfer, "carol"))
    assert attacker.ask(transfer, A) == [0]
    send(attacker, attacker.team.reject(transfer, "bob"))
    assert attacker.ask(transfer, B, C) == ["decision.quorum-missing"] * 2
    # dave is left for the seat of finance; when he rejects it, too, nobody is.
    send(attacker, attacker.team.reject(transfer, "dave"))
    assert attacker.ask(transfer, B, C) == ["decision.rejected"] * 2
