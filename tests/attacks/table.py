"""The attacks that checks stop: how each goes, what the whole verifier answers, every check that holds it alone, and the property."""

from __future__ import annotations

from tests.attacks import chain_attacks as chain
from tests.attacks import content_attacks as content
from tests.attacks import people_attacks as people
from tests.attacks import stop_attacks as stops
from tests.attacks import time_attacks as times
from tests.attacks.attack import Attack

SIGNATURE = ("statement/signature",)
QUORUM = ("D10",)
STOPPED = ("D6",)
CLOCK = ("release/the-clock-is-good",)

ATTACKS: tuple[Attack, ...] = (
    # Who signed.
    Attack(people.an_approval_forged_by_a_stranger, "signature.key", SIGNATURE),
    Attack(people.an_approver_signs_under_a_colleagues_name_too, "signature.key", SIGNATURE, "P11"),
    Attack(people.an_approval_in_its_high_s_spelling, "signature.high-s", SIGNATURE),
    Attack(people.a_contract_signature_with_v_0, "signature.key", SIGNATURE),
    Attack(people.an_approved_hash_with_v_1, "signature.key", SIGNATURE),
    Attack(people.a_blindly_signed_hash_with_v_31, "signature.v", SIGNATURE),
    Attack(people.an_approval_by_an_unchecked_passkey, "signature.webauthn", SIGNATURE),
    Attack(
        people.the_initiator_approves_their_own_transfer,
        "approval.initiator",
        ("statement/not-initiator", "objection/approval.initiator"),
        "P11",
    ),
    Attack(
        people.the_initiator_approves_with_a_second_key,
        "approval.initiator",
        ("statement/not-initiator", "objection/approval.initiator"),
        "P11",
    ),
    Attack(people.one_person_approves_with_two_keys, "decision.quorum-missing", QUORUM, "P11"),
    Attack(people.one_person_in_two_groups_fills_a_seat_of_each, "decision.quorum-missing", QUORUM, "P11"),
    Attack(people.one_approval_in_two_spellings_fills_two_seats, "decision.quorum-missing", QUORUM, "P11"),
    Attack(people.too_few_people_approved_it, "decision.quorum-missing", QUORUM),
    Attack(people.so_many_rejected_it_that_the_rest_is_too_few, "decision.rejected", QUORUM),
    Attack(content.a_rule_that_asks_for_nobody, "decision.no-approvals-asked", QUORUM),
    Attack(
        people.whoever_rejected_it_approves_it_afterwards, "decision.quorum-missing", ("objection/approval.rejected",)
    ),
    Attack(people.nobody_proposed_it, "decision.proposal-missing", ("D5",)),
    Attack(people.somebody_else_than_the_initiator_proposed_it, "decision.proposal-missing", ("D5",)),
    Attack(people.a_stranger_proposed_it, "decision.proposal-missing", ("D5",)),
    Attack(people.its_initiator_is_not_in_the_roster, "decision.initiator-unknown", ("D5",)),
    # What was signed.
    Attack(content.the_amount_is_edited_after_the_approval, "signature.key", SIGNATURE, "P3"),
    Attack(content.the_destination_is_edited_after_the_approval, "signature.key", SIGNATURE, "P3"),
    Attack(content.the_vault_is_edited_after_the_approval, "signature.key", SIGNATURE, "P3"),
    Attack(content.an_approval_is_kept_alive_by_editing_its_end, "signature.key", SIGNATURE, "P12"),
    Attack(content.an_approval_given_in_another_treasury, "statement.treasury", ("statement/treasury",), "P12"),
    Attack(content.a_transfer_of_another_treasury, "statement.treasury", ("statement/treasury", "D1"), "P12"),
    Attack(content.a_transfer_under_an_unknown_policy, "decision.policy-unknown", ("D3", "statement/transfer-policy")),
    Attack(content.an_approval_read_under_an_unknown_policy, "approval.policy-unknown", ("statement/approval-policy",)),
    Attack(
        content.an_approval_read_under_an_older_policys_labels,
        "approval.policy-older",
        ("statement/approval-policy-age",),
        "P3",
    ),
    Attack(content.an_approval_of_another_summary, "approval.summary", ("statement/summary",), "P3"),
    Attack(
        content.an_approval_of_a_summary_of_unknown_version, "approval.summary-version", ("statement/summary",), "P3"
    ),
    Attack(
        content.an_approval_given_as_one_of_another_roster,
        "statement.roster",
        ("statement/roster", "objection/approval.roster"),
        "P12",
    ),
    Attack(content.a_transfer_proposed_under_a_former_roster, "decision.roster-changed", ("D3",), "P12"),
    Attack(
        content.an_approval_by_a_key_that_was_away_in_between,
        "decision.quorum-missing",
        ("objection/approval.before-enrolment",),
        "P12",
    ),
    Attack(content.an_asset_that_was_taken_off_the_policy, "decision.asset-unknown", ("D1",), "P7"),
    Attack(content.an_asset_that_the_policy_does_not_name, "decision.asset-unknown", ("D1", "statement/summary"), "P7"),
    Attack(content.a_transfer_that_supersedes_another, "decision.supersedes", ("D4",), "P2"),
    Attack(content.a_destination_that_no_rule_allows, "decision.not-allowed", ("D8",), "P7"),
    Attack(content.a_destination_that_a_rule_denies, "decision.rule-denies", ("D7",), "P7"),
    Attack(content.an_amount_above_the_last_tier, "decision.above-tiers", ("D8",), "P7"),
    Attack(content.an_amount_above_a_cap, "decision.limit", ("D9",), "P5"),
    Attack(content.a_cap_that_a_later_policy_does_without, "decision.limit", ("D9",), "P5"),
    Attack(content.the_looser_of_two_policies_is_named, "decision.quorum-missing", QUORUM),
    # When.
    Attack(
        times.an_approval_brought_after_its_end,
        "statement.expired",
        ("statement/expired", "objection/approval.expired"),
        "P12",
    ),
    Attack(
        times.an_approval_that_ended_while_it_waited, "decision.quorum-missing", ("objection/approval.expired",), "P12"
    ),
    Attack(
        times.an_approval_that_ends_before_it_begins,
        "statement.lifetime",
        ("statement/lifetime", "objection/approval.expired"),
        "P12",
    ),
    Attack(
        times.an_approval_dated_before_the_proposal,
        "approval.pre-dated",
        ("statement/pre-dated", "objection/approval.pre-dated"),
        "P12",
    ),
    Attack(
        times.an_approval_dated_before_its_key_was_enrolled,
        "statement.before-enrolment",
        ("statement/enrolment", "objection/approval.before-enrolment"),
        "P12",
    ),
    Attack(
        times.an_approval_dated_ahead,
        "statement.ahead",
        ("statement/ahead", "objection/approval.dated-ahead"),
        "P12",
    ),
    Attack(
        times.an_approval_dated_ahead_and_brought_while_the_clock_was_wrong,
        "decision.quorum-missing",
        ("objection/approval.dated-ahead",),
        "P12",
    ),
    Attack(times.a_transfer_that_ended, "decision.expired", ("D4",), "P12"),
    Attack(times.a_transfer_that_ends_before_it_begins, "decision.lifetime", ("D4",), "P12"),
    Attack(times.a_transfer_older_than_the_policy_bears, "decision.too-old", ("D4",), "P12"),
    Attack(
        times.a_transfer_dated_ahead,
        "decision.proposed-ahead",
        ("D4", "statement/ahead", "objection/approval.dated-ahead"),
        "P12",
    ),
    Attack(times.a_transfer_under_an_expired_policy, "decision.policy-expired", ("D3",), "P12"),
    Attack(times.a_delay_that_is_not_over, "decision.delay", ("D11",), "P4"),
    Attack(times.approvals_aged_before_anybody_saw_the_proposal, "decision.delay", ("D11",), "P4"),
    Attack(times.a_delay_that_passed_while_the_signer_was_off, "decision.delay", ("D11",), "P4"),
    Attack(times.a_delay_that_passed_while_the_process_was_suspended, "decision.delay", ("D11",), "P4"),
    Attack(times.a_delay_that_a_later_policy_does_without, "decision.delay", ("D11",), "P4"),
    Attack(times.a_clock_that_is_pushed_forward, "clock.stepped", CLOCK, "P4"),
    Attack(times.a_clock_that_is_set_back_over_a_restart, "clock.behind-mark", CLOCK, "P4"),
    Attack(times.a_clock_that_is_far_from_the_chains, "clock.block-time", CLOCK, "P4"),
    Attack(times.statements_brought_while_the_clock_is_wrong, "clock.block-time", (*CLOCK, "D5", "D10"), "P4"),
    Attack(times.a_signer_that_has_just_started, "signer.unsettled", ("release/the-signer-has-settled",), "P6"),
    Attack(times.a_silent_endpoint, "signer.endpoint-silent", (*CLOCK, "release/every-endpoint-answers"), "P4"),
    Attack(
        times.a_silent_endpoint_hidden_behind_one_of_the_same_name,
        "signer.endpoint-silent",
        (*CLOCK, "release/every-endpoint-answers"),
        "P4",
    ),
    Attack(
        times.one_of_two_endpoints_reports_a_higher_nonce,
        "chain.nonce-unexplained",
        ("release/no-nonce-is-unexplained",),
        "P2",
    ),
    # Stops.
    Attack(stops.a_vetoed_transfer, "decision.vetoed", STOPPED, "P6"),
    Attack(stops.a_transfer_vetoed_after_its_quorum, "decision.vetoed", STOPPED, "P6"),
    Attack(stops.a_transfer_vetoed_while_the_clock_was_wrong, "decision.vetoed", STOPPED, "P6"),
    Attack(stops.a_transfer_that_was_signed_and_then_vetoed, "decision.vetoed", STOPPED, "P6"),
    Attack(stops.a_withdrawn_transfer, "decision.withdrawn", STOPPED, "P6"),
    Attack(stops.while_everything_is_frozen, "decision.frozen", STOPPED, "P6"),
    Attack(stops.while_its_vault_is_frozen, "decision.frozen", STOPPED, "P6"),
    Attack(stops.while_its_asset_is_frozen, "decision.frozen", STOPPED, "P6"),
    Attack(stops.while_its_destination_is_frozen, "decision.frozen", STOPPED, "P6"),
    Attack(stops.while_its_initiator_is_frozen, "decision.frozen", STOPPED, "P6"),
    Attack(stops.while_its_approver_is_frozen, "decision.frozen", STOPPED, "P6"),
    Attack(stops.a_freeze_that_too_few_people_lifted, "decision.frozen", STOPPED, "P6"),
    Attack(stops.a_freeze_whose_lifting_waits, "decision.frozen", STOPPED, "P6"),
    Attack(stops.a_freeze_that_was_lifted_before_it_came, "decision.frozen", STOPPED, "P6"),
    # The release chain.
    Attack(
        chain.a_certificate_of_fewer_owners_than_the_threshold,
        "certificate.too-few",
        ("chain/is_transfer_certificate",),
        "P2",
    ),
    Attack(
        chain.a_cancel_of_fewer_owners_than_the_threshold, "certificate.too-few", ("chain/compute_cancel_named",), "P2"
    ),
    Attack(chain.a_cancel_without_the_signers_statements, "certificate.too-few", ("chain/compute_cancel_named",), "P2"),
    Attack(chain.a_released_transfer_at_another_nonce, "chain.certified", ("chain/refuse_certified",), "P2"),
    Attack(chain.a_transfer_that_others_can_still_complete, "chain.dead", ("chain/refuse_while_executable",), "P2"),
    Attack(
        chain.a_transfer_that_the_signer_itself_gave_up,
        "chain.cancelled-here",
        ("chain/refuse_cancelled_here",),
        "P2",
    ),
    Attack(
        chain.a_transfer_named_before_the_signer_was_an_owner,
        "chain.dead-before-owner",
        ("chain/refuse_named_before_ownership",),
        "P2",
    ),
    Attack(
        chain.two_transfers_at_one_nonce,
        "chain.nonce-taken",
        ("chain/refuse_second_transfer_at_nonce", "journal/one_transfer_at_a_nonce"),
        "P2",
    ),
    Attack(
        chain.a_transfer_after_the_cancel_of_its_nonce,
        "chain.nonce-cancelled",
        ("chain/refuse_after_own_cancel", "journal/no_transfer_after_cancel"),
        "P2",
    ),
    Attack(chain.a_cancel_ahead_of_its_nonce, "chain.cancel-ahead", ("chain/refuse_cancel",), "P2"),
    Attack(chain.a_signer_carried_over_a_gap, "chain.cancel-ahead", ("chain/compute_open_nonce",), "P2"),
    Attack(
        chain.a_nonce_that_no_certificate_explains,
        "chain.nonce-unexplained",
        ("release/no-nonce-is-unexplained",),
        "P2",
    ),
    Attack(chain.a_payment_that_is_under_way_already, "chain.paid-before", ("release/it-was-not-paid-before",), "P2"),
    Attack(
        chain.a_payment_again_in_the_name_of_another_one,
        "chain.paid-before",
        ("release/it-was-not-paid-before",),
        "P2",
    ),
    Attack(chain.more_certificates_than_may_be_unmined, "chain.unmined", ("release/few-enough-are-unmined",), "P5"),
    Attack(chain.a_cap_that_a_reserved_transfer_has_used_up, "decision.limit", ("chain/is_budget_back",), "P5"),
    Attack(chain.a_cap_that_others_have_used_up, "decision.limit", ("chain/count_certified",), "P5"),
    Attack(chain.a_cap_that_a_hoarded_certificate_may_use_up, "decision.limit", ("chain/count_named",), "P5"),
    Attack(
        chain.a_vault_of_other_owners,
        "chain.not-an-owner",
        ("release/the-vault-is-this-signers", "chain/refuse_before_ownership"),
    ),
    Attack(chain.a_vault_that_the_signer_owned_before, "chain.not-an-owner", ("release/the-vault-is-this-signers",)),
    # Against those who may move or stop money: what they do is blocked, or done by others.
    Attack(
        people.a_strangers_proposal_stands_in_the_initiators_place,
        "statement.key-unknown",
        ("statement/key-known",),
        "liveness",
    ),
    Attack(
        people.a_colleagues_proposal_stands_before_the_initiators,
        "proposal.initiator",
        ("statement/initiator",),
        "liveness",
    ),
    Attack(stops.somebody_who_is_no_guardian_vetoes, "statement.guardian", ("statement/guardian",), "liveness"),
    Attack(
        stops.somebody_who_is_no_guardian_freezes_everything,
        "statement.guardian",
        ("statement/guardian",),
        "liveness",
    ),
)
