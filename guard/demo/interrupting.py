"""Ctrl-C and the other ways to be told to end: each interrupts what is being done, so that everything that was started is ended."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """The first signal raises `KeyboardInterrupt` wherever it comes; later ones change nothing, since everything is being ended."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for each in ENDING:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in ENDING:
        # What whoever started this process had ignored, as nohup does, stays ignored.
        if signal.getsignal(number) is not signal.SIG_IGN or number is signal.SIGINT:
            signal.signal(number, interrupt)
    yield
