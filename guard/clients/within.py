"""Doing something that may hang for ever, and going on without it after a time; several such things at once.

A socket's own timeout counts from byte to byte, and looking up a name has none: whoever answers could hold a caller as long as they like.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable, Mapping
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from guard.errors import AdapterError, GuardError

EXPECTED = (GuardError, AdapterError, OSError, ValueError, http.client.HTTPException)
"""What asking somebody may end with."""

K = TypeVar("K")
T = TypeVar("T")


@dataclass(slots=True)
class _Work(Generic[T]):
    """Something under way: its thread, and then one value or the exception that it ended with."""

    thread: threading.Thread
    values: list[T] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)


def _begin(what: str, work: Callable[[], T]) -> _Work[T]:
    values: list[T] = []
    failures: list[Exception] = []
    context = copy_context()

    def run() -> None:
        try:
            values.append(context.run(work))
        except EXPECTED as failure:
            failures.append(failure)

    # A thread that nobody waits for at the end: whatever hangs in it dies with the process.
    thread = threading.Thread(target=run, daemon=True, name=what)
    thread.start()
    return _Work(thread, values, failures)


def _end(begun: _Work[T], seconds: float, what: str) -> T:
    begun.thread.join(max(0.0, seconds))
    if begun.failures:
        raise begun.failures[0]
    if not begun.values:
        # A bug of ours ends the thread with its traceback on standard error; to whoever waits it is no answer, too.
        why = "did not answer in time" if begun.thread.is_alive() else "was asked in vain: a fault in this program"
        raise AdapterError("client.no-answer", f"{what} {why}")
    return begun.values[0]


def do_within(seconds: float, what: str, work: Callable[[], T]) -> T:
    """The work's value, or its exception. Raises `client.no-answer` once the time is over; the work is then left to itself."""
    return _end(_begin(what, work), seconds, what)


def do_each_within(
    seconds: float, works: Mapping[K, Callable[[], T]]
) -> tuple[dict[K, T], dict[K, GuardError | AdapterError]]:
    """All of them at once, so that one that hangs holds up no other: the values, and the refusals and troubles, by name."""
    ends_at = time.monotonic() + seconds
    begun = {name: _begin(str(name), work) for name, work in works.items()}
    values: dict[K, T] = {}
    troubles: dict[K, GuardError | AdapterError] = {}
    for name, each in begun.items():
        try:
            values[name] = _end(each, ends_at - time.monotonic(), str(name))
        except (GuardError, AdapterError) as trouble:
            troubles[name] = trouble
        except EXPECTED as trouble:
            # One that fails in a way of its own must not take away what the others said.
            troubles[name] = AdapterError("client.no-answer", f"{name} gave no usable answer: {trouble}")
    return values, troubles
