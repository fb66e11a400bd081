"""The executor's plain account: signs and sends EIP-1559 transactions that pay gas and nothing else of value.

It is never an owner of a Safe, so its key can lose the gas money and no more. What a node proposes as fees or gas is
capped here. Nothing is stored: the chain's own count of its transactions says where it stands, so every call can be
repeated after a crash. One process at a time may send from it; `prepare` and `push` are for callers who keep what they
send in a place of their own and never wait.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from eth_account import Account
from eth_account.signers.local import LocalAccount

from guard.chain.answers import Receipt
from guard.chain.reading import Chain
from guard.core.ids import is_count
from guard.errors import AdapterError, GuardError
from guard.formats.keccak import require_address

GWEI = 10**9
POLL_SECONDS = 0.2
PATIENCE = 120
_KNOWN_ALREADY = ("already known", "already imported", "known transaction")
_UNDERPRICED = "underpriced"
_LATE = ("nonce too low", "nonce is too low", "invalid transaction nonce", "nonce too old")


@dataclass(frozen=True, slots=True, kw_only=True)
class GasCaps:
    """The most that one transaction may cost, whatever a node proposes: fees per gas in wei, and gas."""

    max_fee: int = 300 * GWEI
    priority_fee: int = 50 * GWEI
    gas: int = 8_000_000

    def __post_init__(self) -> None:
        if not all(is_count(one, least=1) for one in (self.max_fee, self.priority_fee, self.gas)):
            raise GuardError("value.invalid", "caps on fees and gas are whole numbers from 1 on")


@dataclass(frozen=True, slots=True)
class Fees:
    """What one transaction offers per gas, in wei."""

    max_fee: int
    priority_fee: int

    def to_raised(self) -> Fees:
        """A quarter more of both: nodes replace a waiting transaction only by one that pays a tenth more."""
        return Fees(self.max_fee * 5 // 4 + 1, self.priority_fee * 5 // 4 + 1)

    def to_least_replacement(self) -> Fees:
        """The least that replaces a transaction which offers this: a tenth more of both."""
        return Fees(-(-self.max_fee * 11 // 10), -(-self.priority_fee * 11 // 10))

    def covers(self, other: Fees) -> bool:
        """Whether this offers as much as the other one or more."""
        return self.max_fee >= other.max_fee and self.priority_fee >= other.priority_fee


@dataclass(frozen=True, slots=True)
class Message:
    """What a transaction does: whom it calls, with which bytes and native units. `to` None creates a contract."""

    to: str | None
    call_data: bytes = b""
    native_units: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A signed transaction that was not sent yet, so that it can be written down first."""

    hash: str
    raw: bytes
    nonce: int
    fees: Fees


class Pushed(Enum):
    """What a node makes of a transaction: it keeps it, it keeps a better paid one of that nonce, or that nonce is used up."""

    TAKEN = "taken"
    UNDERPRICED = "underpriced"
    LATE = "late"


