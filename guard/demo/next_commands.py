"""What somebody types next after `guard dev`, in another terminal. The README has the same lines, and a test runs them as they stand."""

from __future__ import annotations

import shlex
from pathlib import Path

FOLDER = "guard-dev"
READER = "bob"
"""Whose log-in the commands read with."""

_LINES = """\
cd @ && export GUARD_HOME=$PWD/bob    # bob is logged in here; a log-in only lets him see
guard propose --vault operations --amount "9000 USDC" --to supplier --purpose "invoice 1001" \\
    --as alice/key.json --password-file password --yes
guard inbox
ID=$(guard inbox --json | grep -o '0x[0-9a-f]\\{64\\}' | head -1)
guard approve $ID --key bob/key.json --password-file password --yes
guard status $ID --watch
guard log --verify
"""


def render_next_commands(folder: Path | str = FOLDER) -> str:
    """The lines for a folder."""
    return _LINES.replace("@", shlex.quote(str(folder)))
