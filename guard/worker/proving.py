"""The evidence of a release, composed from what the books, the signers and the chain hold. It proves nothing by itself: `verify` does."""

from __future__ import annotations

from collections.abc import Iterable

from guard.bundles.bundle import Bundle
from guard.core.ids import Address, Digest, TransferId
from guard.errors import Refusal
from guard.evidence.file import compose_evidence
from guard.evidence.record import Broadcast
from guard.statements.admission import STATEMENT_CHECKS, admit
from guard.statements.certificates import TransferCertificate
from guard.statements.signed import SignedStatement
from guard.statements.submission import StatementContext
from guard.statements.values import Approval, Proposal
from guard.worker.carrying import OwnerSignature
from guard.worker.world import Landed


def has_every_word(certificate: TransferCertificate, signatures: Iterable[OwnerSignature]) -> bool:
    """Whether each signer of the certificate testifies to its signature; evidence needs all of them."""
    return {signed.owner for signed in signatures} >= certificate.signatures.keys()


def compose_release_evidence(
    bundles: tuple[Bundle, Bundle],
    statements: Iterable[SignedStatement],
    signatures: Iterable[OwnerSignature],
    certificate: TransferCertificate,
    landed: Landed,
    *,
    gas_payer: Address,
) -> bytes:
    """The evidence of a certificate that the chain shows executed. `bundles`: the active one, and the one that the transfer names."""
    return compose_evidence(
        active=bundles[0],
        named=bundles[1],
        statements=statements,
        testimonies=[signed.statement for signed in signatures],
        certificate=certificate,
        broadcast=Broadcast(
            chain_id=certificate.chain_id,
            transaction_hash=Digest(landed.transaction_hash or ""),
            block_number=landed.block_number or 0,
            block_hash=Digest(landed.block_hash or ""),
            block_at=landed.block_at or 0,
            gas_payer=gas_payer,
        ),
    )


def select_statements(
    context: StatementContext, transfer_id: TransferId, statements: Iterable[SignedStatement]
) -> list[SignedStatement]:
    """The proposal and the approvals that are somebody's word, each once. A stop that came too late is no part of a release."""
    about = StatementContext(active=context.active, editions=context.editions, now=None, transfer_id=transfer_id)
    chosen: dict[tuple[object, object], SignedStatement] = {}
    for signed in statements:
        admitted = admit(STATEMENT_CHECKS, signed, about)
        if not isinstance(admitted, Refusal) and isinstance(signed.statement, Proposal | Approval):
            chosen[admitted.identity] = signed
    return list(chosen.values())
