"""Workers that die in the middle of a release, and one that lies."""

from __future__ import annotations

from guard.core.ids import TransferId
from guard.core.lifecycle import State
from guard.demo import attacking, playing, running
from guard.demo.policy_texts import SIGNERS
from guard.demo.running import WORKER
from guard.demo.scenes.payments import PAYROLL
from guard.demo.stage import USDC, Stage
from guard.demo.telling import Teller

ON_ITS_WAY = (State.SIGNING, State.BROADCAST)


def kill_the_worker(teller: Teller, stage: Stage) -> None:
    """The worker is killed while a release is under way, and another one finishes it."""
    before, nonce = stage.usdc_of(PAYROLL), stage.nonce()
    transfer_id = playing.propose(stage, "5000 USDC", "payroll", "wages")
    # Without a block the release cannot come to its end before the worker is killed.
    with stage.embedded.without_blocks():
        playing.approve(stage, transfer_id, "bob")
        seen = playing.wait_until_state(stage, transfer_id, ON_ITS_WAY)
        stage.processes.kill(WORKER)
        is_unpaid = (stage.usdc_of(PAYROLL), stage.nonce()) == (before, nonce)
    teller.check(
        is_unpaid,
        f"the worker is killed (kill -9) in the middle of a release: it is {seen.state.value}, and nothing is paid yet",
    )
    running.start_worker(stage)
    playing.wait_until_state(stage, transfer_id, playing.FINAL)
    paid = stage.usdc_of(PAYROLL) - before
    teller.check(
        paid == 5000 * USDC and stage.nonce() == nonce + 1,
        "another worker goes on where it stopped: paid once, final on chain",
    )


def split_the_signers(teller: Teller, stage: Stage) -> None:
    """A dishonest worker splits the signers between two transfers at one nonce; an honest one frees it."""
    running.wait_for_books(stage)
    stage.processes.end(WORKER)
    named = [_propose_approved(stage, amount) for amount in ("3000 USDC", "4000 USDC")]
    (first, first_given), (second, second_given) = (playing.take(stage, each) for each in named)
    nonces = [attacking.ask_release(stage, signer, first, first_given)["nonce"] for signer in SIGNERS[:2]]
    nonces += [attacking.ask_release(stage, signer, second, second_given)["nonce"] for signer in SIGNERS[2:]]
    teller.check(len(set(nonces)) == 1, f"two signers sign one payment and two another, all at nonce {nonces[0]}")
    refusals = {
        **attacking.collect_refusals(stage, second, second_given, signers=SIGNERS[:2]),
        **attacking.collect_refusals(stage, first, first_given, signers=SIGNERS[2:]),
    }
    teller.check(
        attacking.have_all_refused(refusals, "chain.nonce-taken"),
        "no signer signs a second transfer at that nonce, nor the same one at another",
    )
    before = stage.usdc_of(PAYROLL)
    running.start_worker(stage)
    ended = [playing.wait_until_state(stage, each, (State.VOID,)) for each in named]
    stage.processes.wait_until(lambda: stage.nonce() > nonces[0], "the cancel is not mined")
    teller.check(
        stage.nonce() == nonces[0] + 1 and len(ended) == len(named),
        "an honest worker finds the nonce split, and frees it by a cancel that the signers sign",
    )
    teller.check(stage.usdc_of(PAYROLL) == before, "both payments count as perhaps made from now on, and neither was")


def _propose_approved(stage: Stage, amount: str) -> TransferId:
    transfer_id = playing.propose(stage, amount, "payroll", f"split {amount.split(maxsplit=1)[0]}")
    playing.approve(stage, transfer_id, "bob")
    return transfer_id
