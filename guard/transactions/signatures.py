"""secp256k1 signatures over a hash: made deterministically, recovered strictly. It must not know what is signed.

A signature has exactly one accepted spelling here (65 bytes, v of 27 or 28, low s), although contracts and libraries
take more: a second spelling of the same agreement is how one agreement comes to be counted twice (EIP-2).
"""

from __future__ import annotations

import coincurve

from guard.core.ids import Address, Digest
from guard.errors import GuardError
from guard.formats.keccak import from_digest, keccak256, to_address

CURVE_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SIGNATURE_LENGTH = 65
_FIRST_V = 27


def recover_owner(digest: Digest, signature: bytes) -> Address:
    """Whose key made this signature over this hash.

    Raises `signature.length`, `signature.v` (Safe's eth_sign, contract and approved-hash forms among them),
    `signature.range`, `signature.high-s` or `signature.recovery`.
    """
    if len(signature) != SIGNATURE_LENGTH:
        raise GuardError("signature.length", f"a signature has {SIGNATURE_LENGTH} bytes, not {len(signature)}")
    r, s, v = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big"), signature[64]
    if v not in (_FIRST_V, _FIRST_V + 1):
        raise GuardError("signature.v", f"v of the signature is {v}, not 27 or 28")
    if not (0 < r < CURVE_ORDER and 0 < s < CURVE_ORDER):
        raise GuardError("signature.range", "r or s of the signature is zero or not below the order of the curve")
    if s > CURVE_ORDER // 2:
        raise GuardError("signature.high-s", "s of the signature is in the upper half of its range")
    return _recover(digest, signature[:64] + bytes([v - _FIRST_V]))


def _recover(digest: Digest, recoverable: bytes) -> Address:
    try:
        public_key = coincurve.PublicKey.from_signature_and_message(recoverable, from_digest(digest), hasher=None)
    except ValueError:
        raise GuardError("signature.recovery", "no key can have made this signature") from None
    return _to_owner(public_key)


def sign_hash(private_key: bytes, digest: Digest) -> bytes:
    """The 65-byte signature of a hash, the same each time (RFC 6979), with low s and v of 27 or 28.

    Raises `signature.private-key` where the bytes are no private key.
    """
    recoverable = _require_key(private_key).sign_recoverable(from_digest(digest), hasher=None)
    return recoverable[:64] + bytes([_FIRST_V + recoverable[64]])


def compute_owner(private_key: bytes) -> Address:
    """The address as which this private key signs. Raises `signature.private-key`."""
    return _to_owner(_require_key(private_key).public_key)


def _require_key(private_key: bytes) -> coincurve.PrivateKey:
    if len(private_key) != 32 or not 0 < int.from_bytes(private_key, "big") < CURVE_ORDER:
        raise GuardError("signature.private-key", "a private key has 32 bytes and lies below the order of the curve")
    return coincurve.PrivateKey(private_key)


def _to_owner(public_key: coincurve.PublicKey) -> Address:
    return to_address(keccak256(public_key.format(compressed=False)[1:])[12:])
