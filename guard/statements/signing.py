"""Signing a statement with a key of one's own, and finding out by whose key a signed one is."""

from __future__ import annotations

from guard.core.ids import Address, Digest
from guard.errors import GuardError
from guard.statements.digests import compute_digest
from guard.statements.signed import EIP712, Signature, SignedStatement
from guard.statements.values import Statement
from guard.transactions.signatures import SIGNATURE_LENGTH, compute_owner, recover_owner, sign_hash


def sign(private_key: bytes, statement: Statement, treasury: Digest) -> SignedStatement:
    """The statement signed in the treasury's domain. Raises `signature.private-key`."""
    value = sign_hash(private_key, compute_digest(statement, treasury))
    return SignedStatement(statement, treasury, Signature(EIP712, compute_owner(private_key), value))


def seal(statement: Statement, treasury: Digest, value: bytes) -> SignedStatement:
    """A statement with the signature that a wallet made over its typed data, in the spelling that is kept.

    The key is the one that the signature recovers to; whoever seals compares it with the key that they asked. Raises
    `signature.*`.
    """
    exact = _to_exact(value)
    key = recover_owner(compute_digest(statement, treasury), exact)
    return SignedStatement(statement, treasury, Signature(EIP712, key, exact))


def recover(signed: SignedStatement) -> Address:
    """The address whose key signed, which is the one that the signature names.

    Raises `signature.webauthn` for passkeys, `signature.key` where another key signed or the statement was changed
    since, and what `recover_owner` raises.
    """
    if signed.signature.kind != EIP712:
        raise GuardError("signature.webauthn", "signatures of passkeys are not supported by this version")
    key = recover_owner(compute_digest(signed.statement, signed.treasury), _to_exact(signed.signature.value))
    if key != signed.signature.key:
        raise GuardError("signature.key", f"the signature is not one of {signed.signature.key} over this statement")
    return key


def _to_exact(value: bytes) -> bytes:
    """Wallets write v as 0 or 1, or as 27 or 28; the second is kept."""
    if len(value) == SIGNATURE_LENGTH and value[64] in (0, 1):
        return value[:64] + bytes([value[64] + 27])
    return value
