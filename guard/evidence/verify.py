"""The offline verifier: anybody with the file and a digest compared elsewhere finds out whether the release was by the policy.

Every check is a named pure function in one tuple, so that a test can leave one out and show what it holds back; the
product asks them all. What a file cannot prove is named in the report and never assumed to be well.
"""

from __future__ import annotations

from dataclasses import dataclass

from guard.core.decide import WHOLE_DECISION, DecisionRules
from guard.core.ids import Digest
from guard.errors import GuardError
from guard.evidence import file_checks, people_checks, signer_checks
from guard.evidence.case import compute_evidence_case
from guard.evidence.check import EvidenceCheck
from guard.evidence.file import Evidence, parse_evidence
from guard.evidence.report import Report, to_report
from guard.formats.keccak import require_digest
from guard.statements.admission import STATEMENT_CHECKS, Check

__all__ = ["EVIDENCE_CHECKS", "WHOLE_EVIDENCE", "EvidenceRules", "compute_report", "judge_evidence", "verify_evidence"]

EVIDENCE_CHECKS: tuple[EvidenceCheck, ...] = (
    EvidenceCheck(
        name="predicate",
        holds="the content is the one that the file was composed with",
        find=file_checks.to_subject_check("predicate"),
    ),
    EvidenceCheck(
        name="pin",
        holds="the policy is the one whose digest was compared",
        find=file_checks.find_other_bundle,
    ),
    EvidenceCheck(
        name="named-bundle",
        holds="the transfer was proposed under that policy",
        find=file_checks.find_foreign_policy,
    ),
    EvidenceCheck(
        name="treasury",
        holds="file, policy and transfer belong to one treasury",
        find=file_checks.find_foreign_treasury,
    ),
    EvidenceCheck(
        name="transfer-id",
        holds="the transfer has the id that the file names",
        find=file_checks.to_subject_check("transfer"),
    ),
    EvidenceCheck(
        name="statements",
        holds="every statement is signed by a person of the roster and about this transfer",
        find=people_checks.find_refused_statement,
    ),
    EvidenceCheck(
        name="statement-once",
        holds="nobody says the same thing twice",
        find=people_checks.find_repeated_statement,
    ),
    EvidenceCheck(
        name="transfer",
        holds="the certificate carries this transfer",
        find=file_checks.find_other_transfer,
    ),
    EvidenceCheck(
        name="safe-transaction",
        holds="the safe transaction that follows from transfer and nonce has the hash that the file names",
        find=file_checks.to_subject_check("safe-transaction"),
    ),
    EvidenceCheck(
        name="owner-signatures",
        holds="every owner's signature is on exactly that safe transaction",
        find=signer_checks.find_bad_owner_signature,
    ),
    EvidenceCheck(
        name="owners",
        holds="everybody who signed is an owner of the vault at that nonce",
        find=signer_checks.find_foreign_owner,
    ),
    EvidenceCheck(
        name="owners-enough",
        holds="as many owners signed as the threshold asks",
        find=signer_checks.find_too_few_owners,
        backs="releases-enough",
    ),
    EvidenceCheck(
        name="call-data",
        holds="the call data that follow from transaction and signatures are those that the file names",
        find=file_checks.to_subject_check("call-data"),
    ),
    EvidenceCheck(
        name="effects",
        holds="the call data, decoded again, make this payment and do nothing more",
        find=file_checks.find_other_effects,
        backs="owner-signatures",
    ),
    EvidenceCheck(
        name="release-signers",
        holds="every signer that testifies signed as an owner",
        find=signer_checks.find_foreign_word,
    ),
    EvidenceCheck(
        name="release-signatures",
        holds="every release statement is signed by that signer's journal key",
        find=signer_checks.find_forged_word,
    ),
    EvidenceCheck(
        name="release-content",
        holds="every release statement is about this transfer, nonce, safe transaction and policy",
        find=signer_checks.find_word_about_another,
    ),
    EvidenceCheck(
        name="releases-enough",
        holds="as many signers testify as the threshold asks",
        find=signer_checks.find_too_few_words,
    ),
    EvidenceCheck(
        name="delay",
        holds="every signer that testifies waited as long as the policy asks",
        find=people_checks.find_short_delay,
        backs="decision",
    ),
    EvidenceCheck(
        name="decision",
        holds="by every testifying signer's own times the policy let the transfer go",
        find=people_checks.find_unreleasable,
    ),
    EvidenceCheck(
        name="broadcast",
        holds="a broadcast that the file names is on the transfer's chain",
        find=file_checks.find_other_chain,
    ),
)
"""All checks, in the order in which they answer: the file, the policy, the people, the owners, the signers' word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRules:
    """Everything that judges evidence. The product takes all of it; a test may leave one part out."""

    checks: tuple[EvidenceCheck, ...] = EVIDENCE_CHECKS
    statement_checks: tuple[Check, ...] = STATEMENT_CHECKS
    decision: DecisionRules = WHOLE_DECISION


WHOLE_EVIDENCE = EvidenceRules()


def verify_evidence(raw: bytes, pin: Digest) -> Report:
    """The report of evidence that holds in everything that a file can prove.

    `pin` is the digest of the treasury's first bundle, compared by voice or another way that does not pass through
    whoever handed over the file. Raises `evidence.malformed`, or `evidence.` and the name of the first check that does
    not hold; the details name the code behind it.
    """
    report = judge_evidence(raw, pin)
    for failure in report.failures:
        details = {"check": failure.check} | ({"cause": failure.cause} if failure.cause else {})
        raise GuardError(failure.code, failure.said, details=details)
    return report


def judge_evidence(raw: bytes, pin: Digest) -> Report:
    """The same without raising at a check: a report that shows all of them. Raises `evidence.malformed` where nothing can be read."""
    return compute_report(WHOLE_EVIDENCE, parse_evidence(raw), pin)


def compute_report(rules: EvidenceRules, evidence: Evidence, pin: Digest) -> Report:
    """The report by the given rules; `judge_evidence` is the one with all of them. Raises `hex.malformed` for a pin that is none."""
    case = compute_evidence_case(rules.statement_checks, rules.decision, evidence, require_digest(pin))
    return to_report(rules.checks, case)
