"""The first tables, and the triggers that keep what was said, logged and activated.

The statements stand in `0001/`, in the words of each database, so that what is there can be read and compared as it is.
A later revision that copies a table of SQLite's into a new one must make that table's triggers again.
"""

from __future__ import annotations

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

FOLDER = Path(__file__).parent / "0001"
TABLES = (
    "statement",
    "recovery_code",
    "executor_transaction",
    "evidence",
    "errand",
    "transfer",
    "totp_factor",
    "signer_look",
    "replay",
    "outbox",
    "login_session",
    "login_challenge",
    "log_head",
    "log_entry",
    "lease",
    "certificate",
    "bundle",
    "alarm",
)
FUNCTIONS = (
    "guard_refuse",
    "guard_bundle_is_next",
    "guard_log_entry_is_next",
    "guard_log_entry_moves_head",
    "guard_log_head_follows",
)


def upgrade() -> None:
    """Make tables and triggers."""
    for part in ("tables", "triggers"):
        text = (FOLDER / f"{op.get_bind().dialect.name}_{part}.sql").read_text(encoding="utf-8")
        for statement in text.split(";\n\n"):
            op.get_bind().exec_driver_sql(statement)


def downgrade() -> None:
    """Remove every table with all that is in it, those that refer to others first."""
    for table in TABLES:
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        for function in FUNCTIONS:
            op.execute(f"DROP FUNCTION {function}()")
