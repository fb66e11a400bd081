"""What a vault is made to call, and how a transfer becomes that call. It must not know nonces, gas or signatures."""

from __future__ import annotations

from dataclasses import dataclass

from guard.core.ids import NATIVE, NO_DIGEST, Address, is_address, is_count
from guard.core.refusing import require
from guard.core.transfer import Action, Transfer
from guard.errors import GuardError
from guard.formats.keccak import from_address

TOKEN_TRANSFER = bytes.fromhex("a9059cbb")
"""Selector of the ERC-20 function transfer(address,uint256)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call that a vault makes: to whom, with how much of the chain's own coin, and with which bytes."""

    to: Address
    native_units: int
    call_data: bytes

    def __post_init__(self) -> None:
        require(is_address(self.to), "target of a call is not an address")
        require(is_count(self.native_units), "native amount of a call is not in 0 to 2^256 - 1")
        require(isinstance(self.call_data, bytes), "call data are not bytes")


def to_call(transfer: Transfer) -> Call:
    """The one call that carries out a transfer (P3: every byte follows from it).

    Raises `effects.action` for anything but a plain transfer, and what `require_payable` raises.
    """
    if transfer.action is not Action.TRANSFER or transfer.call_data_hash != NO_DIGEST:
        raise GuardError("effects.action", f"action {transfer.action.value} is not a plain transfer")
    require_payable(transfer.vault, transfer.asset, transfer.destination, transfer.amount_units)
    if transfer.asset == NATIVE:
        return Call(to=transfer.destination, native_units=transfer.amount_units, call_data=b"")
    words = from_address(transfer.destination).rjust(32, b"\0") + transfer.amount_units.to_bytes(32, "big")
    return Call(to=transfer.asset, native_units=0, call_data=TOKEN_TRANSFER + words)


def require_payable(vault: Address, asset: Address, destination: Address, amount_units: int) -> None:
    """Refuse a payment that can only be a mistake or a disguise: of nothing, to nobody, to vault or token itself.

    Raises `effects.nothing` or `effects.destination`.
    """
    if amount_units == 0:
        raise GuardError("effects.nothing", "a payment of 0 moves nothing")
    if destination == NATIVE:
        raise GuardError("effects.destination", "a payment to the zero address is lost")
    if destination in (vault, asset):
        raise GuardError(
            "effects.destination", f"a payment to {destination} goes to the vault itself or to the token's own contract"
        )
    if asset == vault:
        raise GuardError("effects.self-call", "the asset is the vault itself")
