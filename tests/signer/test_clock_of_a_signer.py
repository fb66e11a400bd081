"""When a signer's clock is good, and what it does while it is not (TRUST §7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from guard.core.ids import Address
from guard.ports import ClockReading, VaultView
from guard.signer.clock import BLOCK_TOLERANCE, BOOT_TOLERANCE, ClockState, SystemClock, find_clock_refusal
from guard.signer.moment import LONGEST_LOOK
from guard.signer.records import load_high_water
from tests.signer.attacker import Attacker
from tests.signer.teams import A, B, C, found_team
from tests.team import HandNode, Team

START = ClockReading(1_000_000, 5_000)


def judge(
    wall: int = 1_000_100,
    boot: int = 5_100,
    *,
    mark: int = 0,
    block_at: int | None = None,
    silent: tuple[str, ...] = (),
) -> str:
    """The code for a reading a hundred seconds after the start, or an empty text when it is good."""
    views = (
        ()
        if block_at == -1
        else (VaultView(endpoint="node", block_at=block_at or wall, nonce_latest=0, nonce_final=0),)
    )
    reading = ClockReading(wall, boot)
    refusal = find_clock_refusal(ClockState(start=START, reading=reading, high_water=mark, views=views, silent=silent))
    return "" if refusal is None else refusal.code


@pytest.mark.parametrize(("mark", "code"), [(1_000_099, ""), (1_000_100, ""), (1_000_101, "clock.behind-mark")])
def test_it_is_not_behind_the_mark(mark: int, code: str) -> None:
    assert judge(mark=mark) == code


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("off", "code"), [(-1, ""), (0, ""), (1, "clock.stepped")])
def test_it_goes_with_the_boot_clock_since_the_start(off: int, code: str, sign: int) -> None:
    assert judge(wall=1_000_100 + sign * (BOOT_TOLERANCE + off)) == code


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("off", "code"), [(-1, ""), (0, ""), (1, "clock.block-time")])
def test_it_is_near_the_latest_block(off: int, code: str, sign: int) -> None:
    assert judge(block_at=1_000_100 + sign * (BLOCK_TOLERANCE + off)) == code


def test_a_missing_answer_is_never_agreement() -> None:
    assert judge(silent=("other",)) == "clock.endpoint-silent"
    assert judge(block_at=-1) == "clock.endpoint-silent"


def test_the_machines_clock_has_both_faces() -> None:
    first, second = SystemClock().read(), SystemClock().read()
    assert first.wall <= second.wall
    assert 0 < first.boot <= second.boot


@pytest.fixture
def attacker(folder: Path) -> Attacker:
    """A worker in front of three signers that have run for a while."""
    attacker = Attacker(found_team(folder, owners=3))
    for name in attacker.honest:
        attacker.team.signers[name].tick()
    return attacker


@pytest.mark.parametrize(
    ("step", "answer"), [(60, 0), (61, "clock.stepped"), (86_400, "clock.stepped"), (-61, "clock.behind-mark")]
)
def test_a_step_while_it_runs_is_noticed(attacker: Attacker, step: int, answer: int | str) -> None:
    transfer = attacker.propose()
    attacker.team.clock.wall += step
    assert attacker.ask(transfer, A) == [answer]


@pytest.mark.parametrize(("step", "answer"), [(-1, "clock.behind-mark"), (0, 0), (300, 0), (301, "clock.block-time")])
def test_a_step_before_a_start_is_noticed_by_the_mark_or_by_the_blocks(
    attacker: Attacker, step: int, answer: int | str
) -> None:
    transfer = attacker.propose()
    team = attacker.team
    now = team.clock.wall
    team.stop_process(A)
    team.clock.wall += step
    team.node.block_behind = team.clock.wall - now
    team.start(A)
    assert attacker.ask(transfer, A) == [answer]


def test_a_bad_clock_does_not_raise_the_mark(attacker: Attacker) -> None:
    team = attacker.team
    began = team.clock.wall
    team.clock.wall += 10_000
    assert team.signers[A].tick() is not None
    with team.signers[A].journal.reading() as db:
        assert load_high_water(db) == began
    team.clock.wall = began
    assert team.signers[A].tick() is None


def test_the_mark_outlives_the_process(attacker: Attacker) -> None:
    team = attacker.team
    team.advance(600)
    team.stop_process(A)
    team.clock.wall -= 1
    team.start(A)
    refusal = team.signers[A].tick()
    assert refusal is not None
    assert refusal.code == "clock.behind-mark"


@dataclass
class SlowNode(HandNode):
    """A node that takes its time, by both clocks."""

    takes: int = 0
    asked: list[Address] = field(default_factory=list)

    def read_view(self, vault: Address) -> VaultView:
        self.asked.append(vault)
        self.clock.advance(self.takes)
        return super().read_view(vault)


@pytest.mark.parametrize(("takes", "answer"), [(29, 0), (30, 0), (31, "clock.look-too-old")])
def test_a_look_that_took_too_long_is_none(attacker: Attacker, takes: int, answer: int | str) -> None:
    team = attacker.team
    assert LONGEST_LOOK == 30
    team.stop_process(A)
    team.start(A, nodes=(SlowNode(team.clock, takes=takes),))
    assert attacker.ask(attacker.propose(), A) == [answer]


def with_nodes(team: Team, *nodes: HandNode) -> None:
    """Start the first signer with several nodes."""
    team.stop_process(A)
    team.start(A, nodes=nodes)


def test_every_node_must_answer_and_agree(attacker: Attacker) -> None:
    team = attacker.team
    good, other = HandNode(team.clock), HandNode(team.clock, name="node-2")
    with_nodes(team, good, other)
    transfer = attacker.propose()
    other.is_silent = True
    assert attacker.ask(transfer, A) == ["clock.endpoint-silent"]
    assert "signer.endpoint-silent" in attacker.codes
    other.is_silent, other.block_behind = False, 301
    assert attacker.ask(transfer, A) == ["clock.block-time"]
    other.block_behind, other.nonce_latest = 0, 1
    assert attacker.ask(transfer, A) == ["chain.nonce-unexplained"]
    other.nonce_latest = 0
    assert attacker.ask(transfer, A) == [0]


def test_finality_takes_every_node(attacker: Attacker) -> None:
    team = attacker.team
    good, other = HandNode(team.clock), HandNode(team.clock, name="node-2")
    with_nodes(team, good, other)
    one = attacker.propose()
    attacker.ask(one, A, B)
    attacker.bring(attacker.certificate(one, 0))
    good.nonce_latest = other.nonce_latest = 1
    good.nonce_final = 1
    assert not finals(team)
    other.nonce_final = 1
    other.is_silent = True
    assert not finals(team)
    other.is_silent = False
    assert finals(team) == [(0, team.clock.wall)]
    # Later answers make nothing younger or older.
    team.clock.advance(500)
    assert finals(team) == [(0, team.clock.wall - 500)]


def finals(team: Team) -> list[tuple[int, int]]:
    """What the first signer has seen final, after it has looked."""
    team.signers[A].tick()
    with team.signers[A].journal.reading() as db:
        return list(db.execute("SELECT nonce, seen_at FROM finals"))


def test_a_node_that_says_final_frees_nothing_without_a_certificate(attacker: Attacker) -> None:
    attacker.team.node.nonce_final = attacker.team.node.nonce_latest = 5
    assert not finals(attacker.team)
    assert attacker.ask(attacker.propose(), A, B, C) == ["chain.nonce-unexplained"] * 3


def test_finality_is_not_learnt_while_the_clock_is_wrong(attacker: Attacker) -> None:
    one = attacker.propose()
    attacker.ask(one, A, B)
    attacker.bring(attacker.certificate(one, 0))
    attacker.team.node.nonce_final = attacker.team.node.nonce_latest = 1
    attacker.team.clock.wall += 10_000
    assert not finals(attacker.team)
