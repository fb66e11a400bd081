"""Challenges, second factors and sessions in the database. Implements `guard.ports.access`; decides nothing.

What may happen once is one statement whose row count is asked: two that come together never both succeed.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, CursorResult, Delete, Insert, Row, Update, delete, func, insert, or_, select, update

from guard.core.ids import Address, PersonId
from guard.ports.access import Challenge, Factor, Sealed, SessionRow
from guard.store import access_tables as shapes
from guard.store.tables import table_of

_challenge = table_of(shapes.LoginChallengeTable).c
_factor = table_of(shapes.TotpFactorTable).c
_recovery = table_of(shapes.RecoveryCodeTable).c
_session = table_of(shapes.LoginSessionTable).c
_CHALLENGES = table_of(shapes.LoginChallengeTable)
_FACTORS = table_of(shapes.TotpFactorTable)
_RECOVERY_CODES = table_of(shapes.RecoveryCodeTable)
_SESSIONS = table_of(shapes.LoginSessionTable)


class AccessReads:
    """One look at challenges, factors and sessions."""

    db: Connection

    def load_challenge(self, nonce: str) -> Challenge | None:
        """A challenge that was given out and not yet used."""
        row = self.db.execute(select(_CHALLENGES).where(_challenge.nonce == nonce)).one_or_none()
        return None if row is None else Challenge(**{**row._mapping, "address": Address(row.address)})

    def count_challenges(self, source: str, *, now: int) -> tuple[int, int]:
        """How many challenges of this source, and of all, were given out and are good still."""
        every = select(func.count()).select_from(_CHALLENGES).where(_challenge.expires_at > now)
        own = every.where(_challenge.source == source)
        return self.db.execute(own).scalar_one(), self.db.execute(every).scalar_one()

    def load_factor(self, person: PersonId, *, is_active: bool) -> Factor | None:
        """A person's active factor, or the one that waits for its first code."""
        asked = select(_FACTORS).where(_factor.person == person, _factor.state == _to_state(is_active))
        row = self.db.execute(asked).one_or_none()
        return None if row is None else _to_factor(row)

    def list_factors(self) -> tuple[Factor, ...]:
        """Every factor, by id."""
        return tuple(_to_factor(row) for row in self.db.execute(select(_FACTORS).order_by(_factor.id)))

    def load_session(self, token_hash: str) -> SessionRow | None:
        """A session, whether or not its time is over."""
        row = self.db.execute(select(_SESSIONS).where(_session.token_hash == token_hash)).one_or_none()
        return None if row is None else _to_session(row)


