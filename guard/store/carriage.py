"""What is carried, in the database: errands, leases, certificates, messages, alarms. Implements `guard.ports.carriage`; decides nothing.

What one alone may have is one statement whose rows are asked: of two who come together one gets them. On Postgres rows that another
transaction holds are passed over, not waited for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    CursorResult,
    Delete,
    Insert,
    Row,
    Select,
    Table,
    Update,
    and_,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from guard.core.ids import Address, Digest, TransferId
from guard.ports import carriage as port
from guard.store import carriage_tables as shapes
from guard.store.rows import to_values
from guard.store.tables import table_of

_ERRANDS = table_of(shapes.ErrandTable)
_OUTBOX = table_of(shapes.OutboxTable)
_LEASES = table_of(shapes.LeaseTable)
_CERTIFICATES = table_of(shapes.CertificateTable)
_SENT = table_of(shapes.ExecutorTransactionTable)
_EVIDENCE = table_of(shapes.EvidenceTable)
_ALARMS = table_of(shapes.AlarmTable)
_LOOKS = table_of(shapes.SignerLookTable)
_errand, _outbox, _lease, _certificate = _ERRANDS.c, _OUTBOX.c, _LEASES.c, _CERTIFICATES.c
_sent, _alarm = _SENT.c, _ALARMS.c
_NEXT_CERTIFICATES = _CERTIFICATES.alias()

_STANDING = ("words", "words_at", "earliest_at", "trouble_code", "trouble", "landed", "nonce", "attempts")
TROUBLE_LENGTH = 1000


class CarriageReads:
    """One look at what is carried."""

    db: Connection

    def load_errand(self, transfer_id: TransferId) -> port.ErrandRow | None:
        """How a transfer's errand stands."""
        row = self.db.execute(select(_ERRANDS).where(_errand.transfer_id == transfer_id)).one_or_none()
        return None if row is None else _to(port.ErrandRow, row)

    def load_due(self, now: int) -> port.Due:
        """What there is to do now, so that a worker with nothing to do writes nothing."""
        errand = select(_errand.transfer_id).where(_errand.due_at <= now, _errand.leased_until <= now)
        message = select(_outbox.id).where(
            _outbox.state == "waiting", _outbox.due_at <= now, _outbox.leased_until <= now
        )
        asleep = select(_lease.name).where(or_(_lease.due_at > now, _lease.leased_until > now))
        return port.Due(
            has_errand=self.db.execute(errand.limit(1)).first() is not None,
            has_message=self.db.execute(message.limit(1)).first() is not None,
            sleeping=frozenset(self.db.execute(asleep).scalars()),
        )

    def load_certificates(self, chain_id: int, vault: Address, *, from_nonce: int) -> tuple[port.CertificateRow, ...]:
        """The certificates of a vault from a nonce on, by nonce."""
        place = (_certificate.chain_id == chain_id, _certificate.vault == vault, _certificate.nonce >= from_nonce)
        asked = select(_CERTIFICATES).where(*place).order_by(_certificate.nonce, _certificate.digest)
        return tuple(_to(port.CertificateRow, row) for row in self.db.execute(asked))

    def find_gap(self, chain_id: int, vault: Address, *, first_nonce: int) -> int:
        """The lowest nonce of a vault, from the first on, of which no certificate is kept."""
        after = _NEXT_CERTIFICATES.c
        of = (_certificate.chain_id == chain_id, _certificate.vault == vault, _certificate.nonce >= first_nonce)
        follows = (after.chain_id == chain_id, after.vault == vault, after.nonce == _certificate.nonce + 1)
        ends = select(func.min(_certificate.nonce)).where(*of, ~exists().where(*follows))
        begins = select(_certificate.digest).where(*of[:2], _certificate.nonce == first_nonce).limit(1)
        if self.db.execute(begins).first() is None:
            return first_nonce
        return int(self.db.execute(ends).scalar_one()) + 1

    def load_certificates_of(self, transfer_id: TransferId) -> tuple[port.CertificateRow, ...]:
        """The certificates of a transfer."""
        asked = select(_CERTIFICATES).where(_certificate.transfer_id == transfer_id).order_by(_certificate.nonce)
        return tuple(_to(port.CertificateRow, row) for row in self.db.execute(asked))

    def load_certificate(self, digest: Digest) -> port.CertificateRow | None:
        """One certificate."""
        row = self.db.execute(select(_CERTIFICATES).where(_certificate.digest == digest)).one_or_none()
        return None if row is None else _to(port.CertificateRow, row)

    def load_waiting_sent(self, chain_id: int, executor: Address) -> tuple[port.SentRow, ...]:
        """What an executor sent and nobody has seen mined or replaced, by nonce."""
        of = (_sent.chain_id == chain_id, _sent.executor == executor, _sent.state == "waiting")
        asked = select(_SENT).where(*of).order_by(_sent.nonce, _sent.sent_at, _sent.max_fee)
        return tuple(_to(port.SentRow, row) for row in self.db.execute(asked))

    def load_sent(self, certificate: Digest) -> tuple[port.SentRow, ...]:
        """Everything that was sent for a certificate, oldest first."""
        asked = select(_SENT).where(_sent.certificate == certificate).order_by(_sent.sent_at, _sent.max_fee)
        return tuple(_to(port.SentRow, row) for row in self.db.execute(asked))

    def load_evidence(self, transfer_id: TransferId) -> str | None:
        """The evidence file of a release."""
        asked = select(_EVIDENCE.c.body).where(_EVIDENCE.c.transfer_id == transfer_id)
        found: str | None = self.db.execute(asked).scalar_one_or_none()
        return found

    def count_waiting_messages(self) -> int:
        """How many messages still wait to be delivered."""
        asked = select(func.count()).select_from(_OUTBOX).where(_outbox.state == "waiting")
        return int(self.db.execute(asked).scalar_one())

    def list_dead_messages(self, *, limit: int = 100) -> tuple[port.OutboxRow, ...]:
        """Messages that are not tried any more, the newest first."""
        dead = select(_OUTBOX).where(_outbox.state == "dead")
        asked = dead.order_by(_outbox.created_at.desc(), _outbox.id).limit(limit)
        return tuple(_to(port.OutboxRow, row) for row in self.db.execute(asked))

    def load_message(self, message_id: str) -> port.OutboxRow | None:
        """One message."""
        row = self.db.execute(select(_OUTBOX).where(_outbox.id == message_id)).one_or_none()
        return None if row is None else _to(port.OutboxRow, row)

    def list_alarms(self) -> tuple[port.AlarmRow, ...]:
        """What was noticed and is not over."""
        return tuple(
            _to(port.AlarmRow, row) for row in self.db.execute(select(_ALARMS).order_by(_alarm.since, _alarm.name))
        )

    def list_looks(self) -> tuple[port.SignerLook, ...]:
        """What each signer last said of itself, by signer."""
        return tuple(_to(port.SignerLook, row) for row in self.db.execute(select(_LOOKS).order_by(_LOOKS.c.signer)))


