"""Every error code as an HTTP status, and errors as RFC 9457 problem documents. Clients match on `code`; statuses are for machinery.

A bug never says anything of itself: its text could hold what nobody may see.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guard.errors import CATALOGUE, AdapterError, GuardError
from guard.formats.canonical import to_canonical
from guard.web.exchange import PROBLEM, Reply

RETRY_AFTER = "1"
"""Seconds that a caller is asked to wait after 429 and 503."""

STATUS_OF_FAMILY: Mapping[str, int] = {
    # What was sent cannot be read, or cannot be.
    **dict.fromkeys(("address", "amount", "duration", "effects", "hex", "json", "summary", "text", "value"), 400),
    **dict.fromkeys(("proposal", "request", "statement"), 400),
    # It can be read, and whoever sent it may not say it.
    "login": 401,
    "signature": 403,
    # It may be said, but not of how things stand.
    **dict.fromkeys(("approval", "decision", "lifecycle", "stop", "transfer"), 409),
    # Something that the server needs does not answer, or the server is not set up for this.
    **dict.fromkeys(("chain", "client", "clock", "health", "listen", "server", "service", "signer", "store"), 503),
    **dict.fromkeys(("webhook", "worker"), 503),
    # Codes of files, of other processes and of the server's own books: if one comes out here, that is our bug.
    **dict.fromkeys(("bundle", "certificate", "cli", "evidence", "key", "log", "keyfile", "policy"), 500),
    **dict.fromkeys(("testimony", "transaction", "watch"), 500),
}
"""The status of a code by its first word."""

STATUS_OF_CODE: Mapping[str, int] = {
    **dict.fromkeys(("request.path", "request.bundle-unknown", "request.evidence-missing", "transfer.unknown"), 404),
    "outbox.message": 404,
    "request.method": 405,
    "request.slow": 408,
    "json.too-large": 413,
    "request.too-large": 413,
    "request.content-type": 415,
    "request.key-reused": 422,
    "request.version-missing": 428,
    "transfer.stale": 412,
    **dict.fromkeys(("request.rate", "request.source-rate", "statement.too-many", "login.challenges"), 429),
    **dict.fromkeys(("login.code", "login.enrol-only", "login.cross-site"), 403),
    "login.no-enrolment": 409,
    "login.person-unknown": 404,
    "siwe.malformed": 400,
    "server.internal": 500,
    "statement.display": 403,
    "statement.guardian": 403,
    "statement.key-unknown": 403,
    "statement.machine": 403,
    "proposal.initiator": 403,
    "approval.initiator": 403,
    "approval.key-unknown": 403,
    "approval.machine": 403,
    "signature.length": 400,
    "transfer.times": 400,
    "statement.known": 409,
    "statement.roster": 409,
    "statement.policy-unknown": 409,
    "statement.expired": 409,
    "statement.before-enrolment": 409,
}
"""Codes whose status is another one than their family's."""


def compute_status(code: str) -> int:
    """The HTTP status of an error code."""
    return STATUS_OF_CODE.get(code) or STATUS_OF_FAMILY.get(code.partition(".")[0], 400)


def to_problem(error: GuardError | AdapterError, request_id: str) -> Reply:
    """The problem document of a refusal or of trouble in the world, which is never the caller's fault."""
    status = compute_status(error.code)
    if isinstance(error, AdapterError):
        status = max(status, 503)
    return _to_reply(status, error.to_json(), request_id)


def to_bug(request_id: str) -> Reply:
    """The problem document of an error of our own. It cannot promise that nothing was done."""
    return to_problem(GuardError("server.internal", "the server met an error of its own"), request_id)


def _to_reply(status: int, said: Mapping[str, Any], request_id: str) -> Reply:
    code = said["code"]
    content = {
        "type": f"urn:guard:error:{code}",
        "title": CATALOGUE[code].meaning,
        "status": status,
        "detail": said["message"],
        "instance": f"urn:guard:request:{request_id}",
        "code": code,
        "next": said["next"],
        "details": said.get("details", {}),
    }
    headers = _headers_of(status, content["details"].get("retry_after", RETRY_AFTER))
    return Reply(status=status, body=to_canonical(content), headers=headers, media_type=PROBLEM, problem=code)


def _headers_of(status: int, retry_after: str) -> tuple[tuple[str, str], ...]:
    if status in (429, 503):
        return (("retry-after", retry_after),)
    return (("www-authenticate", 'Bearer realm="guard"'),) if status == 401 else ()
