"""Transfers out of the books: found by id, and believed only if they are the transfer of their id."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import Any

from guard.core.ids import is_digest
from guard.core.transfer import Transfer
from guard.errors import AdapterError, GuardError
from guard.formats.canonical import parse_json
from guard.ports.books import BooksReading, TransferRow
from guard.statements.digests import compute_transfer_id
from guard.statements.signed import transfer_from_json

PREFIX_LENGTH = 8
ID_LENGTH = 64
NOT_OF_ITS_ID = "this row of the books is not the transfer of its id"


def require_transfer(reading: BooksReading, name: str) -> TransferRow:
    """The transfer of an id, or of eight figures or more with which exactly one id begins.

    Raises `request.transfer-id`, `request.ambiguous` and `transfer.unknown`.
    """
    figures = name.removeprefix("0x")
    if len(figures) < PREFIX_LENGTH or not is_digest("0x" + figures.ljust(ID_LENGTH, "0")):
        raise GuardError("request.transfer-id", "a transfer is named by its id, or by 8 or more of its first figures")
    found = reading.find_transfers("0x" + figures)
    if len(found) > 1:
        raise GuardError("request.ambiguous", f"{len(found)} or more transfers have ids that begin with 0x{figures}")
    row = reading.load_transfer(found[0]) if found else None
    if row is None:
        raise GuardError("transfer.unknown", f"the server does not know transfer 0x{figures}")
    return row


def to_transfer(row: TransferRow) -> Transfer:
    """The transfer of a row. Raises `AdapterError` `service.books-broken` where the row holds another one, or none."""
    try:
        transfer, transfer_id = _parse_transfer(row.body)
    except GuardError as error:
        raise AdapterError("service.books-broken", f"transfer {row.id} of the books cannot be read") from error
    if transfer_id != row.id:
        raise AdapterError("service.books-broken", f"transfer {row.id} of the books has another id")
    return transfer


@lru_cache(maxsize=4096)
def _parse_transfer(body: str) -> tuple[Transfer, str]:
    transfer = transfer_from_json(parse_json(body.encode()))
    return transfer, compute_transfer_id(transfer)


def to_row(row: TransferRow) -> dict[str, Any]:
    """A transfer in a list, as exact addresses and amounts, to which a client puts the names of its own bundle.

    What is shown comes out of the transfer itself. A row that is not the transfer of its id is shown by its id and says so.
    """
    shown: Transfer | TransferRow = row
    reason, purpose = NOT_OF_ITS_ID, ""
    with suppress(AdapterError):
        shown = transfer = to_transfer(row)
        reason, purpose = row.reason, transfer.purpose
    return {
        "id": row.id,
        "state": row.state.value,
        "reason": reason,
        "version": row.version,
        "chain_id": str(shown.chain_id),
        "vault": shown.vault,
        "asset": shown.asset,
        "destination": shown.destination,
        "amount_units": str(shown.amount_units),
        "initiator": shown.initiator,
        "purpose": purpose,
        "proposed_at": shown.proposed_at,
        "expires_at": shown.expires_at,
    }


def parse_stored(body: str) -> Any:
    """JSON of the books. Raises `AdapterError` `service.books-broken`."""
    try:
        return parse_json(body.encode())
    except GuardError as error:
        raise AdapterError("service.books-broken", "a row of the books holds no JSON") from error
