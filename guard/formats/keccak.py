"""Keccak-256 as Ethereum uses it (not SHA3-256), and addresses in their EIP-55 form."""

from __future__ import annotations

from functools import lru_cache

from Crypto.Hash import keccak as _keccak

from guard.core.ids import Address, Digest, is_address, is_digest
from guard.errors import GuardError


def keccak256(message: bytes) -> bytes:
    """The 32-byte Keccak-256 of the message."""
    return _keccak.new(data=message, digest_bits=256).digest()


@lru_cache(maxsize=4096)
def to_address(raw: bytes) -> Address:
    """20 bytes as an EIP-55 address."""
    if len(raw) != 20:
        raise GuardError("address.malformed", f"an address has 20 bytes, not {len(raw)}")
    text = raw.hex()
    shade = keccak256(text.encode("ascii")).hex()
    return Address("0x" + "".join(c.upper() if s >= "8" else c for c, s in zip(text, shade, strict=False)))


@lru_cache(maxsize=4096)
def require_address(text: str) -> Address:
    """The text as an address, refused unless it carries exactly its EIP-55 checksum."""
    if not is_address(text):
        raise GuardError("address.malformed", f"{text[:60]!r} is not an address")
    right = to_address(bytes.fromhex(text[2:]))
    if text != right:
        raise GuardError("address.checksum", f"address {text} does not carry its checksum", details={"expected": right})
    return right


def from_address(address: Address) -> bytes:
    """The 20 bytes of an address."""
    return bytes.fromhex(address[2:])


def to_digest(raw: bytes) -> Digest:
    """32 bytes as a digest."""
    if len(raw) != 32:
        raise GuardError("hex.malformed", f"a digest has 32 bytes, not {len(raw)}")
    return Digest("0x" + raw.hex())


def require_digest(text: str) -> Digest:
    """The text as a digest, refused unless it is 0x and 64 lower-case figures."""
    if not is_digest(text):
        raise GuardError("hex.malformed", f"{text[:80]!r} is not 32 bytes in lower-case hexadecimal")
    return Digest(text)


def from_digest(digest: str) -> bytes:
    """The 32 bytes of a digest."""
    return bytes.fromhex(digest[2:])
