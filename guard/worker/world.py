"""What carrying needs of the world, as values: asking a signer, the chain, the transfer's folder, the time.

Every edge over which something can be lost goes through here, so that a test can die at each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

from guard.core.ids import Address, Digest, SignerId
from guard.core.policy import SignerIdentity
from guard.core.refusing import require
from guard.statements.certificates import Certificate

Ask = Callable[[str, str, Mapping[str, Any]], dict[str, Any]]
"""Asks one address for one verb: `guard.clients.signer_client.ask`, or a test's."""


class LandedState(Enum):
    """What became of a certificate on chain. Unknown is not failed: "it failed, sign again" pays twice."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Landed:
    """What one node says of a certificate's execution. `block_at` is its block's time in Unix seconds."""

    state: LandedState
    reason: str = ""
    transaction_hash: str | None = None
    block_number: int | None = None
    block_hash: str | None = None
    block_at: int | None = None
    is_final: bool = False

    def to_json(self) -> dict[str, Any]:
        """The form for machines."""
        return {
            "state": self.state.value,
            "reason": self.reason,
            "transaction_hash": self.transaction_hash,
            "block_number": self.block_number,
            "block_hash": self.block_hash,
            "block_at": self.block_at,
            "final": self.is_final,
        }


class ChainDesk(Protocol):
    """The chain as the executor's account sees it. Each call is safe to repeat."""

    def load_nonce(self, vault: Address) -> int:
        """The nonce that the Safe uses next."""
        ...

    def submit(self, certificate: Certificate) -> str:
        """Bring a certificate to the chain unless it is there already; the transaction's hash."""
        ...

    def wait_mined(self, transaction_hash: str) -> None:
        """Wait until the transaction is mined, or raise `AdapterError`."""
        ...

    def load_landed(self, certificate: Certificate) -> Landed:
        """What became of the certificate."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A signed transaction of the executor that was not sent yet. Fees are wei per gas, `raw` is its bytes as 0x-hexadecimal."""

    hash: Digest
    raw: str
    nonce: int
    max_fee: int
    priority_fee: int


class Pushed(Enum):
    """What a node makes of an offer: it keeps it, it keeps a better paid one of that nonce, or that nonce is used up."""

    TAKEN = "taken"
    UNDERPRICED = "underpriced"
    LATE = "late"


class SendingDesk(ChainDesk, Protocol):
    """The chain for a worker that writes down what it sends before it sends it, and never waits."""

    @property
    def executor(self) -> Address:
        """The account that pays the gas."""
        ...

    def count_mined(self) -> int:
        """The executor's next nonce, by what is mined."""
        ...

    def prepare(self, certificate: Certificate, nonce: int, *, above: tuple[int, int] | None = None) -> Offer:
        """Sign the transaction that executes a certificate; `above` names the fees of the one that it replaces."""
        ...

    def push(self, transaction_hash: Digest, raw: str) -> Pushed:
        """Hand a transaction to the node; again, if need be."""
        ...

    def load_fate(self, transaction_hash: Digest) -> bool | None:
        """Whether a transaction was mined without reverting; None while it is in no block. Of the certificate it says nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The edges. `keep` writes one file of the transfer's folder atomically; `pause` waits so many seconds."""

    ask: Ask
    chain: Callable[[int], ChainDesk]
    keep: Callable[[str, bytes], None]
    now: Callable[[], int]
    pause: Callable[[float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """A signer with the address of its command listener."""

    identity: SignerIdentity
    command: str

    def __post_init__(self) -> None:
        require(bool(self.command), f"signer {self.identity.id} has no command address")

    @property
    def id(self) -> SignerId:
        """The signer's id."""
        return self.identity.id
