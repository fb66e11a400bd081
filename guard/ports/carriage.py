"""What the worker needs of the database: errands and the leases on them, certificates, what the executor sent, messages, alarms.

A lease orders who works on what; it never keeps money safe. Nothing here takes the lock of the log's head, except where a round's outcome
is written together with the books.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

from guard.core.ids import Address, Digest, SignerId, TransferId
from guard.ports.books import BooksReading, BooksWriting

MessageState = Literal["waiting", "delivered", "dead"]
SentState = Literal["waiting", "mined", "reverted", "replaced"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrandRow:
    """A transfer that is to be carried. `due_at` None: nothing is expected of the worker. `words` is JSON, as signers last said it.

    `attempts` counts troubles in a row. `trouble` is one line for people, empty where there is none.
    """

    transfer_id: TransferId
    due_at: int | None
    attempts: int = 0
    holder: str = ""
    leased_until: int = 0
    fence: int = 0
    words: str = "[]"
    words_at: int | None = None
    earliest_at: int | None = None
    trouble_code: str = ""
    trouble: str = ""
    landed: str | None = None
    nonce: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """That somebody may use a thing until a time, under a number that nobody else had."""

    name: str
    holder: str
    fence: int
    leased_until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRow:
    """A certificate in canonical JSON. `transfer_id` is None for a cancel."""

    digest: Digest
    chain_id: int
    vault: Address
    nonce: int
    kind: Literal["transfer", "cancel"]
    transfer_id: TransferId | None
    body: str
    kept_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SentRow:
    """A transaction of the executor's account: `certificate` is what it carries, fees are wei per gas, `raw` its bytes as hexadecimal."""

    chain_id: int
    hash: Digest
    executor: Address
    nonce: int
    certificate: Digest
    raw: str
    max_fee: int
    priority_fee: int
    sent_at: int
    state: SentState = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """A message of the outbox. `attempts` counts deliveries that failed."""

    id: str
    event: str
    body: str
    created_at: int
    due_at: int
    attempts: int = 0
    state: MessageState = "waiting"
    last_error: str = ""
    holder: str = ""
    leased_until: int = 0
    fence: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What there is to do at a time. `sleeping`: leases that nobody could take as a chore now, being held or not due."""

    has_errand: bool
    has_message: bool
    sleeping: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRow:
    """Something that people must see, once. `raised_at` None: noticed and not old enough."""

    name: str
    since: int
    raised_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerLook:
    """What a signer last said of itself (its `status` as JSON), and when it last answered."""

    signer: SignerId
    asked_at: int
    answered_at: int | None
    body: str


class CarriageReading(Protocol):
    """One look at what is carried."""

    def load_errand(self, transfer_id: TransferId) -> ErrandRow | None:
        """How a transfer's errand stands."""
        ...

    def load_due(self, now: int) -> Due:
        """What there is to do now, so that a worker with nothing to do writes nothing."""
        ...

    def load_certificates(self, chain_id: int, vault: Address, *, from_nonce: int) -> tuple[CertificateRow, ...]:
        """The certificates of a vault from a nonce on, by nonce."""
        ...

    def find_gap(self, chain_id: int, vault: Address, *, first_nonce: int) -> int:
        """The lowest nonce of a vault, from the first on, of which no certificate is kept."""
        ...

    def load_certificates_of(self, transfer_id: TransferId) -> tuple[CertificateRow, ...]:
        """The certificates of a transfer."""
        ...

    def load_certificate(self, digest: Digest) -> CertificateRow | None:
        """One certificate."""
        ...

    def load_waiting_sent(self, chain_id: int, executor: Address) -> tuple[SentRow, ...]:
        """What an executor sent and nobody has seen mined or replaced, by nonce."""
        ...

    def load_sent(self, certificate: Digest) -> tuple[SentRow, ...]:
        """Everything that was sent for a certificate, oldest first."""
        ...

    def load_evidence(self, transfer_id: TransferId) -> str | None:
        """The evidence file of a release."""
        ...

    def count_waiting_messages(self) -> int:
        """How many messages still wait to be delivered."""
        ...

    def list_dead_messages(self, *, limit: int = 100) -> tuple[OutboxRow, ...]:
        """Messages that are not tried any more, the newest first."""
        ...

    def load_message(self, message_id: str) -> OutboxRow | None:
        """One message."""
        ...

    def list_alarms(self) -> tuple[AlarmRow, ...]:
        """What was noticed and is not over."""
        ...

    def list_looks(self) -> tuple[SignerLook, ...]:
        """What each signer last said of itself, by signer."""
        ...


