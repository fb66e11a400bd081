"""The log in the database: whole whoever writes at once, and never changed without being noticed (P9)."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from guard.errors import GuardError
from guard.log.chain import compute_start
from guard.store import books_sql as sql
from guard.store.auditing import require_whole_log
from guard.store.database import Database
from guard.store.store import Store
from tests.store.factories import NOW, TREASURY, digest_of, found, new_transfer, say
from tests.store.tampering import tamper
from tests.store.writer_main import write

REPOSITORY = Path(__file__).parents[2]
TIMES = 25


@pytest.fixture
def begun(store: Store) -> Store:
    """A store with a bundle and a transfer."""
    with store.writing() as books:
        found(books)
        books.add_transfer(new_transfer())
    return store


def url_of(store: Store) -> str:
    """Where another process finds the same database."""
    return store.database.url.render_as_string(hide_password=False)


def require_all_written(store: Store, writers: int) -> None:
    """Everything that the writers wrote is there once, and the log is whole."""
    with store.reading() as books:
        stands = require_whole_log(books)
        assert stands.size == writers * TIMES
        rows = books.load_statements(new_transfer().id)
        assert [row.log_index for row in rows] == list(range(writers * TIMES))
        transfer = books.load_transfer(new_transfer().id)
        assert transfer is not None and transfer.version == 1 + writers * TIMES
        assert books.db.execute(select(func.count()).select_from(sql.OUTBOX)).scalar_one() == writers * TIMES


def test_the_log_is_whole_after_many_writes(begun: Store) -> None:
    write(begun, "one", TIMES)
    require_all_written(begun, 1)


def test_threads_that_write_at_once_leave_no_gap_and_no_fork(begun: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(write, begun, f"thread {number}", TIMES) for number in range(4)]:
            done.result()
    require_all_written(begun, 4)


def test_processes_that_write_at_once_leave_no_gap_and_no_fork(begun: Store) -> None:
    url = url_of(begun)
    with ExitStack() as stack:
        processes = [stack.enter_context(_writer(url, f"process {number}")) for number in range(2)]
        for process in processes:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        assert [process.wait(60) for process in processes] == [0, 0]
    require_all_written(begun, 2)


def _writer(url: str, name: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.store.writer_main", url, name, str(TIMES)]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("COV")}
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY, env=environment
    )


def test_a_writer_that_is_rolled_back_leaves_no_gap(begun: Store) -> None:
    write(begun, "one", 3)
    with pytest.raises(KeyError), begun.writing() as books:
        say(books)
        raise KeyError
    write(begun, "two", 3)
    with begun.reading() as books:
        assert require_whole_log(books).size == 6


def test_an_empty_log_is_whole(store: Store) -> None:
    with store.reading() as books:
        assert require_whole_log(books).size == 0
    with store.writing() as books:
        found(books)
    with store.reading() as books:
        assert require_whole_log(books).head == compute_start(TREASURY)


def test_a_log_of_several_pages_is_read_whole(store: Store) -> None:
    with store.writing() as books:
        found(books)
        for place in range(1001):
            books.append("e", actor="a", at=NOW, body={"place": place})
    with store.reading() as books:
        assert require_whole_log(books).size == 1001


ANOTHER = digest_of("another")
CHANGES = {
    "the text": "UPDATE log_entry SET body = replace(body, 'alice', 'mallory') WHERE log_index = 2",
    "the text's form": "UPDATE log_entry SET body = replace(body, ':', ': ') WHERE log_index = 2",
    "the actor": "UPDATE log_entry SET actor = 'mallory' WHERE log_index = 2",
    "the event": "UPDATE log_entry SET event = 'transfer.rejected' WHERE log_index = 2",
    "the time": "UPDATE log_entry SET at = at + 1 WHERE log_index = 2",
    "the transfer": f"UPDATE log_entry SET transfer_id = '{ANOTHER}' WHERE log_index = 2",
    "no transfer": "UPDATE log_entry SET transfer_id = NULL WHERE log_index = 2",
    "the head after it": f"UPDATE log_entry SET head = '{ANOTHER}' WHERE log_index = 2",
    "its place": "UPDATE log_entry SET log_index = 9 WHERE log_index = 4",
    "an entry less": "DELETE FROM log_entry WHERE log_index = 2",
    "the first entry less": "DELETE FROM log_entry WHERE log_index = 0",
    "the last entry less": "DELETE FROM log_entry WHERE log_index = 4",
    "an entry more": "INSERT INTO log_entry SELECT 5, at, event, actor, transfer_id, body,"
    f" '{ANOTHER}' FROM log_entry WHERE log_index = 4",
    "the recorded head": f"UPDATE log_head SET head = '{ANOTHER}'",
    "the recorded length": "UPDATE log_head SET size = 4",
    "the treasury": f"UPDATE log_head SET treasury = '{ANOTHER}'",
}


@pytest.fixture
def kept(begun: Store) -> Iterator[Store]:
    """A store with five entries, as a second process sees it."""
    write(begun, "one", 5)
    begun.close()
    again = Store(Database(url_of(begun)))
    yield again
    again.close()


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_is_changed_by_hand_is_noticed(kept: Store, change: str) -> None:
    with kept.reading() as books:
        assert require_whole_log(books).size == 5
    tamper(url_of(kept), change)
    with pytest.raises(GuardError) as noticed, kept.reading() as books:
        require_whole_log(books)
    assert noticed.value.code == "log.broken"


def test_a_log_that_lost_its_end_together_with_its_head_is_noticed_by_whoever_kept_the_head(kept: Store) -> None:
    with kept.reading() as books:
        before = require_whole_log(books)
        heads = [entry.head for entry in books.load_entries(start=0, limit=9)]
    tamper(
        url_of(kept),
        "DELETE FROM log_entry WHERE log_index = 4",
        f"UPDATE log_head SET size = 4, head = '{heads[3]}'",
    )
    with kept.reading() as books:
        after = require_whole_log(books)
    assert (after.size, after.head) != (before.size, before.head)


def test_after_a_fork_by_hand_the_next_entry_cannot_be_written(kept: Store) -> None:
    tamper(url_of(kept), "UPDATE log_head SET size = 4")
    with pytest.raises(IntegrityError), kept.writing() as books:
        say(books)
