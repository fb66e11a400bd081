"""Every error code there is, with its meaning and what to do next. `docs/ERRORS.md` is generated from here.

Codes live beside the room that says them, one module a room; this module only puts them together. A code is never renamed,
never reused and never given another meaning.
"""

from __future__ import annotations

from guard.errors import (
    codes_access,
    codes_app,
    codes_chain,
    codes_cli,
    codes_clients,
    codes_core,
    codes_evidence,
    codes_formats,
    codes_log,
    codes_policy,
    codes_service,
    codes_signer,
    codes_statements,
    codes_store,
    codes_web,
    codes_worker,
)
from guard.errors.code import Code

__all__ = ["CATALOGUE", "Code"]

_ROOMS: tuple[dict[str, Code], ...] = (
    codes_formats.CODES,
    codes_log.CODES,
    codes_core.CODES,
    codes_statements.CODES,
    codes_store.CODES,
    codes_access.CODES,
    codes_policy.CODES,
    codes_service.CODES,
    codes_signer.CODES,
    codes_chain.CODES,
    codes_evidence.CODES,
    codes_cli.CODES,
    codes_app.CODES,
    codes_clients.CODES,
    codes_web.CODES,
    codes_worker.CODES,
)


def put_together(rooms: tuple[dict[str, Code], ...]) -> dict[str, Code]:
    """The codes of all rooms in one; the same code in two of them is our bug, since it could not mean both."""
    catalogue: dict[str, Code] = {}
    for codes in rooms:
        for name, code in codes.items():
            if name in catalogue:
                raise LookupError(f"error code {name!r} is defined twice")
            catalogue[name] = code
    return catalogue


CATALOGUE: dict[str, Code] = put_together(_ROOMS)
