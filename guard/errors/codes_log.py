"""Codes of the room `log`."""

from __future__ import annotations

from guard.errors.code import Code

CODES: dict[str, Code] = {
    "log.broken": Code(
        "an entry of the log is missing, out of its place or changed since it was written",
        "trust nothing that this database says; compare with a backup and with the heads that others keep",
    ),
}
