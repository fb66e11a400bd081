"""A worker that does anything in any order, against real signers, with amounts, two destinations and time that passes.

After every step: each transfer has at most one executable effect (P2), and no window of a limit can hold more than its cap
(P5), the windows checked one by one and whatever is executable counted as if it were executed now. The ablations show that
the same steps find what a missing rule lets through.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.core.decide import d9_limits_hold
from guard.core.ids import Address, TransferId
from guard.core.rules import RollingLimit
from guard.signer.release_chain import refuse_cancelled_here, refuse_while_executable
from guard.signer.verifier import Verifier
from tests.factories import DAY, HOUR, address_of, make_limit, make_rule, usdc
from tests.signer.ablation import with_chain, without_clauses, without_step
from tests.signer.attacker import CANCELLED, Attacker, Effect
from tests.signer.conftest import making_folder
from tests.signer.teams import D, found_team
from tests.signer.test_release_chain_ablations import is_back_by_any_certificate

LIMITS = (make_limit(usdc(100), window=6 * HOUR), make_limit(usdc(60), window=HOUR, also_per=("destination",)))
DESTINATIONS = (address_of("destination exchange"), address_of("destination supplier"))
AMOUNTS = (30, 35, 40, 45, 60, 61)
PAUSES = (1, 60, HOUR - 1, HOUR, HOUR + 1, 6 * HOUR - 1, 6 * HOUR, 6 * HOUR + 1)
STEPS_AT_MOST = 40

Step = tuple[str, int, int]
VERBS = (
    *("propose", "ask", "ask", "ask", "ask", "certify", "certify", "certify"),
    *("cancel", "name", "name", "execute", "finalise", "pass", "restart"),
)
steps_strategy = st.lists(
    st.tuples(st.sampled_from(VERBS), st.integers(0, 999), st.integers(0, 999)), min_size=8, max_size=STEPS_AT_MOST
)


@dataclass
class World:
    """The attacker, and when the chain executed what."""

    attacker: Attacker
    executed_at: list[int] = field(default_factory=list)
    seen_final: int = 0

    def do(self, step: Step) -> None:
        """One step; what cannot be done now is nothing."""
        verb, one, other = step
        getattr(self, f"_{verb}")(one, other)

    def _propose(self, one: int, other: int) -> None:
        attacker = self.attacker
        amount = usdc(AMOUNTS[one % len(AMOUNTS)])
        known = list(attacker.transfers)
        again = {"again": known[-1]} if known and other % 2 else {}
        expires_at = attacker.team.clock.wall + 6 * DAY
        attacker.propose(amount, destination=DESTINATIONS[other // 2 % 2], expires_at=expires_at, **again)

    def _ask(self, one: int, other: int) -> None:
        known = list(self.attacker.transfers.values())
        if known:
            # The newest are asked for more often: an old one is soon certified or void.
            newest = known[-3:] if one % 4 else known
            self.attacker.ask(newest[one // 4 % len(newest)], *self._some(other))

    def _cancel(self, one: int, other: int) -> None:
        self.attacker.cancel(max(0, len(self.executed_at) - one % 2), *self._some(other))

    def _certify(self, one: int, other: int) -> None:
        """Bring a transfer's certificate, or what is not yet one, to some signers."""
        attacker = self.attacker
        given = sorted((nonce, effect) for nonce, effect in attacker.loot.given if effect is not CANCELLED)
        whole = [(nonce, effect) for nonce, effect in given if effect in attacker.loot.executable_at(nonce)]
        chosen = whole if whole and one % 8 else given
        if chosen:
            nonce, effect = chosen[-1 - one % min(3, len(chosen))]
            attacker.bring(attacker.certificate(attacker.transfers[effect], nonce), *self._some(other))

    def _name(self, one: int, other: int) -> None:
        """Bring a cancel by some M of those who signed it to some signers, the stolen one saying what it likes."""
        attacker = self.attacker
        nonces = sorted({nonce for nonce, _ in attacker.said})
        if nonces:
            nonce = nonces[-1 - one % min(2, len(nonces))]
            signing = [*attacker.stolen, *(name for at, name in attacker.said if at == nonce)]
            start = one // 2 % len(signing)
            chosen = [*signing[start:], *signing[:start]][: attacker.loot.threshold]
            known = list(attacker.transfers)
            lies: dict[str, TransferId | None] = {D: known[one % len(known)]} if known and one % 8 == 0 else {}
            attacker.bring(attacker.cancel_certificate(nonce, *chosen, lies=lies), *self._some(other))

    def _execute(self, one: int, other: int) -> None:
        options = sorted(self.attacker.loot.executable_at(len(self.executed_at)), key=str)
        if options:
            effect = options[one % len(options)]
            self.attacker.execute(None if effect is CANCELLED else self.attacker.transfers[effect])
            self.executed_at.append(self.attacker.team.clock.wall)

    def _finalise(self, one: int, other: int) -> None:
        self.attacker.team.node.nonce_final = len(self.executed_at)
        for name in self._some(other):
            self.attacker.team.signers[name].tick()

    def _pass(self, one: int, other: int) -> None:
        self.attacker.team.clock.advance(PAUSES[one % len(PAUSES)])

    def _restart(self, one: int, other: int) -> None:
        for name in self._some(other):
            self.attacker.team.stop_process(name)
            self.attacker.team.start(name)

    def _some(self, number: int) -> tuple[str, ...]:
        """A choice of honest signers, of whom there are three; all of them as often as any other."""
        chosen = tuple(name for place, name in enumerate(self.attacker.honest) if number >> place & 1)
        return chosen or self.attacker.honest

    # What must hold, seen from the chain alone.

    def find_violation(self) -> str | None:
        """What an attacker has won, in words; None while nothing."""
        attacker = self.attacker
        if attacker.double is not None:
            return f"{attacker.double} takes effect twice"
        for limit in LIMITS:
            for destination in DESTINATIONS if "destination" in limit.per else (None,):
                if self._most_in_a_window(limit, destination) > limit.cap.units:
                    return f"more than {limit.cap.units} within {limit.window} s"
        return None

    def _most_in_a_window(self, limit: RollingLimit, destination: Address | None) -> int:
        """The most within any window, begun at each execution: what was executed, and at the end all that could be now."""
        attacker, now = self.attacker, self.attacker.team.clock.wall
        past = [
            (at, self._units(effect, destination))
            for at, effect in zip(self.executed_at, attacker.executed, strict=True)
        ]
        left = sum(
            max(self._units(effect, destination) for effect in options)
            for options in islice(attacker.loot.reachable(attacker.executed), len(past), None)
        )
        moments = [*past, (now, left)]
        return max(sum(units for at, units in moments if start <= at <= start + limit.window) for start, _ in moments)

    def _units(self, effect: Effect, destination: Address | None) -> int:
        if effect is CANCELLED:
            return 0
        transfer = self.attacker.transfers[effect]
        return transfer.amount_units if destination in (None, transfer.destination) else 0


