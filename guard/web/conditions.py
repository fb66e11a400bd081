"""The two headers under which a request may be done: Idempotency-Key (once), and If-Match (only if nothing has changed since)."""

from __future__ import annotations

import re

from guard.errors import GuardError
from guard.web.exchange import Call

_VISIBLE = re.compile(r"[!-~]{1,128}\Z")
_QUOTED = re.compile(r'"((?:[!#-\[\]-~]|\\["\\])*)"\Z')
_ETAG = re.compile(r'"v(0|[1-9][0-9]{0,8})"\Z')


def take_key(call: Call) -> str | None:
    """The Idempotency-Key, if there is one: visible ASCII, plain or as a string of RFC 8941. Raises `request.idempotency-key`."""
    value = call.header("idempotency-key")
    if value is None:
        return None
    if value.startswith('"'):
        quoted = _QUOTED.match(value)
        value = re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else ""
    if not _VISIBLE.match(value):
        raise GuardError("request.idempotency-key", "the Idempotency-Key is not 1 to 128 visible ASCII characters")
    return value


def require_key(call: Call) -> str:
    """The Idempotency-Key, where a request without one could move money twice by accident. Raises `request.idempotency-key-missing`."""
    key = take_key(call)
    if key is None:
        raise GuardError("request.idempotency-key-missing", "the request has no Idempotency-Key")
    return key


def require_version(call: Call) -> int:
    """The version that the caller has seen, out of If-Match. Raises `request.version-missing` and `request.if-match`.

    A star or a weak tag would say nothing of what was seen, and is refused.
    """
    value = call.header("if-match")
    if value is None:
        raise GuardError("request.version-missing", "the request does not say which version of the transfer was seen")
    found = _ETAG.match(value.strip())
    if not found:
        raise GuardError("request.if-match", 'the header If-Match is not an ETag such as "v3"')
    return int(found[1])


def to_etag(version: int) -> tuple[str, str]:
    """The ETag header of a transfer's version."""
    return ("etag", f'"v{version}"')
