"""How Alembic reaches the database: over the connection that `guard.store.migrating` opened, in its one transaction.

There is no alembic.ini and no other way in: a migration runs under the same durability checks as everything else.

A revision is a module in `versions/` with its statements for both databases in a folder of its name. It is written by hand;
`guard.store.schema.REVISION` names the newest, and the tests hold what the revisions make equal to the tables of the code.
"""

from __future__ import annotations

from alembic import context

from guard.store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