class CarriageWriting(CarriageReading, Protocol):
    """The same, and changes."""

    def claim_errands(self, holder: str, *, now: int, until: int, limit: int) -> tuple[ErrandRow, ...]:
        """Lease errands that are due and that nobody holds, those due longest first."""
        ...

    def extend_errand(self, claimed: ErrandRow, *, until: int) -> bool:
        """Hold an errand longer. False: it is another's by now."""
        ...

    def settle_errand(self, claimed: ErrandRow, settled: ErrandRow) -> bool:
        """Write how an errand stands and give it back. False, and nothing is written, where it is another's by now.

        Whoever made it due meanwhile, before `claimed.leased_until`, is heard: the earlier of the two times is kept.
        """
        ...

    def take_lease(self, name: str, holder: str, *, now: int, until: int, when_due: bool = False) -> Lease | None:
        """Take a lease that nobody holds; with `when_due`, only once its time has come. None otherwise."""
        ...

    def extend_lease(self, lease: Lease, *, until: int) -> bool:
        """Hold a lease longer. False: it is another's by now."""
        ...

    def return_lease(self, lease: Lease, *, due_at: int | None = None) -> None:
        """Give a lease back; a chore says when it is due again, unless it was called for meanwhile."""
        ...

    def make_chore_due(self, name: str, *, at: int) -> None:
        """Call for a chore at that time, or earlier if it is due earlier already."""
        ...

    def keep_certificate(self, row: CertificateRow) -> bool:
        """Keep a certificate; True where it is new here."""
        ...

    def add_sent(self, row: SentRow) -> None:
        """A transaction that is about to be sent, or sent again."""
        ...

    def move_sent(self, chain_id: int, hashes: Iterable[str], state: SentState) -> None:
        """What became of transactions."""
        ...

    def claim_messages(self, holder: str, *, now: int, until: int, limit: int) -> tuple[OutboxRow, ...]:
        """Lease messages that are due and that nobody holds, those due longest first."""
        ...

    def settle_message(
        self, claimed: OutboxRow, *, state: MessageState, due_at: int, attempts: int, last_error: str
    ) -> bool:
        """Write what came of a delivery and give the message back. False where it is another's by now."""
        ...

    def notice(self, name: str, *, at: int) -> AlarmRow:
        """Notice something; the row says since when it was noticed first."""
        ...

    def raise_alarm(self, name: str, *, at: int) -> bool:
        """Mark an alarm as raised; of all who try only one is told True."""
        ...

    def forget_alarm(self, name: str) -> bool:
        """Its cause is gone. True where it had been raised."""
        ...

    def keep_look(self, look: SignerLook) -> None:
        """What a signer said now. Without `answered_at` the time and the words of its last answer stay."""
        ...

    def keep_evidence(self, transfer_id: TransferId, body: str, *, at: int) -> None:
        """The evidence file of a release, in the place of an older one."""
        ...


class CarrierReading(BooksReading, CarriageReading, Protocol):
    """One look at books and carriage together."""


class CarrierWriting(BooksWriting, CarriageWriting, Protocol):
    """One transaction over books and carriage, under the lock of the log's head."""


class CarrierBooks(Protocol):
    """The database as the worker sees it."""

    def reading(self) -> AbstractContextManager[CarrierReading]:
        """One consistent look."""
        ...

    def brief(self) -> AbstractContextManager[CarriageWriting]:
        """One short transaction that writes nothing to the log."""
        ...

    def writing(self) -> AbstractContextManager[CarrierWriting]:
        """One transaction with state, log and outbox."""
        ...
