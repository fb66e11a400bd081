"""Strict decoding of a call back into its effects: who receives how much of which asset.

A decoder that accepts more than one spelling of the same call lets a second meaning hide in the first. What is
accepted here encodes back to the very same bytes; everything else is refused by name (P3, P7).
"""

from __future__ import annotations

from dataclasses import dataclass

from guard.core.ids import NATIVE, Address, is_address, is_count
from guard.core.refusing import require
from guard.effects.call import TOKEN_TRANSFER, Call, require_payable
from guard.errors import GuardError
from guard.formats.keccak import to_address

_TOKEN_CALL_LENGTH = 4 + 32 + 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Somebody receives so many of the smallest unit of an asset; `NATIVE` is the chain's own coin."""

    asset: Address
    recipient: Address
    amount_units: int

    def __post_init__(self) -> None:
        require(
            is_address(self.asset) and is_address(self.recipient), "asset or recipient of a payment is not an address"
        )
        require(is_count(self.amount_units, least=1), "amount of a payment is not in 1 to 2^256 - 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """Everything that a call does to a vault. No payments at all means the cancel, which only uses up a nonce."""

    chain_id: int
    vault: Address
    payments: tuple[Payment, ...]

    @property
    def is_cancel(self) -> bool:
        """Whether nothing leaves the vault."""
        return not self.payments


def compute_effects(chain_id: int, vault: Address, call: Call) -> Effects:
    """What the call would do if the vault made it on that chain.

    Raises `effects.selector`, `effects.malformed`, `effects.native-amount`, `effects.nothing`, `effects.destination` or
    `effects.self-call` for any call that is not exactly a native payment, an ERC-20 transfer or the cancel.
    """
    if call.to == vault:
        _require_cancel(call)
        return Effects(chain_id=chain_id, vault=vault, payments=())
    payment = _decode_token_transfer(call) if call.call_data else _decode_native(call)
    require_payable(vault, payment.asset, payment.recipient, payment.amount_units)
    return Effects(chain_id=chain_id, vault=vault, payments=(payment,))


def _require_cancel(call: Call) -> None:
    if call.native_units != 0 or call.call_data:
        raise GuardError(
            "effects.self-call", "the vault calls itself with an amount or with data, which could change its owners"
        )


def _decode_native(call: Call) -> Payment:
    if call.native_units == 0:
        raise GuardError("effects.nothing", f"a call to {call.to} with neither amount nor data moves nothing")
    return Payment(asset=NATIVE, recipient=call.to, amount_units=call.native_units)


def _decode_token_transfer(call: Call) -> Payment:
    if call.call_data[:4] != TOKEN_TRANSFER:
        raise GuardError("effects.selector", f"function 0x{call.call_data[:4].hex()} is not known")
    if len(call.call_data) != _TOKEN_CALL_LENGTH:
        raise GuardError(
            "effects.malformed", f"a token transfer has {_TOKEN_CALL_LENGTH} bytes, not {len(call.call_data)}"
        )
    if any(call.call_data[4:16]):
        raise GuardError("effects.malformed", "bits are set in front of the recipient's address")
    if call.native_units != 0:
        raise GuardError("effects.native-amount", "a token transfer carries an amount of the chain's own coin besides")
    recipient, amount_units = to_address(call.call_data[16:36]), int.from_bytes(call.call_data[36:], "big")
    if amount_units == 0:
        raise GuardError("effects.nothing", "a token transfer of 0 moves nothing")
    return Payment(asset=call.to, recipient=recipient, amount_units=amount_units)
