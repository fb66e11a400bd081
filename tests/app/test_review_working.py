"""A receiver of notifications that hangs takes a bounded part of a worker's round: transfers and cancels come first."""

from __future__ import annotations

from threading import Event

import pytest

from guard.app.edges import Pulse
from guard.app.working import MESSAGES_AT_ONCE, MESSAGES_WITHIN, Course
from guard.worker.rounds import Done
from guard.worker.webhook import TIMEOUT
from tests.app.conftest import ServerFolder
from tests.app.test_working import composed, opened
from tests.factories import digest_of


@pytest.mark.parametrize(("lasts", "count"), [(TIMEOUT, 1), (MESSAGES_WITHIN / 2, 2), (0.01, MESSAGES_AT_ONCE)])
def test_messages_that_take_long_wait_for_the_next_round(server: ServerFolder, lasts: float, count: int) -> None:
    now = [100.0]

    def deliver() -> tuple[Done, ...]:
        now[0] += lasts
        return (Done(name=digest_of("a message")),)

    with opened(server) as store:
        course = Course(composed(server, store), Event(), Pulse(clock=lambda: now[0]))
        assert course.repeat(deliver, MESSAGES_AT_ONCE, within=MESSAGES_WITHIN) == count
        assert course.repeat(deliver, 3) == 3
