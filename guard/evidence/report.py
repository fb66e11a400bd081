"""What a check of evidence came to, for people and for machines: every check, who did what and when, and what was not checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from guard.core.ids import Address, Digest, GroupId, PersonId, SignerId, TransferId
from guard.core.transfer import Transfer
from guard.effects.summary import render_summary
from guard.errors import GuardError
from guard.evidence.case import EvidenceCase
from guard.evidence.check import EvidenceCheck
from guard.evidence.record import Broadcast
from guard.statements.submission import Admitted
from guard.statements.values import Approval, Proposal, kind_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check came to. `code` is empty where it holds; `cause` is the code of the rule that says why it does not."""

    check: str
    said: str
    code: str = ""
    cause: str = ""

    @property
    def holds(self) -> bool:
        """Whether the check found nothing."""
        return self.code == ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """A person who said something about the transfer: what, by which key, and for which group it was counted.

    `at` is the time that the statement itself bears, None where it bears none. `group` is None for whoever fills no
    seat: the initiator, somebody who refused, and an approver beyond those that are asked.
    """

    person: PersonId
    name: str
    statement: str
    key: Address
    group: GroupId | None
    at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A signer that testifies: since when it saw the quorum, when it signed, and how long the policy asked it to wait."""

    signer: SignerId
    quorum_since: int
    signed_at: int
    delay: int


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Something that one file cannot prove, and why."""

    name: str
    why: str


UNCHECKED: tuple[Unchecked, ...] = (
    Unchecked("history-limits", "limits over a window count other releases too; only this amount alone was compared"),
    Unchecked(
        "once", "that the transfer was not signed at another nonce, and is no repetition, is in the signers' journals"
    ),
    Unchecked(
        "stops", "a freeze, or a stop that the file leaves out, is not seen; receipts of the signers prove stops"
    ),
    Unchecked("first-sight", "each statement is taken as first seen when the signer says that the quorum stood"),
    Unchecked("signer-times", "quorum and signing times, clocks and outages are each signer's own word"),
    Unchecked("enrolment", "when keys were enrolled is not in the file; every key is taken as enrolled long before"),
)
"""What is never known offline, by permanent names."""
BLOCK_FACTS = Unchecked(
    "block-facts",
    "transaction, block, time, gas payer and success are claims; ask a node for the safe transaction hash",
)
NO_BROADCAST = Unchecked("block-facts", "the file names no broadcast; ask a node for the safe transaction hash")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result that shows everything. It has no truth value: ask `is_valid`, or `verify_evidence`, which raises."""

    transfer_id: TransferId
    transfer: Transfer
    summary: str
    policy: Digest
    nonce: int
    safe_tx_hash: Digest
    outcomes: tuple[Outcome, ...]
    people: tuple[Participant, ...]
    witnesses: tuple[Witness, ...]
    broadcast: Broadcast | None
    unchecked: tuple[Unchecked, ...]

    def __bool__(self) -> NoReturn:
        raise TypeError("a report has no truth value: ask is_valid")

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The checks that do not hold, in order."""
        return tuple(outcome for outcome in self.outcomes if not outcome.holds)

    @property
    def is_valid(self) -> bool:
        """Whether there are checks and every one of them holds."""
        return bool(self.outcomes) and not self.failures

    def to_json(self) -> dict[str, Any]:
        """The stable form for machines."""
        return {
            "valid": self.is_valid,
            "transfer": self.transfer_id,
            "summary": self.summary,
            "policy": self.policy,
            "nonce": self.nonce,
            "safe_tx_hash": self.safe_tx_hash,
            "checks": [_from_outcome(outcome) for outcome in self.outcomes],
            "people": [_from_participant(participant) for participant in self.people],
            "signers": [_from_witness(witness) for witness in self.witnesses],
            "not_checked": [{"name": each.name, "why": each.why} for each in self.unchecked],
        }


def _from_outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        "check": outcome.check,
        "holds": outcome.holds,
        "said": outcome.said,
        "code": outcome.code or None,
        "cause": outcome.cause or None,
    }


def _from_participant(participant: Participant) -> dict[str, Any]:
    return {
        "person": participant.person,
        "name": participant.name,
        "statement": participant.statement,
        "key": participant.key,
        "group": participant.group,
        "at": participant.at,
    }


def _from_witness(witness: Witness) -> dict[str, Any]:
    return {
        "signer": witness.signer,
        "quorum_since": witness.quorum_since,
        "signed_at": witness.signed_at,
        "delay": witness.delay,
    }


def to_report(checks: Sequence[EvidenceCheck], case: EvidenceCase) -> Report:
    """Ask every check, also after one that does not hold."""
    return Report(
        transfer_id=case.transfer_id,
        transfer=case.record.transfer,
        summary=_summarise(case),
        policy=case.policies.active.digest,
        nonce=case.record.certificate.nonce,
        safe_tx_hash=case.rebuilt["safe-transaction"],
        outcomes=tuple(_ask(check, case) for check in checks),
        people=_compute_people(case),
        witnesses=tuple(
            Witness(
                signer=ruling.word.signer,
                quorum_since=ruling.word.quorum_since,
                signed_at=ruling.word.signed_at,
                delay=ruling.delay,
            )
            for ruling in case.rulings
        ),
        broadcast=case.record.broadcast,
        unchecked=(*UNCHECKED, NO_BROADCAST if case.record.broadcast is None else BLOCK_FACTS),
    )


def _ask(check: EvidenceCheck, case: EvidenceCase) -> Outcome:
    failure = check.find(case)
    if failure is None:
        return Outcome(check.name, check.holds)
    return Outcome(check.name, failure.said, check.code, failure.cause)


def _summarise(case: EvidenceCase) -> str:
    """The transfer in words; empty where the bundle does not know what it names, which the decision refuses."""
    try:
        return render_summary(case.record.transfer, case.policies.active.policy)
    except GuardError:
        return ""


def _compute_people(case: EvidenceCase) -> tuple[Participant, ...]:
    """Everybody whose word is in the file. Groups are those of the signer that signed last: it saw the most."""
    last = max(case.rulings, key=lambda ruling: ruling.word.signed_at)
    seated = dict(last.decision.seated)
    return tuple(_to_participant(case, admitted, seated.get(admitted.person)) for admitted in case.admitted)


def _to_participant(case: EvidenceCase, admitted: Admitted, group: GroupId | None) -> Participant:
    said, person = admitted.statement, case.policies.active.policy.roster.person(admitted.person)
    proposed_at = case.record.transfer.proposed_at if isinstance(said, Proposal) else None
    return Participant(
        person=admitted.person,
        name="" if person is None else person.name,
        statement=kind_of(said),
        key=admitted.key,
        group=group if isinstance(said, Approval) else None,
        at=said.signed_at if isinstance(said, Approval) else proposed_at,
    )
