"""Stops: a veto while a delay runs, and a freeze while the whole server is down. Both go to the signers directly."""

from __future__ import annotations

from guard.core.ids import TransferId
from guard.core.lifecycle import State
from guard.demo import playing, running
from guard.demo.attacking import collect_refusals, have_all_refused
from guard.demo.clock import pause, read_now
from guard.demo.policy_texts import Pace
from guard.demo.running import API, WORKER, is_api_ready
from guard.demo.stage import Stage
from guard.demo.telling import Teller


def stop_by_veto_and_freeze(teller: Teller, stage: Stage) -> None:
    """Two payments wait out their delay. One is vetoed; then the server goes, and the other is stopped without it."""
    running.wait_for_finality(stage)
    vetoed = playing.propose(stage, "70000 USDC", "exchange", "doubtful")
    frozen = playing.propose(stage, "40000 USDC", "exchange", "hurried")
    for person in ("bob", "carol"):
        for each in (vetoed, frozen):
            playing.approve(stage, each, person)
    for each in (vetoed, frozen):
        playing.wait_until_held(stage, each, "decision.delay")
    over_at = read_now() + Pace().delay + 1
    teller.say("two payments to the exchange have their approvals, and wait out their delay at every signer")
    before = (stage.usdc_of(stage.safe), stage.nonce())
    _veto(teller, stage, vetoed)
    given = {each: playing.take(stage, each) for each in (vetoed, frozen)}
    _freeze_without_the_server(teller, stage)
    while read_now() < over_at:
        pause(0.1)
    told = collect_refusals(stage, *given[vetoed])
    teller.check(
        have_all_refused(told, "decision.vetoed"), "after the delay, asked directly, no signer signs what dave vetoed"
    )
    told = collect_refusals(stage, *given[frozen])
    is_only_frozen = have_all_refused(told) and all(codes == {"decision.frozen"} for codes in told.values())
    teller.check(is_only_frozen, "nor the other one, which nothing holds any more but erin's freeze")
    teller.check((stage.usdc_of(stage.safe), stage.nonce()) == before, "the money is where it was")


def _veto(teller: Teller, stage: Stage, transfer_id: TransferId) -> None:
    words = (*playing.to_signing(stage, "dave"), "--reason", "nobody ordered this")
    said = stage.commands_of("dave").run("veto", transfer_id, *words)
    receipts = len(said.result.get("receipts", {}))
    state = playing.look(stage, transfer_id).state
    teller.check(
        said.result.get("accepted") is True and state is State.VETOED,
        f"dave vetoes one: {receipts} of 4 signed receipts, the stop is accepted, and the server knows of it",
    )


def _freeze_without_the_server(teller: Teller, stage: Stage) -> None:
    stage.processes.kill(API, WORKER)
    teller.check(not is_api_ready(stage), "API and worker are killed: the server is off")
    statements = ("--out", str(stage.grounds.home_of("erin") / "statements"))
    words = ("--scope", "everything", *statements, *playing.to_signing(stage, "erin"), "--reason", "drill")
    said = stage.commands_of("erin").run("freeze", *words)
    receipts = len(said.result.get("receipts", {}))
    teller.check(
        said.result.get("accepted") is True,
        f"erin freezes everything, alone and at once, with no server: {receipts} of 4 signed receipts",
    )
