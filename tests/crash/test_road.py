"""Kill -9 of API, worker and signers before and after every commit and network edge of one release over the server (P2, P8).

A dry run counts the points of each process. Every fifth is tried in the short profile, other ones on Postgres than on SQLite; each of
them in `deep`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crash.road import API, WORKER, Road, open_road, read_points
from tests.crash.stack import NAMES
from tests.databases import database_url, postgres_url, sqlite_url

__all__ = ["database_url", "postgres_url", "sqlite_url"]

EVERY = 5
BEGIN_AT = {"sqlite": 0, "postgresql": 2}


@pytest.fixture
def road(tmp_path: Path, database_url: str) -> Iterator[Road]:
    with open_road(tmp_path, database_url) as road:
        yield road


def release(road: Road, name: str, point: int | None) -> None:
    """One release in which a process dies at a point, is started again, and everything goes on to its end."""
    before = road.measure()
    transfer, proposed, approved = road.stack.draw_transfer()
    if name == API:
        road.start_api(point)
    elif name in NAMES:
        road.stack.start(name, point)
    process = road.api if name == API else road.stack.running.get(name)
    transfer_id = road.submit(proposed, approved)
    code = road.carry(
        transfer_id, target=point if name == WORKER else None, dying=name if name in NAMES and point is not None else None
    )
    if point is not None:
        exitcode = code if process is None else process.exitcode
        assert exitcode == -9, f"{name} lived through point {point}"
    if code != 0:
        road.carry_to_its_end(transfer_id)
    road.require_one_effect(before, transfer)


def dry_run(road: Road) -> list[tuple[str, int, str]]:
    """One undisturbed release: the points of each process."""
    release(road, WORKER, None)
    road.start_api()
    for name in NAMES:
        road.stack.start(name)
    release(road, WORKER, None)
    return [(name, at, what) for name in (API, WORKER, *NAMES) for at, what in enumerate(read_points(road.stack, name))]


def ask_everything_again(road: Road) -> None:
    """Clients that post what they posted, and another worker: nothing more happens."""
    before = road.measure()
    known = list(road.acknowledged)
    transfer, proposed, approved = road.stack.draw_transfer()
    transfer_id = road.submit(proposed, approved)
    road.carry_to_its_end(transfer_id)
    road.submit(proposed, approved)
    assert road.acknowledged[: len(known)] == known and len(road.acknowledged) == len(known) + 2
    road.carry_to_its_end(transfer_id)
    road.require_one_effect(before, transfer)


def test_p2_a_process_killed_at_any_point_of_a_release_over_the_server_leaves_one_effect(
    road: Road, is_deep: bool, record_property: Callable[[str, object], None]
) -> None:
    points = dry_run(road)
    first = BEGIN_AT[road.store.database.url.get_backend_name()]
    tried = points if is_deep else points[first::EVERY]
    for name, at, _ in tried:
        release(road, name, at)
    ask_everything_again(road)
    road.require_whole()
    record_property("crash points of the road", len(points))
    record_property("crash points of the road tried", len(tried))
