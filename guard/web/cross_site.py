"""Which requests a browser may send on somebody's behalf: those of the server's own pages alone.

A cookie goes along by itself, so what a request changes must not be askable by a page of another site. The browser says where a request
comes from; a program that brings its token in a header says nothing and need not.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from guard.errors import GuardError
from guard.web.exchange import Call

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITES = frozenset({"same-origin", "none"})
"""What `Sec-Fetch-Site` says of a page of this very origin, and of what somebody typed or opened themselves."""


def require_same_site(call: Call, *, is_cookie: bool) -> None:
    """Refuse a changing request of another site's page with `login.cross-site`; a silent one, too, if it bears or asks for a cookie."""
    if call.method in SAFE_METHODS:
        return
    site, origin = call.header("sec-fetch-site"), call.header("origin")
    if site is not None:
        is_own = site in OWN_SITES
    elif origin is not None:
        is_own = _host_of(origin) == (call.header("host") or "").lower() != ""
    else:
        is_own = not is_cookie
    if not is_own:
        raise GuardError("login.cross-site", "the request was not sent by a page of this server")


def _host_of(origin: str) -> str | None:
    """Host and port of an origin; None for `null` and for anything else that is none."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    is_origin = parts.scheme in ("https", "http") and not (parts.path or parts.query or parts.fragment)
    return parts.netloc.lower() if is_origin else None
