"""Where an attack takes place: signers of the product with some checks taken out, honest people, and whoever the attacker is.

Callers and nodes are the attacker's: they hand over what they like, in whatever order, and the node says what it is told.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from guard.bundles.bundle import Bundle, to_bytes
from guard.core.policy import Policy
from guard.core.transfer import Transfer
from guard.errors import GuardError
from guard.formats.keccak import from_digest
from guard.signer import records
from guard.signer.records import BundleRow
from guard.statements.signed import SignedStatement
from guard.statements.values import Approval
from guard.transactions.safe_tx import build_safe_tx, compute_safe_tx_hash
from guard.transactions.signatures import recover_owner
from tests.attacks.ablation import compose_without, loosen_journal
from tests.factories import DAY, address_of
from tests.team import Team, make_team_policy

VICTIM = "signer-a"


class Scene:
    """One attack's own folder, signers and clock. `without` names the checks that are out."""

    def __init__(self, folder: Path, without: Collection[str] = ()):
        self._folder = folder
        self._without = frozenset(without)
        self._team: Team | None = None

    def team(self, *running: str, **policy: Any) -> Team:
        """The signers of a 3-of-4 Safe that run, by default the victim alone, under the default policy with these changes."""
        team = self._team = Team(
            self._folder,
            policy=make_team_policy(**policy),
            verifier=compose_without(self._without),
            running=running or (VICTIM,),
        )
        for signer in team.signers.values():
            loosen_journal(signer.journal, self._without)
        return team

    def close(self) -> None:
        """Close every journal."""
        if self._team is not None:
            self._team.close()


def steal(team: Team, transfer: Transfer, statements: Iterable[SignedStatement] = (), *, signer: str = VICTIM) -> None:
    """Ask for the signature, and look that it is one: with it the attacker has what they came for."""
    answer = team.release(signer, transfer, statements)
    digest = compute_safe_tx_hash(build_safe_tx(transfer, answer["nonce"])).digest
    assert recover_owner(digest, from_digest(answer["signature"])) == team.owner_of(signer)


def bring(team: Team, transfer: Transfer, *statements: SignedStatement, signer: str = VICTIM) -> None:
    """Hand statements over beforehand. Raises the first refusal."""
    received, _ = team.signers[signer].register(transfer, statements)
    for refusal in received.refused:
        raise GuardError(refusal.code, refusal.message)


def activate(team: Team, policy: Policy) -> None:
    """Make another bundle the active one at every signer, as succession will do; people sign under it from now on."""
    previous = team.digest
    team.policy = policy
    team.bundle = Bundle(
        version=team.bundle.version + 1,
        previous=previous,
        expires_at=team.clock.wall + 365 * DAY,
        policy=policy,
    )
    row = BundleRow(
        version=team.bundle.version, digest=team.digest, raw=to_bytes(team.bundle), activated_at=team.clock.wall
    )
    for signer in team.signers.values():
        with signer.journal.writing() as db:
            records.add_bundle(db, row)


def under_the_name_of(name: str, signed: SignedStatement) -> SignedStatement:
    """The same statement and signature, said to be by somebody else's key."""
    return replace(signed, signature=replace(signed.signature, key=address_of(name)))


def with_value(signed: SignedStatement, value: bytes) -> SignedStatement:
    """The same statement with other bytes for a signature."""
    return replace(signed, signature=replace(signed.signature, value=value))


def edited(signed: SignedStatement, **changes: Any) -> SignedStatement:
    """The same signature under a statement that was changed after it was signed."""
    return replace(signed, statement=replace(signed.statement, **changes))


def sign_anew(team: Team, name: str, approval: SignedStatement, **changes: Any) -> SignedStatement:
    """What somebody signs whose tool changes the approval before it shows or signs it."""
    assert isinstance(approval.statement, Approval)
    return team.sign(name, replace(approval.statement, **changes))
