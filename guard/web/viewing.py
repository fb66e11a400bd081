"""The operations that show what is known to people who logged in. Nothing here changes anything.

What signers and the chain are said to have answered is the worker's note of it: whoever needs to be sure asks the signers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from guard.core.ids import Digest, TransferId, is_digest
from guard.errors import GuardError
from guard.ports.carriage import CarrierBooks, ErrandRow, OutboxRow, SignerLook
from guard.service.showing import Showing
from guard.service.stored_transfers import parse_stored, require_transfer
from guard.web.conditions import to_etag
from guard.web.exchange import Call, Reply, to_reply
from guard.web.operation import Access, Handler, Operation, Parameter
from guard.web.queries import LIMIT, START, TRANSFER_PARAMETERS, take_page, take_transfer_query
from guard.web.schemas import DIGEST

NAME = Parameter(
    name="transfer_id",
    place="path",
    says="the transfer's id, or 8 or more of its first figures",
    schema={"type": "string", "pattern": "^(0x)?[0-9a-f]{8,64}$"},
    required=True,
)
BUNDLE = Parameter(name="digest", place="path", says="the bundle's digest", schema=DIGEST, required=True)


@dataclass(frozen=True, slots=True)
class Viewing:
    """Answers questions about the treasury: `showing` of what people said, `books` of what the worker carried."""

    showing: Showing
    books: CarrierBooks

    def show_treasury(self, call: Call) -> Reply:
        """The treasury, its policy and its log."""
        return to_reply(self.showing.show_treasury())

    def show_bundle(self, call: Call) -> Reply:
        """A bundle byte for byte, since its digest is over its bytes. Raises `request.digest`, `request.bundle-unknown`."""
        digest = call.places["digest"]
        if not is_digest(digest):
            raise GuardError("request.digest", "the address does not name a digest")
        return Reply(status=200, body=self.showing.show_bundle(Digest(digest)))

    def list_transfers(self, call: Call) -> Reply:
        """Transfers by query."""
        return to_reply({"transfers": self.showing.list_transfers(take_transfer_query(call))})

    def show_transfer(self, call: Call) -> Reply:
        """Everything about one transfer."""
        shown = self.showing.show_transfer(call.places["transfer_id"])
        return to_reply({**shown, **self._load_carriage(shown["id"])}, headers=(to_etag(shown["version"]),))

    def _load_carriage(self, transfer_id: TransferId) -> dict[str, Any]:
        """How the worker stands with a transfer. It may be a moment newer than the rest, and nothing is decided by it."""
        with self.books.reading() as reading:
            errand = reading.load_errand(transfer_id)
            certificates = reading.load_certificates_of(transfer_id)
        return {**_carried(errand), "certificates": [parse_stored(each.body) for each in certificates]}

    def show_evidence(self, call: Call) -> Reply:
        """The evidence file byte for byte. Raises `request.evidence-missing` where nothing was released."""
        with self.books.reading() as reading:
            row = require_transfer(reading, call.places["transfer_id"])
            body = reading.load_evidence(row.id)
        if body is None:
            raise GuardError(
                "request.evidence-missing", f"the transfer is {row.state.value}; there is no evidence of a release"
            )
        return Reply(status=200, body=body.encode("utf-8"))

    def show_inbox(self, call: Call) -> Reply:
        """What waits for whoever asks."""
        return to_reply({"transfers": self.showing.show_inbox(call.person)})

    def show_freezes(self, call: Call) -> Reply:
        """Every freeze."""
        return to_reply({"freezes": self.showing.show_freezes()})

    def show_log(self, call: Call) -> Reply:
        """A page of the log."""
        start, limit = take_page(call)
        return to_reply({"entries": self.showing.show_log(start=start, limit=limit)})

    def show_head(self, call: Call) -> Reply:
        """Where the log stands."""
        return to_reply(self.showing.show_head())

    def show_outbox(self, call: Call) -> Reply:
        """How many messages wait, and those that nobody took."""
        with self.books.reading() as reading:
            waiting, dead = reading.count_waiting_messages(), reading.list_dead_messages()
        return to_reply({"waiting": waiting, "dead": [_message(each) for each in dead]})

    def show_signers(self, call: Call) -> Reply:
        """What each signer last said of itself, and what was noticed."""
        with self.books.reading() as reading:
            looks, alarms = reading.list_looks(), reading.list_alarms()
        noticed = [{"name": each.name, "since": each.since, "raised_at": each.raised_at} for each in alarms]
        return to_reply({"signers": [_look(each) for each in looks], "alarms": noticed})


def _carried(errand: ErrandRow | None) -> dict[str, Any]:
    if errand is None:
        return {"signers": [], "chain": None, "trouble": None}
    words = parse_stored(errand.words)
    return {
        "signers": [{**word, "at": errand.words_at} for word in words],
        "chain": None if errand.landed is None else parse_stored(errand.landed),
        "trouble": errand.trouble or None,
    }


def _message(row: OutboxRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "event": row.event,
        "created_at": row.created_at,
        "attempts": row.attempts,
        "last_error": row.last_error,
    }


def _look(look: SignerLook) -> dict[str, Any]:
    return {
        "signer": look.signer,
        "asked_at": look.asked_at,
        "answered_at": look.answered_at,
        "status": parse_stored(look.body) if look.body else None,
    }


def build_viewing(showing: Showing, books: CarrierBooks) -> tuple[Operation, ...]:
    """Every operation that shows something, each for people who logged in."""
    view = Viewing(showing, books)
    return (
        _to_operation("showTreasury", "/v1/treasury", view.show_treasury, "Treasury"),
        _to_operation("showBundle", "/v1/bundles/{digest}", view.show_bundle, "Bundle", BUNDLE),
        _to_operation("listTransfers", "/v1/transfers", view.list_transfers, "TransferList", *TRANSFER_PARAMETERS),
        _to_operation("showTransfer", "/v1/transfers/{transfer_id}", view.show_transfer, "TransferShown", NAME),
        _to_operation("showEvidence", "/v1/transfers/{transfer_id}/evidence", view.show_evidence, "EvidenceFile", NAME),
        _to_operation("showInbox", "/v1/inbox", view.show_inbox, "TransferList"),
        _to_operation("showFreezes", "/v1/freezes", view.show_freezes, "FreezeList"),
        _to_operation("showLog", "/v1/log", view.show_log, "LogPage", START, LIMIT),
        _to_operation("showHead", "/v1/log/head", view.show_head, "LogHead"),
        _to_operation("showOutbox", "/v1/outbox", view.show_outbox, "Outbox"),
        _to_operation("showSigners", "/v1/signers", view.show_signers, "SignerList"),
    )


_SAYS = {
    "showTreasury": "the treasury, its active policy and its log",
    "showBundle": "a bundle, byte for byte",
    "listTransfers": "transfers, the newest first",
    "showTransfer": "one transfer: what was said, what is foreseen, how far it was carried",
    "showEvidence": "the evidence file of a release, byte for byte",
    "showInbox": "open transfers in which the approval of whoever asks could still fill a seat",
    "showFreezes": "every freeze, and whether it holds",
    "showLog": "entries of the log, each with the chain head after it",
    "showHead": "where the log stands",
    "showOutbox": "messages that wait, and those that nobody took",
    "showSigners": "what each signer last said of itself",
}


def _to_operation(name: str, path: str, handle: Handler, schema: str, *parameters: Parameter) -> Operation:
    in_path = any(each.place == "path" for each in parameters)
    return Operation(
        id=name,
        method="GET",
        path=path,
        says=_SAYS[name],
        handle=handle,
        access=Access.SESSION,
        answers={200: schema},
        refusals=(404,) if in_path else (),
        parameters=parameters,
        has_etag=schema == "TransferShown",
    )
