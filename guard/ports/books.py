"""What use cases need of the database: one consistent look, or one transaction that commits everything or nothing.

Rows are plain values; JSON stands in them as text in canonical form. An implementation never decides anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from guard.core.ids import Address, Digest, PersonId, TransferId, is_count
from guard.core.lifecycle import State
from guard.core.refusing import require

LIST_END = 1001
"""No list has as many rows as this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleRow:
    """A bundle as the server knows it. It serves to show and to predict; signers have their own chain."""

    version: int
    digest: Digest
    raw: bytes
    activated_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferRow:
    """A transfer. `body` is its canonical JSON. `version` grows with every move and rejection: what an approver must have seen."""

    id: TransferId
    body: str
    chain_id: int
    vault: Address
    asset: Address
    destination: Address
    amount_units: int
    initiator: PersonId
    policy: Digest
    proposed_at: int
    expires_at: int
    state: State
    reason: str
    version: int
    received_at: int
    moved_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRow:
    """A statement that was accepted, verbatim. One person and one digest make one row, whatever the signature's bytes."""

    person: PersonId
    digest: Digest
    kind: str
    transfer_id: TransferId | None
    key: Address
    body: str
    received_at: int
    log_index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """An entry of the log in canonical JSON, with the chain head after it."""

    index: int
    at: int
    event: str
    actor: str
    transfer_id: TransferId | None
    body: str
    head: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class LogHead:
    """How long the log is and the chain head after its last entry."""

    size: int
    head: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferQuery:
    """Which transfers are listed: the newest first, `limit` at once, from the one before `before` on."""

    states: tuple[State, ...] = ()
    vault: Address | None = None
    initiator: PersonId | None = None
    before: TransferId | None = None
    limit: int = 50

    def __post_init__(self) -> None:
        require(is_count(self.limit, least=1, end=LIST_END), f"a list has from 1 to {LIST_END - 1} rows")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """An answer that was given under an Idempotency-Key. `fingerprint` is the digest of method, route and body."""

    principal: str
    key: str
    fingerprint: str
    status: int
    body: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something to be told outside, written with the change that it tells of (transactional outbox)."""

    id: str
    event: str
    body: str
    created_at: int


class BooksReading(Protocol):
    """One consistent look at the books."""

    def load_treasury(self) -> Digest | None:
        """The treasury that this database belongs to; None before the first bundle."""
        ...

    def load_bundles(self) -> tuple[BundleRow, ...]:
        """Every bundle, oldest first; the last one is active."""
        ...

    def load_transfer(self, transfer_id: TransferId) -> TransferRow | None:
        """One transfer."""
        ...

    def list_transfers(self, query: TransferQuery) -> tuple[TransferRow, ...]:
        """Transfers by query."""
        ...

    def find_transfers(self, prefix: str) -> tuple[TransferId, ...]:
        """Ids that begin so, at most ten."""
        ...

    def load_statements(self, transfer_id: TransferId) -> tuple[StatementRow, ...]:
        """What was said about a transfer, in the order of arrival."""
        ...

    def load_statements_of_kind(self, kind: str) -> tuple[StatementRow, ...]:
        """Statements about no transfer (`freeze`, `unfreeze`), in the order of arrival."""
        ...

    def find_statement(self, person: PersonId, digest: Digest) -> StatementRow | None:
        """The same statement by the same person, if it was accepted before."""
        ...

    def load_counted(self, chain_id: int, vault: Address, *, since: int) -> tuple[TransferRow, ...]:
        """Transfers of a vault in a counted state (`lifecycle.COUNTED`), for predictions of limits; final ones only from `since` on."""
        ...

    def load_head(self) -> LogHead:
        """Where the log stands."""
        ...

    def load_entries(self, *, start: int, limit: int) -> tuple[LogRow, ...]:
        """Entries from an index on."""
        ...

    def find_replay(self, principal: str, key: str) -> Replay | None:
        """The answer that was given under an Idempotency-Key."""
        ...


class BooksWriting(BooksReading, Protocol):
    """One transaction. It holds the lock of the log's head from its beginning: there is one writer at a time."""

    def add_bundle(self, row: BundleRow, treasury: Digest) -> None:
        """A new active bundle; the first one names the treasury and starts its log."""
        ...

    def add_transfer(self, row: TransferRow) -> None:
        """A transfer that is new here."""
        ...

    def add_statement(self, row: StatementRow) -> None:
        """A statement that is new here."""
        ...

    def move_transfer(self, transfer_id: TransferId, to: State, *, reason: str, at: int) -> TransferRow:
        """Move a transfer by the table of moves; raises `lifecycle.move`. Its version grows."""
        ...

    def touch_transfer(self, transfer_id: TransferId) -> TransferRow:
        """Let a transfer's version grow, since something was said that approvers must see first."""
        ...

    def append(
        self, event: str, *, actor: str, at: int, transfer_id: TransferId | None = None, body: dict[str, Any]
    ) -> LogRow:
        """Append an entry to the log."""
        ...

    def post(self, messages: Iterable[Message]) -> None:
        """Put messages into the outbox."""
        ...

    def make_due(self, transfer_id: TransferId, *, at: int) -> None:
        """Ask the worker to carry a transfer at that time, or earlier if it is due earlier already."""
        ...

    def keep_replay(self, replay: Replay) -> None:
        """Remember an answer under its Idempotency-Key."""
        ...


class Books(Protocol):
    """The database as the use cases see it."""

    def reading(self) -> AbstractContextManager[BooksReading]:
        """One consistent look. Raises `AdapterError` `store.unavailable`."""
        ...

    def writing(self) -> AbstractContextManager[BooksWriting]:
        """One transaction: committed durably when the block ends, rolled back when it raises."""
        ...
