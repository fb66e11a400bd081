"""Rows that are valid by default, so that a test states only what it is about."""

from hashlib import sha256
from typing import Any

from guard.core.ids import Address, Digest, PersonId, TransferId
from guard.core.lifecycle import State
from guard.ports.books import BooksWriting, BundleRow, Message, Replay, StatementRow, TransferRow

NOW = 1_800_000_000
VAULT = Address("0x" + "A1" * 20)
ASSET = Address("0x" + "B2" * 20)
ALICE = PersonId("alice")


def digest_of(name: object) -> Digest:
    """Another digest for each name."""
    return Digest("0x" + sha256(str(name).encode()).hexdigest())


TREASURY = digest_of("treasury")


def new_bundle(version: int = 1, **changes: Any) -> BundleRow:
    """A bundle."""
    fields = {"digest": digest_of(f"bundle {version}"), "raw": b'{"\xc3\xa4":1}', "activated_at": NOW}
    return BundleRow(version=version, **{**fields, **changes})


def new_transfer(name: object = "rent", **changes: Any) -> TransferRow:
    """An open transfer."""
    fields: dict[str, Any] = {
        "id": TransferId(digest_of(f"transfer {name}")),
        "body": '{"purpose":"Miete für März"}',
        "chain_id": 1,
        "vault": VAULT,
        "asset": ASSET,
        "destination": Address("0x" + "C3" * 20),
        "amount_units": 9_000_000_000,
        "initiator": ALICE,
        "policy": digest_of("bundle 1"),
        "proposed_at": NOW,
        "expires_at": NOW + 86400,
        "state": State.OPEN,
        "reason": "",
        "version": 1,
        "received_at": NOW,
        "moved_at": NOW,
    }
    return TransferRow(**{**fields, **changes})


def new_statement(log_index: int, name: object = None, **changes: Any) -> StatementRow:
    """A statement that stands at this place of the log."""
    fields: dict[str, Any] = {
        "person": ALICE,
        "digest": digest_of(f"statement {log_index if name is None else name}"),
        "kind": "approval",
        "transfer_id": new_transfer().id,
        "key": Address("0x" + "D4" * 20),
        "body": '{"kind":"approval"}',
        "received_at": NOW,
    }
    return StatementRow(log_index=log_index, **{**fields, **changes})


def new_message(name: object = "one", **changes: Any) -> Message:
    """A message."""
    return Message(**{"id": str(name), "event": "transfer.proposed", "body": "{}", "created_at": NOW, **changes})


def new_replay(key: str = "key-1", **changes: Any) -> Replay:
    """An answer that is kept."""
    fields: dict[str, Any] = {"principal": "alice", "fingerprint": "f1", "status": 201, "body": '{"a":1}', "at": NOW}
    return Replay(key=key, **{**fields, **changes})


def found(books: BooksWriting) -> None:
    """The first bundle."""
    books.add_bundle(new_bundle(), TREASURY)


def say(books: BooksWriting, name: object = None, **changes: Any) -> StatementRow:
    """A statement with its entry in the log."""
    index = books.load_head().size
    row = new_statement(index, name, **changes)
    books.add_statement(row)
    books.append(
        "transfer.approved",
        actor=row.person,
        at=row.received_at,
        transfer_id=row.transfer_id,
        body={"digest": row.digest},
    )
    return row
