"""What is known of one transfer before a round begins, out of the books, as values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from guard.bundles.bundle import Bundle, parse_bundle
from guard.core.ids import Digest, TransferId
from guard.core.transfer import Transfer
from guard.errors import AdapterError, GuardError
from guard.formats.canonical import parse_json
from guard.ports.books import BooksReading, StatementRow, TransferRow
from guard.ports.carriage import CarrierReading
from guard.statements.certificates import TransferCertificate
from guard.statements.signed import SignedStatement, from_json, transfer_from_json
from guard.statements.values import Proposal
from guard.worker.carrying import Errand
from guard.worker.findings import STOPPED
from guard.worker.shift import Shift, to_certificate

MOST_STATEMENTS = 150
MOST_BYTES = 200_000
"""What fits into one request to a signer, which takes 200 statements and 256 KiB, with the transfer beside them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A transfer that is carried: its row, what was said about it, its certificate if one is kept, and the errand between its signers."""

    row: TransferRow
    errand: Errand
    certificate: TransferCertificate | None
    is_stopped: bool
    has_evidence: bool
    landed_before: str | None

    @property
    def transfer_id(self) -> TransferId:
        """The transfer's id."""
        return self.row.id


def load_case(shift: Shift, transfer_id: TransferId) -> Case:
    """One transfer with everything that a round needs. Raises `AdapterError` `worker.no-place` and `service.books-broken`."""
    with shift.store.reading() as reading:
        row = reading.load_transfer(transfer_id)
        if row is None:
            raise AdapterError(
                "service.books-broken", f"the books hold an errand of transfer {transfer_id} and not the transfer"
            )
        statements = reading.load_statements(transfer_id)
        certificate = _load_certificate(reading, transfer_id)
        evidence, standing = reading.load_evidence(transfer_id), reading.load_errand(transfer_id)
    return Case(
        row=row,
        errand=_to_errand(shift, row, statements),
        certificate=certificate,
        is_stopped=is_stopped(row, statements),
        has_evidence=evidence is not None,
        landed_before=None if standing is None else standing.landed,
    )


def _load_certificate(reading: CarrierReading, transfer_id: TransferId) -> TransferCertificate | None:
    found = [to_certificate(row) for row in reading.load_certificates_of(transfer_id)]
    return next((each for each in found if isinstance(each, TransferCertificate)), None)


def is_stopped(row: TransferRow, statements: Iterable[StatementRow]) -> bool:
    """Whether the worker must not execute a transfer: its state says so, or a final word that was taken in (veto, withdrawal)."""
    if row.state in STOPPED:
        return True
    return any(
        each.kind == "veto" or (each.kind == "rejection" and each.person == row.initiator) for each in statements
    )


def _to_errand(shift: Shift, row: TransferRow, statements: tuple[StatementRow, ...]) -> Errand:
    place = shift.find_place(row.chain_id, row.vault)
    contacts = () if place is None else shift.list_contacts(place.vault)
    if place is None or not contacts:
        raise AdapterError("worker.no-place", f"no signer of vault {row.vault} on chain {row.chain_id} can be asked")
    return Errand(
        transfer=to_transfer(row.body),
        statements=tuple(to_signed(each.body) for each in choose(statements)),
        place=place,
        contacts=contacts,
    )


def choose(statements: Iterable[StatementRow]) -> tuple[StatementRow, ...]:
    """The statements that are brought to the signers: all that fit, in their order.

    Where there are more, nobody crowds out anybody else by saying the same again and again: proposal and stops go first, each once, then
    the newest approval of each key. Signers remember the older ones that they were brought before.
    """
    every = tuple(statements)
    if fits(every):
        return every
    newest = {(row.kind, row.person, row.key): row for row in every}
    ordered = sorted(newest.values(), key=lambda row: row.kind == "approval")
    count = next((count for count in range(len(ordered), 0, -1) if fits(ordered[:count])), 0)
    return tuple(ordered[:count])


def fits(statements: Sequence[StatementRow]) -> bool:
    """Whether one request to a signer takes them."""
    return len(statements) <= MOST_STATEMENTS and sum(len(row.body.encode()) for row in statements) <= MOST_BYTES


def to_transfer(body: str) -> Transfer:
    """A transfer out of the books. Raises `service.books-broken`."""
    try:
        return transfer_from_json(parse_json(body.encode()))
    except GuardError as error:
        raise AdapterError("service.books-broken", "a transfer of the books cannot be read") from error


def to_signed(body: str) -> SignedStatement:
    """A statement out of the books. Raises `service.books-broken`."""
    try:
        return from_json(parse_json(body.encode()))
    except GuardError as error:
        raise AdapterError("service.books-broken", "a statement of the books cannot be read") from error


def load_proposal(reading: BooksReading, transfer_id: TransferId) -> SignedStatement | None:
    """A transfer's proposal."""
    signed = (to_signed(row.body) for row in reading.load_statements(transfer_id) if row.kind == "proposal")
    return next((each for each in signed if isinstance(each.statement, Proposal)), None)


def load_bundles(reading: BooksReading, named: Digest) -> tuple[Bundle, Bundle]:
    """The active bundle and the one that a transfer names; the active one again where that is not known."""
    rows = reading.load_bundles()
    if not rows:
        raise AdapterError("service.no-bundle", "the server's books hold no policy yet")
    return parse_bundle(rows[-1].raw), parse_bundle(
        next((row.raw for row in rows if row.digest == named), rows[-1].raw)
    )
