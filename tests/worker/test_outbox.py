"""The outbox: every message is delivered at least once, by one worker at a time, and what cannot be delivered is seen."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from guard.ports.books import Message
from guard.ports.carriage import OutboxRow
from guard.store.store import Store
from guard.worker.outbox import LEASE, PAUSES, compute_pause, deliver_due
from guard.worker.webhook import Webhook
from tests.worker.test_webhook import SECRET, Receiver, receiving
from tests.worker.yard import Yard

AT = 1_700_000_000


@dataclass
class Post:
    """A store with messages, and the time."""

    store: Store
    now: int = AT
    numbers: list[int] = field(default_factory=list)

    def put(self, count: int) -> None:
        with self.store.writing() as writing:
            writing.post(
                Message(id=f"msg_{number:04}", event="transfer.proposed", body=f'{{"number":{number}}}', created_at=AT)
                for number in range(count)
            )

    def deliver(self, receiver: Receiver, holder: str = "worker-1", *, limit: int = 50) -> list[str]:
        webhook = Webhook(url=receiver.url, secrets=(SECRET,), timeout=2)
        done = deliver_due(self.store, webhook, holder, now=lambda: self.now, limit=limit, draw=lambda: 0.0)
        return [each.state for each in done]

    def row(self, number: int = 0) -> OutboxRow:
        with self.store.reading() as reading:
            row = reading.load_message(f"msg_{number:04}")
        assert row is not None
        return row


@pytest.fixture
def post(store: Store) -> Post:
    return Post(store)


def test_messages_go_out_the_oldest_first_and_each_once(post: Post) -> None:
    post.put(5)
    with receiving() as receiver:
        assert post.deliver(receiver) == ["delivered"] * 5
        assert post.deliver(receiver) == []
    assert [headers["webhook-id"] for _, headers, _ in receiver.came] == [f"msg_{number:04}" for number in range(5)]
    with post.store.reading() as reading:
        assert reading.count_waiting_messages() == 0


def test_a_message_that_fails_is_tried_at_the_standards_times_and_is_dead_then(post: Post) -> None:
    post.put(1)
    tried = []
    with receiving() as receiver:
        receiver.status = 500
        while post.row().state == "waiting":
            post.now = post.row().due_at
            tried.append(post.now - AT)
            post.deliver(receiver)
    pauses = [after - before for before, after in pairwise(tried)]
    assert (tried[0], pauses) == (0, list(PAUSES))
    assert (post.row().state, post.row().attempts, len(receiver.came)) == ("dead", 10, 10)
    assert len({headers["webhook-id"] for _, headers, _ in receiver.came}) == 1
    with post.store.reading() as reading:
        assert [row.last_error for row in reading.list_dead_messages()] == [
            "the receiver answered 500 [webhook.failed]"
        ]


def test_the_pauses_are_those_of_the_standard() -> None:
    assert PAUSES == (5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400)


@pytest.mark.parametrize(("drawn", "pause"), [(0.0, 300), (0.5, 315), (1.0, 330)])
def test_a_pause_is_up_to_a_tenth_longer(drawn: float, pause: int) -> None:
    assert compute_pause(2, drawn) == pause


def test_a_message_is_not_tried_before_its_time(post: Post) -> None:
    post.put(1)
    with receiving() as receiver:
        receiver.status = 500
        post.deliver(receiver)
        receiver.status = 200
        post.now += PAUSES[0] - 1
        assert post.deliver(receiver) == []
        post.now += 1
        assert post.deliver(receiver) == ["delivered"]
    assert post.row().last_error == ""


def test_410_makes_a_message_dead_at_once(post: Post) -> None:
    post.put(1)
    with receiving() as receiver:
        receiver.status = 410
        assert post.deliver(receiver) == ["dead"]
    assert (post.row().state, post.row().attempts) == ("dead", 1)


def test_a_message_that_fails_holds_no_other_one_up(post: Post) -> None:
    post.put(1)
    with receiving() as receiver:
        receiver.status = 500
        post.deliver(receiver)
        receiver.status = 200
        with post.store.writing() as writing:
            writing.post([Message(id="msg_new", event="freeze.stored", body="{}", created_at=AT)])
        assert post.deliver(receiver) == ["delivered"]


def test_two_workers_lose_no_message_and_none_is_delivered_by_both(post: Post) -> None:
    post.put(40)
    with receiving() as receiver:
        barrier = threading.Barrier(2)
        done: list[str] = []

        def work(holder: str) -> None:
            barrier.wait()
            while states := post.deliver(receiver, holder, limit=3):
                done.extend(states)

        threads = [threading.Thread(target=work, args=(f"worker-{number}",)) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    came = [headers["webhook-id"] for _, headers, _ in receiver.came]
    assert sorted(came) == [f"msg_{number:04}" for number in range(40)]
    assert done == ["delivered"] * 40


@pytest.mark.parametrize("waited", [LEASE - 1, LEASE, LEASE + 1])
def test_a_message_of_a_worker_that_died_is_delivered_by_another_after_its_lease(post: Post, waited: int) -> None:
    post.put(1)
    with post.store.brief() as brief:
        (dead,) = brief.claim_messages("dead", now=AT, until=AT + LEASE, limit=1)
    post.now += waited
    with receiving() as receiver:
        assert post.deliver(receiver) == (["delivered"] if waited >= LEASE else [])
    with post.store.brief() as brief:
        is_taken = brief.settle_message(dead, state="waiting", due_at=AT, attempts=1, last_error="late")
    assert is_taken is (waited < LEASE)


def test_a_worker_delivers_what_the_service_wrote_and_its_own_events(yard: Yard) -> None:
    yard.ready()
    with receiving() as receiver:
        yard.worker(webhook=Webhook(url=receiver.url, secrets=(SECRET,))).run_round()
    told = sorted((json.loads(body) for _, _, body in receiver.came), key=lambda each: each["data"]["log_index"])
    expected = ["transfer.proposed", "transfer.approved", "transfer.signing", "transfer.broadcast"]
    assert [each["type"] for each in told] == expected
    assert {each["data"]["transfer"]["id"] for each in told} == {told[0]["data"]["transfer"]["id"]}


def test_without_a_webhook_messages_stay_where_they_are(yard: Yard) -> None:
    yard.ready()
    yard.worker().run_round()
    with yard.store.reading() as reading:
        assert reading.count_waiting_messages() == 4
