"""The request id of what is being done now, which every question to a signer carries along."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from guard.formats.request_ids import HEADER

_current: ContextVar[str | None] = ContextVar("request_id", default=None)


def draw_request_id() -> str:
    """A new one."""
    return secrets.token_hex(8)


@contextmanager
def tracing(request_id: str) -> Iterator[None]:
    """Whatever is asked inside carries this id."""
    before = _current.set(request_id)
    try:
        yield
    finally:
        _current.reset(before)


def to_trace() -> dict[str, str]:
    """The header of a question; none outside of `tracing`."""
    request_id = _current.get()
    return {} if request_id is None else {HEADER: request_id}