class CarriageWrites(CarriageReads):
    """The same, and changes."""

    def claim_errands(self, holder: str, *, now: int, until: int, limit: int) -> tuple[port.ErrandRow, ...]:
        """Lease errands that are due and that nobody holds, those due longest first."""
        free = select(_errand.transfer_id).where(_errand.due_at <= now, _errand.leased_until <= now)
        chosen = self._lock(free.order_by(_errand.due_at, _errand.transfer_id), limit)
        claimed = update(_ERRANDS).where(_errand.transfer_id.in_(chosen)).values(**_hold(_errand, holder, until))
        return tuple(
            _to(port.ErrandRow, row) for row in self.db.execute(claimed.values(due_at=until).returning(_ERRANDS))
        )

    def _lock(self, free: Select[str], limit: int) -> tuple[str, ...]:
        """The first rows that nobody else is claiming. Asked by itself: inside of the update Postgres may ask it again for each row."""
        return tuple(self.db.execute(free.limit(limit).with_for_update(skip_locked=True)).scalars())

    def extend_errand(self, claimed: port.ErrandRow, *, until: int) -> bool:
        """Hold an errand longer. False: it is another's by now."""
        own = update(_ERRANDS).where(_errand.transfer_id == claimed.transfer_id, *_is_held(_errand, claimed))
        return self._do(own.values(leased_until=until, due_at=_still(_errand, until))) == 1

    def settle_errand(self, claimed: port.ErrandRow, settled: port.ErrandRow) -> bool:
        """Write how an errand stands and give it back. False, and nothing is written, where it is another's by now.

        Whoever made it due meanwhile, before the lease's end, is heard: the earlier of the two times is kept.
        """
        standing = {name: getattr(settled, name) for name in _STANDING}
        standing["trouble"] = settled.trouble[:TROUBLE_LENGTH]
        own = update(_ERRANDS).where(_errand.transfer_id == claimed.transfer_id, *_is_held(_errand, claimed))
        given_back = {"holder": "", "leased_until": 0, "due_at": _sooner(_errand, settled.due_at)}
        return self._do(own.values(**standing, **given_back)) == 1

    def take_lease(self, name: str, holder: str, *, now: int, until: int, when_due: bool = False) -> port.Lease | None:
        """Take a lease that nobody holds; with `when_due`, only once its time has come. None otherwise."""
        due_at = until if when_due else 0
        new = self._insert(_LEASES).values(name=name, holder=holder, leased_until=until, fence=1, due_at=due_at)
        is_free = [_lease.leased_until <= now] + ([_lease.due_at <= now] if when_due else [])
        held = {**_hold(_lease, holder, until), **({"due_at": until} if when_due else {})}
        taken = new.on_conflict_do_update(index_elements=[_lease.name], set_=held, where=and_(*is_free))
        row = self.db.execute(taken.returning(_lease.fence)).one_or_none()
        return None if row is None else port.Lease(name=name, holder=holder, fence=row.fence, leased_until=until)

    def extend_lease(self, lease: port.Lease, *, until: int) -> bool:
        """Hold a lease longer. False: it is another's by now."""
        own = update(_LEASES).where(_lease.name == lease.name, *_is_held(_lease, lease))
        return self._do(own.values(leased_until=until, due_at=_still(_lease, until))) == 1

    def return_lease(self, lease: port.Lease, *, due_at: int | None = None) -> None:
        """Give a lease back; a chore says when it is due again, unless it was called for meanwhile."""
        own = update(_LEASES).where(_lease.name == lease.name, *_is_held(_lease, lease))
        when = {} if due_at is None else {"due_at": _sooner(_lease, due_at)}
        self._do(own.values(holder="", leased_until=0, **when))

    def make_chore_due(self, name: str, *, at: int) -> None:
        """Call for a chore at that time, or earlier if it is due earlier already."""
        new = self._insert(_LEASES).values(name=name, due_at=at)
        self._do(new.on_conflict_do_update(index_elements=[_lease.name], set_={"due_at": at}, where=_lease.due_at > at))

    def keep_certificate(self, row: port.CertificateRow) -> bool:
        """Keep a certificate; True where it is new here."""
        return self._add(_CERTIFICATES, to_values(row), _certificate.digest)

    def add_sent(self, row: port.SentRow) -> None:
        """A transaction that is about to be sent, or sent again."""
        new = self._insert(_SENT).values(**to_values(row))
        again = {"state": row.state, "sent_at": row.sent_at}
        self._do(new.on_conflict_do_update(index_elements=[_sent.chain_id, _sent.hash], set_=again))

    def move_sent(self, chain_id: int, hashes: Iterable[str], state: port.SentState) -> None:
        """What became of transactions."""
        own = update(_SENT).where(_sent.chain_id == chain_id, _sent.hash.in_(tuple(hashes)))
        self._do(own.values(state=state))

    def claim_messages(self, holder: str, *, now: int, until: int, limit: int) -> tuple[port.OutboxRow, ...]:
        """Lease messages that are due and that nobody holds, those due longest first."""
        is_free = (_outbox.state == "waiting", _outbox.due_at <= now, _outbox.leased_until <= now)
        oldest = select(_outbox.id).where(*is_free).order_by(_outbox.due_at, _outbox.created_at, _outbox.id)
        chosen = self._lock(oldest, limit)
        claimed = update(_OUTBOX).where(_outbox.id.in_(chosen)).values(**_hold(_outbox, holder, until))
        rows = [_to(port.OutboxRow, row) for row in self.db.execute(claimed.returning(_OUTBOX))]
        return tuple(sorted(rows, key=lambda row: (row.due_at, row.created_at, row.id)))

    def settle_message(
        self, claimed: port.OutboxRow, *, state: port.MessageState, due_at: int, attempts: int, last_error: str
    ) -> bool:
        """Write what came of a delivery and give the message back. False where it is another's by now."""
        own = update(_OUTBOX).where(_outbox.id == claimed.id, *_is_held(_outbox, claimed))
        outcome = {"state": state, "due_at": due_at, "attempts": attempts, "last_error": last_error[:TROUBLE_LENGTH]}
        return self._do(own.values(**outcome, holder="", leased_until=0)) == 1

    def notice(self, name: str, *, at: int) -> port.AlarmRow:
        """Notice something; the row says since when it was noticed first."""
        self._add(_ALARMS, {"name": name, "since": at, "raised_at": None}, _alarm.name)
        noticed: port.AlarmRow = _to(port.AlarmRow, self.db.execute(select(_ALARMS).where(_alarm.name == name)).one())
        return noticed

    def raise_alarm(self, name: str, *, at: int) -> bool:
        """Mark an alarm as raised; of all who try only one is told True."""
        quiet = update(_ALARMS).where(_alarm.name == name, _alarm.raised_at.is_(None))
        return self._do(quiet.values(raised_at=at)) == 1

    def forget_alarm(self, name: str) -> bool:
        """Its cause is gone. True where it had been raised."""
        gone = delete(_ALARMS).where(_alarm.name == name).returning(_alarm.raised_at)
        row = self.db.execute(gone).one_or_none()
        return row is not None and row.raised_at is not None

    def keep_look(self, look: port.SignerLook) -> None:
        """What a signer said now. Without `answered_at` the time and the words of its last answer stay."""
        values = to_values(look)
        changed = values if look.answered_at is not None else {"asked_at": look.asked_at}
        new = self._insert(_LOOKS).values(**values)
        self._do(new.on_conflict_do_update(index_elements=[_LOOKS.c.signer], set_=changed))

    def keep_evidence(self, transfer_id: TransferId, body: str, *, at: int) -> None:
        """The evidence file of a release, in the place of an older one."""
        kept = {"body": body, "stored_at": at}
        new = self._insert(_EVIDENCE).values(transfer_id=transfer_id, **kept)
        self._do(new.on_conflict_do_update(index_elements=[_EVIDENCE.c.transfer_id], set_=kept))

    def _insert(self, table: Table) -> Any:
        return (sqlite if self.db.dialect.name == "sqlite" else postgresql).insert(table)

    def _add(self, table: Table, values: dict[str, Any], key: Any) -> bool:
        """Insert a row unless its key is there already; True where it is new."""
        new = self._insert(table).values(**values).on_conflict_do_nothing(index_elements=[key])
        # Drivers do not agree on how many rows such an insert counts.
        return self.db.execute(new.returning(key)).first() is not None

    def _do(self, statement: Insert | Update | Delete) -> int:
        result: CursorResult[Any] = self.db.execute(statement)
        return result.rowcount


def _hold(of: Any, holder: str, until: int) -> dict[str, Any]:
    return {"holder": holder, "leased_until": until, "fence": of.fence + 1}


def _is_held(of: Any, claimed: Any) -> tuple[ColumnElement[bool], ...]:
    return of.holder == claimed.holder, of.fence == claimed.fence


def _still(of: Any, until: int) -> Any:
    """The time at which a leased thing is due: with its lease's end, unless somebody called for it."""
    return case((of.due_at == of.leased_until, until), else_=of.due_at)


def _sooner(of: Any, due_at: int | None) -> Any:
    """The next time of a thing that is given back, unless somebody called for it meanwhile and earlier."""
    is_uncalled = of.due_at == of.leased_until
    is_later = is_uncalled if due_at is None else or_(is_uncalled, of.due_at.is_(None), of.due_at > due_at)
    return case((is_later, due_at), else_=of.due_at)


def _to(kind: Any, row: Row[Any]) -> Any:
    """The value of a row; columns and fields have the same names."""
    return kind(**{field.name: getattr(row, field.name) for field in fields(kind)})
