"""A person's own key in an encrypted keystore, and the line by which it is enrolled."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from guard.cli.asking import ask_password, load_key
from guard.cli.voice import Voice
from guard.core.ids import Digest, PersonId
from guard.core.roster import KeyKind
from guard.errors import GuardError
from guard.signer.keystore import LIGHT_SCRYPT, STRONG_SCRYPT, create_keystore
from guard.statements.signed import to_json
from guard.statements.signing import sign
from guard.statements.values import Enrolment
from guard.transactions.signatures import compute_owner


def make_key(voice: Voice, path: Path, password_file: Path | None, *, light_kdf: bool) -> None:
    """Draw a key and write its keystore."""
    if path.exists():
        raise GuardError("key.exists", f"{path.name} already exists; a key is never written over")
    password = ask_password(path.name, password_file, is_new=True)
    private_key = _draw_key()
    path.parent.mkdir(parents=True, exist_ok=True)
    create_keystore(path, private_key, password, scrypt=LIGHT_SCRYPT if light_kdf else STRONG_SCRYPT)
    address = compute_owner(private_key)
    voice.tell({"address": address, "file": str(path)}, f"{address}  ({path})")


def _draw_key() -> bytes:
    while True:
        drawn = secrets.token_bytes(32)
        try:
            compute_owner(drawn)
        except GuardError:
            continue
        return drawn


def show_key(voice: Voice, path: Path, password_file: Path | None) -> None:
    """The address of a keystore, computed from its key."""
    address = compute_owner(load_key(path, password_file))
    voice.tell({"address": address, "file": str(path)}, address)


def enrol_key(
    voice: Voice, path: Path, password_file: Path | None, *, enrolment: tuple[str, str], treasury: Digest
) -> None:
    """The one line that a person hands over: key, device, and proof of control for this treasury."""
    person, device = enrolment
    statement = Enrolment(person=PersonId(person), device=device, kind=KeyKind.SOFTWARE)
    signed = to_json(sign(load_key(path, password_file), statement, treasury))
    line = json.dumps(signed, separators=(",", ":"), sort_keys=True)
    voice.tell(signed, line)
