"""Each attack fails, succeeds once every check that stops it is out, and fails with any one of these still in."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from pathlib import Path

import pytest

from guard.errors import CATALOGUE, GuardError
from guard.signer.signer import ReleaseRefused
from tests.attacks.ablation import compute_names
from tests.attacks.attack import Attack, StructuralAttack
from tests.attacks.scene import Scene
from tests.attacks.structure import SECOND_LINES, STRUCTURAL
from tests.attacks.table import ATTACKS

ALL: tuple[Attack | StructuralAttack, ...] = (*ATTACKS, *STRUCTURAL)
ALONE = [(attack, check) for attack in ATTACKS for check in attack.stopped_by if len(attack.stopped_by) > 1]


def find_codes(attack: Attack | StructuralAttack, folder: Path, without: Collection[str] = ()) -> set[str]:
    """Run the attack: every code that it is refused with, none when it succeeds. Any other exception is our bug."""
    scene = Scene(folder, without)
    try:
        attack.run(scene)
    except ReleaseRefused as refused:
        return {refusal.code for refusal in refused.refusals}
    except GuardError as refused:
        return {refused.code}
    except sqlite3.IntegrityError:
        return {"journal"}
    finally:
        scene.close()
    return set()


@pytest.mark.parametrize("attack", ALL, ids=lambda attack: attack.name)
def test_the_whole_verifier_refuses(attack: Attack | StructuralAttack, folder: Path) -> None:
    assert attack.code in find_codes(attack, folder)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_without_the_checks_that_stop_it_the_attack_succeeds(attack: Attack, folder: Path) -> None:
    assert find_codes(attack, folder, attack.stopped_by) == set()


@pytest.mark.parametrize(("attack", "check"), ALONE, ids=lambda value: getattr(value, "name", value))
def test_each_check_that_stops_it_holds_alone(attack: Attack, check: str, folder: Path) -> None:
    assert find_codes(attack, folder, set(attack.stopped_by) - {check})


@pytest.mark.parametrize("attack", [each for each in STRUCTURAL if each.beside], ids=lambda attack: attack.name)
def test_what_the_signers_make_stops_is_stopped_without_the_checks_beside_it(
    attack: StructuralAttack, folder: Path
) -> None:
    assert find_codes(attack, folder, attack.beside)


# Completeness.


def _compute_needed() -> set[str]:
    """The checks that are the only one to stop some attack, but for second lines."""
    first = [[check for check in attack.stopped_by if check not in SECOND_LINES] for attack in ATTACKS]
    return {checks[0] for checks in first if len(checks) == 1}


def test_every_check_is_the_only_one_for_an_attack_or_a_second_line() -> None:
    assert sorted(compute_names() - _compute_needed() - SECOND_LINES.keys()) == []


def test_no_check_is_called_a_second_line_that_is_the_only_one_for_an_attack() -> None:
    alone = {attack.stopped_by[0] for attack in ATTACKS if len(attack.stopped_by) == 1}
    assert sorted(alone & SECOND_LINES.keys()) == []


@pytest.mark.parametrize(("check", "backs"), SECOND_LINES.items(), ids=lambda value: value)
def test_a_second_line_holds_where_what_it_backs_would_not(check: str, backs: str) -> None:
    beside_a_check = any({check, backs} <= set(attack.stopped_by) for attack in ATTACKS)
    beside_the_make = any(check in attack.beside and attack.structure == backs for attack in STRUCTURAL)
    assert beside_a_check or beside_the_make


def test_the_tables_name_only_checks_that_there_are() -> None:
    named = {check for attack in ATTACKS for check in attack.stopped_by}
    named |= {check for attack in STRUCTURAL for check in attack.beside} | SECOND_LINES.keys()
    assert sorted(named - compute_names()) == []


def test_the_table_holds_enough_distinct_ways_to_a_signature_without_the_quorum() -> None:
    names = [attack.name for attack in ALL]
    assert len(set(names)) == len(names)
    assert all(attack.code in CATALOGUE for attack in ALL)
    assert len([attack for attack in ATTACKS if attack.holds != "liveness"]) >= 25