class AccessWrites(AccessReads):
    """The same, and changes."""

    def add_challenge(self, challenge: Challenge) -> None:
        """A challenge that is given out."""
        self._do(
            insert(_CHALLENGES).values(
                nonce=challenge.nonce,
                address=challenge.address,
                source=challenge.source[: shapes.SOURCE_LENGTH],
                issued_at=challenge.issued_at,
                expires_at=challenge.expires_at,
            )
        )

    def take_challenge(self, nonce: str) -> bool:
        """Use a challenge up; of all who try only one is told True."""
        return self._do(delete(_CHALLENGES).where(_challenge.nonce == nonce)) == 1

    def purge_challenges(self, now: int) -> None:
        """Forget challenges whose time is over."""
        self._do(delete(_CHALLENGES).where(_challenge.expires_at <= now))

    def purge_sessions(self, now: int) -> None:
        """Forget sessions whose time is over."""
        self._do(delete(_SESSIONS).where(_session.expires_at <= now))

    def add_factor(self, factor: Factor, recovery_hashes: tuple[str, ...]) -> None:
        """A factor that waits for its first code, in place of one of the same person that waited."""
        self._drop(select(_factor.id).where(_factor.person == factor.person, _factor.state == shapes.WAITING))
        self._do(
            insert(_FACTORS).values(
                id=factor.id,
                person=factor.person,
                state=shapes.WAITING,
                key_id=factor.secret.key_id,
                box=factor.secret.box,
                last_step=factor.last_step,
                failures=0,
                locked_at=None,
                created_at=factor.created_at,
            )
        )
        for each in recovery_hashes:
            self._do(insert(_RECOVERY_CODES).values(factor_id=factor.id, hash=each, used_at=None))

    def spend_step(self, factor_id: str, step: int) -> bool:
        """Use a time step's code, and forget failures. False: it or a later one was used, or the factor is locked."""
        unused = or_(_factor.last_step.is_(None), _factor.last_step < step)
        spent = update(_FACTORS).where(_factor.id == factor_id, _factor.locked_at.is_(None), unused)
        return self._do(spent.values(last_step=step, failures=0)) == 1

    def spend_recovery(self, factor_id: str, recovery_hash: str, *, at: int) -> bool:
        """Use a recovery code, and forget failures. False: there is none such, it was used, or the factor is locked."""
        unlocked = select(_factor.id).where(_factor.id == factor_id, _factor.locked_at.is_(None))
        fitting = (_recovery.factor_id.in_(unlocked), _recovery.hash == recovery_hash, _recovery.used_at.is_(None))
        if self._do(update(_RECOVERY_CODES).where(*fitting).values(used_at=at)) != 1:
            return False
        self._do(update(_FACTORS).where(_factor.id == factor_id).values(failures=0))
        return True

    def count_failure(self, factor_id: str, *, most: int, at: int) -> bool:
        """Count a wrong code; True where this one was the one that locked the factor."""
        unlocked = (_factor.id == factor_id, _factor.locked_at.is_(None))
        self._do(update(_FACTORS).where(*unlocked).values(failures=_factor.failures + 1))
        return self._do(update(_FACTORS).where(*unlocked, _factor.failures >= most).values(locked_at=at)) == 1

    def activate_factor(self, factor: Factor) -> None:
        """Make a waiting factor the person's only one."""
        self._drop(select(_factor.id).where(_factor.person == factor.person, _factor.id != factor.id))
        self._do(update(_FACTORS).where(_factor.id == factor.id).values(state=shapes.ACTIVE))

    def drop_factors(self, person: PersonId) -> int:
        """Forget a person's factors and recovery codes; how many factors there were."""
        return self._drop(select(_factor.id).where(_factor.person == person))

    def reseal_factor(self, factor_id: str, secret: Sealed) -> None:
        """Put a secret's new box in the place of its old one."""
        self._do(update(_FACTORS).where(_factor.id == factor_id).values(key_id=secret.key_id, box=secret.box))

    def add_session(self, session: SessionRow, *, most: int) -> None:
        """A new session; of a person's sessions the newest `most` are kept."""
        newest = select(_session.token_hash).where(_session.person == session.person)
        kept = newest.order_by(_session.created_at.desc(), _session.token_hash).limit(most - 1)
        self._do(delete(_SESSIONS).where(_session.person == session.person, _session.token_hash.not_in(kept)))
        self._do(
            insert(_SESSIONS).values(
                token_hash=session.token_hash,
                person=session.person,
                key=session.key,
                chain_id=session.chain_id,
                scope=shapes.FULL if session.is_full else shapes.ENROLLING,
                carrier=shapes.COOKIE if session.is_browser else shapes.BEARER,
                created_at=session.created_at,
                seen_at=session.seen_at,
                expires_at=session.expires_at,
            )
        )

    def touch_session(self, token_hash: str, *, at: int) -> None:
        """Note that a session was used; a note of an earlier use changes nothing."""
        later = update(_SESSIONS).where(_session.token_hash == token_hash, _session.seen_at < at)
        self._do(later.values(seen_at=at))

    def end_session(self, token_hash: str) -> bool:
        """End a session; False where there was none."""
        return self._do(delete(_SESSIONS).where(_session.token_hash == token_hash)) == 1

    def end_sessions(self, person: PersonId) -> int:
        """End all sessions of a person."""
        return self._do(delete(_SESSIONS).where(_session.person == person))

    def _drop(self, which: Any) -> int:
        """Forget factors, their recovery codes first."""
        self._do(delete(_RECOVERY_CODES).where(_recovery.factor_id.in_(which)))
        return self._do(delete(_FACTORS).where(_factor.id.in_(which)))

    def _do(self, statement: Insert | Update | Delete) -> int:
        result: CursorResult[Any] = self.db.execute(statement)
        return result.rowcount


def _to_state(is_active: bool) -> str:
    return shapes.ACTIVE if is_active else shapes.WAITING


def _to_factor(row: Row[Any]) -> Factor:
    return Factor(
        id=row.id,
        person=PersonId(row.person),
        is_active=row.state == shapes.ACTIVE,
        secret=Sealed(row.key_id, row.box),
        last_step=row.last_step,
        failures=row.failures,
        locked_at=row.locked_at,
        created_at=row.created_at,
    )


def _to_session(row: Row[Any]) -> SessionRow:
    return SessionRow(
        token_hash=row.token_hash,
        person=PersonId(row.person),
        key=Address(row.key),
        chain_id=row.chain_id,
        is_full=row.scope == shapes.FULL,
        is_browser=row.carrier == shapes.COOKIE,
        created_at=row.created_at,
        seen_at=row.seen_at,
        expires_at=row.expires_at,
    )
