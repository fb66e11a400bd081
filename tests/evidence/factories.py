"""A release from beginning to end with real keys: people who sign, owners who sign, journal keys that testify.

Everything is valid by default, so that a test states only what its attack changes. The transfer is 50,000 USDC: two of
finance and one of security, and an hour between quorum and signature.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guard.bundles.bundle import Bundle, compute_bundle_digest, compute_roster_digest
from guard.core.ids import NO_DIGEST, AssetId, Digest
from guard.core.policy import Policy
from guard.core.rules import Match, Rule
from guard.core.transfer import Transfer
from guard.effects.summary import SUMMARY_VERSION, render_summary
from guard.errors import GuardError
from guard.evidence.case import compute_evidence_case
from guard.evidence.check import EvidenceCheck
from guard.evidence.file import Evidence, compose_evidence, compute_subjects, parse_evidence, to_bytes
from guard.evidence.record import Broadcast, ReleaseRecord
from guard.evidence.report import Report
from guard.evidence.verify import WHOLE_EVIDENCE, EvidenceRules, compute_report
from guard.statements.admission import STATEMENT_CHECKS
from guard.statements.certificates import TransferCertificate
from guard.statements.digests import compute_transfer_id
from guard.statements.signed import SignedStatement
from guard.statements.signing import sign
from guard.statements.testimony import RELEASE, Testimony, journal_key_of, testify
from guard.statements.values import Approval, Proposal, Statement
from guard.transactions.safe_tx import build_safe_tx, compute_safe_tx_hash
from guard.transactions.signatures import sign_hash
from tests.factories import (
    CHAIN_ID,
    DAY,
    ENROLLED_AT,
    HOUR,
    MINUTE,
    PROPOSED_AT,
    SIGNERS,
    TREASURY,
    address_of,
    digest_of,
    make_key,
    make_person,
    make_policy,
    make_roster,
    make_rule,
    make_signer,
    make_tier,
    make_transfer,
    make_vault,
    private_key_of,
    usdc,
)

NONCE = 7
THRESHOLD = 3
DELAY = HOUR
APPROVERS = ("bob", "carol", "erin")
APPROVED_AT = PROPOSED_AT + 10 * MINUTE
QUORUM_SINCE = PROPOSED_AT + 20 * MINUTE
SIGNED_AT = QUORUM_SINCE + DELAY
OWNERS = SIGNERS[:THRESHOLD]
STRANGER = "mallory"
GUEST = "signer-guest"
"""A signer that the policy lists and that owns another vault only."""


@cache
def journal_key(name: str) -> Ed25519PrivateKey:
    """The journal key of a signer, the same each time."""
    return Ed25519PrivateKey.from_private_bytes(sha256(f"journal key of {name} for evidence".encode()).digest())


def payment_rule(**changes: Any) -> Rule:
    """Three tiers of USDC; the middle one asks two of finance, one of security and an hour."""
    tiers = (
        make_tier(usdc(10_000), finance=1),
        make_tier(usdc(100_000), finance=2, security=1, delay=DELAY),
        make_tier(usdc(500_000), finance=3, security=1, delay=DAY),
    )
    rule = make_rule(match=Match(assets=(AssetId("USDC"),)), approvals=(), tiers=tiers)
    return replace(rule, **changes)


@cache
def the_policy() -> Policy:
    """A 3-of-4 Safe and another one; alice and carol have two keys each."""
    names = (*SIGNERS, GUEST)
    carol = make_person("carol", keys=tuple(sorted((make_key("carol"), make_key("carol-2")), key=_by_address)))
    alice = make_person("alice", keys=tuple(sorted((make_key("alice"), make_key("alice-2")), key=_by_address)))
    return make_policy(
        signers=tuple(make_signer(name, journal_key=journal_key_of(journal_key(name))) for name in names),
        vaults=(make_vault(), make_vault("savings", threshold=1, signers=(GUEST,))),
        roster=make_roster(alice, carol),
        rules=(payment_rule(),),
        numbers=replace(make_policy().numbers, withstands=0),
    )


def _by_address(key: Any) -> str:
    return str(key.address).lower()


@cache
def the_bundle() -> Bundle:
    """The treasury's first bundle."""
    return Bundle(version=1, previous=NO_DIGEST, expires_at=ENROLLED_AT + 365 * DAY, policy=the_policy())


def pin_of(bundle: Bundle) -> Digest:
    """What people compare by voice."""
    return compute_bundle_digest(bundle)


PIN = pin_of(the_bundle())


def the_transfer(**changes: Any) -> Transfer:
    """50,000 USDC from the operations vault, proposed by alice under the first bundle."""
    return make_transfer(**{"policy": PIN, "amount_units": usdc(50_000), **changes})


def signed_by(name: str, statement: Statement, treasury: Digest = TREASURY) -> SignedStatement:
    """A statement signed by the named key."""
    return sign(private_key_of(name).secret, statement, treasury)


def proposal(transfer: Transfer, by: str = "alice") -> SignedStatement:
    """The proposal."""
    return signed_by(by, Proposal(transfer))


