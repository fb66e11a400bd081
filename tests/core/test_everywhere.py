"""A decision is the same in every process: nothing of the order of a set may reach it."""

import json
import os
import random
import subprocess
import sys
from pathlib import Path

from guard.core.decide import decide
from tests.core.situations import Chooser, choose_situation

ROOT = Path(__file__).parents[2]
HOW_MANY = 20


def decide_on_many() -> str:
    """The decisions on some situations, a line each."""
    said = []
    for seed in range(HOW_MANY):
        situation = choose_situation(Chooser(random.Random(seed).randbytes(256)))
        decision = decide(situation.transfer, situation.policies, situation.facts)
        said.append(json.dumps(decision.to_json()))
    return "\n".join(said)


def test_the_same_input_gives_the_same_bytes_in_a_process_that_orders_sets_differently() -> None:
    elsewhere = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; from {__name__} import decide_on_many; sys.stdout.write(decide_on_many())",
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert elsewhere.stdout == decide_on_many()
