"""Whether a SafeTx had its effect: read from the Safe's own event and the exact token log, from nothing else.

A transaction's status says nothing of it, and neither does an event of any other contract. What is not found is
unknown, never failed: "it failed, sign again" is how a treasury pays twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from guard.chain.answers import BlockHead, Log, Receipt
from guard.chain.fragments import EXECUTION_FAILURE, EXECUTION_SUCCESS, TOKEN_TRANSFER
from guard.chain.reading import Chain
from guard.core.ids import is_address, is_count
from guard.errors import GuardError
from guard.formats.keccak import require_address, require_digest

PAGE_BLOCKS = 2000
_EXECUTIONS = (EXECUTION_SUCCESS, EXECUTION_FAILURE)


class OutcomeState(Enum):
    """What is known of a SafeTx. Only an event makes it more than unknown."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ExpectedEffect:
    """The token movement that a SafeTx must show beside the Safe's event; `token` None where there is none to show.

    A native transfer and a cancel leave no log of their own: the SafeTx hash fixes destination and amount, and the
    Safe emits its success only after the inner call has succeeded.
    """

    token: str | None = None
    destination: str | None = None
    amount_units: int = 0

    def __post_init__(self) -> None:
        if self.token is None:
            return
        if not is_address(self.token) or not is_address(self.destination) or not is_count(self.amount_units):
            raise GuardError("value.invalid", "an expected token transfer lacks token, destination or amount")
        require_address(self.token)
        require_address(str(self.destination))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a SafeTx, by one node's word.

    `reason` is empty for a success and otherwise one of: execution-failed, token-log-missing, token-log-wrong,
    token-log-extra (all failed), not-found, reorganised, ambiguous-log (all unknown). `is_final` means that the node
    calls its block final.
    """

    state: OutcomeState
    reason: str = ""
    transaction_hash: str | None = None
    block: BlockHead | None = None
    confirmations: int = 0
    is_final: bool = False


def read_outcome(
    chain: Chain,
    safe: str,
    safe_tx_hash: str,
    expected: ExpectedEffect,
    *,
    from_block: int = 0,
    page_blocks: int = PAGE_BLOCKS,
) -> Outcome:
    """Look for the Safe's event for that SafeTx hash from a block on, and judge what stands beside it.

    Raises `AdapterError` where the node does not answer, which is no outcome at all.
    """
    event = find_execution(chain, safe, safe_tx_hash, from_block=from_block, page_blocks=page_blocks)
    if event is None:
        return Outcome(OutcomeState.UNKNOWN, "not-found")
    receipt = chain.receipt(event.transaction_hash)
    if receipt is None or event not in receipt.logs or not receipt.is_success:
        return Outcome(OutcomeState.UNKNOWN, "reorganised")
    return _place(chain, receipt, judge_execution(receipt.logs, event, expected))


def find_execution(
    chain: Chain, safe: str, safe_tx_hash: str, *, from_block: int = 0, page_blocks: int = PAGE_BLOCKS
) -> Log | None:
    """The Safe's success or failure event for that SafeTx hash, if the node knows one from that block on."""
    wanted = bytes.fromhex(require_digest(safe_tx_hash)[2:])
    latest = chain.latest_block().number
    for first in range(from_block, latest + 1, page_blocks):
        last = min(first + page_blocks - 1, latest)
        for log in chain.logs(safe, _EXECUTIONS, first, last):
            if executed_by(log) == wanted:
                return log
    return None


def executed_by(log: Log) -> bytes | None:
    """The SafeTx hash that an execution event names: a topic since Safe 1.4, the payload's first word before that."""
    if not log.topics or log.topics[0] not in _EXECUTIONS:
        return None
    if len(log.topics) == 2 and len(log.payload) == 32:
        return log.topics[1]
    if len(log.topics) == 1 and len(log.payload) == 64:
        return log.payload[:32]
    return None


def judge_execution(logs: tuple[Log, ...], event: Log, expected: ExpectedEffect) -> tuple[OutcomeState, str]:
    """What a transaction's logs say of one execution in it.

    Token logs belong to the execution that ends with `event`: they stand after the Safe's execution before it, if
    there is one.
    """
    if event.topics[0] == EXECUTION_FAILURE:
        return OutcomeState.FAILED, "execution-failed"
    if expected.token is None:
        return OutcomeState.SUCCEEDED, ""
    moved = [log for log in logs if _is_token_log(log, expected.token, event.address)]
    begins = max((log.index for log in logs if _ends_another(log, event)), default=-1)
    own = [log for log in moved if begins < log.index < event.index]
    if len(own) == 1 and _is_exact(own[0], expected):
        return OutcomeState.SUCCEEDED, ""
    if any(_is_exact(log, expected) for log in moved if log not in own):
        # Two executions share the transaction and one of them moved exactly this: only a person can tell which.
        return OutcomeState.UNKNOWN, "ambiguous-log"
    if not own:
        return OutcomeState.FAILED, "token-log-missing"
    is_extra = any(_is_exact(log, expected) for log in own)
    return OutcomeState.FAILED, "token-log-extra" if is_extra else "token-log-wrong"


def _ends_another(log: Log, event: Log) -> bool:
    return log.address == event.address and log.index < event.index and executed_by(log) is not None


def _is_token_log(log: Log, token: str, safe: str) -> bool:
    """Whether the token says that the Safe paid out. Tokens of other kinds with the same event have four topics."""
    is_transfer = log.address == token and len(log.topics) == 3 and log.topics[0] == TOKEN_TRANSFER
    return is_transfer and log.topics[1] == _to_word(safe)


def _is_exact(log: Log, expected: ExpectedEffect) -> bool:
    is_destination = log.topics[2] == _to_word(str(expected.destination))
    return is_destination and log.payload == expected.amount_units.to_bytes(32, "big")


def _to_word(address: str) -> bytes:
    return bytes(12) + bytes.fromhex(address[2:])


def _place(chain: Chain, receipt: Receipt, verdict: tuple[OutcomeState, str]) -> Outcome:
    """The verdict with where it stands, or unknown where the chain has moved away from under it."""
    # The final block is read before the block itself: what is final by then stays, so a hash read afterwards is the
    # final one.
    final = chain.finalized_block()
    latest = chain.latest_block()
    block = chain.block(receipt.block_number)
    if block is None or block.hash != receipt.block_hash or latest.number < block.number:
        return Outcome(OutcomeState.UNKNOWN, "reorganised")
    return Outcome(
        state=verdict[0],
        reason=verdict[1],
        transaction_hash=receipt.transaction_hash,
        block=block,
        confirmations=latest.number - block.number + 1,
        is_final=final is not None and block.number <= final.number,
    )
