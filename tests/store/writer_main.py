"""A process that writes to the books: `python -m tests.store.writer_main URL NAME TIMES`. It begins when a line comes in."""

import sys

from guard.store.store import Store, open_store
from tests.store.factories import new_message, new_transfer, say


def write(store: Store, name: str, times: int) -> None:
    """As many transactions as `times` says, each with statement, entry, message and errand."""
    for place in range(times):
        with store.writing() as books:
            row = say(books, f"{name} {place}")
            books.touch_transfer(new_transfer().id)
            books.post([new_message(f"{name} {place}")])
            books.make_due(new_transfer().id, at=row.received_at - place)


def main() -> None:
    """Tell that the database is open, wait for the start, and write."""
    url, name, times = sys.argv[1:]
    store = open_store(url)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    write(store, name, int(times))
    store.close()


if __name__ == "__main__":
    main()
