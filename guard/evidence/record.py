"""What the evidence of one release tells, as values: complete, in one order, and such that a Safe could carry it out.

Nothing here says that any of it is true; the checks do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from guard.bundles.bundle import Bundle
from guard.core.ids import Address, Digest, SignerId, TransferId, is_address, is_count, is_digest, is_name
from guard.core.refusing import require
from guard.core.transfer import Transfer
from guard.errors import GuardError
from guard.formats.fields import take_address, take_count, take_decimal, take_digest, take_text
from guard.statements.certificates import TransferCertificate
from guard.statements.digests import compute_digest
from guard.statements.signed import SignedStatement
from guard.statements.testimony import RELEASE, Testimony
from guard.statements.values import kind_of
from guard.transactions.execution import encode_exec_transaction
from guard.transactions.packing import pack_signatures
from guard.transactions.safe_tx import SafeTx, build_safe_tx

MOST_STATEMENTS = 200
MOST_WORDS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Broadcast:
    """Where the release stands on its chain, by the word of whoever composed the file. Only a node can confirm it."""

    chain_id: int
    transaction_hash: Digest
    block_number: int
    block_hash: Digest
    block_at: int
    gas_payer: Address

    def __post_init__(self) -> None:
        require(is_count(self.chain_id, least=1), "chain id of a broadcast is not a positive number")
        for name in ("transaction_hash", "block_hash"):
            require(is_digest(getattr(self, name)), f"{name} of a broadcast is not 32 bytes in hexadecimal")
        for name in ("block_number", "block_at"):
            require(is_count(getattr(self, name), end=2**53), f"{name} of a broadcast is not a number below 2^53")
        require(is_address(self.gas_payer), "gas payer of a broadcast is not an address")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseWord:
    """A signer's word that it released, read out of its testimony: what it signed, and when by its own journal."""

    signer: SignerId
    transfer_id: TransferId
    chain_id: int
    vault: Address
    nonce: int
    safe_tx_hash: Digest
    policy: Digest
    quorum_since: int
    signed_at: int
    testimony: Testimony


def to_release_word(testimony: Testimony) -> ReleaseWord:
    """The testimony's fields, each of its type. Raises `testimony.text` for any other text, and codes of `json.*`."""
    if testimony.text != RELEASE:
        raise GuardError("testimony.text", f"expected {RELEASE}, not {testimony.text}")
    said = testimony.fields
    signer = take_text(said, "signer")
    require(is_name(signer), "signer of a release statement is not a name")
    return ReleaseWord(
        signer=SignerId(signer),
        transfer_id=TransferId(take_digest(said, "transfer")),
        chain_id=take_decimal(said, "chain_id"),
        vault=take_address(said, "vault"),
        nonce=take_count(said, "nonce"),
        safe_tx_hash=take_digest(said, "safe_tx_hash"),
        policy=take_digest(said, "policy"),
        quorum_since=take_count(said, "quorum_since"),
        signed_at=take_count(said, "signed_at"),
        testimony=testimony,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRecord:
    """Everything that the file tells of one release.

    `named` is the bundle that the transfer names, None where that is the active one. Statements stand in the order of
    `order_of`, words in that of their signers, none twice: one release has one spelling. A transfer that no Safe
    transaction can carry is refused with the codes of `effects.*`.
    """

    treasury: Digest
    active: Bundle
    named: Bundle | None
    transfer: Transfer
    statements: tuple[SignedStatement, ...]
    words: tuple[ReleaseWord, ...]
    certificate: TransferCertificate
    broadcast: Broadcast | None
    safe_tx: SafeTx = field(init=False, repr=False, compare=False)
    call_data: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        require(is_digest(self.treasury), "treasury id of evidence is not 32 bytes in hexadecimal")
        require(0 < len(self.statements) <= MOST_STATEMENTS, f"evidence holds not 1 to {MOST_STATEMENTS} statements")
        require(0 < len(self.words) <= MOST_WORDS, f"evidence holds not 1 to {MOST_WORDS} release statements")
        _require_ascending([order_of(signed) for signed in self.statements], "statements")
        _require_ascending([(word.signer,) for word in self.words], "release statements")
        safe_tx = build_safe_tx(self.transfer, self.certificate.nonce)
        object.__setattr__(self, "safe_tx", safe_tx)
        packed = pack_signatures(self.certificate.signatures)
        object.__setattr__(self, "call_data", encode_exec_transaction(safe_tx, packed))


def order_of(signed: SignedStatement) -> tuple[str, str, str]:
    """Where a statement stands among the others: by kind, digest and key. Two copies of one stand at the same place."""
    return kind_of(signed.statement), compute_digest(signed.statement, signed.treasury), signed.signature.key


def _require_ascending(places: Sequence[tuple[str, ...]], what: str) -> None:
    require(
        all(before < after for before, after in pairwise(places)),
        f"{what} of evidence are out of order, or one stands twice",
    )
