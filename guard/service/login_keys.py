"""The key file: the keys under which second factors are sealed, beside the database and never in it.

It is read at each use, so that a rotation needs no restart. It is never written over in place: a new one takes its name.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guard.errors import AdapterError, GuardError
from guard.formats.canonical import parse_json
from guard.ports.access import Accounts, Factor, Sealed
from guard.service.login_sealing import KEY_LENGTH, KeyRing, compute_key_id

FORMAT = 1
LARGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class KeyFile:
    """Where the keys are."""

    path: Path

    def load(self) -> KeyRing:
        """The keys. Raises `keyfile.unreadable`, `keyfile.permissions` and `keyfile.malformed`."""
        try:
            with self.path.open("rb") as file:
                if os.fstat(file.fileno()).st_mode & 0o077:
                    raise AdapterError("keyfile.permissions", f"{self.path.name} can be read by others")
                raw = file.read(LARGEST + 1)
        except OSError as trouble:
            raise AdapterError(
                "keyfile.unreadable", f"{self.path.name} cannot be read: {trouble.strerror}"
            ) from trouble
        return _to_ring(raw, self.path.name)


def create_master_key(path: Path) -> str:
    """Write a new key file that its owner alone may read, and give its key's id. Raises `keyfile.exists`."""
    ring = KeyRing((secrets.token_bytes(KEY_LENGTH),))
    try:
        _write(path, ring)
        _sync_folder(path)
    except FileExistsError:
        raise GuardError("keyfile.exists", f"{path.name} already exists; a key file is never written over") from None
    except OSError as trouble:
        raise _to_trouble(path, trouble) from trouble
    return ring.ids[-1]


def rotate_master_key(accounts: Accounts, path: Path) -> str:
    """Add a new key, seal every second factor under it, and give its id. The old keys stay until they are removed.

    A file that does not open every secret is left as it is. It is written before the database: if it ends between the two, every
    secret still opens, and it is run again.
    """
    with accounts.writing() as books:
        ring = KeyFile(path).load().add(secrets.token_bytes(KEY_LENGTH))
        boxes = {factor.id: _seal_anew(ring, factor) for factor in books.list_factors()}
        _replace(path, ring)
        for factor_id, box in boxes.items():
            books.reseal_factor(factor_id, box)
    return ring.ids[-1]


def _seal_anew(ring: KeyRing, factor: Factor) -> Sealed:
    return ring.seal(ring.open(factor.secret, factor.person, factor.id), factor.person, factor.id)


def remove_master_key(accounts: Accounts, path: Path, key_id: str) -> None:
    """Take an old key out of the file. Raises `keyfile.in-use` while anything is sealed under it.

    A copy of the database from before the rotation opens with this key alone; whoever removes it gives such copies up.
    """
    with accounts.writing() as books:
        if any(factor.secret.key_id == key_id for factor in books.list_factors()):
            raise GuardError("keyfile.in-use", f"secrets are still sealed under key {key_id}; rotate first")
        _replace(path, KeyFile(path).load().remove(key_id))


def _to_ring(raw: bytes, name: str) -> KeyRing:
    malformed = AdapterError("keyfile.malformed", f"{name} is not a key file")
    try:
        content = parse_json(raw, max_bytes=LARGEST)
    except GuardError:
        raise malformed from None
    if not isinstance(content, dict) or set(content) != {"format", "keys"} or content["format"] != FORMAT:
        raise malformed
    keys = content["keys"]
    if not isinstance(keys, list) or not keys or not all(_is_key(entry) for entry in keys):
        raise malformed
    return KeyRing(tuple(bytes.fromhex(entry["key"]) for entry in keys))


def _is_key(entry: Any) -> bool:
    """Whether an entry is a key under its own id: one that was damaged or mistyped is not."""
    if not isinstance(entry, dict) or set(entry) != {"id", "key"} or not isinstance(entry["key"], str):
        return False
    try:
        key = bytes.fromhex(entry["key"])
    except ValueError:
        return False
    return len(key) == KEY_LENGTH and compute_key_id(key) == entry["id"]


def _write(path: Path, ring: KeyRing) -> None:
    """A new file with the keys, on the disk before anything is sealed under them."""
    keys = [{"id": key_id, "key": key.hex()} for key_id, key in zip(ring.ids, ring.keys, strict=True)]
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        json.dump({"format": FORMAT, "keys": keys}, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())


def _replace(path: Path, ring: KeyRing) -> None:
    """The file with other keys, under the same name and owner, whole at every moment."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        owner = path.stat()
        try:
            _write(beside, ring)
            os.chown(beside, owner.st_uid, owner.st_gid)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
        _sync_folder(path)
    except OSError as trouble:
        raise _to_trouble(path, trouble) from trouble


def _sync_folder(path: Path) -> None:
    handle = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _to_trouble(path: Path, trouble: OSError) -> AdapterError:
    return AdapterError("keyfile.unreadable", f"{path.name} cannot be written: {trouble.strerror}")
