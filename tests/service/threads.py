"""Many callers at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from guard.errors import AdapterError

Result = TypeVar("Result")
TRIES = 20


def run_all(calls: Sequence[Callable[[], Result]]) -> list[Result]:
    """The results of all calls, made by as many threads that begin together. Raises what one of them raises."""
    barrier = Barrier(len(calls))

    def run(call: Callable[[], Result]) -> Result:
        barrier.wait()
        return ask_again(call)

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def ask_again(call: Callable[[], Result]) -> Result:
    """What a client does while the database is busy for too long: ask for the same again, under the same Idempotency-Key."""
    for _ in range(TRIES):
        try:
            return call()
        except AdapterError as trouble:
            if trouble.code != "store.unavailable":
                raise
    return call()
