"""The named checks of a release, beside the decision's steps and the release chain's clauses. Pure: each looks at a `ReleaseCase`."""

from __future__ import annotations

from dataclasses import replace

from guard.core.decision import Status
from guard.errors import GuardError, Refusal
from guard.signer.release_chain import ChainRefusal, ChainRules, find_transfer_refusal, find_unmined_refusal
from guard.signer.verifier import KnownPayment, ReleaseCase, ReleaseCheck
from guard.transactions.proving import require_same_effects

AGAIN_WINDOW = 7 * 86400
"""For so long after its finality a payment like it must be asked for by name (TRUST §5)."""


def find_clock(case: ReleaseCase) -> tuple[Refusal, ...]:
    """The clock is good (TRUST §7)."""
    return () if case.clock_refusal is None else (case.clock_refusal,)


def find_unsettled(case: ReleaseCase) -> tuple[Refusal, ...]:
    """The signer has run for `settle` since its start, so that stops sent while it was down can reach it first."""
    if case.settled_in <= 0:
        return ()
    return (Refusal("signer.unsettled", f"started too lately; settled in {case.settled_in} s", held=True),)


def find_foreign_vault(case: ReleaseCase) -> tuple[Refusal, ...]:
    """This signer's owner address is among those that the active policy names for the nonce."""
    owners = {case.policies.active.policy.signer(each) for each in case.owners.signers} if case.owners else set()
    if any(signer is not None and signer.owner == case.owner for signer in owners):
        return ()
    return (Refusal("chain.not-an-owner", f"this signer is not an owner of {case.vault.id} at nonce {case.nonce}"),)


def find_silent_endpoint(case: ReleaseCase) -> tuple[Refusal, ...]:
    """Every configured endpoint answered; a missing answer is never agreement."""
    if case.views and not case.silent:
        return ()
    silent = ", ".join(case.silent) or "any endpoint"
    return (Refusal("signer.endpoint-silent", f"no answer about the vault from {silent}", held=True),)


def find_unexplained_nonce(case: ReleaseCase) -> tuple[Refusal, ...]:
    """No endpoint reports a nonce that certificates do not explain: something left the vault that this signer knows nothing of."""
    return tuple(
        Refusal(
            "chain.nonce-unexplained",
            f"{view.endpoint} reports nonce {view.nonce_latest}, certificates reach {case.nonce}",
            held=True,
        )
        for view in case.views
        if view.nonce_latest > case.nonce
    )


def find_decision(case: ReleaseCase) -> tuple[Refusal, ...]:
    """The policy lets the transfer go now, on statements that this signer verified and stamped itself."""
    if case.decision.status is Status.RELEASABLE:
        return ()
    return tuple(
        Refusal(reason.code, reason.message, held=not reason.final, check=reason.step)
        for reason in case.decision.reasons
    )


def find_other_effects(case: ReleaseCase) -> tuple[Refusal, ...]:
    """The final bytes, decoded again, do what the transfer says and nothing more (P3)."""
    try:
        require_same_effects(case.transfer, case.safe_tx)
    except GuardError as refused:
        return (Refusal(refused.code, refused.message),)
    return ()


def find_paid_before(case: ReleaseCase) -> tuple[Refusal, ...]:
    """The same payment is not under way or lately done, unless `again` says so: "it failed, sign again" must be said aloud."""
    like = [payment for payment in case.payments if _is_same_payment(payment, case) and _is_recent(payment, case.now)]
    if not like or _is_said_again(case, like):
        return ()
    named = ", ".join(payment.transfer_id[:10] for payment in like)
    return (
        Refusal("chain.paid-before", f"same vault, asset, destination and amount as {named}; `again` must name it"),
    )


def _key(transfer: object) -> tuple[object, ...]:
    return tuple(getattr(transfer, name) for name in ("chain_id", "vault", "asset", "destination", "amount_units"))


def _is_same_payment(payment: KnownPayment, case: ReleaseCase) -> bool:
    return payment.transfer_id != case.transfer_id and _key(payment.transfer) == _key(case.transfer)


def _is_recent(payment: KnownPayment, now: int) -> bool:
    return payment.seen_final_at is None or now - payment.seen_final_at < AGAIN_WINDOW


def _is_said_again(case: ReleaseCase, like: list[KnownPayment]) -> bool:
    again = case.transfer.again
    if any(payment.transfer_id == again for payment in like):
        return True
    named = case.known_transfers.get(again)
    latest = max(payment.transfer.proposed_at for payment in like)
    return named is not None and _key(named) == _key(case.transfer) and named.proposed_at > latest


def find_too_many_unmined(case: ReleaseCase) -> tuple[Refusal, ...]:
    """At most `max_unmined` certificates of the vault are not final."""
    return _to_refusals(find_unmined_refusal(case.book, case.vault.max_unmined))


def to_chain_check(rules: ChainRules) -> ReleaseCheck:
    """The clauses of the release chain as one check of a release."""

    def find_chain(case: ReleaseCase) -> tuple[Refusal, ...]:
        return _to_refusals(find_transfer_refusal(rules, case.book, case.transfer_id))

    return ReleaseCheck("the-release-chain-lets-it", find_chain)


def _to_refusals(refusal: ChainRefusal | None) -> tuple[Refusal, ...]:
    return () if refusal is None else (Refusal(refusal.code, refusal.message, held=refusal.is_passing),)


RELEASE_CHECKS: tuple[ReleaseCheck, ...] = (
    ReleaseCheck("the-clock-is-good", find_clock),
    ReleaseCheck("the-signer-has-settled", find_unsettled),
    ReleaseCheck("the-vault-is-this-signers", find_foreign_vault),
    ReleaseCheck("every-endpoint-answers", find_silent_endpoint),
    ReleaseCheck("no-nonce-is-unexplained", find_unexplained_nonce),
    ReleaseCheck("the-policy-releases-it", find_decision),
    ReleaseCheck("the-effects-are-the-transfers", find_other_effects),
    ReleaseCheck("it-was-not-paid-before", find_paid_before),
    ReleaseCheck("few-enough-are-unmined", find_too_many_unmined),
)


def find_refusals(checks: tuple[ReleaseCheck, ...], case: ReleaseCase) -> tuple[Refusal, ...]:
    """Every refusal of every check, each with the name of its check."""
    return tuple(
        replace(refusal, check=f"{check.name}/{refusal.check}" if refusal.check else check.name)
        for check in checks
        for refusal in check.find(case)
    )
