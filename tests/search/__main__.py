"""Tells, for each clause of the release chain, the shortest way to lose money without it: `python -m tests.search`."""

import sys

from guard.signer.release_chain import WHOLE_CHAIN
from tests.search.ablations import ABLATIONS, OUTSIDE_THE_BOUND
from tests.search.explore import explore

if __name__ == "__main__":
    for ablation in ABLATIONS:
        if not ablation.is_deep:
            sys.stdout.write(f"{ablation}\n{explore(ablation.setting, *ablation.variants).violation}\n\n")
    for setting, _ in OUTSIDE_THE_BOUND:
        sys.stdout.write(f"every clause, outside the bound ({setting})\n{explore(setting, WHOLE_CHAIN).violation}\n\n")
