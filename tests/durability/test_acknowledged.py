"""P8: what was acknowledged is kept, whenever the API is killed. Eight clients post while it is, at instants drawn from TEST_SEED."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from guard.store.database import Database
from tests.crash.books import require_whole_log
from tests.databases import postgres_url, sqlite_url
from tests.durability.mains import DURABLE, tell_durability
from tests.durability.served import Client, Served, serving, to_path

__all__ = ["postgres_url", "sqlite_url"]

CLIENTS = 8
KILLS, KILLS_DEEP = 20, 200
MOST_WAIT = 0.15
"""Seconds from an answer after a start to the next kill, at the most."""


class Poster(Client):
    """A client that proposes, approves, and now and then vetoes, until told to end."""

    def __init__(self, served: Served, over: Event, seed: int) -> None:
        super().__init__(served.address_of("api"))
        self.served, self.over, self.draw = served, over, random.Random(seed)
        self.trouble: BaseException | None = None

    def run(self) -> None:
        """Post until told to end. What goes wrong is kept for the test."""
        try:
            while not self.over.is_set():
                self.post_some()
        except BaseException as error:
            self.trouble = error
            raise

    def post_some(self) -> None:
        """A few statements about one transfer; each is distinct."""
        people, transfer = self.served.people, self.served.transfer()
        self.propose(self.served, transfer)
        for name in self.draw.sample(("bob", "carol", "dave"), self.draw.randrange(3)):
            self.approve(self.served, transfer, name)
        if self.draw.random() < 0.3:
            self.post(to_path(transfer, "vetoes"), people.veto(transfer))


@pytest.fixture(params=[("sqlite", 1), ("sqlite", 2), ("postgres", 2)], ids=["sqlite-1", "sqlite-2", "postgres-2"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Served, int]]:
    database, processes = request.param
    with serving(tmp_path, request.getfixturevalue(f"{database}_url")) as served:
        yield served, processes


def wait_answered(served: Served, processes: int, posters: list[Poster], seconds: float) -> None:
    """Wait until somebody got an answer, and so many seconds more. An API that has ended is started anew, as by its operator."""
    before, ends_at = sum(len(each.acknowledged) for each in posters), time.monotonic() + 60
    while sum(len(each.acknowledged) for each in posters) == before:
        assert time.monotonic() < ends_at
        assert not [each.trouble for each in posters if each.trouble]
        if not served.running["api"].is_alive():
            served.start("api", processes=processes)
        time.sleep(0.005)
    time.sleep(seconds)


def kill_some(served: Served, processes: int, draw: random.Random) -> None:
    """One process of several dies, and the one that watches replaces it or, after too many short lives, ends; or all die at once."""
    if processes > 1 and draw.random() < 0.5:
        served.kill_child("api", draw.randrange(processes))
    else:
        served.kill("api")
        served.start("api", processes=processes)


def test_p8_every_acknowledged_statement_survives_kills_at_any_instant(
    served: tuple[Served, int], is_deep: bool, record_property: Callable[[str, object], None]
) -> None:
    treasury, processes = served
    seed = int(os.environ.get("TEST_SEED", "0"))
    kills, draw, over = KILLS_DEEP if is_deep else KILLS, random.Random(seed), Event()
    treasury.start("api", processes=processes)
    posters = [Poster(treasury, over, seed + number) for number in range(CLIENTS)]
    threads = [Thread(target=each.run) for each in posters]
    for thread in threads:
        thread.start()
    try:
        for _ in range(kills):
            wait_answered(treasury, processes, posters, draw.random() * MOST_WAIT)
            kill_some(treasury, processes, draw)
        wait_answered(treasury, processes, posters, 0)
        over.set()
        join_all(treasury, processes, threads)
    finally:
        over.set()
        for each in posters:
            each.ends_at = 0
    assert not [each.trouble for each in posters if each.trouble]
    acknowledged = [said for each in posters for said in each.acknowledged]
    told = require_whole_log(treasury.store, treasury.policy.treasury, acknowledged)
    # Whoever got no answer asked again until there was one: nothing is in the books that nobody was told of.
    assert sum("statement" in entry["body"] for entry in told) == len(acknowledged)
    assert sum(each.unanswered for each in posters) > 0
    require_durable(treasury)
    record_property("statements acknowledged", len(acknowledged))
    record_property("kills", kills)


def join_all(served: Served, processes: int, threads: list[Thread]) -> None:
    """Let everybody come to an answer."""
    while any(thread.is_alive() for thread in threads):
        if not served.running["api"].is_alive():
            served.start("api", processes=processes)
        for thread in threads:
            thread.join(0.05)


def require_durable(served: Served) -> None:
    """Every process that served said of its connection that a commit is on the disk before it is confirmed."""
    wanted = DURABLE[served.store.database.url.get_backend_name()]
    told = served.told.read_text(encoding="ascii").splitlines()
    assert told and set(told) == {wanted}
    assert tell_durability(Database(served.database)) == wanted