def approval(transfer: Transfer, by: str, **changes: Any) -> SignedStatement:
    """An approval ten minutes after the proposal."""
    plain = Approval(
        transfer=transfer,
        summary=render_summary(transfer, the_policy()),
        summary_version=SUMMARY_VERSION,
        policy=PIN,
        roster=compute_roster_digest(the_policy()),
        signed_at=APPROVED_AT,
        expires_at=APPROVED_AT + DAY,
    )
    return signed_by(by, replace(plain, **changes))


def approved(transfer: Transfer, *names: str) -> tuple[SignedStatement, ...]:
    """The proposal, and approvals by these people or by enough of them."""
    return (proposal(transfer), *(approval(transfer, name) for name in names or APPROVERS))


def certificate(transfer: Transfer, *names: str, nonce: int = NONCE) -> TransferCertificate:
    """The signatures of these owners, or of the first three, on the SafeTx."""
    digest = compute_safe_tx_hash(build_safe_tx(transfer, nonce)).digest
    signatures = {address_of(name): sign_hash(private_key_of(name).secret, digest) for name in names or OWNERS}
    return TransferCertificate(transfer=transfer, nonce=nonce, signatures=signatures)


def word(signer: str, transfer: Transfer, *, key: str | None = None, **changes: Any) -> Testimony:
    """A signer's release statement, by its own journal key unless another one is named."""
    nonce = changes.get("nonce", NONCE)
    fields = {
        "treasury": TREASURY,
        "signer": signer,
        "transfer": compute_transfer_id(transfer),
        "chain_id": str(transfer.chain_id),
        "vault": transfer.vault,
        "nonce": nonce,
        "safe_tx_hash": compute_safe_tx_hash(build_safe_tx(transfer, nonce)).digest,
        "policy": PIN,
        "quorum_since": QUORUM_SINCE,
        "signed_at": SIGNED_AT,
    }
    return testify(journal_key(key or signer), RELEASE, {**fields, **changes})


def words(transfer: Transfer, *names: str, **changes: Any) -> tuple[Testimony, ...]:
    """The release statements of these signers, or of the first three."""
    return tuple(word(name, transfer, **changes) for name in names or OWNERS)


def the_broadcast(**changes: Any) -> Broadcast:
    """A minute after the last signature."""
    plain = Broadcast(
        chain_id=CHAIN_ID,
        transaction_hash=digest_of("transaction"),
        block_number=1234,
        block_hash=digest_of("block"),
        block_at=SIGNED_AT + MINUTE,
        gas_payer=address_of("executor"),
    )
    return replace(plain, **changes)


def compose(transfer: Transfer | None = None, **changes: Any) -> bytes:
    """The file of a release in which everything is as it should be, but for what is changed."""
    transfer = transfer or the_transfer()
    parts: dict[str, Any] = {
        "active": the_bundle(),
        "named": the_bundle(),
        "statements": approved(transfer),
        "testimonies": words(transfer),
        "certificate": certificate(transfer),
        "broadcast": the_broadcast(),
    }
    return compose_evidence(**{**parts, **changes})


@cache
def good_evidence() -> bytes:
    """Evidence that verifies."""
    return compose()


def the_record(raw: bytes | None = None) -> ReleaseRecord:
    """What a file tells, to be changed in ways in which `compose_evidence` lets nobody."""
    return parse_evidence(raw or good_evidence()).record


def seal(record: ReleaseRecord, **subjects: Digest) -> bytes:
    """The file of a changed record, its subjects computed anew but for those that are given."""
    named = {name.replace("_", "-"): digest for name, digest in subjects.items()}
    return to_bytes(Evidence(record, compute_subjects(record) | named))


def judge(raw: bytes, *, without: Iterable[str] = (), pin: Digest = PIN) -> Report:
    """The report with the named checks left out: of evidence, or of statements as in `statement:signature`."""
    left_out = frozenset(without)
    known = {check.name for check in WHOLE_EVIDENCE.checks} | {f"statement:{check.name}" for check in STATEMENT_CHECKS}
    assert left_out <= known, left_out - known
    rules = EvidenceRules(
        checks=tuple(check for check in WHOLE_EVIDENCE.checks if check.name not in left_out),
        statement_checks=tuple(check for check in STATEMENT_CHECKS if f"statement:{check.name}" not in left_out),
    )
    return compute_report(rules, parse_evidence(raw), pin)


def refusing(raw: bytes, *, without: Iterable[str] = (), pin: Digest = PIN) -> set[str]:
    """The names of all checks that refuse the file."""
    return {failure.check for failure in judge(raw, without=without, pin=pin).failures}


def code_of(check: EvidenceCheck, raw: bytes, **changes: Any) -> str:
    """What one check alone says of a case in which something was changed after it was computed."""
    rules = WHOLE_EVIDENCE
    case = compute_evidence_case(rules.statement_checks, rules.decision, parse_evidence(raw), PIN)
    failure = check.find(replace(case, **changes))
    return "" if failure is None else check.code


def malformed_cause(raw: bytes) -> str:
    """Why a file cannot be read: the code behind `evidence.malformed`."""
    try:
        parse_evidence(raw)
    except GuardError as refused:
        assert refused.code == "evidence.malformed"
        return refused.details.get("cause", "")
    raise AssertionError("the file was read")
