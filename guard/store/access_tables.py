"""The tables of logging in: challenges, second factors, recovery codes, sessions. Shapes and constraints only.

Whoever reads them without the key file learns no secret: what would let somebody in is sealed or hashed.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Index
from sqlmodel import Field, SQLModel

from guard.core.ids import NAME_LENGTH
from guard.store import columns

HASH_LENGTH = 64
SOURCE_LENGTH = 100
ACTIVE, WAITING = FACTOR_STATES = ("active", "waiting")
FULL, ENROLLING = SESSION_SCOPES = ("full", "enrolling")
COOKIE, BEARER = SESSION_CARRIERS = ("cookie", "bearer")


class LoginChallengeTable(SQLModel, table=True):
    """A message that was given out. Its row goes when it is used or too old."""

    __tablename__ = "login_challenge"
    __table_args__ = (Index("ix_login_challenge_source", "source"), Index("ix_login_challenge_end", "expires_at"))

    nonce: str = Field(sa_column=columns.words("nonce", least=22, longest=128, primary_key=True))
    address: str = Field(sa_column=columns.address("address"))
    source: str = Field(sa_column=columns.words("source", longest=SOURCE_LENGTH))
    issued_at: int = Field(sa_column=columns.moment("issued_at"))
    expires_at: int = Field(sa_column=columns.moment("expires_at"))


class TotpFactorTable(SQLModel, table=True):
    """A second factor. `box` is its sealed secret; a person has at most one active and one waiting."""

    __tablename__ = "totp_factor"
    __table_args__ = (Index("uq_totp_factor_person_state", "person", "state", unique=True),)

    id: str = Field(sa_column=columns.words("id", least=16, longest=64, primary_key=True))
    person: str = Field(sa_column=columns.words("person", least=1, longest=NAME_LENGTH))
    state: str = Field(sa_column=columns.choice("state", FACTOR_STATES))
    key_id: str = Field(sa_column=columns.words("key_id", least=1, longest=64))
    box: str = Field(sa_column=columns.words("box", least=56, longest=400))
    last_step: int | None = Field(sa_column=columns.count("last_step", nullable=True))
    failures: int = Field(sa_column=columns.count("failures"))
    locked_at: int | None = Field(sa_column=columns.moment("locked_at", nullable=True))
    created_at: int = Field(sa_column=columns.moment("created_at"))


class RecoveryCodeTable(SQLModel, table=True):
    """The hash of a recovery code. A used one stays until its factor goes, so that it is seen how many are left."""

    __tablename__ = "recovery_code"

    factor_id: str = Field(
        sa_column=columns.words("factor_id", least=16, longest=64, primary_key=True, refers="totp_factor.id")
    )
    hash: str = Field(sa_column=columns.words("hash", least=HASH_LENGTH, longest=HASH_LENGTH, primary_key=True))
    used_at: int | None = Field(sa_column=columns.moment("used_at", nullable=True))


class LoginSessionTable(SQLModel, table=True):
    """A log-in under its token's SHA-256."""

    __tablename__ = "login_session"
    __table_args__ = (
        CheckConstraint("expires_at > created_at", name="lifetime"),
        Index("ix_login_session_person", "person", "created_at"),
        Index("ix_login_session_end", "expires_at"),
    )

    token_hash: str = Field(
        sa_column=columns.words("token_hash", least=HASH_LENGTH, longest=HASH_LENGTH, primary_key=True)
    )
    person: str = Field(sa_column=columns.words("person", least=1, longest=NAME_LENGTH))
    key: str = Field(sa_column=columns.address("key"))
    chain_id: int = Field(sa_column=columns.count("chain_id", least=1))
    scope: str = Field(sa_column=columns.choice("scope", SESSION_SCOPES))
    carrier: str = Field(sa_column=columns.choice("carrier", SESSION_CARRIERS))
    created_at: int = Field(sa_column=columns.moment("created_at"))
    seen_at: int = Field(sa_column=columns.moment("seen_at"))
    expires_at: int = Field(sa_column=columns.moment("expires_at"))
