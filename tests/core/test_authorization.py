"""The proof that the release path takes, and the decision that it comes from."""

import json
from dataclasses import FrozenInstanceError, replace

import pytest

from guard.core.decide import Authorization, decide, require_releasable
from guard.core.facts import Facts
from guard.core.ids import PersonId
from guard.core.policy import Policies
from guard.errors import CATALOGUE, GuardError
from tests.factories import (
    HOUR,
    NOW,
    PROPOSED_AT,
    TRANSFER_ID,
    make_approval,
    make_facts,
    make_freeze,
    make_policies,
    make_rule,
    make_transfer,
    usdc,
)


def test_p1_a_releasable_decision_gives_the_proof() -> None:
    decision = decide(make_transfer(), make_policies(), make_facts())
    assert require_releasable(decision, make_transfer()) == Authorization(TRANSFER_ID, make_transfer(), decision)


@pytest.mark.parametrize(
    ("policies", "facts", "code"),
    [
        (make_policies(), make_facts(approvals=()), "decision.quorum-missing"),
        (make_policies(make_rule(delay=HOUR)), make_facts(), "decision.delay"),
        (make_policies(), make_facts(freezes=(make_freeze(),)), "decision.frozen"),
        (make_policies(), make_facts(vetoed_by=frozenset([PersonId("erin")])), "decision.vetoed"),
    ],
)
def test_p1_anything_else_gives_none(policies: Policies, facts: Facts, code: str) -> None:
    with pytest.raises(GuardError) as refused:
        require_releasable(decide(make_transfer(), policies, facts), make_transfer())
    assert refused.value.code == code


def test_p3_the_proof_is_for_the_transfer_that_was_decided_on_alone() -> None:
    decision = decide(make_transfer(), make_policies(), make_facts())
    with pytest.raises(ValueError, match="another transfer"):
        require_releasable(decision, make_transfer(amount_units=usdc(5001)))


def test_a_final_reason_is_told_before_one_that_only_holds() -> None:
    facts = make_facts(approvals=(), freezes=(make_freeze(),))
    decision = decide(make_transfer(), make_policies(make_rule(allow=False)), facts)
    assert decision.reasons[0].code == "decision.frozen"
    with pytest.raises(GuardError) as refused:
        require_releasable(decision, make_transfer())
    assert refused.value.code == "decision.not-allowed"


def test_a_decision_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match="no truth value"):
        bool(decide(make_transfer(), make_policies(), make_facts()))


def test_neither_decision_nor_proof_can_be_changed() -> None:
    decision = decide(make_transfer(), make_policies(), make_facts())
    proof = require_releasable(decision, make_transfer())
    with pytest.raises(FrozenInstanceError):
        decision.reasons = ()  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        proof.transfer = make_transfer(amount_units=usdc(5001))  # type: ignore[misc]


def test_the_form_for_machines_says_everything() -> None:
    policies = make_policies(make_rule(delay=HOUR))
    facts = make_facts(make_approval("bob"), make_approval("carol", expires_at=NOW))
    earliest_at = PROPOSED_AT + HOUR + 600
    assert decide(make_transfer(), policies, facts).to_json() == {
        "transfer": TRANSFER_ID,
        "status": "held",
        "decided_at": NOW,
        "reasons": [
            {
                "step": "D11",
                "code": "decision.delay",
                "message": "the delay of 3600 s is not over",
                "final": False,
                "rule": None,
                "until": earliest_at,
            }
        ],
        "rules": [
            {
                "rule": "payments",
                "policy": policies.active.digest,
                "allow": True,
                "deny": False,
                "approvals": {"finance": 1},
                "delay": HOUR,
            }
        ],
        "missing": [],
        "uncounted": [{"person": "carol", "code": "approval.expired"}],
        "seated": [{"person": "bob", "group": "finance"}],
        "quorum_since": PROPOSED_AT + 600,
        "earliest_at": earliest_at,
    }


def test_what_is_missing_is_in_the_form_for_machines_and_json_takes_it() -> None:
    said = decide(make_transfer(), make_policies(), make_facts(approvals=())).to_json()
    assert said["missing"] == [{"group": "finance", "count": 1, "candidates": ["bob", "carol", "dave"]}]
    assert json.loads(json.dumps(said)) == said


def test_every_code_that_a_decision_can_say_is_in_the_catalogue() -> None:
    decision = decide(
        replace(make_transfer(), amount_units=0), make_policies(), make_facts(make_approval("carol", expires_at=NOW))
    )
    said = {reason.code for reason in decision.reasons} | {uncounted.code for uncounted in decision.uncounted}
    assert said and said <= CATALOGUE.keys()
