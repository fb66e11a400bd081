"""The statements of the books, made once: what is sent again and again is compiled once and prepared by the driver."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, Table, and_, bindparam, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import Insert

from guard.core.lifecycle import COUNTED, State
from guard.store.carriage_tables import ErrandTable, OutboxTable
from guard.store.tables import (
    BundleTable,
    LogEntryTable,
    LogHeadTable,
    ReplayTable,
    StatementTable,
    TransferTable,
    table_of,
)

BUNDLE = table_of(BundleTable)
TRANSFER = table_of(TransferTable)
STATEMENT = table_of(StatementTable)
ENTRY = table_of(LogEntryTable)
HEAD = table_of(LogHeadTable)
REPLAY = table_of(ReplayTable)
OUTBOX = table_of(OutboxTable)
ERRAND = table_of(ErrandTable)

READ_HEAD = select(HEAD.c.treasury, HEAD.c.size, HEAD.c.head)
LOCK_HEAD = READ_HEAD.with_for_update()
"""SQLite knows no such lock; its transactions for writing exclude one another from their beginning."""
START_LOG = update(HEAD).values(treasury=bindparam("owner"), head=bindparam("start"))
"""From then on each entry moves the head by itself: a trigger does it."""

READ_BUNDLES = select(BUNDLE).order_by(BUNDLE.c.version)
READ_TRANSFER = select(TRANSFER).where(TRANSFER.c.id == bindparam("wanted"))
FIND_TRANSFERS = (
    select(TRANSFER.c.id)
    .where(TRANSFER.c.id >= bindparam("first"), TRANSFER.c.id < bindparam("end"))
    .order_by(TRANSFER.c.id)
    .limit(bindparam("most"))
)
READ_COUNTED = (
    select(TRANSFER)
    .where(
        TRANSFER.c.chain_id == bindparam("wanted_chain"),
        TRANSFER.c.vault == bindparam("wanted_vault"),
        or_(
            TRANSFER.c.state.in_(sorted(state.value for state in COUNTED - {State.FINALISED})),
            and_(TRANSFER.c.state == State.FINALISED.value, TRANSFER.c.moved_at >= bindparam("since")),
        ),
    )
    .order_by(TRANSFER.c.received_at, TRANSFER.c.id)
)
MOVE_TRANSFER = (
    update(TRANSFER)
    .where(TRANSFER.c.id == bindparam("wanted"))
    .values(
        state=bindparam("new_state"),
        reason=bindparam("new_reason"),
        moved_at=bindparam("new_moved_at"),
        version=TRANSFER.c.version + 1,
    )
    .returning(TRANSFER)
)
TOUCH_TRANSFER = (
    update(TRANSFER)
    .where(TRANSFER.c.id == bindparam("wanted"))
    .values(version=TRANSFER.c.version + 1)
    .returning(TRANSFER)
)

READ_STATEMENTS = (
    select(STATEMENT).where(STATEMENT.c.transfer_id == bindparam("wanted")).order_by(STATEMENT.c.log_index)
)
READ_STATEMENTS_OF_KIND = (
    select(STATEMENT).where(STATEMENT.c.kind == bindparam("wanted")).order_by(STATEMENT.c.log_index)
)
FIND_STATEMENT = select(STATEMENT).where(
    STATEMENT.c.person == bindparam("wanted_person"), STATEMENT.c.digest == bindparam("wanted_digest")
)

_ENTRY_COLUMNS = [column for column in ENTRY.c if column.name != "log_index"]
READ_ENTRIES = (
    select(ENTRY.c.log_index.label("index"), *_ENTRY_COLUMNS)
    .where(ENTRY.c.log_index >= bindparam("start"))
    .order_by(ENTRY.c.log_index)
    .limit(bindparam("most"))
)
FIND_REPLAY = select(REPLAY).where(
    REPLAY.c.principal == bindparam("wanted_principal"), REPLAY.c.key == bindparam("wanted_key")
)


def _insert(table: Table, *names: str) -> Insert:
    """An insert of these columns, or of all, each from the parameter of its own name."""
    return insert(table).values({name: bindparam(name) for name in names or table.c.keys()})


ADD_BUNDLE = _insert(BUNDLE)
ADD_TRANSFER = _insert(TRANSFER)
ADD_STATEMENT = _insert(STATEMENT)
ADD_ENTRY = _insert(ENTRY)
ADD_REPLAY = _insert(REPLAY)
POST = _insert(OUTBOX, "id", "event", "body", "created_at", "due_at")


def _make_due(dialect: Any) -> Insert:
    """A new errand, or an older one made due earlier. An errand of which nothing is expected has no time, and gets this one."""
    new = dialect.insert(ERRAND).values(transfer_id=bindparam("transfer_id"), due_at=bindparam("due_at"))
    sooner = or_(ERRAND.c.due_at.is_(None), ERRAND.c.due_at > new.excluded.due_at)
    made: Insert = new.on_conflict_do_update(
        index_elements=[ERRAND.c.transfer_id], set_={"due_at": new.excluded.due_at}, where=sooner
    )
    return made


MAKE_DUE = {"sqlite": _make_due(sqlite), "postgresql": _make_due(postgresql)}


def list_transfers(
    states: tuple[str, ...], vault: str | None, initiator: str | None, before: tuple[int, str] | None
) -> Select[Any]:
    """Transfers, the newest arrival first; `before` is the arrival and id of the last one that was seen already."""
    wanted = select(TRANSFER).order_by(TRANSFER.c.received_at.desc(), TRANSFER.c.id.desc())
    if states:
        wanted = wanted.where(TRANSFER.c.state.in_(states))
    if vault is not None:
        wanted = wanted.where(TRANSFER.c.vault == vault)
    if initiator is not None:
        wanted = wanted.where(TRANSFER.c.initiator == initiator)
    if before is not None:
        at, last = before
        earlier = and_(TRANSFER.c.received_at == at, TRANSFER.c.id < last)
        wanted = wanted.where(or_(TRANSFER.c.received_at < at, earlier))
    return wanted
