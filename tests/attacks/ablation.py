"""The whole verifier less some of its checks. A check has one name here: the part of the verifier, a stroke, its own name.

`statement/…` are the checks of statements, `objection/…` what makes an approval not count, `D1` to `D11` the steps of the decision,
`release/…` the checks of a release, `chain/…` the clauses of the release chain, `journal/…` the constraints of the journal's tables.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from guard.app.verifier import compose_verifier
from guard.core.decide import DecisionRules, Step
from guard.signer.book import Book
from guard.signer.journal import Journal
from guard.signer.release_chain import ChainRules
from guard.signer.release_checks import to_chain_check
from guard.signer.verifier import Verifier

CHAIN_CHECK = "the-release-chain-lets-it"
"""The release check that asks the clauses of the chain; these are named and taken out one by one instead."""


def _open_beyond_the_highest(book: Book) -> int:
    return max((nonce + 1 for nonce, page in book.entries() if page.has_certificate), default=book.first_nonce)


_LOOSE: dict[str, Any] = {
    "is_transfer_certificate": lambda owners, threshold, signed_by: True,
    "compute_cancel_named": lambda owners, threshold, signed_by, said: frozenset(
        each for each in said.values() if each
    ),
    "compute_open_nonce": _open_beyond_the_highest,
    "refuse_cancel": lambda book, open_nonce, nonce: None,
    "is_budget_back": lambda page, transfer_id: True,
}
"""What stands in the place of a rule of the chain that computes something: the same without the rule."""

JOURNAL: dict[str, tuple[str, ...]] = {
    "journal/one_transfer_at_a_nonce": (
        "CREATE TABLE loose AS SELECT * FROM signed",
        "DROP TABLE signed",
        "ALTER TABLE loose RENAME TO signed",
    ),
    "journal/no_transfer_after_cancel": ("DROP TRIGGER no_transfer_after_cancel",),
}
"""The constraints under the clauses that they back, with the statements that take them out of a journal."""


def compute_names() -> frozenset[str]:
    """Every check of the whole verifier, and the constraints of the journal that back some of them."""
    whole = compose_verifier()
    return frozenset(
        [
            *(f"statement/{check.name}" for check in whole.statement_checks),
            *(f"objection/{objection.code}" for objection in whole.decision.objections),
            *(name_step(step) for step in whole.decision.steps),
            *(f"release/{check.name}" for check in whole.release_checks if check.name != CHAIN_CHECK),
            *(f"chain/{clause.__name__}" for clause in (*whole.chain.clauses, *whole.chain.counted_of_others)),
            *(f"chain/{name}" for name in _LOOSE),
            *JOURNAL,
        ]
    )


def name_step(step: Step) -> str:
    """`D5` for `d5_the_initiator_proposed_it`."""
    return step.__name__.split("_")[0].upper()


def compose_without(names: Collection[str]) -> Verifier:
    """The whole verifier less the named checks."""
    whole = compose_verifier()
    chain = _loosen(whole.chain, names)
    return Verifier(
        statement_checks=tuple(each for each in whole.statement_checks if f"statement/{each.name}" not in names),
        decision=DecisionRules(
            steps=tuple(step for step in whole.decision.steps if name_step(step) not in names),
            objections=tuple(each for each in whole.decision.objections if f"objection/{each.code}" not in names),
        ),
        release_checks=(
            *(
                check
                for check in whole.release_checks
                if f"release/{check.name}" not in names and check.name != CHAIN_CHECK
            ),
            to_chain_check(chain),
        ),
        chain=chain,
    )


def _loosen(whole: ChainRules, names: Collection[str]) -> ChainRules:
    rules: dict[str, Any] = {
        name: _LOOSE[name] if f"chain/{name}" in names else getattr(whole, name) for name in _LOOSE
    }
    return ChainRules(
        clauses=tuple(clause for clause in whole.clauses if f"chain/{clause.__name__}" not in names),
        counted_of_others=tuple(each for each in whole.counted_of_others if f"chain/{each.__name__}" not in names),
        **rules,
    )


def loosen_journal(journal: Journal, names: Collection[str]) -> None:
    """Take the named constraints out of a journal."""
    for name in JOURNAL.keys() & set(names):
        with journal.writing() as db:
            for statement in JOURNAL[name]:
                db.execute(statement)
