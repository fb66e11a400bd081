"""Payments as they should go: proposed, approved, carried by the worker, mined once; and what is not let through on the way."""

from __future__ import annotations

from guard.core.ids import TransferId
from guard.demo import attacking, playing
from guard.demo.grounds import draw_address
from guard.demo.policy_texts import Pace
from guard.demo.stage import USDC, Stage
from guard.demo.telling import Teller
from guard.statements.values import Approval

SUPPLIER, EXCHANGE, PAYROLL = (draw_address(name) for name in ("supplier", "exchange", "payroll"))


def pay_in_the_first_tier(teller: Teller, stage: Stage) -> TransferId:
    """A small payment: one approval, no delay."""
    refused = playing.try_proposing(stage, "9000", "supplier", "no unit")
    teller.check(refused.code == "amount.unit", "an amount without a unit is refused")
    before = stage.usdc_of(SUPPLIER)
    transfer_id = playing.propose(stage, "9000 USDC", "supplier", "invoice 1001")
    waiting = stage.commands_of("bob").run("inbox").result.get("transfers", [])
    teller.check([each["id"] for each in waiting] == [transfer_id], "alice proposes; it waits in bob's inbox")
    approved = playing.approve(stage, transfer_id, "bob")
    teller.say("bob reads this, and his own machine computes the digest that he signs:")
    teller.quote(approved.notes.strip())
    seen = playing.wait_until_state(stage, transfer_id, playing.MINED)
    paid = stage.usdc_of(SUPPLIER) - before
    block = (seen.chain or {}).get("block_number")
    teller.check(paid == 9000 * USDC, f"the worker carried it: three signers signed, 9,000 USDC paid in block {block}")
    return transfer_id


def begin_in_the_second_tier(teller: Teller, stage: Stage) -> TransferId:
    """A larger payment: two approvals, and then a delay."""
    transfer_id = playing.propose(stage, "60000 USDC", "exchange", "rebalance")
    playing.approve(stage, transfer_id, "bob")
    refusals = attacking.collect_refusals(stage, *playing.take(stage, transfer_id))
    is_refused = attacking.have_all_refused(refusals, "decision.quorum-missing")
    teller.check(is_refused, "60,000 USDC with one approval: each of the four signers refuses")
    own = playing.approve(stage, transfer_id, "alice")
    teller.check(own.code == "approval.initiator", "the initiator's own approval is refused")
    playing.approve(stage, transfer_id, "carol")
    seen = playing.wait_until_held(stage, transfer_id, "decision.delay")
    is_alone = all(len(word["reasons"]) == 1 for word in seen.signers)
    teller.check(
        is_alone, f"with two approvals every signer holds it for its delay of {Pace().delay} s, and for nothing else"
    )
    return transfer_id


def finish_in_the_second_tier(teller: Teller, stage: Stage, transfer_id: TransferId) -> None:
    """The delay is over, and the worker goes on."""
    seen = playing.wait_until_state(stage, transfer_id, playing.MINED)
    mined_at = int((seen.chain or {}).get("block_at") or 0)
    waited = mined_at - max(
        each.statement.signed_at for each in seen.statements if isinstance(each.statement, Approval)
    )
    teller.check(
        stage.usdc_of(EXCHANGE) == 60_000 * USDC and waited >= Pace().delay,
        f"the 60,000 USDC are released and mined, {waited} s after the second approval",
    )


def pay_again_aloud(teller: Teller, stage: Stage) -> None:
    """The same payment again is refused, unless it is said aloud."""
    transfer_id = playing.propose(stage, "9000 USDC", "supplier", "invoice 1001 again")
    playing.approve(stage, transfer_id, "bob")
    refusals = attacking.collect_refusals(stage, *playing.take(stage, transfer_id))
    teller.check(
        attacking.have_all_refused(refusals, "chain.paid-before"),
        "the first invoice proposed once more: refused, since nobody said that it is meant twice",
    )
