"""The one module of the command line that reads the clock. Signers believe none of it: a date here may only invalidate."""

from __future__ import annotations

import time


def read_now() -> int:
    """Unix seconds now, by this machine."""
    return int(time.time())
