"""Encrypted keystores on disk (Web3 Secret Storage, version 3, through eth-keyfile).

Used by signers for the vault key and the journal key, and by people for theirs. A secret is never an argument of a command, never logged
and never part of an error.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, cast

from guard.errors import AdapterError, GuardError

SECRET_LENGTH = 32
STRONG_SCRYPT = 2**18
LIGHT_SCRYPT = 2**12
"""Cost of the light form, for demonstrations and tests: named on the command line, never a default."""
SHORTEST_PASSWORD = 8


def create_keystore(path: Path, secret: bytes, password: bytes, *, scrypt: int = STRONG_SCRYPT) -> None:
    """Write a new keystore, readable by its owner alone. Refused where a file already is, or the password is short."""
    # Imported late: it takes a third of a second that `--help` should not pay.
    from eth_keyfile import create_keyfile_json

    if len(password) < SHORTEST_PASSWORD:
        raise GuardError("key.password-short", f"a password has at least {SHORTEST_PASSWORD} characters")
    text = json.dumps(create_keyfile_json(secret, password, iterations=scrypt, kdf="scrypt"))
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise GuardError("key.exists", f"{path.name} already exists; a key is never written over") from None
    except OSError as trouble:
        raise AdapterError("key.unreadable", f"{path.name} cannot be written: {trouble.strerror}") from trouble


def load_keystore(path: Path, password: bytes) -> bytes:
    """The 32 secret bytes. Raises `key.password` for a wrong password and `key.unreadable` for anything that is no keystore."""
    from eth_keyfile import decode_keyfile_json

    try:
        keyfile = cast(dict[str, Any], json.loads(path.read_text(encoding="ascii")))
    except (OSError, ValueError) as trouble:
        raise AdapterError("key.unreadable", f"{path.name} cannot be read as a keystore") from trouble
    try:
        secret = bytes(decode_keyfile_json(keyfile, password))
    except (ValueError, KeyError, TypeError, AttributeError):
        # The library says "MAC mismatch" by ValueError; its texts are not passed on, so that nothing of the file leaks into a log.
        raise GuardError("key.password", f"{path.name} does not open with this password") from None
    if len(secret) != SECRET_LENGTH:
        raise AdapterError("key.unreadable", f"{path.name} does not hold a key of {SECRET_LENGTH} bytes")
    return secret


def load_password(path: Path) -> bytes:
    """The first line of a password file, which nobody but its owner may read."""
    try:
        if path.stat().st_mode & 0o077:
            raise GuardError("key.password-file", f"{path.name} can be read by others; chmod 600 it")
        line = path.read_bytes().split(b"\n", 1)[0].rstrip(b"\r")
    except OSError as trouble:
        raise AdapterError("key.unreadable", f"{path.name} cannot be read: {trouble.strerror}") from trouble
    if len(line) < SHORTEST_PASSWORD:
        raise GuardError("key.password-short", f"a password has at least {SHORTEST_PASSWORD} characters")
    return line
