"""The whole verifier. Nothing in `guard/` composes another one."""

from __future__ import annotations

from guard.core.decide import WHOLE_DECISION
from guard.signer.release_chain import WHOLE_CHAIN
from guard.signer.release_checks import RELEASE_CHECKS, to_chain_check
from guard.signer.verifier import Verifier
from guard.statements.admission import STATEMENT_CHECKS


def compose_verifier() -> Verifier:
    """Every check that there is."""
    return Verifier(
        statement_checks=STATEMENT_CHECKS,
        decision=WHOLE_DECISION,
        release_checks=(*RELEASE_CHECKS, to_chain_check(WHOLE_CHAIN)),
        chain=WHOLE_CHAIN,
    )
