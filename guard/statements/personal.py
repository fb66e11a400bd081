"""A text signed by a person's key as wallets sign texts (EIP-191, version 0x45): only log-ins are signed so.

Such a signature can never be taken for a statement's or a Safe transaction's: those begin with 0x19 0x01 under the hash.
"""

from __future__ import annotations

from guard.core.ids import Address, Digest
from guard.formats.keccak import keccak256, to_digest
from guard.transactions.signatures import SIGNATURE_LENGTH, recover_owner, sign_hash

_PREFIX = b"\x19Ethereum Signed Message:\n"
_FIRST_V = 27


def compute_personal_digest(text: str) -> Digest:
    """What `personal_sign` signs for a text: keccak of prefix, length in bytes as decimal figures, and the bytes."""
    raw = text.encode("utf-8")
    return to_digest(keccak256(_PREFIX + str(len(raw)).encode("ascii") + raw))


def sign_personal(private_key: bytes, text: str) -> bytes:
    """The signature that a wallet would make over the text. Raises `signature.private-key`."""
    return sign_hash(private_key, compute_personal_digest(text))


def recover_personal(text: str, signature: bytes) -> Address:
    """Whose key signed the text. Raises what `recover_owner` raises; v may be 0 or 1, as some wallets write it."""
    if len(signature) == SIGNATURE_LENGTH and signature[64] in (0, 1):
        signature = signature[:64] + bytes([signature[64] + _FIRST_V])
    return recover_owner(compute_personal_digest(text), signature)
