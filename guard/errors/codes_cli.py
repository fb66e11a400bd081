"""Codes of the command line and of its clients."""

from __future__ import annotations

from guard.errors.code import Code

CODES: dict[str, Code] = {
    "client.no-answer": Code("a signer gave no usable answer", "see that it runs and that its address is right; ask the others"),
    "client.address": Code("an address is not unix:PATH or HOST:PORT", "correct the address"),
}
