"""Kill -9 of API, worker and signers before and after every commit and network edge of one release over the server (P2, P8).

A dry run counts the points of each process. `deep` tries each of them, one death a release. The short profile tries every fifth, others
on Postgres than on SQLite, and saves time by several deaths in one release: of the API, of a worker, of its successor, of two signers.
A signer's points do not depend on the server's database, so each database has a half of them there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest

from tests.crash.road import API, KILLED, WORKER, Road, open_road, read_points
from tests.crash.stack import NAMES
from tests.databases import database_url, postgres_url, sqlite_url

__all__ = ["database_url", "postgres_url", "sqlite_url"]

EVERY = 5
OFFSETS = {"sqlite": 0, "postgresql": 2}
Death = tuple[str, int]


@pytest.fixture
def road(tmp_path: Path, database_url: str) -> Iterator[Road]:
    with open_road(tmp_path, database_url) as road:
        yield road


def release(road: Road, deaths: Sequence[Death]) -> list[Death]:
    """One release to its end, in which these processes die at these points and are started again. Those that did not die.

    Several deaths of workers are those of one after the other.
    """
    before = road.measure()
    transfer, proposed, approved = road.stack.draw_transfer()
    signers = {name: at for name, at in deaths if name in NAMES}
    workers = [at for name, at in deaths if name == WORKER]
    lived: list[Death] = []
    for name, at in signers.items():
        road.stack.start(name, at)
    watched = {name: road.stack.running[name] for name in signers}
    for name, at in deaths:
        if name == API:
            road.start_api(at)
            watched[API] = require_running(road)
    transfer_id = road.submit(proposed, approved)
    for at in workers:
        still = [name for name in signers if watched[name].is_alive()]
        if road.carry(transfer_id, target=at, dying=still) != KILLED:
            lived.append((WORKER, at))
    road.carry_to_its_end(transfer_id, dying=[name for name in signers if watched[name].is_alive()])
    lived += [(name, at) for name, at in deaths if name in watched and watched[name].exitcode != KILLED]
    for name, _ in lived:
        # What was not reached must not be reached in the next release.
        if name in NAMES:
            road.stack.start(name)
        elif name == API:
            road.start_api()
    road.require_one_effect(before, transfer)
    return lived


def require_running(road: Road) -> ForkServerProcess:
    """The API's process."""
    assert road.api is not None
    return road.api


def dry_run(road: Road) -> dict[str, list[str]]:
    """One undisturbed release, which is not the first one: the points of each process."""
    release(road, [])
    road.start_api()
    for name in NAMES:
        road.stack.start(name)
    release(road, [])
    return {name: read_points(road.stack, name) for name in (API, WORKER, *NAMES)}


def choose(points: Mapping[str, Sequence[str]], offset: int) -> dict[str, deque[int]]:
    """Every fifth point of API and worker, and every fifth of the signers on one of both databases."""
    chosen = {name: deque(range(offset % EVERY, len(points[name]), EVERY)) for name in (API, WORKER)}
    for name in NAMES:
        chosen[name] = deque(range(EVERY * (offset > 0), len(points[name]), 2 * EVERY))
    return chosen


def to_releases(chosen: Mapping[str, deque[int]]) -> Iterator[list[Death]]:
    """Deaths of one release after the other. A worker dies late and its successor early, since that one has less to do."""
    while any(chosen.values()):
        workers, api = chosen[WORKER], chosen[API]
        deaths = [(API, api.popleft())] if api else []
        deaths += [(WORKER, workers.pop())] if workers else []
        deaths += [(WORKER, workers.popleft())] if workers else []
        longest = sorted(NAMES, key=lambda name: len(chosen[name]), reverse=True)[:2]
        yield [*deaths, *((name, chosen[name].popleft()) for name in longest if chosen[name])]


def ask_everything_again(road: Road) -> None:
    """Clients that post what they posted, and another worker: nothing more happens."""
    before, known = road.measure(), list(road.acknowledged)
    transfer, proposed, approved = road.stack.draw_transfer()
    transfer_id = road.submit(proposed, approved)
    road.carry_to_its_end(transfer_id)
    assert road.submit(proposed, approved) == transfer_id
    assert road.acknowledged[: len(known)] == known and len(road.acknowledged) == len(known) + 2
    road.carry_to_its_end(transfer_id)
    road.require_one_effect(before, transfer)


def test_p2_processes_killed_at_any_point_of_a_release_over_the_server_leave_one_effect(
    road: Road, is_deep: bool, record_property: Callable[[str, object], None]
) -> None:
    points = dry_run(road)
    each_alone = [[(name, at)] for name, found in points.items() for at in range(len(found))]
    offset = OFFSETS[road.store.database.url.get_backend_name()]
    releases: Iterable[list[Death]] = each_alone if is_deep else to_releases(choose(points, offset))
    died, alone = 0, []
    for deaths in releases:
        lived = release(road, deaths)
        died += len(deaths) - len(lived)
        alone += lived
    for death in alone:
        # Whoever had less to do since others died before is killed without them.
        assert release(road, [death]) == []
    ask_everything_again(road)
    road.require_whole()
    record_property("crash points of the road", sum(map(len, points.values())))
    record_property("deaths on the road", died + len(alone))