class GasAccount:
    """A key that pays gas on one chain. `patience` is how long to wait for a block, in seconds."""

    def __init__(
        self,
        chain: Chain,
        private_key: bytes,
        *,
        chain_id: int,
        caps: GasCaps | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._chain = chain
        self._account: LocalAccount = Account.from_key(private_key)
        self._chain_id = chain_id
        self._caps = caps or GasCaps()
        self._patience = patience
        self.address = require_address(self._account.address)

    def send(self, message: Message) -> str:
        """Send one transaction after everything of this account that waits. Returns its hash, before it is mined."""
        return self.send_all((message,))[0]

    def send_all(self, messages: Sequence[Message]) -> tuple[str, ...]:
        """Send several that do not build on each other, with consecutive nonces. Returns their hashes in that order."""
        self._chain.require_chain_id(self._chain_id)
        self.wait_settled()
        nonce = self._chain.transaction_count(self.address)
        return tuple(self._send_at(nonce + place, message) for place, message in enumerate(messages))

    def wait_settled(self) -> bool:
        """Wait until nothing of this account waits in the node's pool. False where something is still stuck there.

        What is stuck then is replaced by what is sent next, under the same nonce: at most one of the two is ever mined.
        """
        ends_at = time.monotonic() + self._patience
        while self._chain.transaction_count(self.address, "pending") > self._chain.transaction_count(self.address):
            if time.monotonic() >= ends_at:
                return False
            time.sleep(POLL_SECONDS)
        return True

    def wait_mined(self, transaction_hash: str) -> Receipt:
        """The receipt of a transaction that succeeded. Raises `chain.not-mined` or `chain.transaction-reverted`."""
        ends_at = time.monotonic() + self._patience
        while (receipt := self._chain.receipt(transaction_hash)) is None:
            if time.monotonic() >= ends_at:
                raise AdapterError("chain.not-mined", f"transaction {transaction_hash} is not mined yet")
            time.sleep(POLL_SECONDS)
        if not receipt.is_success:
            raise AdapterError("chain.transaction-reverted", f"transaction {transaction_hash} was mined and reverted")
        return receipt

    def count_mined(self) -> int:
        """How many transactions of this account are mined: the nonce that its next one has."""
        return self._chain.transaction_count(self.address)

    def prepare(self, nonce: int, message: Message, *, above: Fees | None = None) -> Prepared:
        """Sign a transaction for a nonce; with `above`, one that replaces another which offers that.

        Never offers more than the caps: raises `chain.fee-cap` where they do not reach. Raises `chain.reverted` where
        the message would revert now.
        """
        self._chain.require_chain_id(self._chain_id)
        gas = self._require_gas(message)
        fees = self._load_fees() if above is None else self._load_replacing_fees(above)
        transaction_hash, raw = self._sign(nonce, message, gas, fees)
        return Prepared(hash=transaction_hash, raw=raw, nonce=nonce, fees=fees)

    def push(self, transaction_hash: str, raw: bytes) -> Pushed:
        """Hand a signed transaction to the node; again, if need be: it is the same one."""
        try:
            return Pushed.TAKEN if self._is_taken((transaction_hash, raw)) else Pushed.UNDERPRICED
        except AdapterError as error:
            if any(words in error.details.get("said", "").lower() for words in _LATE):
                return Pushed.LATE
            raise

    def load_fate(self, transaction_hash: str) -> bool | None:
        """Whether a transaction was mined and did not revert; None while the node knows it in no block."""
        receipt = self._chain.receipt(transaction_hash)
        return None if receipt is None else receipt.is_success

    def _load_replacing_fees(self, above: Fees) -> Fees:
        raised, now = above.to_raised(), self._load_fees()
        wanted = Fees(max(raised.max_fee, now.max_fee), max(raised.priority_fee, now.priority_fee))
        fees = Fees(min(wanted.max_fee, self._caps.max_fee), min(wanted.priority_fee, self._caps.priority_fee))
        if not fees.covers(above.to_least_replacement()):
            message = f"replacing a waiting transaction asks more than {self._caps.max_fee} wei per gas"
            raise AdapterError("chain.fee-cap", f"{message} or a tip of more than {self._caps.priority_fee}")
        return fees

    def _send_at(self, nonce: int, message: Message) -> str:
        gas = self._require_gas(message)
        fees = self._require_affordable(self._load_fees())
        while not self._is_taken(signed := self._sign(nonce, message, gas, fees)):
            fees = self._require_affordable(fees.to_raised())
        return signed[0]

    def _require_gas(self, message: Message) -> int:
        estimate = self._chain.estimate_gas(self.address, message.to, message.native_units, message.call_data)
        # A Safe keeps 1/64 of the gas back at each call, and its state may have moved by the time the transaction is
        # mined.
        gas = estimate * 5 // 4 + 10_000
        if gas > self._caps.gas:
            raise AdapterError("chain.fee-cap", f"the transaction asks for {gas} gas, more than {self._caps.gas}")
        return gas

    def _load_fees(self) -> Fees:
        base = self._chain.base_fee()
        tip = min(self._chain.priority_fee(), self._caps.priority_fee)
        if base + tip > self._caps.max_fee:
            raise AdapterError(
                "chain.fee-cap", f"the chain asks {base + tip} wei per gas, more than {self._caps.max_fee}"
            )
        return Fees(min(2 * base + tip, self._caps.max_fee), tip)

    def _require_affordable(self, fees: Fees) -> Fees:
        if fees.max_fee > self._caps.max_fee:
            raise AdapterError(
                "chain.fee-cap", f"replacing a waiting transaction asks more than {self._caps.max_fee} wei per gas"
            )
        return fees

    def _sign(self, nonce: int, message: Message, gas: int, fees: Fees) -> tuple[str, bytes]:
        fields: dict[str, Any] = {
            "type": 2,
            "chainId": self._chain_id,
            "nonce": nonce,
            "gas": gas,
            "maxFeePerGas": fees.max_fee,
            "maxPriorityFeePerGas": fees.priority_fee,
            "value": message.native_units,
            "data": message.call_data,
        }
        if message.to is not None:
            fields["to"] = message.to
        signed = self._account.sign_transaction(fields)
        return "0x" + bytes(signed.hash).hex(), bytes(signed.raw_transaction)

    def _is_taken(self, signed: tuple[str, bytes]) -> bool:
        """Whether the node keeps the transaction; False where it keeps another one and asks for higher fees."""
        try:
            stated = self._chain.send_raw(signed[1])
        except AdapterError as error:
            said = error.details.get("said", "").lower()
            if any(words in said for words in _KNOWN_ALREADY):
                return True
            if _UNDERPRICED in said:
                return False
            raise
        if stated != signed[0]:
            raise AdapterError(
                "chain.unexpected-answer", "the node states another hash than that of the transaction sent"
            )
        return True
