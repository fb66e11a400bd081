"""Many at once over HTTP, at two API processes on one database, and two worker processes on one outbox, one of which dies."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from guard.core.ids import TransferId
from guard.core.transfer import Transfer
from tests.crash.books import require_whole_log
from tests.crash.road import KILLED
from tests.crash.stack import PATIENCE, to_context
from tests.databases import database_url, postgres_url, sqlite_url
from tests.durability.mains import Delivery, run_deliverer
from tests.durability.served import Client, Served, serving
from tests.factories import make_person, make_roster, make_rule, to_approvals
from tests.team import make_team_policy, transfer_id_of
from tests.worker.test_webhook import Receiver, receiving

__all__ = ["database_url", "postgres_url", "sqlite_url"]

MANY = 64
CROWD = tuple(f"approver-{number}" for number in range(MANY))
APIS = ("api-1", "api-2")
DIES_AT = 4 * 10 + 2
"""A point of one worker, which has four for each message: the eleventh is delivered, and that is not written down."""


@pytest.fixture
def served(tmp_path: Path, database_url: str) -> Iterator[Served]:
    people = [make_person(name, "finance") for name in CROWD]
    policy = make_team_policy(roster=make_roster(*people), rules=(make_rule(approvals=to_approvals(finance=MANY)),))
    with serving(tmp_path, database_url, policy) as served:
        for name in APIS:
            served.start(name)
        yield served


def post_at_once(served: Served, post: Callable[[Client, int], dict[str, Any]]) -> list[dict[str, Any]]:
    """64 clients post together, every other one at the same process; the acknowledgements."""
    barrier = Barrier(MANY)

    def begin(number: int) -> dict[str, Any]:
        client = Client(served.address_of(APIS[number % len(APIS)]))
        barrier.wait()
        return post(client, number)

    with ThreadPoolExecutor(MANY) as pool:
        return list(pool.map(begin, range(MANY)))


def require_each_once(served: Served, about: list[TransferId], acknowledged: list[dict[str, Any]]) -> None:
    told = require_whole_log(served.store, served.policy.treasury, acknowledged)
    assert (
        sorted(each["index"] for each in acknowledged)
        == list(range(1, len(acknowledged) + 1))
        == list(range(1, len(told)))
    )
    with served.store.reading() as reading:
        rows = [row for each in about for row in reading.load_statements(each)]
    assert len({(row.person, row.digest) for row in rows}) == len(rows) == len(acknowledged)


def test_64_people_approve_and_64_transfers_are_proposed_at_once_at_two_processes_and_two_workers_tell_of_all(
    served: Served,
) -> None:
    transfer = served.transfer()
    proposed = Client(served.address_of(APIS[0])).propose(served, transfer)
    approved = post_at_once(served, lambda client, number: client.approve(served, transfer, CROWD[number]))
    assert {each["person"] for each in approved} == set(CROWD)
    assert {each["version"] for each in approved} == {1}
    # Whoever came last saw all others: nobody's seat was lost on the way.
    last = max(approved, key=lambda each: each["index"])
    assert last["prediction"]["status"] == "releasable"
    assert Counter(each["prediction"]["status"] for each in approved)["releasable"] == 1
    transfers = [served.transfer() for _ in range(MANY)]
    further = post_at_once(served, lambda client, number: client.propose(served, transfers[number]))
    acknowledged = [proposed, *approved, *further]
    require_each_once(served, [transfer_id_of(each) for each in (transfer, *transfers)], acknowledged)
    with receiving() as receiver:
        deliver_by_two(served, receiver)
        require_told(served, receiver, len(acknowledged))


def test_one_request_sent_64_times_at_once_to_two_processes_has_one_effect_and_one_answer(served: Served) -> None:
    transfer: Transfer = served.transfer()
    key = secrets.token_hex(8)
    given = post_at_once(served, lambda client, _: client.propose(served, transfer, key=key))
    assert all(each == given[0] for each in given)
    require_each_once(served, [transfer_id_of(transfer)], given[:1])


def deliver_by_two(served: Served, receiver: Receiver) -> None:
    """Two workers deliver at once; one is killed after a delivery that it did not write down. A third one does what is left."""
    jobs = [Delivery(database=served.database, hook=receiver.url, holder=f"worker-{each}") for each in range(2)]
    targets = (DIES_AT, None)
    log = str(served.folder / "deliverer.points")
    running = [
        to_context().Process(target=run_deliverer, args=(job, f"{log}-{job.holder}", target))
        for job, target in zip(jobs, targets, strict=True)
    ]
    for process in running:
        process.start()
    for process in running:
        process.join(PATIENCE)
    assert [process.exitcode for process in running] == [KILLED, 0]
    third = to_context().Process(target=run_deliverer, args=(jobs[0].after_a_lease(), log, None))
    third.start()
    third.join(PATIENCE)
    assert third.exitcode == 0


def require_told(served: Served, receiver: Receiver, count: int) -> None:
    """Every message came, one of them twice, under the same id and with the same words."""
    came = Counter(headers["webhook-id"] for _, headers, _ in receiver.came)
    bodies = {(headers["webhook-id"], body) for _, headers, body in receiver.came}
    assert len(came) == len(bodies) == count
    assert sorted(came.values()) == [1] * (count - 1) + [2]
    with served.store.reading() as reading:
        assert reading.count_waiting_messages() == 0 and not reading.list_dead_messages()
