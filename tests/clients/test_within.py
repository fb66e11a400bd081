"""Work that hangs is left after its time, and holds up no other work."""

import threading
import time

import pytest

from guard.clients.within import do_each_within, do_within
from guard.errors import AdapterError, GuardError


def test_a_value_and_a_failure_come_through() -> None:
    def fail() -> None:
        raise GuardError("cli.usage", "no")

    assert do_within(5, "work", lambda: 7) == 7
    with pytest.raises(GuardError) as caught:
        do_within(5, "work", fail)
    assert caught.value.code == "cli.usage"


def test_one_that_hangs_holds_up_no_other() -> None:
    over = threading.Event()

    def hang() -> int:
        over.wait(20)
        return 0

    def fail() -> int:
        raise OSError("gone")

    begun_at = time.monotonic()
    values, troubles = do_each_within(0.5, {"first": hang, "second": lambda: 2, "third": fail})
    assert time.monotonic() - begun_at < 5
    assert values == {"second": 2}
    assert {name: trouble.code for name, trouble in troubles.items()} == {
        "first": "client.no-answer",
        "third": "client.no-answer",
    }
    over.set()
    with pytest.raises(OSError, match="gone"):
        do_within(5, "work", fail)
    with pytest.raises(AdapterError):
        do_within(0, "work", lambda: time.sleep(0.2))
