"""The Safe transaction as a value, how it is built, and its hash as of Safe 1.3.0, whose domain names the chain.

It must not know policies or people. Whoever signs one asks `require_same_effects` or `require_cancel` first.
"""

from __future__ import annotations

from dataclasses import dataclass

from guard.core.ids import NATIVE, Address, Digest, is_address, is_count
from guard.core.refusing import require
from guard.core.transfer import Transfer
from guard.effects.call import Call, to_call
from guard.formats.keccak import from_address, keccak256, to_digest

DOMAIN_TYPE = "EIP712Domain(uint256 chainId,address verifyingContract)"
SAFE_TX_TYPE = (
    "SafeTx(address to,uint256 value,bytes data,uint8 operation,uint256 safeTxGas,uint256 baseGas,uint256 gasPrice,"
    "address gasToken,address refundReceiver,uint256 nonce)"
)
_DOMAIN_TYPE_HASH = keccak256(DOMAIN_TYPE.encode("ascii"))
_SAFE_TX_TYPE_HASH = keccak256(SAFE_TX_TYPE.encode("ascii"))

OPERATION_CALL = 0
OPERATION_DELEGATE_CALL = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeTx:
    """Everything that the owners of a Safe sign. `native_units` and `call_data` are what Safe calls value and data.

    It can hold any Safe transaction, so that a foreign one can be hashed and shown; the guard itself only ever builds
    calls (operation 0) with every gas field 0. A non-zero gas price is a payment out of the vault by another name.
    """

    chain_id: int
    vault: Address
    to: Address
    native_units: int
    call_data: bytes
    operation: int
    safe_tx_gas: int
    base_gas: int
    gas_price: int
    gas_token: Address
    refund_receiver: Address
    nonce: int

    def __post_init__(self) -> None:
        require(is_count(self.chain_id, least=1), "chain id of a safe transaction is not a positive number")
        for name in ("vault", "to", "gas_token", "refund_receiver"):
            require(is_address(getattr(self, name)), f"{name} of a safe transaction is not an address")
        for name in ("native_units", "safe_tx_gas", "base_gas", "gas_price", "nonce"):
            require(is_count(getattr(self, name)), f"{name} of a safe transaction is not in 0 to 2^256 - 1")
        require(is_count(self.operation, end=2), "operation of a safe transaction is not 0 or 1")
        require(isinstance(self.call_data, bytes), "call data of a safe transaction are not bytes")

    @property
    def call(self) -> Call:
        """The one call that the vault makes, if the operation is a call."""
        return Call(to=self.to, native_units=self.native_units, call_data=self.call_data)


def build_safe_tx(transfer: Transfer, nonce: int) -> SafeTx:
    """The one Safe transaction that carries this transfer at this nonce. Raises what `to_call` raises."""
    return _to_plain(transfer.chain_id, transfer.vault, to_call(transfer), nonce)


def build_cancel(chain_id: int, vault: Address, nonce: int) -> SafeTx:
    """The transaction that uses up a nonce and moves nothing: the vault calls itself with nothing."""
    return _to_plain(chain_id, vault, Call(to=vault, native_units=0, call_data=b""), nonce)


def _to_plain(chain_id: int, vault: Address, call: Call, nonce: int) -> SafeTx:
    return SafeTx(
        chain_id=chain_id,
        vault=vault,
        to=call.to,
        native_units=call.native_units,
        call_data=call.call_data,
        operation=OPERATION_CALL,
        safe_tx_gas=0,
        base_gas=0,
        gas_price=0,
        gas_token=NATIVE,
        refund_receiver=NATIVE,
        nonce=nonce,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeTxHash:
    """The hash that owners sign with its two parts, which hardware wallets show as domain hash and message hash."""

    domain: Digest
    struct: Digest
    digest: Digest


def compute_safe_tx_hash(safe_tx: SafeTx) -> SafeTxHash:
    """Domain hash, struct hash and the Safe transaction hash itself (EIP-712; `getTransactionHash` of the contract)."""
    domain = keccak256(_DOMAIN_TYPE_HASH + _word(safe_tx.chain_id) + _word(safe_tx.vault))
    struct = keccak256(_SAFE_TX_TYPE_HASH + _encode_struct(safe_tx))
    digest = keccak256(b"\x19\x01" + domain + struct)
    return SafeTxHash(domain=to_digest(domain), struct=to_digest(struct), digest=to_digest(digest))


def _encode_struct(safe_tx: SafeTx) -> bytes:
    words = [_word(safe_tx.to), _word(safe_tx.native_units), keccak256(safe_tx.call_data), _word(safe_tx.operation)]
    words += [_word(number) for number in (safe_tx.safe_tx_gas, safe_tx.base_gas, safe_tx.gas_price)]
    words += [_word(safe_tx.gas_token), _word(safe_tx.refund_receiver), _word(safe_tx.nonce)]
    return b"".join(words)


def _word(value: int | Address) -> bytes:
    return value.to_bytes(32, "big") if isinstance(value, int) else from_address(value).rjust(32, b"\0")
