"""Whether the process lives, and whether it can serve: tables, bundle and log are looked at anew each time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from guard.core.ids import Digest
from guard.core.policy import Edition
from guard.errors import AdapterError, GuardError
from guard.formats.canonical import parse_canonical
from guard.log.chain import compute_head_of, compute_start
from guard.ports import Clock
from guard.ports.books import Books, BooksReading, LogHead
from guard.service.editions import Editions
from guard.web.exchange import Call, Reply, to_reply
from guard.web.operation import Access, Operation


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What readiness is asked of. `require_schema` raises `AdapterError` unless the database's tables are this version's."""

    books: Books
    clock: Clock
    require_schema: Callable[[], None]
    editions: Editions = field(default_factory=Editions)

    def show_alive(self, call: Call) -> Reply:
        """The process answers; that is all."""
        return to_reply({"alive": True})

    def show_ready(self, call: Call) -> Reply:
        """Where the log stands and which policy is active. Raises `server.not-ready` and codes of the store."""
        self.require_schema()
        with self.books.reading() as reading:
            active = self._require_policy(reading)
            head = _require_head(reading)
        return to_reply({"ready": True, "log": {"size": head.size, "head": head.head}, "policy": active.digest})

    def _require_policy(self, reading: BooksReading) -> Edition:
        active = self.editions.load(reading).active
        if active.expires_at <= self.clock.read().wall:
            raise AdapterError("server.not-ready", "the active policy has expired")
        return active


def _require_head(reading: BooksReading) -> LogHead:
    """The log's head, recomputed from its last entry: a database put back or mended by hand is noticed here at the latest."""
    head, treasury = reading.load_head(), reading.load_treasury()
    last = reading.load_entries(start=max(0, head.size - 1), limit=2)
    if treasury is not None and head.size == 0 and not last and head.head == compute_start(treasury):
        return head
    if len(last) != 1 or (last[0].index, last[0].head) != (head.size - 1, head.head):
        raise AdapterError("server.not-ready", "the log does not end where its head says")
    if _recompute(last[0].body) != head.head:
        raise AdapterError("server.not-ready", "the log's last entry is not the one of its head")
    return head


def _recompute(body: str) -> Digest | None:
    raw = body.encode("utf-8")
    try:
        parse_canonical(raw)
    except GuardError:
        return None
    return compute_head_of(raw)


def build_health(health: Health) -> tuple[Operation, ...]:
    """The two questions that machines ask."""
    return (
        Operation(
            id="showAlive",
            method="GET",
            path="/livez",
            says="whether the process lives",
            handle=health.show_alive,
            access=Access.OPEN,
            answers={200: "Alive"},
        ),
        Operation(
            id="showReady",
            method="GET",
            path="/readyz",
            says="whether the server can serve",
            handle=health.show_ready,
            access=Access.OPEN,
            answers={200: "Ready"},
        ),
    )
