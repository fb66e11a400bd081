"""The verifier: every check that stands between a request and a signature, as one value.

`guard.app` alone composes it, with all of them. A test takes all but one, and so shows what that one holds back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from guard.core.decide import DecisionRules
from guard.core.decision import Decision
from guard.core.ids import Address, TransferId
from guard.core.policy import OwnerEntry, Policies, Vault
from guard.core.transfer import Transfer
from guard.errors import Refusal
from guard.ports import VaultView
from guard.signer.book import Book
from guard.signer.release_chain import ChainRules
from guard.statements.admission import Check as StatementCheck
from guard.transactions.safe_tx import SafeTx


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPayment:
    """A transfer that was signed, certified or named here before, and when its nonce was seen final, if it was."""

    transfer_id: TransferId
    transfer: Transfer
    seen_final_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseCase:
    """Everything that the checks of one release look at. All of it is the signer's own."""

    now: int
    transfer_id: TransferId
    transfer: Transfer
    decision: Decision
    policies: Policies
    vault: Vault
    owner: Address
    owners: OwnerEntry | None
    book: Book
    nonce: int
    safe_tx: SafeTx
    views: tuple[VaultView, ...]
    silent: tuple[str, ...]
    clock_refusal: Refusal | None
    settled_in: int
    payments: tuple[KnownPayment, ...]
    known_transfers: dict[TransferId, Transfer]


@dataclass(frozen=True, slots=True)
class ReleaseCheck:
    """One named check of a release: its refusals, none when it holds."""

    name: str
    find: Callable[[ReleaseCase], tuple[Refusal, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """All checks, in five parts: statements, decision, release, release chain, and what guards the journal."""

    statement_checks: tuple[StatementCheck, ...]
    decision: DecisionRules
    release_checks: tuple[ReleaseCheck, ...]
    chain: ChainRules
