"""Payments as they should go: proposed, approved, carried by the worker, mined once; and what is not let through on the way."""

from __future__ import annotations

from guard.core.ids import TransferId
from guard.demo import attacking, playing
from guard.demo.clock import read_now
from guard.demo.grounds import draw_address
from guard.demo.policy_texts import Pace
from guard.demo.stage import USDC, Stage
from guard.demo.telling import Teller

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


def pay_in_the_second_tier(teller: Teller, stage: Stage) -> None:
    """A larger payment: two approvals and a delay."""
    before = stage.usdc_of(EXCHANGE)
    transfer_id = playing.propose(stage, "60000 USDC", "exchange", "rebalance")
    playing.approve(stage, transfer_id, "bob")
    refusals = attacking.collect_refusals(stage, *playing.take(stage, transfer_id))
    is_refused = attacking.have_all_refused(refusals, "decision.quorum-missing")
    teller.check(is_refused, "60,000 USDC with one approval: each of the four signers refuses")
    own = playing.approve(stage, transfer_id, "alice")
    teller.check(own.code == "approval.initiator", "the initiator's own approval is refused")
    playing.approve(stage, transfer_id, "carol")
    begun = read_now()
    playing.wait_until_held(stage, transfer_id, "decision.delay")
    teller.check(
        stage.usdc_of(EXCHANGE) == before, f"with two approvals every signer holds it: {Pace().delay} s of delay run"
    )
    playing.wait_until_state(stage, transfer_id, playing.MINED)
    paid, lasted = stage.usdc_of(EXCHANGE) - before, read_now() - begun
    teller.check(
        paid == 60_000 * USDC and lasted >= Pace().delay, f"after the delay it is released and mined ({lasted} s later)"
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
