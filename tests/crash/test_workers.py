"""Two and three worker processes at once over one database, with one executor's key, real signers and a chain: one effect each (P2)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from guard.core.ids import TransferId
from guard.core.transfer import Transfer
from guard.worker.pace import Pace
from tests.crash.chain_main import mine
from tests.crash.road import Road, open_road
from tests.crash.worker_main import Job
from tests.databases import database_url, postgres_url, sqlite_url
from tests.durability.mains import Race, run_racing_worker

__all__ = ["database_url", "postgres_url", "sqlite_url"]

ROUNDS = 50
TRANSFERS = 4
CLOCK_RUNS = 10
"""How much faster the workers' clock goes than the machine's, so that their pauses are short."""
ENDS_WITHIN, ENDS_WITHIN_DEEP = 120, 900
PATIENT = Pace(lease=600, final=2, held=2, waiting=10, watch=5)
HASTY = Pace(lease=2, final=2, held=2, waiting=10, watch=5)
"""Leases that end while they are held, so that several workers do the same at the same time: only the signers' rules keep order then."""

RACES = ((2, PATIENT), (3, PATIENT), (3, HASTY))
UNSAID = ("transfer.signing", "transfer.broadcast")
"""What a worker has no time to say before its lease ends: the next one finds the transfer further on."""


@pytest.fixture
def road(tmp_path: Path, database_url: str) -> Iterator[Road]:
    with open_road(tmp_path, database_url) as road:
        yield road


def submit(road: Road, count: int) -> dict[TransferId, Transfer]:
    """So many transfers, proposed and approved."""
    submitted = {}
    for _ in range(count):
        transfer, proposed, approved = road.stack.draw_transfer()
        submitted[road.submit(proposed, approved)] = transfer
    return submitted


def race(road: Road, count: int, about: tuple[TransferId, ...], pace: Pace, seconds: int) -> list[int]:
    """Run so many workers at once until all is done; how many rounds each went."""
    job = Job(
        database=road.database,
        node=road.stack.url,
        commands=road.stack.commands,
        hook=road.receiver.url,
        about=about[0],
        later=road.later,
    )
    told = [road.stack.folder / f"rounds-{number}" for number in range(count)]
    began_at = time.time()
    running = [
        road.stack.context.Process(
            target=run_racing_worker,
            args=(
                Race(
                    job=job,
                    about=about,
                    pace=pace,
                    rounds=ROUNDS,
                    began_at=began_at,
                    clock_runs=CLOCK_RUNS,
                    ends_at=began_at + seconds,
                    told=str(each),
                ),
            ),
        )
        for each in told
    ]
    for process in running:
        process.start()
    while any(process.is_alive() for process in running):
        mine(road.stack.url)
        running[0].join(0.2)
    road.later += CLOCK_RUNS * (int(time.time() - began_at) + 1)
    assert [process.exitcode for process in running] == [0] * count
    return [int(each.read_text(encoding="ascii")) for each in told]


def test_p2_worker_processes_at_once_make_one_effect_of_each_transfer(
    road: Road, is_deep: bool, record_property: Callable[[str, object], None]
) -> None:
    for count, pace in RACES:
        before = road.measure()
        submitted = submit(road, ROUNDS if is_deep else TRANSFERS)
        rounds = race(road, count, tuple(submitted), pace, ENDS_WITHIN_DEEP if is_deep else ENDS_WITHIN)
        after = road.measure()
        assert before[0] - after[0] == sum(each.amount_units for each in submitted.values())
        assert after[1] - before[1] == len(submitted)
        assert min(rounds) >= ROUNDS
        record_property(f"rounds of {count} workers with leases of {pace.lease} s", sum(rounds))
    road.require_whole(unsaid=UNSAID)
