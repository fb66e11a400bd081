"""`python -m guard.demo`: the whole story on an embedded chain. The exit status tells whether each step did what it should."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from guard.demo import scenes
from guard.demo.clock import read_stopwatch
from guard.demo.stage import KNOWN_TROUBLE, Stage, open_stage
from guard.demo.telling import Teller


def tell(teller: Teller, stage: Stage) -> None:
    """The chapters, in order."""
    with teller.chapter("Founding a treasury"):
        scenes.found(teller, stage)
    before = scenes.read_balances(stage)
    with teller.chapter("A payment in the first tier"):
        first = scenes.pay_in_the_first_tier(teller, stage)
    with teller.chapter("A payment in the second tier"):
        scenes.pay_in_the_second_tier(teller, stage)
    with teller.chapter("A forged approval"):
        scenes.forge_an_approval(teller, stage)
    with teller.chapter("One signer stolen"):
        scenes.steal_a_signer(teller, stage)
    with teller.chapter("A veto during the delay, with no server"):
        scenes.veto_during_the_delay(teller, stage)
    with teller.chapter("A dishonest worker"):
        scenes.play_the_worker_dishonestly(teller, stage)
        scenes.pay_again_aloud(teller, stage)
    with teller.chapter("A freeze"):
        scenes.freeze_everything(teller, stage)
    with teller.chapter("What moved, and the proof"):
        scenes.show_balances(teller, stage, before)
        scenes.check_evidence(teller, stage, first)


def main() -> int:
    """Tell the story once."""
    teller, begun = Teller(), read_stopwatch()
    teller.open(
        "Treasury Guard",
        "Between a proposed transfer and a signed one: a real Safe, four signers that believe nobody, and people who sign\n"
        "what they read. Some of what follows is an attack; each line says whether it went as it should.",
    )
    with tempfile.TemporaryDirectory(prefix="guard-demo-") as folder:
        try:
            with open_stage(Path(folder)) as stage:
                tell(teller, stage)
        except KNOWN_TROUBLE as trouble:
            teller.check(False, f"the story broke off: {trouble}")
    return teller.close(read_stopwatch() - begun)


if __name__ == "__main__":
    sys.exit(main())
