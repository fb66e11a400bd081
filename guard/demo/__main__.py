"""`python -m guard.demo`: the whole story on an embedded chain. The exit status tells whether each step did what it should."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from guard.demo import running
from guard.demo.clock import read_stopwatch
from guard.demo.grounds import find_port
from guard.demo.interrupting import interrupted_by_signals
from guard.demo.scenes import edited_books, forgeries, opening, payments, proof, stops, workers
from guard.demo.stage import KNOWN_TROUBLE, Stage, open_stage
from guard.demo.telling import Teller


def tell(teller: Teller, stage: Stage) -> None:
    """The chapters, in order."""
    with teller.chapter("Founding a treasury"):
        opening.found(teller, stage)
    before = proof.read_balances(stage)
    with teller.chapter("Logging in"):
        entered = opening.enter(teller, stage)
    with teller.chapter("A payment in the first tier"):
        first = payments.pay_in_the_first_tier(teller, stage)
    with teller.chapter("A payment in the second tier"):
        second = payments.begin_in_the_second_tier(teller, stage)
    with teller.chapter("While its delay runs: a forged approval, and one signer stolen"):
        forged = forgeries.forge_an_approval(teller, stage)
        forgeries.steal_a_signer(teller, stage)
    with teller.chapter("The delay is over"):
        payments.finish_in_the_second_tier(teller, stage, second)
    with teller.chapter("A stolen log-in"):
        forgeries.steal_a_login(teller, stage, entered, forged)
    with teller.chapter("The server's database edited by hand"):
        edited_books.edit_the_database(teller, stage, forged, first)
    with teller.chapter("The worker killed in the middle of a release"):
        workers.kill_the_worker(teller, stage)
        evidence = proof.fetch_evidence(teller, stage, first)
    with teller.chapter("A dishonest worker"):
        workers.split_the_signers(teller, stage)
        payments.pay_again_aloud(teller, stage)
    with teller.chapter("A veto, and a freeze with the server off"):
        stops.stop_by_veto_and_freeze(teller, stage)
    with teller.chapter("What moved, and the proof"):
        proof.show_balances(teller, stage, before)
        proof.check_evidence(teller, stage, evidence)


def tell_or_explain(teller: Teller, stage: Stage) -> None:
    """The story; where it breaks off, the last words of API and worker with it."""
    try:
        tell(teller, stage)
    except KNOWN_TROUBLE:
        for process in (running.API, running.WORKER):
            teller.say(f"the last words of {process}:")
            teller.quote(stage.processes.load_last_words(process))
        raise


def main() -> int:
    """Tell the story once."""
    teller, begun = Teller(), read_stopwatch()
    teller.open(
        "Treasury Guard",
        "Between a proposed transfer and a signed one: a real Safe, four signers that believe nobody, a server that need not be\n"
        "believed, and people who sign what they read. Some of what follows is an attack; each line says whether it went as it\n"
        "should.",
    )
    with tempfile.TemporaryDirectory(prefix="guard-demo-") as folder:
        try:
            with interrupted_by_signals(), open_stage(Path(folder), port=find_port()) as stage:
                tell_or_explain(teller, stage)
        except KeyboardInterrupt:
            teller.check(False, "the story was interrupted; everything that it started has ended")
        except KNOWN_TROUBLE as trouble:
            teller.check(False, f"the story broke off: {trouble}")
    return teller.close(read_stopwatch() - begun)


if __name__ == "__main__":
    sys.exit(main())
