"""The tables of carrying: errands, leases, certificates, what the executor sent, the outbox, alarms, evidence. Shapes only.

Nothing here is believed by a signer. A row that is lost or changed costs time; the constraints keep what is written whole.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from guard.store import columns

MESSAGE_STATES = ("waiting", "delivered", "dead")
SENT_STATES = ("waiting", "mined", "reverted", "replaced")


class ErrandTable(SQLModel, table=True):
    """A transfer that is to be carried, when next, and how it stands. An insert needs `transfer_id` and `due_at` alone.

    `due_at` None: nothing is expected of the worker. While an errand is leased, `due_at` is the lease's end, so that an errand of a worker
    that died becomes due by itself; whoever makes it due meanwhile sets an earlier time, which the worker then keeps.
    """

    __tablename__ = "errand"
    __table_args__ = (Index("ix_errand_due", "due_at"),)

    transfer_id: str = Field(sa_column=columns.digest("transfer_id", primary_key=True, refers="transfer.id"))
    due_at: int | None = Field(sa_column=columns.moment("due_at", nullable=True))
    attempts: int = Field(sa_column=columns.count("attempts", server_default="0"))
    holder: str = Field(sa_column=columns.words("holder", longest=100, server_default=""))
    leased_until: int = Field(sa_column=columns.moment("leased_until", server_default="0"))
    fence: int = Field(sa_column=columns.count("fence", server_default="0"))
    words: str = Field(sa_column=columns.json("words", server_default="[]"))
    words_at: int | None = Field(sa_column=columns.moment("words_at", nullable=True))
    earliest_at: int | None = Field(sa_column=columns.moment("earliest_at", nullable=True))
    trouble_code: str = Field(sa_column=columns.words("trouble_code", longest=100, server_default=""))
    trouble: str = Field(sa_column=columns.words("trouble", longest=1000, server_default=""))
    landed: str | None = Field(sa_column=columns.json("landed", nullable=True))
    nonce: int | None = Field(sa_column=columns.count("nonce", nullable=True))


class OutboxTable(SQLModel, table=True):
    """A message to be told outside. An insert needs `id`, `event`, `body`, `created_at` and `due_at` (the same time) alone."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_due", "state", "due_at"),)

    id: str = Field(sa_column=columns.words("id", least=1, longest=100, primary_key=True))
    event: str = Field(sa_column=columns.words("event", least=1, longest=64))
    body: str = Field(sa_column=columns.json("body"))
    created_at: int = Field(sa_column=columns.moment("created_at"))
    due_at: int = Field(sa_column=columns.moment("due_at"))
    attempts: int = Field(sa_column=columns.count("attempts", server_default="0"))
    state: str = Field(sa_column=columns.choice("state", MESSAGE_STATES, server_default="waiting"))
    last_error: str = Field(sa_column=columns.words("last_error", longest=1000, server_default=""))
    holder: str = Field(sa_column=columns.words("holder", longest=100, server_default=""))
    leased_until: int = Field(sa_column=columns.moment("leased_until", server_default="0"))
    fence: int = Field(sa_column=columns.count("fence", server_default="0"))


class LeaseTable(SQLModel, table=True):
    """Who may use a thing for a while: a vault in signing, an executor's key, a chore. For order, not for safety.

    `fence` grows with each holder. `due_at` is for chores: before that time nobody takes the lease.
    """

    __tablename__ = "lease"

    name: str = Field(sa_column=columns.words("name", least=1, longest=200, primary_key=True))
    holder: str = Field(sa_column=columns.words("holder", longest=100, server_default=""))
    leased_until: int = Field(sa_column=columns.moment("leased_until", server_default="0"))
    fence: int = Field(sa_column=columns.count("fence", server_default="0"))
    due_at: int = Field(sa_column=columns.moment("due_at", server_default="0"))


class CertificateTable(SQLModel, table=True):
    """A certificate in canonical JSON, written before it is booked or broadcast. `transfer_id` is None for a cancel."""

    __tablename__ = "certificate"
    __table_args__ = (
        CheckConstraint("(kind = 'cancel') = (transfer_id IS NULL)", name="transfer"),
        Index("ix_certificate_place", "chain_id", "vault", "nonce"),
        Index("ix_certificate_transfer", "transfer_id"),
    )

    digest: str = Field(sa_column=columns.digest("digest", primary_key=True))
    chain_id: int = Field(sa_column=columns.count("chain_id", least=1))
    vault: str = Field(sa_column=columns.address("vault"))
    nonce: int = Field(sa_column=columns.count("nonce"))
    kind: str = Field(sa_column=columns.choice("kind", ("transfer", "cancel")))
    transfer_id: str | None = Field(sa_column=columns.digest("transfer_id", nullable=True))
    body: str = Field(sa_column=columns.json("body"))
    kept_at: int = Field(sa_column=columns.moment("kept_at"))


class ExecutorTransactionTable(SQLModel, table=True):
    """A transaction of the executor's account, written before it is sent.

    `replaced`: another one was sent or mined in its place. Whether a certificate had its effect is never read from here.
    """

    __tablename__ = "executor_transaction"
    __table_args__ = (
        Index("ix_executor_transaction_account", "chain_id", "executor", "state"),
        Index("ix_executor_transaction_certificate", "certificate"),
    )

    chain_id: int = Field(sa_column=columns.count("chain_id", least=1, primary_key=True, autoincrement=False))
    hash: str = Field(sa_column=columns.digest("hash", primary_key=True))
    executor: str = Field(sa_column=columns.address("executor"))
    nonce: int = Field(sa_column=columns.count("nonce"))
    certificate: str = Field(sa_column=columns.digest("certificate", refers="certificate.digest"))
    raw: str = Field(sa_column=columns.words("raw", least=4, longest=1_000_000))
    max_fee: int = Field(sa_column=columns.count("max_fee"))
    priority_fee: int = Field(sa_column=columns.count("priority_fee"))
    sent_at: int = Field(sa_column=columns.moment("sent_at"))
    state: str = Field(sa_column=columns.choice("state", SENT_STATES, server_default="waiting"))


class EvidenceTable(SQLModel, table=True):
    """The evidence file of a release, verbatim. A release that was reorganised has its file written again."""

    __tablename__ = "evidence"

    transfer_id: str = Field(sa_column=columns.digest("transfer_id", primary_key=True, refers="transfer.id"))
    body: str = Field(sa_column=columns.json("body"))
    stored_at: int = Field(sa_column=columns.moment("stored_at"))


class AlarmTable(SQLModel, table=True):
    """Something that people must see, each once: its name says what and where, `since` when it was first noticed.

    `raised_at` None: noticed, and not old enough to alarm. A row goes when its cause is gone.
    """

    __tablename__ = "alarm"

    name: str = Field(sa_column=columns.words("name", least=1, longest=300, primary_key=True))
    since: int = Field(sa_column=columns.moment("since"))
    raised_at: int | None = Field(sa_column=columns.moment("raised_at", nullable=True))


class SignerLookTable(SQLModel, table=True):
    """What each signer last said of itself, and when it last answered."""

    __tablename__ = "signer_look"

    signer: str = Field(sa_column=columns.words("signer", least=1, longest=100, primary_key=True))
    asked_at: int = Field(sa_column=columns.moment("asked_at"))
    answered_at: int | None = Field(sa_column=columns.moment("answered_at", nullable=True))
    body: str = Field(sa_column=columns.json("body", server_default="{}"))
