"""The books on both databases: what goes in comes out, in the order and the pages that were asked for."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from guard.core.ids import Address, PersonId, TransferId
from guard.core.lifecycle import COUNTED, State
from guard.errors import AdapterError, GuardError
from guard.log.chain import compute_start
from guard.ports.access import Accounts
from guard.ports.books import Books, BooksReading, BooksWriting, LogHead, TransferQuery, TransferRow
from guard.ports.carriage import CarrierBooks
from guard.store import books_sql as sql
from guard.store.database import Database
from guard.store.schema import METADATA
from guard.store.store import Store
from tests.store.factories import (
    NOW,
    TREASURY,
    VAULT,
    digest_of,
    found,
    new_bundle,
    new_message,
    new_replay,
    new_statement,
    new_transfer,
    say,
)

AWKWARD = "Müller & Söhne – 'quote' \" \\ %s :name ;-- 🐘 \t"


def test_the_store_is_what_every_part_asks_for(store: Store) -> None:
    """The types say so; mypy holds it."""
    books: Books = store
    accounts: Accounts = store
    carrier: CarrierBooks = store
    assert {id(books), id(accounts), id(carrier)} == {id(store)}


@pytest.mark.parametrize("limit", [-1, 0, 1001])
def test_a_list_of_no_rows_or_of_too_many_cannot_be_asked_for(limit: int) -> None:
    with pytest.raises(GuardError) as refused:
        TransferQuery(limit=limit)
    assert refused.value.code == "value.invalid"


def test_a_new_database_belongs_to_nobody_and_its_log_is_empty(store: Store) -> None:
    with store.reading() as books:
        assert books.load_treasury() is None
        assert books.load_head().size == 0
        assert books.load_bundles() == ()
        assert books.load_entries(start=0, limit=10) == ()


def test_the_first_bundle_names_the_treasury_and_starts_its_log(store: Store) -> None:
    with store.writing() as books:
        found(books)
        assert books.load_treasury() == TREASURY
        assert books.load_head() == LogHead(size=0, head=compute_start(TREASURY))
    with store.reading() as books:
        assert books.load_treasury() == TREASURY
        assert books.load_head() == LogHead(size=0, head=compute_start(TREASURY))
        assert books.load_bundles() == (new_bundle(),)


def test_a_bundle_of_another_treasury_is_refused(store: Store) -> None:
    with store.writing() as books:
        found(books)
    with pytest.raises(AdapterError) as refused, store.writing() as books:
        books.add_bundle(new_bundle(2), digest_of("another treasury"))
    assert refused.value.code == "store.other-treasury"


def test_nothing_is_logged_before_the_first_bundle(store: Store) -> None:
    with pytest.raises(AdapterError) as refused, store.writing() as books:
        books.append("server.started", actor="server", at=NOW, body={})
    assert refused.value.code == "store.no-treasury"


def test_bundles_come_back_oldest_first_byte_for_byte(store: Store) -> None:
    rows = [new_bundle(1), new_bundle(2, raw=bytes(range(256))), new_bundle(10)]
    with store.writing() as books:
        for row in rows:
            books.add_bundle(row, TREASURY)
    with store.reading() as books:
        assert books.load_bundles() == tuple(rows)


@pytest.mark.parametrize("state", State)
def test_a_transfer_comes_back_in_every_state(store: Store, state: State) -> None:
    row = new_transfer(state=state, reason=AWKWARD, body=f'{{"purpose":"{AWKWARD}"}}', version=2**62, expires_at=2**62)
    with store.writing() as books:
        books.add_transfer(row)
        assert books.load_transfer(row.id) == row
    with store.reading() as books:
        assert books.load_transfer(row.id) == row
        assert books.load_transfer(TransferId(digest_of("nothing"))) is None


@pytest.mark.parametrize("field", ["chain_id", "proposed_at", "expires_at"])
def test_a_number_beyond_64_bits_is_a_refused_request(store: Store, field: str) -> None:
    with store.writing() as books:
        books.add_transfer(new_transfer(1, **{field: 2**63 - 1}))
    for number in (2**63, 2**64 - 1):
        with pytest.raises(GuardError) as refused, store.writing() as books:
            books.add_transfer(new_transfer(2, **{field: number}))
        assert refused.value.code == "store.too-large"


def test_a_statement_an_entry_a_replay_and_a_head_come_back(store: Store) -> None:
    replay = new_replay(body='{"a":"ä"}')
    with store.writing() as books:
        found(books)
        books.add_transfer(new_transfer())
        row = say(books, body=f'{{"reason":"{AWKWARD}"}}')
        freeze = say(books, transfer_id=None, kind="freeze")
        books.keep_replay(replay)
        inside = books.load_entries(start=0, limit=9)
    with store.reading() as books:
        assert books.load_statements(new_transfer().id) == (row,)
        assert books.load_statements_of_kind("freeze") == (freeze,)
        assert books.find_statement(row.person, row.digest) == row
        assert books.find_statement(PersonId("bob"), row.digest) is None
        assert books.load_entries(start=0, limit=9) == inside
        assert [entry.index for entry in inside] == [row.log_index, freeze.log_index] == [0, 1]
        assert books.load_head() == LogHead(size=2, head=inside[-1].head)
        assert books.find_replay("alice", "key-1") == replay
        assert books.find_replay("bob", "key-1") is books.find_replay("alice", "key-2") is None


def test_statements_come_back_in_the_order_of_arrival_whatever_their_times(store: Store) -> None:
    with store.writing() as books:
        found(books)
        books.add_transfer(new_transfer())
        rows = [say(books, received_at=NOW - place) for place in range(12)]
    with store.reading() as books:
        assert books.load_statements(new_transfer().id) == tuple(rows)


def test_entries_come_in_pages_from_an_index_on(store: Store) -> None:
    with store.writing() as books:
        found(books)
        for place in range(7):
            books.append("e", actor="a", at=NOW, body={"place": place})
    with store.reading() as books:
        whole = books.load_entries(start=0, limit=100)
        assert [entry.index for entry in whole] == list(range(7))
        assert books.load_entries(start=3, limit=2) == whole[3:5]
        assert books.load_entries(start=6, limit=2) == whole[6:]
        assert books.load_entries(start=7, limit=2) == ()


def test_a_move_changes_state_reason_and_time_and_lets_the_version_grow(store: Store) -> None:
    with store.writing() as books:
        books.add_transfer(new_transfer())
        moved = books.move_transfer(new_transfer().id, State.VETOED, reason="by guardian", at=NOW + 5)
        assert moved == replace(new_transfer(), state=State.VETOED, reason="by guardian", moved_at=NOW + 5, version=2)
        touched = books.touch_transfer(new_transfer().id)
        assert touched == replace(moved, version=3)
    with store.reading() as books:
        assert books.load_transfer(new_transfer().id) == touched


def test_a_move_that_is_not_in_the_table_is_refused_and_changes_nothing(store: Store) -> None:
    with store.writing() as books:
        books.add_transfer(new_transfer(state=State.VETOED))
    with pytest.raises(GuardError) as refused, store.writing() as books:
        books.move_transfer(new_transfer().id, State.OPEN, reason="", at=NOW)
    assert refused.value.code == "lifecycle.move"
    with store.reading() as books:
        assert books.load_transfer(new_transfer().id) == new_transfer(state=State.VETOED)


def test_a_stop_is_stored_even_if_the_servers_clock_was_set_back(store: Store) -> None:
    with store.writing() as books:
        books.add_transfer(new_transfer())
        books.move_transfer(new_transfer().id, State.VETOED, reason="", at=0)


def list_all(books: BooksReading, query: TransferQuery) -> list[TransferRow]:
    """Every page of a query, one after the other."""
    listed: list[TransferRow] = []
    while page := books.list_transfers(query):
        assert len(page) <= query.limit
        listed += page
        query = replace(query, before=page[-1].id)
    return listed


transfers = st.lists(
    st.builds(
        new_transfer,
        st.integers(0, 10**6),
        received_at=st.integers(NOW, NOW + 3),
        state=st.sampled_from(State),
        vault=st.sampled_from([VAULT, Address("0x" + "E5" * 20)]),
        chain_id=st.sampled_from([1, 10]),
        initiator=st.sampled_from([PersonId("alice"), PersonId("bob")]),
    ),
    unique_by=lambda row: row.id,
    max_size=12,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(transfers, st.sets(st.sampled_from(State), max_size=3), st.booleans(), st.booleans(), st.integers(1, 5))
def test_lists_are_those_of_a_plain_search_whatever_the_page(
    store: Store, rows: list[TransferRow], states: set[State], by_vault: bool, by_initiator: bool, limit: int
) -> None:
    query = TransferQuery(
        states=tuple(states),
        vault=VAULT if by_vault else None,
        initiator=PersonId("bob") if by_initiator else None,
        limit=limit,
    )
    wanted = [
        row
        for row in sorted(rows, key=lambda row: (row.received_at, row.id), reverse=True)
        if (not states or row.state in states)
        and (not by_vault or row.vault == VAULT)
        and (not by_initiator or row.initiator == "bob")
    ]
    with pytest.raises(_UndoError), store.writing() as books:
        for row in rows:
            books.add_transfer(row)
        assert list_all(books, query) == wanted
        counted = [row for row in reversed(rows) if (row.chain_id, row.vault) == (1, VAULT) and row.state in COUNTED]
        assert sorted(books.load_counted(1, VAULT, since=0), key=str) == sorted(counted, key=str)
        raise _UndoError


@given(transfers, st.integers(0, 3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_became_final_before_a_time_is_left_out_and_nothing_else(
    store: Store, rows: list[TransferRow], place: int
) -> None:
    with pytest.raises(_UndoError), store.writing() as books:
        for row in rows:
            books.add_transfer(row)
        since = sorted({row.moved_at for row in rows} | {0})[-1] + place - 1 if place else 0
        kept = [
            row
            for row in rows
            if (row.chain_id, row.vault) == (1, VAULT)
            and row.state in COUNTED
            and (row.state is not State.FINALISED or row.moved_at >= since)
        ]
        assert sorted(books.load_counted(1, VAULT, since=max(0, since)), key=str) == sorted(kept, key=str)
        raise _UndoError


class _UndoError(Exception):
    """Rolls a transaction back."""


def test_a_list_after_an_unknown_transfer_is_empty(store: Store) -> None:
    with store.writing() as books:
        books.add_transfer(new_transfer())
        assert books.list_transfers(TransferQuery(before=TransferId(digest_of("nothing")))) == ()


def test_transfers_are_found_by_the_beginning_of_their_id(store: Store) -> None:
    ids = [TransferId("0x" + "ab" * 4 + f"{place:056x}") for place in range(12)]
    other = TransferId("0x" + "ac" * 32)
    with store.writing() as books:
        for transfer_id in [*ids, other]:
            books.add_transfer(new_transfer(id=transfer_id))
        assert books.find_transfers("0xac") == books.find_transfers(other) == (other,)
        assert books.find_transfers("0xabababab") == tuple(ids[:10])
        assert books.find_transfers("0xad") == ()


@pytest.mark.parametrize("prefix", ["", "ab", "0x%", "0x_", "0xAB", "0xab'", "0x" + "a" * 65])
def test_what_is_no_beginning_of_an_id_finds_nothing(store: Store, prefix: str) -> None:
    with store.writing() as books:
        books.add_transfer(new_transfer(id=TransferId("0x" + "ab" * 32)))
        assert books.find_transfers(prefix) == ()


def _due_at(store: Store) -> int | None:
    with store.reading() as books:
        due_at: int | None = books.db.execute(select(sql.ERRAND.c.due_at)).scalar_one()
        return due_at


@pytest.mark.parametrize(("first", "second", "due"), [(10, 9, 9), (10, 10, 10), (10, 11, 10)])
def test_an_errand_is_due_at_the_earliest_time_that_was_asked_for(
    store: Store, first: int, second: int, due: int
) -> None:
    with store.writing() as books:
        books.add_transfer(new_transfer())
        books.make_due(new_transfer().id, at=first)
        books.make_due(new_transfer().id, at=second)
    assert _due_at(store) == due


def test_an_errand_of_which_nothing_was_expected_is_due_when_it_is_asked_for(store: Store) -> None:
    with store.writing() as books:
        books.add_transfer(new_transfer())
        books.make_due(new_transfer().id, at=10)
        books.db.execute(sql.ERRAND.update().values(due_at=None))
        books.make_due(new_transfer().id, at=20)
    assert _due_at(store) == 20


def test_messages_wait_in_the_outbox_due_at_once(store: Store) -> None:
    columns = sql.OUTBOX.c
    with store.writing() as books:
        books.post([new_message("one"), new_message("two", created_at=NOW + 1)])
        books.post([])
    with store.reading() as books:
        waiting = books.db.execute(select(columns.id, columns.due_at, columns.state).order_by(columns.id)).all()
        assert [tuple(row) for row in waiting] == [("one", NOW, "waiting"), ("two", NOW + 1, "waiting")]


def _say_twice(books: BooksWriting) -> None:
    row = say(books, "again")
    books.add_statement(replace(row, log_index=row.log_index + 1))
    books.append("e", actor="a", at=NOW, body={})


def _log_twice_at_one_place(books: BooksWriting) -> None:
    row = say(books)
    books.add_statement(new_statement(row.log_index, "other"))


def _post_twice(books: BooksWriting) -> None:
    books.post([new_message("same"), new_message("same")])


def _keep_twice(books: BooksWriting) -> None:
    books.keep_replay(new_replay())
    books.keep_replay(new_replay(fingerprint="other"))


def _add_twice(books: BooksWriting) -> None:
    books.add_transfer(new_transfer("other"))
    books.add_transfer(new_transfer("other", vault=Address("0x" + "E5" * 20)))


def _activate_twice(books: BooksWriting) -> None:
    books.add_bundle(new_bundle(1, digest=digest_of("other")), TREASURY)


def _activate_backwards(books: BooksWriting) -> None:
    books.add_bundle(new_bundle(3), TREASURY)
    books.add_bundle(new_bundle(2), TREASURY)


def _speak_of_nothing(books: BooksWriting) -> None:
    say(books, transfer_id=TransferId(digest_of("nothing")))


def _carry_nothing(books: BooksWriting) -> None:
    books.make_due(TransferId(digest_of("nothing")), at=NOW)


def _say_without_an_entry(books: BooksWriting) -> None:
    books.add_statement(new_statement(books.load_head().size))


BREACHES = [
    _say_twice,
    _log_twice_at_one_place,
    _post_twice,
    _keep_twice,
    _add_twice,
    _activate_twice,
    _activate_backwards,
    _speak_of_nothing,
    _carry_nothing,
    _say_without_an_entry,
]


@pytest.mark.parametrize("breach", BREACHES, ids=lambda breach: breach.__name__.strip("_"))
def test_the_database_itself_refuses(store: Store, breach: Callable[[BooksWriting], None]) -> None:
    with store.writing() as books:
        found(books)
        books.add_transfer(new_transfer())
        say(books, "first")
    before = _read_everything(store)
    with pytest.raises(IntegrityError), store.writing() as books:
        breach(books)
    assert _read_everything(store) == before


def _read_everything(store: Store) -> list[object]:
    with store.reading() as books:
        return [books.db.execute(select(table)).all() for table in METADATA.sorted_tables]


def test_what_raises_leaves_nothing_behind(store: Store) -> None:
    with store.writing() as books:
        found(books)
        books.add_transfer(new_transfer())
    before = _read_everything(store)
    with pytest.raises(_UndoError), store.writing() as books:
        say(books)
        books.add_transfer(new_transfer("other"))
        books.move_transfer(new_transfer().id, State.VETOED, reason="", at=NOW)
        books.post([new_message()])
        books.make_due(new_transfer().id, at=NOW)
        books.keep_replay(new_replay())
        raise _UndoError
    assert _read_everything(store) == before
    with store.writing() as books:
        assert say(books).log_index == 0


def test_a_look_sees_one_state_from_beginning_to_end(store: Store) -> None:
    with store.writing() as books:
        found(books)
    with store.reading() as books:
        assert books.load_head().size == 0
        with store.writing() as writing:
            writing.append("e", actor="a", at=NOW, body={})
        assert books.load_head().size == 0
        assert books.load_entries(start=0, limit=5) == ()
    with store.reading() as books:
        assert books.load_head().size == 1


def test_a_brief_transaction_does_not_wait_for_the_writer_of_the_books_on_postgres(postgres_url: str) -> None:
    store = Store(Database(postgres_url))
    with store.writing(), store.brief() as brief:
        brief.purge_challenges(NOW)
    store.close()
