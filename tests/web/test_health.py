"""Whether the server is ready: tables, bundle and log are looked at, and what is missing is named."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from guard.store.database import Database
from guard.store.store import Store
from tests.web.asking import Asker, require_problem
from tests.web.treasury import ServedTreasury

OTHER = "0x" + "11" * 32


def _tamper(served: ServedTreasury, statement: str) -> None:
    """Change something as the database's owner can, past every trigger."""
    with served.store.database.begin(write=True) as db:
        if served.store.database.is_sqlite:
            for name in db.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars().all():
                db.execute(text(f"DROP TRIGGER {name}"))
        else:
            db.execute(text("SET LOCAL session_replication_role = replica"))
        db.execute(text(statement))


def test_a_server_that_can_serve_says_where_its_log_stands(served: ServedTreasury, asker: Asker) -> None:
    served.propose(asker)
    told = asker.get("/readyz").json()
    assert told["ready"] is True
    assert (told["log"]["size"], told["policy"]) == (2, served.people.digest)
    assert asker.get("/livez").json() == {"alive": True}


def test_a_policy_that_has_expired_makes_the_server_unready(light: ServedTreasury, light_asker: Asker) -> None:
    light.people.clock.wall = light.people.bundle.expires_at - 1
    assert light_asker.get("/readyz").status_code == 200
    for _ in range(2):
        light.people.clock.wall += 1
        response = light_asker.get("/readyz")
        assert "policy" in require_problem(response, 503, "server.not-ready")["detail"]
        assert response.headers["retry-after"]


def test_a_log_that_does_not_end_as_its_head_says_makes_the_server_unready(
    served: ServedTreasury, asker: Asker
) -> None:
    served.propose(asker)
    _tamper(served, "UPDATE log_head SET size = size + 1")
    assert "head" in require_problem(asker.get("/readyz"), 503, "server.not-ready")["detail"]


def test_a_last_entry_that_was_changed_makes_the_server_unready(served: ServedTreasury, asker: Asker) -> None:
    for statement in (f"UPDATE log_head SET head = '{OTHER}'", f"UPDATE log_entry SET head = '{OTHER}'"):
        _tamper(served, statement)
        require_problem(asker.get("/readyz"), 503, "server.not-ready")


def test_a_database_that_does_not_answer_makes_the_server_unready_and_not_dead(sqlite_url: str, tmp_path: Path) -> None:
    store = Store(Database(sqlite_url))
    served = ServedTreasury(store, tmp_path / "people")
    store.close()
    Path(sqlite_url.removeprefix("sqlite:///")).write_bytes(b"no database at all" * 1000)
    with served.asker() as asker:
        told = require_problem(asker.get("/readyz"), 503, "store.unavailable")
        assert "no database" not in told["detail"]
        assert asker.get("/livez").status_code == 200


def test_tables_of_another_version_make_the_server_unready(served: ServedTreasury, asker: Asker) -> None:
    with served.store.database.begin(write=True) as db:
        db.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    require_problem(asker.get("/readyz"), 503, "store.schema")
