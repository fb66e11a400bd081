"""`guard worker` at the pace of a demonstration, whose delays are seconds: the same worker, which looks more often and waits less.

`python -m guard.demo.quick_worker guard.toml`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from guard.app.working import work
from guard.cli.flags import Flags
from guard.cli.settings import load_settings
from guard.worker.pace import Pace

QUICK = Pace(lease=6, mining=1, final=1, held=1, waiting=5, watch=2, most_back_off=4, silent_after=20, stuck_after=20)


def main() -> int:
    """Work until told to end."""
    settings = load_settings(Flags(config=Path(sys.argv[1])), {})
    return work(
        settings, is_single=False, ready=lambda name: print(f"worker {name} is at work", flush=True), pace=QUICK
    )


if __name__ == "__main__":
    sys.exit(main())
