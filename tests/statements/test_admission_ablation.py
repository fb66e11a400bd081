"""What each admission check holds back: attacks that the whole tuple refuses, and that pass once the named checks are out."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from guard.core.ids import PersonId
from guard.effects.summary import render_summary
from guard.statements.admission import STATEMENT_CHECKS, Admitted, StatementContext, admit
from guard.statements.digests import compute_transfer_id
from guard.statements.signed import Signature, SignedStatement
from guard.statements.signing import sign
from guard.statements.values import Proposal, Revocation, Statement, Veto, Watch
from guard.transactions.signatures import compute_owner
from tests.effects.factories import PROPOSED_AT, SIDECHAIN, STRANGER, TREASURY, a_policy, a_transfer
from tests.statements.factories import (
    ALICE,
    BOB,
    CAROL,
    MALLORY,
    NOW,
    OTHER_DIGEST,
    PAT,
    ROBOT,
    a_context,
    a_freeze,
    an_approval,
    an_edition,
    an_unfreeze,
    answer,
    the_roster,
)

HERE = a_context()


@dataclass(frozen=True)
class Attack:
    """Something that must not count, the code with which it is refused, and every check that stops it."""

    name: str
    signed: SignedStatement
    code: str
    stopped_by: tuple[str, ...]
    context: StatementContext = HERE


def forged(key: bytes) -> SignedStatement:
    """An approval in the name of this key's owner, signed by somebody else's key."""
    made = sign(MALLORY, an_approval(), TREASURY)
    return replace(made, signature=Signature("eip712", compute_owner(key), made.signature.value))


def signed(key: bytes, make: Callable[[], Statement]) -> SignedStatement:
    """What the key signs in our treasury."""
    return sign(key, make(), TREASURY)


OLDER = an_edition(digest=OTHER_DIGEST, version=1)
ELSEWHERE = a_transfer(chain_id=SIDECHAIN)
REMOVED = a_context(an_edition(a_policy(the_roster()), enrolled_at={}))
ATTACKS = (
    Attack(
        "an approval of the sister treasury, where the same people sign",
        sign(BOB, an_approval(), OTHER_DIGEST),
        "statement.treasury",
        ("treasury",),
    ),
    Attack(
        "a proposal of a transfer of the sister treasury, signed for ours",
        signed(ALICE, lambda: Proposal(a_transfer(treasury=OTHER_DIGEST))),
        "statement.treasury",
        ("treasury",),
    ),
    Attack(
        "a revocation that somebody believes to work",
        signed(CAROL, lambda: Revocation(id=OTHER_DIGEST, person=PersonId("bob"), enrolment=1, reason="")),
        "statement.unsupported",
        ("supported",),
    ),
    Attack(
        "a heartbeat that somebody believes to work",
        signed(CAROL, lambda: Watch(signer=STRANGER, at=NOW)),
        "statement.unsupported",
        ("supported",),
    ),
    Attack("an approval forged in bob's name", forged(BOB), "signature.key", ("signature",)),
    Attack(
        "an approval of another amount under bob's old signature",
        replace(sign(BOB, an_approval(), TREASURY), statement=an_approval(a_transfer(amount_units=1))),
        "signature.key",
        ("signature",),
    ),
    Attack(
        "a proposal in alice's name by a key that nobody enrolled",
        signed(MALLORY, lambda: Proposal(a_transfer())),
        "statement.key-unknown",
        ("key-known",),
    ),
    Attack(
        "an approval by a key that nobody enrolled",
        signed(MALLORY, an_approval),
        "statement.key-unknown",
        ("key-known", "enrolment"),
    ),
    Attack(
        "a freeze by a key that nobody enrolled",
        signed(MALLORY, a_freeze),
        "statement.key-unknown",
        ("key-known", "guardian"),
    ),
    Attack("an approval by a key without a display", signed(PAT, an_approval), "statement.display", ("display",)),
    Attack(
        "a veto by somebody who is no guardian",
        signed(BOB, lambda: Veto(a_transfer(), "")),
        "statement.guardian",
        ("guardian",),
    ),
    Attack("an approval by a machine", signed(ROBOT, an_approval), "statement.machine", ("machine",)),
    Attack("an unfreeze by a machine", signed(ROBOT, an_unfreeze), "statement.machine", ("machine",)),
    Attack(
        "a proposal that makes alice the initiator without her",
        signed(BOB, lambda: Proposal(a_transfer())),
        "proposal.initiator",
        ("initiator",),
    ),
    Attack("the initiator's own approval", signed(ALICE, an_approval), "approval.initiator", ("not-initiator",)),
    Attack(
        "an approval of the transfer before it was edited",
        signed(BOB, an_approval),
        "statement.transfer",
        ("transfer-asked",),
        a_context(transfer_id=compute_transfer_id(a_transfer(purpose="edited"))),
    ),
    Attack(
        "a proposal under a policy that nobody signed",
        signed(ALICE, lambda: Proposal(a_transfer(policy=OTHER_DIGEST))),
        "statement.policy-unknown",
        ("transfer-policy",),
    ),
    Attack(
        "a proposal for the vault's address on another chain",
        signed(ALICE, lambda: Proposal(ELSEWHERE)),
        "statement.chain",
        ("transfer-vault",),
    ),
    Attack(
        "an approval for the vault's address on another chain",
        signed(BOB, lambda: an_approval(ELSEWHERE, summary="whatever")),
        "statement.chain",
        ("transfer-vault", "summary"),
    ),
    Attack(
        "an approval given under another roster",
        signed(BOB, lambda: an_approval(roster=OTHER_DIGEST)),
        "statement.roster",
        ("roster",),
    ),
    Attack(
        "an approval read under a policy that nobody signed",
        signed(BOB, lambda: an_approval(policy=OTHER_DIGEST)),
        "approval.policy-unknown",
        ("approval-policy",),
    ),
    Attack(
        "an approval read under an older policy",
        signed(BOB, lambda: an_approval(policy=OTHER_DIGEST)),
        "approval.policy-older",
        ("approval-policy-age",),
        a_context(an_edition(), OLDER),
    ),
    Attack(
        "an approval whose page showed a smaller amount",
        signed(BOB, lambda: an_approval(summary=render_summary(a_transfer(amount_units=1), a_policy()))),
        "approval.summary",
        ("summary",),
    ),
    Attack(
        "an approval signed in advance of the proposal",
        signed(BOB, lambda: an_approval(signed_at=PROPOSED_AT - 1)),
        "approval.pre-dated",
        ("pre-dated",),
    ),
    Attack(
        "an approval dated before its key was enrolled",
        signed(BOB, lambda: an_approval(signed_at=NOW - 10)),
        "statement.before-enrolment",
        ("enrolment",),
        a_context(an_edition(enrolled_at={compute_owner(BOB): NOW - 9})),
    ),
    Attack(
        "an approval by a key without a date of enrolment",
        signed(BOB, an_approval),
        "statement.before-enrolment",
        ("enrolment",),
        REMOVED,
    ),
    Attack(
        "an approval that ends before it begins",
        signed(BOB, lambda: an_approval(signed_at=NOW + 100, expires_at=NOW + 50)),
        "statement.lifetime",
        ("lifetime",),
    ),
    Attack(
        "an approval that has expired",
        signed(BOB, lambda: an_approval(signed_at=NOW - 60, expires_at=NOW)),
        "statement.expired",
        ("expired",),
    ),
    Attack(
        "an approval dated far ahead, so that it never grows old",
        signed(BOB, lambda: an_approval(signed_at=NOW + 10**6, expires_at=NOW + 10**7)),
        "statement.ahead",
        ("ahead",),
    ),
)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_is_refused_and_passes_once_all_that_stops_it_is_out(attack: Attack) -> None:
    assert answer(attack.signed, attack.context) == attack.code
    assert answer(attack.signed, attack.context, without=attack.stopped_by) == "admitted"


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_each_check_that_is_said_to_stop_an_attack_stops_it_alone(attack: Attack) -> None:
    for alone in attack.stopped_by:
        others = tuple(name for name in attack.stopped_by if name != alone)
        assert answer(attack.signed, attack.context, without=others) != "admitted"


def test_each_check_is_the_only_one_for_at_least_one_attack() -> None:
    alone = {attack.stopped_by[0] for attack in ATTACKS if len(attack.stopped_by) == 1}
    assert alone == {check.name for check in STATEMENT_CHECKS}


def test_without_the_check_of_signatures_the_forger_counts_as_bob() -> None:
    checks = [check for check in STATEMENT_CHECKS if check.name != "signature"]
    found = admit(checks, forged(BOB), a_context())
    assert isinstance(found, Admitted)
    assert found.person == "bob"


def test_without_the_check_of_keys_a_stranger_counts_for_nobody_of_the_roster() -> None:
    checks = [check for check in STATEMENT_CHECKS if check.name not in ("key-known", "enrolment")]
    found = admit(checks, sign(MALLORY, an_approval(), TREASURY), a_context())
    assert isinstance(found, Admitted)
    assert the_roster().person(found.person) is None
