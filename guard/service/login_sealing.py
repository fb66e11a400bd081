"""Sealing of TOTP secrets: AES-256-GCM under a key out of the key file, bound to the person and the factor.

A box that is changed, or put into another row, does not open. Keys have ids computed from them, so a key that was damaged in
its file is noticed before anything is sealed under it.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from guard.core.ids import PersonId
from guard.core.refusing import require
from guard.errors import AdapterError, GuardError
from guard.ports.access import Sealed

KEY_LENGTH = 32
NONCE_LENGTH = 12


def compute_key_id(key: bytes) -> str:
    """The name of a key, which tells nothing of it."""
    return hashlib.sha256(b"guard-master-key-id-v1\n" + key).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys of the key file, oldest first. The last one seals; all of them open."""

    keys: tuple[bytes, ...]

    def __post_init__(self) -> None:
        require(bool(self.keys), "there is no key to seal secrets with")
        require(all(len(key) == KEY_LENGTH for key in self.keys), f"a key to seal secrets with has {KEY_LENGTH} bytes")
        require(len(set(self.keys)) == len(self.keys), "a key to seal secrets with stands twice")

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self.ids)})"

    @property
    def ids(self) -> tuple[str, ...]:
        """The keys' names, oldest first."""
        return tuple(compute_key_id(key) for key in self.keys)

    def seal(self, secret: str, person: PersonId, factor_id: str) -> Sealed:
        """The secret in a box that only this factor of this person opens."""
        nonce = secrets.token_bytes(NONCE_LENGTH)
        box = AESGCM(self.keys[-1]).encrypt(nonce, secret.encode("ascii"), _bind(person, factor_id))
        return Sealed(self.ids[-1], (nonce + box).hex())

    def open(self, sealed: Sealed, person: PersonId, factor_id: str) -> str:
        """The secret of a box. Raises `keyfile.unknown` and `keyfile.sealed`; both are trouble, never a wrong code."""
        key = next((key for key in self.keys if compute_key_id(key) == sealed.key_id), None)
        if key is None:
            raise AdapterError(
                "keyfile.unknown", "a second factor is sealed under a key that the key file does not hold"
            )
        try:
            raw = bytes.fromhex(sealed.box)
            return AESGCM(key).decrypt(raw[:NONCE_LENGTH], raw[NONCE_LENGTH:], _bind(person, factor_id)).decode("ascii")
        except (InvalidTag, ValueError):
            raise AdapterError("keyfile.sealed", f"the second factor of {person} does not open") from None

    def add(self, key: bytes) -> KeyRing:
        """The ring with a newer key, which seals from now on."""
        return KeyRing((*self.keys, key))

    def remove(self, key_id: str) -> KeyRing:
        """The ring without an old key. Raises `keyfile.in-use` for the newest, `keyfile.unknown` for none of them."""
        if key_id not in self.ids:
            raise GuardError("keyfile.unknown", f"the key file holds no key {key_id[:40]!r}")
        if key_id == self.ids[-1]:
            raise GuardError("keyfile.in-use", f"key {key_id} is the newest one; rotate first")
        return KeyRing(tuple(key for key in self.keys if compute_key_id(key) != key_id))


def _bind(person: PersonId, factor_id: str) -> bytes:
    """What a box belongs to. Neither a person's id nor a factor's holds a line break, so no two pairs give the same bytes."""
    return f"guard-totp-v1\n{person}\n{factor_id}".encode("ascii")
