"""What one round found out about a transfer, and the moves that follow from it. Pure: no database, no clock, no network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from guard.core.lifecycle import ENDED, State
from guard.statements.certificates import TransferCertificate
from guard.worker.carrying import SignerWord
from guard.worker.world import Landed, LandedState

STOPPED = frozenset({State.REJECTED, State.VETOED, State.EXPIRED, State.VOID})
"""States of a transfer that the worker does not broadcast; what of it is signed is cancelled."""
SENT = frozenset({State.BROADCAST, State.CONFIRMED, State.FINALISED, State.FAILED})
"""States in which a certificate of the transfer is, or was, on its way through the chain."""

EVENTS: Mapping[State, str] = {
    State.OPEN: "transfer.reopened",
    State.SIGNING: "transfer.signing",
    State.BROADCAST: "transfer.broadcast",
    State.CONFIRMED: "transfer.confirmed",
    State.FINALISED: "transfer.finalised",
    State.FAILED: "transfer.failed",
    State.REJECTED: "transfer.rejected",
    State.VETOED: "transfer.vetoed",
    State.EXPIRED: "transfer.expired",
    State.VOID: "transfer.void",
}
"""The event of each move that the worker makes."""

_ENDS: Mapping[str, State] = {
    "decision.vetoed": State.VETOED,
    "decision.withdrawn": State.REJECTED,
    "decision.rejected": State.REJECTED,
    "decision.expired": State.EXPIRED,
}
_NOT_YET = "decision.policy-unknown"
_FINAL_REFUSALS = frozenset(
    {
        "chain.certified",
        "chain.dead",
        "chain.dead-before-owner",
        "chain.cancelled-here",
        "chain.paid-before",
    }
)
"""A signer's refusals that no time, statement or certificate takes back for this transfer."""


_OTHER_EFFECTS = frozenset({"token-log-wrong", "token-log-extra"})


@dataclass(frozen=True, slots=True)
class End:
    """That a transfer ends without its effect, and why."""

    state: State
    reason: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """What kept a round from going on, for people."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a round found. `words` None: the signers were not asked. `next_at` None: nothing is expected any more.

    `is_signed`: some signer has signed the transfer where it may still become a certificate, None where nobody looked.
    `is_submitted`: a transaction that executes its certificate was handed to a node.
    """

    words: tuple[SignerWord, ...] | None = None
    is_signed: bool | None = None
    certificate: TransferCertificate | None = None
    is_submitted: bool = False
    landed: Landed | None = None
    end: End | None = None
    evidence: bytes | None = None
    trouble: Trouble | None = None
    next_at: int | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """One move of a transfer with its reason."""

    to: State
    reason: str = ""


def compute_moves(state: State, finding: Finding) -> tuple[Move, ...]:
    """The moves that follow, each of which the table of moves allows; none where nothing new was found out.

    What the chain shows goes before everything else, even of a transfer that was stopped: it can no longer be stopped then.
    """
    landed = finding.landed
    if landed is not None and landed.state is LandedState.SUCCEEDED:
        return _to_confirmed(state, landed)
    if landed is not None and landed.state is LandedState.FAILED:
        return _to_failed(state, landed)
    if state in (State.CONFIRMED, State.FAILED) and landed is not None:
        back = Move(State.BROADCAST, "the chain does not show its execution any more")
        return (back, *(() if finding.end is None else _to_end(back.to, finding.end)))
    if finding.end is not None:
        return _to_end(state, finding.end)
    if finding.is_submitted and state in (State.OPEN, State.SIGNING):
        return (*([Move(State.SIGNING)] if state is State.OPEN else []), Move(State.BROADCAST))
    if state is State.OPEN and (finding.is_signed or finding.certificate is not None):
        return (Move(State.SIGNING),)
    if state is State.SIGNING and finding.is_signed is False and finding.certificate is None:
        return (Move(State.OPEN, "no signature of it can become a certificate any more"),)
    return ()


def _to_confirmed(state: State, landed: Landed) -> tuple[Move, ...]:
    steps: tuple[Move, ...] = ()
    if state in (State.OPEN, State.SIGNING, State.FAILED):
        steps += (Move(State.BROADCAST),)
    if state not in (State.CONFIRMED, State.FINALISED):
        late = " although it was stopped" if state in STOPPED else ""
        steps += (Move(State.CONFIRMED, f"mined in block {landed.block_number}{late}"),)
    if landed.is_final and state is not State.FINALISED:
        steps += (Move(State.FINALISED, f"block {landed.block_number} is final"),)
    return steps


def _to_failed(state: State, landed: Landed) -> tuple[Move, ...]:
    if state in (State.FAILED, State.FINALISED):
        return ()
    first = (Move(State.BROADCAST),) if state in (State.OPEN, State.SIGNING, State.CONFIRMED) else ()
    # What a token booked otherwise may well have left the vault.
    how = "with another effect than its own" if landed.reason in _OTHER_EFFECTS else "without its effect"
    return (*first, Move(State.FAILED, f"executed in block {landed.block_number} {how}: {landed.reason}"))


def _to_end(state: State, end: End) -> tuple[Move, ...]:
    if state in (State.OPEN, State.SIGNING):
        return (Move(end.state, end.reason),)
    return (Move(State.VOID, end.reason),) if state is State.BROADCAST else ()


def compute_state(state: State, moves: Sequence[Move]) -> State:
    """Where the moves lead."""
    return moves[-1].to if moves else state


def compute_end(words: Sequence[SignerWord], *, threshold: int, owners: int) -> End | None:
    """The end that so many signers speak of that the others cannot make a certificate; the reason most of them give."""
    told = [end for word in words if (end := find_end(word)) is not None]
    if len(told) <= owners - threshold:
        return None
    return max(told, key=lambda each: sum(other.state is each.state for other in told))


def is_contradicted(statuses: Iterable[str], *, withstands: int) -> bool:
    """Whether more signers than may be stolen would still sign what is over by our own clock: then it is that clock which is wrong."""
    return sum(each in ("releasable", "held", "signed") for each in statuses) > withstands


def find_end(word: SignerWord) -> End | None:
    """That a signer refuses the transfer for good, by a code that nothing takes back.

    A request that was refused for another reason (too many at once, a listener that knows no such verb) ends nothing, and neither does the
    word of a signer that does not know the transfer's policy yet: it may learn it.
    """
    if any(reason.code == _NOT_YET for reason in word.reasons):
        return None
    for reason in word.reasons:
        if is_final(word.status, reason.code, held=reason.held):
            return End(_ENDS.get(reason.code, State.VOID), f"{reason.message} [{reason.code}]")
    return None


def is_final(status: str, code: str, *, held: bool) -> bool:
    """Whether a reason of a signer's word is one that nothing takes back for that transfer."""
    return not held and (status == "denied" or (status == "refused" and code in _FINAL_REFUSALS))


def is_over(state: State, finding: Finding) -> bool:
    """Whether nothing of the transfer is to be expected any more, once these moves are made."""
    return compute_state(state, compute_moves(state, finding)) in ENDED