@contextmanager
def making_world(owners: int, verifier: Verifier | None = None) -> Iterator[World]:
    """A new team with that many signers, of whom the fourth is stolen."""
    with making_folder() as folder:
        rules = (
            make_rule(limits=(LIMITS[0],)),
            make_rule("per-destination", allow=False, approvals=(), limits=(LIMITS[1],)),
        )
        team = found_team(folder, owners=owners, verifier=verifier, rules=rules)
        yield World(Attacker(team, stolen=[D] if owners == 4 else []))
        team.close()


def play(owners: int, steps: list[Step], verifier: Verifier | None = None) -> tuple[str | None, int]:
    """Do the steps up to the first violation: which one, and how many transfers took effect."""
    with making_world(owners, verifier) as world:
        for step in steps:
            world.do(step)
            violation = world.find_violation()
            if violation is not None:
                return violation, 0
        return None, sum(1 for effect in world.attacker.executed if effect is not CANCELLED)


RUNS = settings(max_examples=max(8, settings().max_examples // 6))


@RUNS
@given(steps_strategy)
def test_three_signers_and_any_worker_pay_nothing_twice_and_keep_every_window(steps: list[Step]) -> None:
    assert play(3, steps)[0] is None


@RUNS
@given(steps_strategy)
def test_four_signers_of_whom_one_is_stolen_pay_nothing_twice_and_keep_every_window(steps: list[Step]) -> None:
    assert play(4, steps)[0] is None


def draw_steps(seed: int, count: int) -> list[Step]:
    """A long run that is the same each time."""
    random = Random(seed)
    return [(random.choice(VERBS), random.randrange(1000), random.randrange(1000)) for _ in range(count)]


@pytest.mark.parametrize("owners", [3, 4])
def test_long_runs_pay_something_and_nothing_twice(owners: int, is_deep: bool) -> None:
    runs = [play(owners, draw_steps(seed, 160)) for seed in range(60 if is_deep else 1)]
    assert {violation for violation, _ in runs} == {None}
    assert max(paid for _, paid in runs) > 0


ABLATIONS = {
    "no limits": (without_step(d9_limits_hold), 0),
    "a cancel that names it gives the budget back": (with_chain(is_budget_back=is_back_by_any_certificate), 7),
    "signed again though it may still be executed": (
        without_clauses(refuse_while_executable, refuse_cancelled_here),
        109,
    ),
}
"""What is missing, and a seed whose steps find it; the ones after it are tried where they no longer do."""


@pytest.mark.parametrize("missing", ABLATIONS)
def test_ablation_the_same_steps_find_what_a_missing_rule_lets_through(missing: str) -> None:
    verifier, seed = ABLATIONS[missing]
    found = (play(3, draw_steps(each, 250), verifier)[0] for each in range(seed, seed + 40))
    assert next(violation for violation in found if violation is not None)
