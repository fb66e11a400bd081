"""Asking people: for passwords, which are never arguments, and for a yes before anything is signed."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from guard.errors import GuardError
from guard.signer.keystore import SHORTEST_PASSWORD, load_keystore, load_password


def ask_password(what: str, password_file: Path | None, *, is_new: bool = False) -> bytes:
    """The password from its file, or typed on the terminal, twice where it is new."""
    if password_file is not None:
        return load_password(password_file)
    _require_terminal("a password")
    typed = getpass.getpass(f"password of {what}: ", stream=sys.stderr)
    if is_new and getpass.getpass("the same again: ", stream=sys.stderr) != typed:
        raise GuardError("cli.password-mismatch", "the two passwords differ")
    if len(typed.encode()) < SHORTEST_PASSWORD:
        raise GuardError("key.password-short", f"a password has at least {SHORTEST_PASSWORD} characters")
    return typed.encode()


def load_key(path: Path, password_file: Path | None) -> bytes:
    """The private key of a keystore."""
    return load_keystore(path, ask_password(path.name, password_file))


def require_yes(question: str, *, is_given: bool) -> None:
    """Go on only after a typed yes. Raises `cli.aborted` for anything else."""
    if is_given:
        return
    _require_terminal("a yes")
    sys.stderr.write(f"{question} Type yes to sign: ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() != "yes":
        raise GuardError("cli.aborted", "not signed")


def _require_terminal(what: str) -> None:
    if not sys.stdin.isatty():
        raise GuardError("cli.no-terminal", f"there is no terminal to ask for {what}")
