"""The attacks that the signer's make stops, with the checks that would say no as well; and the checks that are second lines."""

from __future__ import annotations

from tests.attacks import structural_attacks as made
from tests.attacks.attack import StructuralAttack

SEATS = "seats are counted in people of the group"
ROSTER = "the roster's constructor"
SOUND = "the soundness of a bundle"
BY_ID = "statements are looked up by the transfer's id"
BUILT = "the transaction is built from the transfer"
VAULT = "a signer signs for the vaults of its policy"
READER = "the strict reader of requests"
KINDS = "each verb takes its own kinds of statement"
PROOF = "the record of a signature takes a decision's proof"
JOURNAL = "the journal, its counter and its key belong together"
REBUILT = "a certificate is rebuilt before it is believed"

STRUCTURAL: tuple[StructuralAttack, ...] = (
    StructuralAttack(
        made.a_stranger_approves_in_their_own_name,
        "statement.key-unknown",
        SEATS,
        (
            "statement/key-known",
            "statement/enrolment",
            "objection/approval.key-unknown",
            "objection/approval.machine",
            "objection/approval.before-enrolment",
        ),
    ),
    StructuralAttack(
        made.a_machine_approves, "statement.machine", SEATS, ("statement/machine", "objection/approval.machine"), "P11"
    ),
    StructuralAttack(made.a_machine_that_is_in_a_group, "value.invalid", ROSTER, holds="P11"),
    StructuralAttack(made.one_key_of_two_people, "value.invalid", ROSTER, holds="P11"),
    StructuralAttack(
        made.a_key_without_a_display_approves,
        "policy.key-without-display",
        SOUND,
        ("statement/display", "objection/approval.key-unknown"),
    ),
    StructuralAttack(made.a_signers_own_key_approves, "policy.key-is-owner", SOUND),
    StructuralAttack(
        made.an_approval_of_another_transfer, "statement.transfer", BY_ID, ("statement/transfer-asked",), "P12"
    ),
    StructuralAttack(made.a_transfer_of_nothing, "effects.nothing", BUILT, ("D2",), "P3"),
    StructuralAttack(made.to_the_vault_itself, "effects.destination", BUILT, ("D2",), "P3"),
    StructuralAttack(made.to_the_tokens_contract, "effects.destination", BUILT, ("D2",), "P3"),
    StructuralAttack(made.to_the_zero_address, "effects.destination", BUILT, ("D2",), "P3"),
    StructuralAttack(
        made.an_allowance_instead_of_a_transfer, "effects.action", BUILT, ("D1", "statement/summary"), "P3"
    ),
    StructuralAttack(made.call_data_besides_the_transfer, "effects.action", BUILT, ("D1", "statement/summary"), "P3"),
    StructuralAttack(
        made.a_vault_that_the_policy_does_not_name,
        "decision.vault-unknown",
        VAULT,
        ("D1", "statement/transfer-vault", "statement/summary"),
    ),
    StructuralAttack(
        made.the_same_vault_on_another_chain,
        "decision.vault-unknown",
        VAULT,
        ("D1", "statement/transfer-vault", "statement/summary"),
        "P12",
    ),
    StructuralAttack(
        made.transaction_bytes_brought_by_the_caller,
        "json.field-unknown",
        READER,
        ("release/the-effects-are-the-transfers",),
        "P3",
    ),
    StructuralAttack(made.a_nonce_brought_by_the_caller, "json.field-unknown", READER, holds="P2"),
    StructuralAttack(made.a_time_brought_by_the_caller, "json.field-unknown", READER, holds="P4"),
    StructuralAttack(made.a_summary_beside_the_transfer, "json.field-unknown", READER, holds="P3"),
    StructuralAttack(made.an_amount_with_an_exponent, "json.number", READER, holds="P3"),
    StructuralAttack(made.an_amount_of_2_to_the_256, "json.number", READER, holds="P3"),
    StructuralAttack(made.a_statement_of_an_unknown_kind, "statement.kind", READER),
    StructuralAttack(made.a_revocation_lifts_a_freeze, "statement.unsupported", KINDS, ("statement/supported",), "P6"),
    StructuralAttack(
        made.a_decision_that_is_passed_over,
        "decision.quorum-missing",
        PROOF,
        ("release/the-policy-releases-it",),
    ),
    StructuralAttack(made.a_signer_that_was_never_pinned, "signer.not-pinned", JOURNAL),
    StructuralAttack(made.a_journal_that_was_put_back, "signer.journal-behind", JOURNAL, holds="P2"),
    StructuralAttack(made.a_key_with_another_signers_journal, "signer.journal-foreign", JOURNAL, holds="P2"),
    StructuralAttack(made.a_certificate_with_a_forged_owner, "certificate.signature", REBUILT, holds="P2"),
    StructuralAttack(made.a_certificate_rebuilt_for_another_transfer, "certificate.signature", REBUILT, holds="P2"),
    StructuralAttack(made.a_certificate_moved_to_another_nonce, "certificate.signature", REBUILT, holds="P2"),
    StructuralAttack(made.a_certificate_with_one_owner_twice, "certificate.malformed", REBUILT, holds="P2"),
    StructuralAttack(made.a_certificate_with_a_contract_signature, "signature.v", REBUILT, holds="P2"),
    StructuralAttack(made.a_cancel_with_a_statement_about_another_nonce, "certificate.statement", REBUILT, holds="P2"),
    StructuralAttack(made.a_cancel_with_a_statement_by_nobodys_key, "testimony.signature", REBUILT, holds="P2"),
    StructuralAttack(made.a_cancel_without_the_transfer_that_it_names, "certificate.transfers", REBUILT, holds="P5"),
    StructuralAttack(made.a_cancel_that_names_another_vaults_transfer, "certificate.transfers", REBUILT, holds="P5"),
)

SECOND_LINES: dict[str, str] = {
    # Asked when a statement comes in, so that it is refused with its own code; the decision asks again each time.
    "statement/transfer-policy": "D3",
    "statement/expired": "objection/approval.expired",
    "statement/lifetime": "objection/approval.expired",
    "statement/ahead": "objection/approval.dated-ahead",
    "statement/enrolment": "objection/approval.before-enrolment",
    # Asked again at each decision, of what was admitted under an earlier version or an earlier bundle.
    "objection/approval.initiator": "statement/not-initiator",
    "objection/approval.pre-dated": "statement/pre-dated",
    "objection/approval.roster": "statement/roster",
    # Under the clauses of the chain, at the disk.
    "journal/one_transfer_at_a_nonce": "chain/refuse_second_transfer_at_nonce",
    "journal/no_transfer_after_cancel": "chain/refuse_after_own_cancel",
    # Of one check by another.
    "release/every-endpoint-answers": "release/the-clock-is-good",
    "chain/refuse_before_ownership": "release/the-vault-is-this-signers",
    # Of how the signer is made.
    "objection/approval.key-unknown": SEATS,
    "objection/approval.machine": SEATS,
    "statement/machine": SEATS,
    "statement/display": SOUND,
    "statement/transfer-asked": BY_ID,
    "statement/transfer-vault": VAULT,
    "statement/supported": KINDS,
    "D2": BUILT,
    "release/the-effects-are-the-transfers": READER,
    "release/the-policy-releases-it": PROOF,
}
"""Checks that are not needed to stop any attack of the table: what each of them backs, a check or how the signer is made."""
