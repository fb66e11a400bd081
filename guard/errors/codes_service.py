"""Codes of the room `service`: what people ask of the server, against what its books hold."""

from __future__ import annotations

from guard.errors.code import Code

_TRANSFERS: dict[str, Code] = {
    "transfer.unknown": Code(
        "the server does not know the transfer",
        "check the id; a stop works at the signers even where the server knows nothing",
    ),
    "transfer.mismatch": Code(
        "the statement is about another transfer than the address names", "send it to the address of its own transfer"
    ),
    "transfer.stale": Code(
        "something was said about the transfer since the version that the request names",
        "show the transfer again, read what is new, and send the approval with its present version",
    ),
    "transfer.ended": Code(
        "the transfer has ended, or has gone where approvals change nothing",
        "propose another transfer if it is still wanted",
    ),
    "transfer.exists": Code(
        "a transfer of this id is there already, and not by this proposal",
        "have the operator compare the server's log with the signers; propose the transfer anew",
    ),
    "transfer.times": Code(
        "a time of the transfer lies further ahead than the books can say exactly", "propose it with nearer times"
    ),
}

_REQUESTS: dict[str, Code] = {
    "statement.known": Code(
        "the very same statement by the same person was accepted before",
        "nothing; the message names its place in the log",
    ),
    "statement.too-many": Code(
        "the person has approved the transfer so often that one more says nothing",
        "wait until it is decided; if the last approval has expired, propose the transfer anew",
    ),
    "request.version-missing": Code(
        "an approval must name the version of the transfer that was read",
        "show the transfer and send the version that it has, as If-Match",
    ),
    "request.key-reused": Code(
        "the Idempotency-Key stood on another request before", "send a new request under a new key"
    ),
    "request.rate": Code("too many statements by one key in a short time", "wait a moment and send it again"),
}

_SERVICE: dict[str, Code] = {
    "service.no-bundle": Code(
        "the server's books hold no policy yet", "start the server with the bundle of the treasury and its digest"
    ),
    "service.bundle-differs": Code(
        "the configured bundle is not the one that the server's books began with",
        "correct the setting, or use another database; the books are never moved to another policy by a setting",
    ),
    "service.books-broken": Code(
        "a row of the server's books cannot be read or is not what it says it is",
        "compare the log with the heads that others keep; signers hold their own journals and are not touched by it",
    ),
}

CODES: dict[str, Code] = {**_TRANSFERS, **_REQUESTS, **_SERVICE}
