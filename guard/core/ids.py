"""The names by which things are known, one type each, so that a vault is never taken for an asset.

Addresses are always in their EIP-55 form and hashes in lower-case 0x-hex: equal things have equal texts. This module checks only
shapes, since it knows no keccak; `guard.formats` checks the checksum at every door.
"""

from __future__ import annotations

import re
from typing import NewType

Address = NewType("Address", str)
"""An account on an EVM chain, EIP-55."""
Digest = NewType("Digest", str)
"""32 bytes as 0x and 64 lower-case hexadecimal figures."""
TransferId = NewType("TransferId", str)
"""The EIP-712 struct hash of a Transfer, shaped like a `Digest`."""
PersonId = NewType("PersonId", str)
GroupId = NewType("GroupId", str)
VaultId = NewType("VaultId", str)
AssetId = NewType("AssetId", str)
ChainName = NewType("ChainName", str)
RuleId = NewType("RuleId", str)
SignerId = NewType("SignerId", str)
Label = NewType("Label", str)

NATIVE = Address("0x0000000000000000000000000000000000000000")
"""The asset address that stands for the chain's own coin."""
NO_DIGEST = Digest("0x" + "00" * 32)
NO_TRANSFER = TransferId(NO_DIGEST)
UINT256_END = 2**256

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}\Z", re.ASCII)
_DIGEST = re.compile(r"0x[0-9a-f]{64}\Z", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z", re.ASCII)
_SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,15}\Z", re.ASCII)
NAME_LENGTH = 64


def is_address(text: object) -> bool:
    """Whether the text has an address's shape; says nothing of its checksum."""
    return isinstance(text, str) and _ADDRESS.match(text) is not None


def is_digest(text: object) -> bool:
    """Whether the text is 32 bytes in lower-case hexadecimal."""
    return isinstance(text, str) and _DIGEST.match(text) is not None


def is_name(text: object) -> bool:
    """Whether the text may name a person, group, vault, rule, signer or label: lower-case words joined by hyphens."""
    return isinstance(text, str) and len(text) <= NAME_LENGTH and _NAME.match(text) is not None


def is_symbol(text: object) -> bool:
    """Whether the text may name an asset, as in USDC."""
    return isinstance(text, str) and _SYMBOL.match(text) is not None


def is_count(value: object, *, least: int = 0, end: int = UINT256_END) -> bool:
    """Whether the value is a whole number in [least, end). A bool is not a number."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < end
