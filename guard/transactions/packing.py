"""Owner signatures packed as the Safe contract reads them: one after the other, the owners' addresses ascending.

Only plain 65-byte signatures are packed. Contract signatures and approved hashes depend on the state of a chain and
on who executes.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from guard.core.ids import Address, Digest
from guard.errors import GuardError
from guard.formats.keccak import from_address
from guard.transactions.signatures import SIGNATURE_LENGTH, recover_owner


def pack_signatures(signatures: Mapping[Address, bytes]) -> bytes:
    """The signatures of the owners in one run of bytes. Raises `signature.packing` for none, or `signature.length`."""
    if not signatures:
        raise GuardError("signature.packing", "there is no signature to pack")
    for owner, signature in signatures.items():
        if len(signature) != SIGNATURE_LENGTH:
            raise GuardError(
                "signature.length", f"the signature of {owner} has {len(signature)} bytes, not {SIGNATURE_LENGTH}"
            )
    return b"".join(signatures[owner] for owner in sorted(signatures, key=from_address))


def unpack_signatures(digest: Digest, packed: bytes) -> dict[Address, bytes]:
    """The signatures by the owner that each recovers to over this hash, refused unless packed exactly as above.

    Raises `signature.packing` where the length is wrong or the owners do not strictly ascend, and what
    `recover_owner` raises.
    """
    if not packed or len(packed) % SIGNATURE_LENGTH:
        raise GuardError("signature.packing", f"{len(packed)} bytes are no whole number of signatures")
    parts = [packed[start : start + SIGNATURE_LENGTH] for start in range(0, len(packed), SIGNATURE_LENGTH)]
    owners = [recover_owner(digest, part) for part in parts]
    order = [from_address(owner) for owner in owners]
    if any(before >= after for before, after in pairwise(order)):
        raise GuardError("signature.packing", "the owners of the signatures do not ascend, or one signed twice")
    return dict(zip(owners, parts, strict=True))
