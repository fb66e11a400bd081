"""Everything that the checks of evidence look at, computed once: whose word each statement is, and what the policy says.

The policy is asked once for each signer that testifies, at the time at which that signer says it signed and with every
statement first seen when it says that the quorum stood. So each of them must have been right by its own journal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from guard.bundles.bundle import to_edition
from guard.core.decide import DecisionRules, compute_decision
from guard.core.decision import Decision
from guard.core.facts import Facts, SeenApproval, SeenProposal
from guard.core.ids import Address, Digest, PersonId, TransferId
from guard.core.policy import OwnerEntry, Policies, SignerIdentity
from guard.errors import Refusal
from guard.evidence.file import Evidence, compute_subjects
from guard.evidence.record import ReleaseRecord, ReleaseWord
from guard.statements.admission import Check, admit
from guard.statements.digests import compute_transfer_id
from guard.statements.submission import Admitted, StatementContext
from guard.statements.values import Approval, Proposal, Rejection, Veto

ENROLLED_AT = 0
"""The file does not tell when a bundle became active; whoever needs it asks a signer. The report says so."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the policy says of the transfer by the times to which one signer testifies."""

    word: ReleaseWord
    decision: Decision

    @property
    def delay(self) -> int:
        """Seconds that the policy asks between quorum and signature."""
        return max((outcome.delay for outcome in self.decision.outcomes), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceCase:
    """Evidence with what follows from it. `pin` is the digest that the reader compared; `rebuilt` are the true subjects.

    `owners` maps the owner address of each signer that owns the vault at the nonce to that signer; it is empty, and
    `entry` None, where the policy names no owners there.
    """

    evidence: Evidence
    pin: Digest
    transfer_id: TransferId
    policies: Policies
    rebuilt: dict[str, Digest]
    call_data: bytes
    admissions: tuple[Admitted | Refusal, ...]
    rulings: tuple[Ruling, ...]
    entry: OwnerEntry | None
    owners: dict[Address, SignerIdentity]

    @property
    def record(self) -> ReleaseRecord:
        """What the file tells."""
        return self.evidence.record

    @property
    def admitted(self) -> tuple[Admitted, ...]:
        """The statements that are somebody's word."""
        return tuple(admission for admission in self.admissions if isinstance(admission, Admitted))


def compute_evidence_case(
    statement_checks: Sequence[Check], decision: DecisionRules, evidence: Evidence, pin: Digest
) -> EvidenceCase:
    """Evaluate every statement and the policy. Statements that are refused count for nothing."""
    record, transfer_id = evidence.record, compute_transfer_id(evidence.record.transfer)
    editions = [to_edition(bundle, ENROLLED_AT) for bundle in (record.named, record.active) if bundle is not None]
    active, by_digest = editions[-1], {edition.digest: edition for edition in editions}
    policies = Policies(named=by_digest.get(record.transfer.policy), active=active)
    # No clock judges here: what had expired, or was dated ahead, is judged by the decision at each signer's own time.
    context = StatementContext(active=active, editions=by_digest, now=None, transfer_id=transfer_id)
    admissions = tuple(admit(statement_checks, signed, context) for signed in record.statements)
    entry = _find_entry(record, policies)
    return EvidenceCase(
        evidence=evidence,
        pin=pin,
        transfer_id=transfer_id,
        policies=policies,
        rebuilt=compute_subjects(record),
        call_data=record.call_data,
        admissions=admissions,
        rulings=tuple(
            Ruling(word, compute_decision(decision, record.transfer, policies, to_facts(transfer_id, admissions, word)))
            for word in record.words
        ),
        entry=entry,
        owners={
            signer.owner: signer for signer in active.policy.signers if entry is not None and signer.id in entry.signers
        },
    )


def _find_entry(record: ReleaseRecord, policies: Policies) -> OwnerEntry | None:
    vault = policies.active.policy.vault_at(record.transfer.chain_id, record.transfer.vault)
    return None if vault is None else vault.owners_at(record.certificate.nonce)


def to_facts(transfer_id: TransferId, admissions: Sequence[Admitted | Refusal], word: ReleaseWord) -> Facts:
    """The facts as the signer testifies them. History, freezes and outages are not in the file."""
    admitted = [admission for admission in admissions if isinstance(admission, Admitted)]
    proposals = [each for each in admitted if isinstance(each.statement, Proposal)]
    return Facts(
        now=word.signed_at,
        transfer_id=transfer_id,
        proposal=_to_proposal(proposals[0], word) if proposals else None,
        approvals=tuple(
            _to_approval(each, each.statement, word) for each in admitted if isinstance(each.statement, Approval)
        ),
        rejected_by=_people(admitted, Rejection),
        vetoed_by=_people(admitted, Veto),
    )


def _people(admitted: Sequence[Admitted], kind: type[Rejection | Veto]) -> frozenset[PersonId]:
    return frozenset(each.person for each in admitted if isinstance(each.statement, kind))


def _to_proposal(admitted: Admitted, word: ReleaseWord) -> SeenProposal:
    return SeenProposal(person=admitted.person, key=admitted.key, first_seen_at=word.quorum_since)


def _to_approval(admitted: Admitted, approval: Approval, word: ReleaseWord) -> SeenApproval:
    return SeenApproval(
        person=admitted.person,
        key=admitted.key,
        roster=approval.roster,
        signed_at=approval.signed_at,
        expires_at=approval.expires_at,
        first_seen_at=word.quorum_since,
    )
