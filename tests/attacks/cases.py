"""What happened to others, or was found in other engines, and the attacks here that replay it. The ids are permanent."""

from __future__ import annotations

KNOWN_CASES: dict[str, tuple[str, tuple[str, ...]]] = {
    "T5, R33": ("one person fills a seat in each of two groups", ("one_person_in_two_groups_fills_a_seat_of_each",)),
    "T6, R32": (
        "one person counts twice by a second key or account, or approves what they proposed",
        (
            "one_person_approves_with_two_keys",
            "the_initiator_approves_with_a_second_key",
            "one_approval_in_two_spellings_fills_two_seats",
        ),
    ),
    "T7, R18": (
        "approvals outlive a change of the people who are asked",
        (
            "a_transfer_proposed_under_a_former_roster",
            "an_approval_given_as_one_of_another_roster",
            "an_approval_by_a_key_that_was_away_in_between",
        ),
    ),
    "T22": (
        "whoever proposes picks the policy that applies",
        ("a_transfer_under_an_unknown_policy", "the_looser_of_two_policies_is_named"),
    ),
    "T23, T35": ("a rule that allows ends the search before one that denies", ("a_destination_that_a_rule_denies",)),
    "T26": ("a rule without a count of approvals asks for none", ("a_rule_that_asks_for_nobody",)),
    "T28": (
        "a limit is checked and recorded in two steps",
        ("a_cap_that_a_reserved_transfer_has_used_up", "a_cap_that_others_have_used_up"),
    ),
    "T31": ("a hash is signed that nobody can read", ("a_blindly_signed_hash_with_v_31",)),
    "T32, R13": (
        "an approval is kept for later and used when its context is gone",
        (
            "an_approval_brought_after_its_end",
            "an_approval_that_ended_while_it_waited",
            "an_approval_is_kept_alive_by_editing_its_end",
            "a_transfer_older_than_the_policy_bears",
        ),
    ),
    "R01": ("a delegate call behind a routine transfer (Bybit)", ("transaction_bytes_brought_by_the_caller",)),
    "R02": (
        "a clean summary beside other bytes (WazirX)",
        ("a_summary_beside_the_transfer", "an_approval_of_another_summary"),
    ),
    "R03, R05": (
        "it failed, sign again: signatures are harvested (WazirX, Radiant)",
        (
            "a_payment_that_is_under_way_already",
            "a_payment_again_in_the_name_of_another_one",
            "a_released_transfer_at_another_nonce",
            "two_transfers_at_one_nonce",
        ),
    ),
    "R04": ("a machine fills a person's seat", ("a_machine_approves",)),
    "R07": (
        "a transfer is altered between its approvals (DMM)",
        (
            "the_amount_is_edited_after_the_approval",
            "the_destination_is_edited_after_the_approval",
            "the_vault_is_edited_after_the_approval",
        ),
    ),
    "R12": ("people are shown one transfer and sign another", ("an_approval_of_another_summary",)),
    "R14, R19": (
        "a delay, a cap or a count is lowered while a transfer is under way (Drift)",
        (
            "a_delay_that_a_later_policy_does_without",
            "a_cap_that_a_later_policy_does_without",
            "the_looser_of_two_policies_is_named",
        ),
    ),
    "R21": ("a signature is replayed on another chain", ("the_same_vault_on_another_chain",)),
    "R22": (
        "an approval of a rehearsal is used in earnest",
        ("an_approval_given_in_another_treasury", "a_transfer_of_another_treasury"),
    ),
    "R23, R48": (
        "a signer forgets what it signed",
        ("a_journal_that_was_put_back", "a_key_with_another_signers_journal"),
    ),
    "R27": ("an allowance goes round the limits", ("an_allowance_instead_of_a_transfer",)),
    "R40": ("a key is enrolled and approves at once", ("an_approval_dated_before_its_key_was_enrolled",)),
    "R44": (
        "the destination is the vault, the token, nobody, or nowhere listed",
        (
            "a_transfer_to_the_vault_itself",
            "a_transfer_to_the_tokens_own_contract",
            "a_transfer_to_the_zero_address",
            "a_destination_that_no_rule_allows",
        ),
    ),
    "R47": (
        "a server makes approvals up (all of its parts taken over)",
        ("an_approval_forged_by_a_stranger", "an_approver_signs_under_a_colleagues_name_too", "nobody_proposed_it"),
    ),
    "R49": (
        "the clock is moved",
        (
            "a_clock_that_is_pushed_forward",
            "a_clock_that_is_set_back_over_a_restart",
            "a_clock_that_is_far_from_the_chains",
            "a_delay_that_passed_while_the_process_was_suspended",
        ),
    ),
    "R50": (
        "one source of facts lies while the others are made silent (KelpDAO)",
        (
            "a_silent_endpoint",
            "a_silent_endpoint_hidden_behind_one_of_the_same_name",
            "one_of_two_endpoints_reports_a_higher_nonce",
        ),
    ),
    "R56": (
        "what is in flight leaves after the brake was pulled",
        ("a_transfer_that_was_signed_and_then_vetoed", "a_transfer_vetoed_after_its_quorum"),
    ),
    "R57": (
        "the brake is released by too few people, too early, or before it was pulled",
        (
            "a_freeze_that_too_few_people_lifted",
            "a_freeze_whose_lifting_waits",
            "a_freeze_that_was_lifted_before_it_came",
        ),
    ),
}
"""By id: what it was, and the names of the attacks."""
