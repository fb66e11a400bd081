"""Verifiers with one named thing taken out, and journals whose disk no longer says no: what an ablation starts signers with.

Each function refuses to take out what is not there, so that a renamed check cannot make an ablation empty.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

from guard.app.verifier import compose_verifier
from guard.core.case import OBJECTIONS
from guard.core.decide import DECISION_STEPS, Step
from guard.signer.release_chain import WHOLE_CHAIN, ChainRules, Clause
from guard.signer.release_checks import to_chain_check
from guard.signer.verifier import ReleaseCheck, Verifier
from tests.team import Team

CHAIN_CHECK = "the-release-chain-lets-it"


def with_chain(**changes: Any) -> Verifier:
    """The verifier with some rules of the release chain exchanged, in every place where it asks them."""
    rules: ChainRules = replace(WHOLE_CHAIN, **changes)
    whole = compose_verifier()
    kept = tuple(check for check in whole.release_checks if check.name != CHAIN_CHECK)
    assert len(kept) == len(whole.release_checks) - 1
    return replace(whole, chain=rules, release_checks=(*kept, to_chain_check(rules)))


def without_clauses(*out: Clause) -> Verifier:
    """The verifier without some clauses of the release chain."""
    assert set(out) <= set(WHOLE_CHAIN.clauses)
    return with_chain(clauses=tuple(clause for clause in WHOLE_CHAIN.clauses if clause not in out))


def without_check(name: str) -> Verifier:
    """The verifier without one named check of a release."""
    whole = compose_verifier()
    kept = tuple(check for check in whole.release_checks if check.name != name)
    assert len(kept) == len(whole.release_checks) - 1
    return replace(whole, release_checks=kept)


def with_check(check: ReleaseCheck) -> Verifier:
    """The verifier with one more check of a release."""
    whole = compose_verifier()
    return replace(whole, release_checks=(*whole.release_checks, check))


def without_step(out: Step) -> Verifier:
    """The verifier without one step of the decision."""
    assert out in DECISION_STEPS
    whole = compose_verifier()
    steps = tuple(step for step in DECISION_STEPS if step is not out)
    return replace(whole, decision=replace(whole.decision, steps=steps))


def without_objection(code: str) -> Verifier:
    """The verifier that does not object to an approval in one of the ways."""
    assert code in {each.code for each in OBJECTIONS}
    whole = compose_verifier()
    kept = tuple(each for each in OBJECTIONS if each.code != code)
    return replace(whole, decision=replace(whole.decision, objections=kept))


def without_statement_check(name: str) -> Verifier:
    """The verifier without one check of statements."""
    whole = compose_verifier()
    kept = tuple(check for check in whole.statement_checks if check.name != name)
    assert len(kept) == len(whole.statement_checks) - 1
    return replace(whole, statement_checks=kept)


def let_disks_forget(team: Team) -> None:
    """Take the constraints out of every journal that repeat the release chain's rules: a second line behind its clauses."""
    for name in team.signers:
        let_disk_forget(team.folder / name / "journal.sqlite")


def let_disk_forget(journal: Path) -> None:
    """Without its triggers; what is signed at a nonce overwrites what was signed there before."""
    db = sqlite3.connect(journal)
    for (trigger,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {trigger}")
    db.execute(
        "CREATE TRIGGER overwrite BEFORE INSERT ON signed BEGIN DELETE FROM signed "
        "WHERE chain_id = NEW.chain_id AND vault = NEW.vault AND nonce = NEW.nonce; END"
    )
    db.commit()
    db.close()
