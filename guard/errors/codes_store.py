"""Codes of the room `store`."""

from __future__ import annotations

from guard.errors.code import Code

CODES: dict[str, Code] = {
    "store.url": Code(
        "the database's URL names no database that the guard works with",
        "use sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME",
    ),
    "store.unavailable": Code(
        "the database did not answer, was busy for too long, or ended the transaction",
        "ask again with the same Idempotency-Key: nothing is stored twice, and what was not confirmed is asked for again",
    ),
    "store.not-durable": Code(
        "the database may forget what it has confirmed",
        "on Postgres set fsync and synchronous_commit to on; keep an SQLite file on a local disk",
    ),
    "store.schema": Code(
        "the database's tables are not those of this version",
        "stop the server and the workers, then run guard db upgrade",
    ),
    "store.other-treasury": Code(
        "the database belongs to another treasury", "start the server with the database of this treasury"
    ),
    "store.too-large": Code(
        "a time or a chain id is larger than any that the database keeps",
        "sign the statement again with a time that can come",
    ),
    "store.no-treasury": Code(
        "the database belongs to no treasury yet", "start the server with the treasury's bundle; it stores it first"
    ),
}
