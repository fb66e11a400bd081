"""The few functions and events of other people's contracts that this room speaks, and how they are encoded.

Selectors and topics are computed from the signatures here, never copied. Sources: ERC-20, safe-smart-account v1.3.0,
v1.4.1 and v1.5.0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_abi import decode, encode
from eth_abi.exceptions import DecodingError

from guard.errors import AdapterError
from guard.formats.keccak import keccak256


@dataclass(frozen=True, slots=True)
class Function:
    """A contract's function: its name, the types that it takes and the types that it gives back."""

    name: str
    takes: tuple[str, ...] = ()
    gives: tuple[str, ...] = ()

    @property
    def selector(self) -> bytes:
        """The four bytes with which a call begins."""
        return keccak256(f"{self.name}({','.join(self.takes)})".encode("ascii"))[:4]

    def to_call(self, *arguments: object) -> bytes:
        """The call data with these arguments."""
        return self.selector + encode(self.takes, arguments)

    def from_output(self, output: bytes) -> tuple[Any, ...]:
        """What a call gave back. Addresses come in lower case. Raises `chain.unexpected-answer`."""
        try:
            return decode(self.gives, output)
        except (DecodingError, UnicodeDecodeError, OverflowError) as error:
            raise AdapterError(
                "chain.unexpected-answer", f"the contract's answer to {self.name} cannot be decoded"
            ) from error


def compute_topic(signature: str) -> bytes:
    """The first topic of an event, which is the same whether or not its arguments are indexed."""
    return keccak256(signature.encode("ascii"))


SAFE_NONCE = Function("nonce", gives=("uint256",))
SAFE_OWNERS = Function("getOwners", gives=("address[]",))
SAFE_THRESHOLD = Function("getThreshold", gives=("uint256",))
SAFE_VERSION = Function("VERSION", gives=("string",))
SAFE_MODULES = Function("getModulesPaginated", ("address", "uint256"), ("address[]", "address"))
SAFE_SETUP = Function("setup", ("address[]", "uint256", "address", "bytes", "address", "address", "uint256", "address"))
_SAFE_TX = ("address", "uint256", "bytes", "uint8", "uint256", "uint256", "uint256", "address", "address")
SAFE_TRANSACTION_HASH = Function("getTransactionHash", (*_SAFE_TX, "uint256"), ("bytes32",))
SAFE_EXECUTE = Function("execTransaction", (*_SAFE_TX, "bytes"), ("bool",))

FACTORY_CREATE = Function("createProxyWithNonce", ("address", "bytes", "uint256"), ("address",))
FACTORY_CREATION_CODE = Function("proxyCreationCode", gives=("bytes",))

TOKEN_BALANCE = Function("balanceOf", ("address",), ("uint256",))

EXECUTION_SUCCESS = compute_topic("ExecutionSuccess(bytes32,uint256)")
EXECUTION_FAILURE = compute_topic("ExecutionFailure(bytes32,uint256)")
PROXY_CREATION = compute_topic("ProxyCreation(address,address)")
TOKEN_TRANSFER = compute_topic("Transfer(address,address,uint256)")
