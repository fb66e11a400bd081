"""Errands, leases, certificates and alarms in the database: of two who come together one gets them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import text

from guard.core.ids import Address, Digest, SignerId, TransferId
from guard.ports.carriage import CertificateRow, ErrandRow, SentRow, SignerLook
from guard.store.database import Database
from guard.store.store import Store
from tests.factories import address_of, digest_of
from tests.store.factories import new_transfer

AT = 1_700_000_000
LEASE = 100
VAULT = Address(address_of("vault"))


def put_errands(store: Store, count: int, *, at: int = AT) -> list[TransferId]:
    rows = [new_transfer(f"transfer {number}") for number in range(count)]
    with store.writing() as writing:
        for row in rows:
            writing.add_transfer(row)
            writing.make_due(row.id, at=at)
    return [row.id for row in rows]


def claim(store: Store, holder: str, *, now: int = AT, limit: int = 1) -> tuple[ErrandRow, ...]:
    with store.brief() as brief:
        return brief.claim_errands(holder, now=now, until=now + LEASE, limit=limit)


def load(store: Store, transfer_id: TransferId) -> ErrandRow:
    with store.reading() as reading:
        row = reading.load_errand(transfer_id)
    assert row is not None
    return row


@pytest.mark.parametrize("now", [AT - 1, AT, AT + 1])
def test_an_errand_is_claimed_once_it_is_due(store: Store, now: int) -> None:
    put_errands(store, 1)
    assert len(claim(store, "one", now=now)) == (1 if now >= AT else 0)


def test_an_errand_that_is_held_is_nobody_elses_until_its_lease_ends(store: Store) -> None:
    put_errands(store, 1)
    (held,) = claim(store, "one")
    assert claim(store, "other", now=AT + LEASE - 1) == ()
    (taken,) = claim(store, "other", now=AT + LEASE)
    assert taken.fence == held.fence + 1
    with store.brief() as brief:
        assert not brief.settle_errand(held, replace(held, due_at=None, nonce=7))
        assert not brief.extend_errand(held, until=AT + 999)
    assert load(store, held.transfer_id).nonce is None


def test_many_claim_at_once_and_each_errand_is_claimed_by_one(store: Store) -> None:
    put_errands(store, 30)
    claimed: list[TransferId] = []
    barrier = threading.Barrier(4)

    def work(holder: str) -> None:
        barrier.wait()
        while rows := claim(store, holder, limit=2):
            claimed.extend(row.transfer_id for row in rows)

    run_all([partial(work, f"worker-{number}") for number in range(4)])
    assert len(claimed) == len(set(claimed)) == 30


def run_all(works: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_what_is_settled_stands_and_is_due_when_it_says(store: Store) -> None:
    put_errands(store, 1)
    (held,) = claim(store, "one")
    settled = replace(
        held, due_at=AT + 50, words='[{"signer":"a"}]', words_at=AT, trouble="x" * 2000, nonce=3, attempts=2
    )
    with store.brief() as brief:
        assert brief.settle_errand(held, settled)
    row = load(store, held.transfer_id)
    assert (row.due_at, row.holder, row.leased_until, row.nonce, row.attempts) == (AT + 50, "", 0, 3, 2)
    assert len(row.trouble) == 1000


@pytest.mark.parametrize(
    ("called_at", "next_at", "due_at"), [(AT + 5, AT + 50, AT + 5), (AT + 60, AT + 50, AT + 50), (AT + 5, None, AT + 5)]
)
def test_a_call_while_it_is_held_is_heard(store: Store, called_at: int, next_at: int | None, due_at: int) -> None:
    (transfer_id,) = put_errands(store, 1)
    (held,) = claim(store, "one")
    with store.writing() as writing:
        writing.make_due(transfer_id, at=called_at)
    with store.brief() as brief:
        brief.extend_errand(held, until=AT + 2 * LEASE)
    with store.brief() as brief:
        brief.settle_errand(held, replace(held, due_at=next_at))
    assert load(store, transfer_id).due_at == due_at


def test_an_errand_of_which_nothing_is_expected_is_due_again_when_it_is_called_for(store: Store) -> None:
    (transfer_id,) = put_errands(store, 1)
    (held,) = claim(store, "one")
    with store.brief() as brief:
        brief.settle_errand(held, replace(held, due_at=None))
    assert (load(store, transfer_id).due_at, claim(store, "one", now=AT + 10**6)) == (None, ())
    with store.writing() as writing:
        writing.make_due(transfer_id, at=AT + 7)
    assert len(claim(store, "one", now=AT + 7)) == 1


def test_a_lease_is_one_holders_at_a_time_and_its_number_grows(store: Store) -> None:
    with store.brief() as brief:
        first = brief.take_lease("vault", "one", now=AT, until=AT + LEASE)
        assert first is not None
        assert brief.take_lease("vault", "other", now=AT + LEASE - 1, until=AT + 2 * LEASE) is None
        second = brief.take_lease("vault", "other", now=AT + LEASE, until=AT + 2 * LEASE)
        assert second is not None
        assert second.fence > first.fence
        assert not brief.extend_lease(first, until=AT + 999)
        brief.return_lease(first)
        assert brief.take_lease("vault", "third", now=AT + LEASE, until=AT + 2 * LEASE) is None
        brief.return_lease(second)
        assert brief.take_lease("vault", "third", now=AT + LEASE, until=AT + 2 * LEASE) is not None


def test_of_many_who_ask_for_a_lease_at_once_one_gets_it(store: Store) -> None:
    taken: list[object] = []
    barrier = threading.Barrier(6)

    def work(holder: str) -> None:
        barrier.wait()
        with store.brief() as brief:
            lease = brief.take_lease("vault", holder, now=AT, until=AT + LEASE)
        if lease is not None:
            taken.append(lease)

    run_all([partial(work, f"worker-{number}") for number in range(6)])
    assert len(taken) == 1


def test_a_chore_is_taken_when_it_is_due_and_a_call_meanwhile_is_heard(store: Store) -> None:
    with store.brief() as brief:
        lease = brief.take_lease("chore", "one", now=AT, until=AT + LEASE, when_due=True)
        assert lease is not None
        brief.return_lease(lease, due_at=AT + 30)
        assert brief.take_lease("chore", "one", now=AT + 29, until=AT + LEASE, when_due=True) is None
    assert (reading_sleeps(store, AT + 29), reading_sleeps(store, AT + 30)) == ({"chore"}, set())
    with store.brief() as brief:
        again = brief.take_lease("chore", "one", now=AT + 30, until=AT + LEASE, when_due=True)
        assert again is not None
        brief.make_chore_due("chore", at=AT + 31)
        brief.return_lease(again, due_at=AT + 60)
        assert brief.take_lease("chore", "one", now=AT + 31, until=AT + LEASE, when_due=True) is not None
        brief.make_chore_due("new", at=AT + 5)
        assert brief.take_lease("new", "one", now=AT + 4, until=AT + LEASE, when_due=True) is None
        assert brief.take_lease("new", "one", now=AT + 5, until=AT + LEASE, when_due=True) is not None


def reading_sleeps(store: Store, now: int) -> set[str]:
    with store.reading() as reading:
        return set(reading.load_due(now).sleeping)


def make_certificate(nonce: int, name: str = "", **changes: object) -> CertificateRow:
    row = CertificateRow(
        digest=Digest(digest_of(f"certificate {nonce} {name}")),
        chain_id=1,
        vault=VAULT,
        nonce=nonce,
        kind="transfer",
        transfer_id=TransferId(digest_of(f"transfer {nonce} {name}")),
        body="{}",
        kept_at=AT,
    )
    return replace(row, **changes)  # type: ignore[arg-type]


def test_a_certificate_is_kept_once_and_found_by_its_place_and_its_transfer(store: Store) -> None:
    rows = [make_certificate(nonce) for nonce in (2, 0, 1)]
    with store.brief() as brief:
        assert [brief.keep_certificate(row) for row in (*rows, rows[0])] == [True, True, True, False]
        brief.keep_certificate(make_certificate(1, "elsewhere", vault=Address(address_of("other vault"))))
    with store.reading() as reading:
        assert [row.nonce for row in reading.load_certificates(1, VAULT, from_nonce=1)] == [1, 2]
        assert reading.load_certificates_of(rows[0].transfer_id or TransferId("")) == (rows[0],)
        assert reading.load_certificate(rows[1].digest) == rows[1]


@pytest.mark.parametrize(
    ("kept", "first", "gap"),
    [((), 0, 0), ((0,), 0, 1), ((0, 1, 3), 0, 2), ((1, 2), 0, 0), ((5, 6), 5, 7), ((0, 1, 1), 0, 2)],
)
def test_the_gap_is_the_lowest_nonce_without_a_certificate(
    store: Store, kept: tuple[int, ...], first: int, gap: int
) -> None:
    with store.brief() as brief:
        for place, nonce in enumerate(kept):
            brief.keep_certificate(make_certificate(nonce, str(place)))
        brief.keep_certificate(make_certificate(4, "elsewhere", chain_id=2))
    with store.reading() as reading:
        assert reading.find_gap(1, VAULT, first_nonce=first) == gap


def test_what_was_sent_is_found_while_it_waits_and_waits_again_when_it_is_sent_again(store: Store) -> None:
    certificate = make_certificate(0)
    row = SentRow(
        chain_id=1,
        hash=Digest(digest_of("sent")),
        executor=Address(address_of("executor")),
        nonce=5,
        certificate=certificate.digest,
        raw="0x1234",
        max_fee=10,
        priority_fee=1,
        sent_at=AT,
    )
    with store.brief() as brief:
        brief.keep_certificate(certificate)
        brief.add_sent(row)
        brief.move_sent(1, [row.hash], "replaced")
    with store.reading() as reading:
        assert reading.load_waiting_sent(1, row.executor) == ()
        assert reading.load_sent(certificate.digest) == (replace(row, state="replaced"),)
    with store.brief() as brief:
        brief.add_sent(replace(row, sent_at=AT + 9))
    with store.reading() as reading:
        assert reading.load_waiting_sent(1, row.executor) == (replace(row, sent_at=AT + 9),)


def test_an_alarm_is_raised_by_one_alone_and_forgotten_with_its_cause(store: Store) -> None:
    with store.brief() as brief:
        assert brief.notice("silent:a", at=AT).since == AT
        assert brief.notice("silent:a", at=AT + 9).since == AT
        assert [brief.raise_alarm("silent:a", at=AT + 9) for _ in range(2)] == [True, False]
        assert [brief.forget_alarm("silent:a") for _ in range(2)] == [True, False]
        brief.notice("silent:a", at=AT + 20)
        assert not brief.forget_alarm("silent:a")


def test_a_signer_that_is_silent_keeps_the_words_of_its_last_answer(store: Store) -> None:
    said = SignerLook(signer=SignerId("a"), asked_at=AT, answered_at=AT, body='{"open_nonce":1}')
    with store.brief() as brief:
        brief.keep_look(said)
        brief.keep_look(SignerLook(signer=SignerId("a"), asked_at=AT + 5, answered_at=None, body="{}"))
        brief.keep_look(SignerLook(signer=SignerId("b"), asked_at=AT + 5, answered_at=None, body="{}"))
    with store.reading() as reading:
        looks = {str(look.signer): look for look in reading.list_looks()}
    assert looks["a"] == replace(said, asked_at=AT + 5)
    assert looks["b"].answered_at is None


def test_evidence_is_the_latest(store: Store) -> None:
    (transfer_id,) = put_errands(store, 1)
    with store.brief() as brief:
        brief.keep_evidence(transfer_id, '{"a":1}', at=AT)
        brief.keep_evidence(transfer_id, '{"a":2}', at=AT + 1)
    with store.reading() as reading:
        assert reading.load_evidence(transfer_id) == '{"a":2}'


def test_a_claim_takes_no_more_than_it_asked_for_whatever_postgres_plans(postgres_url: str) -> None:
    """As one statement it took every due row where the planner chose to ask the inner question again for each outer row."""
    store = Store(Database(postgres_url))
    put_errands(store, 5)
    with store.brief() as brief:
        for way in ("hashagg", "hashjoin", "mergejoin", "material", "sort"):
            brief.db.execute(text(f"SET LOCAL enable_{way} = off"))
        assert len(brief.claim_errands("one", now=AT, until=AT + LEASE, limit=1)) == 1
    assert len(claim(store, "other", limit=10)) == 4
    store.close()
