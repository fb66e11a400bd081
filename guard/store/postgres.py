"""Postgres: several processes on several hosts, and only where what is confirmed is kept."""

from __future__ import annotations

from typing import Any

import psycopg

from guard.errors import AdapterError

LOCK_MILLISECONDS = 10_000
STATEMENT_MILLISECONDS = 30_000
IDLE_MILLISECONDS = 30_000

ENGINE: dict[str, Any] = {
    # For each process: API and worker processes together must stay below the server's max_connections.
    "pool_size": 5,
    "max_overflow": 10,
    "pool_timeout": 10,
    "pool_use_lifo": True,
    "pool_recycle": 3600,
    "connect_args": {
        "connect_timeout": 5,
        "application_name": "treasury-guard",
        "keepalives_idle": 30,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
    },
}
# READ COMMITTED shows each statement another state; a look at the books must be at one.
READING: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
# Each statement sees what was committed before it. State checks are safe since the lock of the log's head comes before them.
WRITING: dict[str, Any] = {"isolation_level": "READ COMMITTED"}

_PREPARE = """\
SELECT current_setting('fsync'), current_setting('synchronous_commit'), current_setting('server_encoding'),
    set_config('lock_timeout', %s, false), set_config('statement_timeout', %s, false),
    set_config('idle_in_transaction_session_timeout', %s, false)"""


def prepare_connection(connection: psycopg.Connection[Any], _record: object) -> None:
    """Bound how long a session waits, and refuse a server that may forget. Raises `store.not-durable`.

    The setting is not changed here: whoever switched it off for this role or database must learn that it is not served.
    """
    connection.autocommit = True
    waits = (str(LOCK_MILLISECONDS), str(STATEMENT_MILLISECONDS), str(IDLE_MILLISECONDS))
    settings = connection.execute(_PREPARE, waits).fetchone() or ("", "", "")
    connection.autocommit = False
    fsync, synchronous_commit, encoding = settings[:3]
    if fsync == "on" and synchronous_commit in ("on", "remote_apply") and encoding == "UTF8":
        return
    connection.close()
    raise AdapterError(
        "store.not-durable",
        f"Postgres has fsync {fsync}, synchronous_commit {synchronous_commit}, encoding {encoding}; on, on and UTF8 are needed",
    )
