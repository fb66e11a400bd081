"""A signer's folder: both keys, the journal, its configuration; and the lock that lets one process alone use them (TRUST §8).

Policy is never configuration: what stands here says where things are, not what may be signed.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guard.bundles.bundle import Bundle, require_pinned
from guard.core.ids import ChainName, Digest, SignerId, is_name
from guard.errors import AdapterError, GuardError
from guard.formats.keccak import keccak256, require_digest, to_digest
from guard.formats.listen_addresses import parse_listen_address
from guard.ports import Clock
from guard.signer import records
from guard.signer.counter import FileCounter
from guard.signer.journal import Journal
from guard.signer.keystore import STRONG_SCRYPT, create_keystore, load_keystore
from guard.signer.records import BundleRow
from guard.signer.signer import Keys
from guard.signer.sockets import Protection
from guard.statements.testimony import ENROLMENT, journal_key_of, testify
from guard.transactions.signatures import compute_owner, sign_hash

FORMAT = 1
_NAMES = ("format", "id", "treasury", "command", "stop", "counter", "endpoints")
_OPTIONAL = ("certificate", "certificate_key")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerConfig:
    """Where a signer listens, where its counter is, and which endpoints it asks for each chain of the policy.

    With a certificate both listeners speak TLS wherever they listen on a port.
    """

    id: SignerId
    treasury: Digest
    command: str
    stop: str
    counter: Path
    endpoints: dict[ChainName, tuple[str, ...]]
    certificate: Path | None = None
    certificate_key: Path | None = None

    def to_protection(self, *, is_plaintext_allowed: bool) -> Protection:
        """The certificate for the listeners, and whether they may do without one. Raises `listen.certificate`."""
        return Protection(
            certificate=self.certificate, key=self.certificate_key, is_plaintext_allowed=is_plaintext_allowed
        )


@dataclass(frozen=True, slots=True)
class SignerHome:
    """The folder of one signer."""

    path: Path

    @property
    def vault_key(self) -> Path:
        """The keystore of the vault key."""
        return self.path / "vault-key.json"

    @property
    def journal_key(self) -> Path:
        """The keystore of the journal key."""
        return self.path / "journal-key.json"

    @property
    def journal(self) -> Path:
        """The journal."""
        return self.path / "journal.sqlite"

    @property
    def config(self) -> Path:
        """The configuration."""
        return self.path / "signer.toml"

    @property
    def certificate(self) -> Path:
        """The listeners' certificate, where it was made here."""
        return self.path / "certificate.pem"

    @property
    def certificate_key(self) -> Path:
        """The certificate's key."""
        return self.path / "certificate-key.pem"


def require_no_home(home: SignerHome) -> None:
    """Refuse a folder that holds any part of a signer: a key never gets another journal. Raises `signer.journal-exists`."""
    if any(path.exists() for path in (home.vault_key, home.journal_key, home.journal, home.config)):
        raise GuardError("signer.journal-exists", f"{home.path.name} already holds a signer")


def create_home(
    home: SignerHome, config: SignerConfig, password: bytes, *, stop_address: str = "", scrypt: int = STRONG_SCRYPT
) -> str:
    """Make vault key, journal key and journal together, and give the line that `guard signer add` takes.

    Refused where any of them already is. `stop_address` is what people call the stop listener, where it is not the address
    at which it listens.
    """
    if not is_name(config.id):
        raise GuardError("value.invalid", f"signer id {config.id!r} is not a name")
    _require_addresses(config)
    home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    require_no_home(home)
    config.counter.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    vault, seed = _draw_vault_key(), secrets.token_bytes(32)
    journal = Ed25519PrivateKey.from_private_bytes(seed)
    create_keystore(home.vault_key, vault, password, scrypt=scrypt)
    create_keystore(home.journal_key, seed, password, scrypt=scrypt)
    home.config.write_text(_render_config(config), encoding="utf-8")
    Journal.create(
        home.journal,
        FileCounter(config.counter),
        signer=config.id,
        owner=compute_owner(vault),
        journal_key=journal_key_of(journal),
        treasury=config.treasury,
    )
    return _render_enrolment(config, vault, journal, stop_address or config.stop)


def _draw_vault_key() -> bytes:
    """A private key: 32 random bytes, drawn again in the case of one in 2^128 that they are none."""
    while True:
        drawn = secrets.token_bytes(32)
        try:
            compute_owner(drawn)
        except GuardError:
            continue
        return drawn


def _render_enrolment(config: SignerConfig, vault: bytes, journal: Ed25519PrivateKey, stop_address: str) -> str:
    """One line of JSON: who the signer is, with proof that it controls both keys, for this treasury."""
    owner = compute_owner(vault)
    fields = {
        "treasury": config.treasury,
        "signer": config.id,
        "owner": owner,
        "stop_address": stop_address,
        "owner_proof": "0x" + sign_hash(vault, compute_enrolment_digest(config.treasury, config.id)).hex(),
    }
    said = testify(journal, ENROLMENT, fields).to_json()
    return json.dumps({"journal_key": journal_key_of(journal), **said}, separators=(",", ":"), sort_keys=True)


def compute_enrolment_digest(treasury: Digest, signer: str) -> Digest:
    """What a vault key signs once to show that it is there. It is no SafeTx hash: those begin with 0x1901 under the hash."""
    return to_digest(keccak256(b"guard-signer-owner-v1\n" + bytes.fromhex(treasury[2:]) + signer.encode("ascii")))


def _render_config(config: SignerConfig) -> str:
    lines = [
        "# Where this signer listens and what it asks. Nothing here changes what it signs: that is the pinned policy's.",
        f"format = {FORMAT}",
        f"id = {json.dumps(config.id)}",
        f"treasury = {json.dumps(config.treasury)}",
        f"command = {json.dumps(config.command)}",
        f"stop = {json.dumps(config.stop)}",
        "# On another volume than the journal, so that putting one back shows in the other.",
        f"counter = {json.dumps(str(config.counter))}",
        *_render_certificate(config),
        "[endpoints]",
        *(f"{json.dumps(chain)} = {json.dumps(list(urls))}" for chain, urls in sorted(config.endpoints.items())),
    ]
    return "\n".join(lines) + "\n"


def _render_certificate(config: SignerConfig) -> list[str]:
    if config.certificate is None or config.certificate_key is None:
        return []
    return [
        "# With these the listeners speak TLS. They are read at the start alone.",
        f"certificate = {json.dumps(str(config.certificate))}",
        f"certificate_key = {json.dumps(str(config.certificate_key))}",
    ]


def _require_addresses(config: SignerConfig) -> None:
    for address in (config.command, config.stop):
        try:
            parse_listen_address(address)
        except GuardError as refused:
            raise GuardError("signer.address", refused.message) from None


def load_config(home: SignerHome) -> SignerConfig:
    """The signer's configuration, strict: unknown names are errors. Paths in it are meant from the signer's folder."""
    try:
        said = tomllib.loads(home.config.read_text(encoding="utf-8"))
    except OSError as trouble:
        raise AdapterError("signer.config", f"{home.config.name} cannot be read: {trouble.strerror}") from trouble
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as trouble:
        raise GuardError("signer.config", f"{home.config.name} is not TOML: {trouble}") from None
    if set(said) - set(_OPTIONAL) != set(_NAMES) or said["format"] != FORMAT or not isinstance(said["endpoints"], dict):
        raise GuardError(
            "signer.config",
            f"{home.config.name} must name exactly {', '.join(_NAMES)}, and may name {' and '.join(_OPTIONAL)}",
        )
    texts = {name: each for name, each in said.items() if name not in ("format", "endpoints")}
    if not all(isinstance(text, str) and text for text in texts.values()):
        raise GuardError("signer.config", f"a value in {home.config.name} is not a text")
    paths = {name: home.path / texts[name] for name in ("counter", *_OPTIONAL) if name in texts}
    config = SignerConfig(
        id=SignerId(texts["id"]),
        treasury=require_digest(texts["treasury"]),
        command=texts["command"],
        stop=texts["stop"],
        endpoints={ChainName(chain): _take_urls(urls) for chain, urls in said["endpoints"].items()},
        **paths,
    )
    _require_addresses(config)
    return config


def _take_urls(urls: Any) -> tuple[str, ...]:
    if not isinstance(urls, list) or not urls or not all(isinstance(url, str) for url in urls):
        raise GuardError("signer.config", "endpoints of a chain are a list of addresses, at least one")
    if len(set(urls)) != len(urls):
        raise GuardError("signer.config", "an endpoint stands twice; two names for one node are no second opinion")
    return tuple(urls)


def open_journal(home: SignerHome, config: SignerConfig) -> Journal:
    """The journal, refused unless it is this signer's and not behind its counter."""
    journal = Journal.load(home.journal, FileCounter(config.counter))
    if (journal.identity.signer, journal.identity.treasury) != (config.id, config.treasury):
        raise GuardError("signer.journal-foreign", "the journal is another signer's or another treasury's")
    journal.require_not_behind()
    return journal


def load_keys(home: SignerHome, password: bytes) -> Keys:
    """Both keys, decrypted."""
    seed = load_keystore(home.journal_key, password)
    return Keys(load_keystore(home.vault_key, password), Ed25519PrivateKey.from_private_bytes(seed))


@contextmanager
def holding_lock(home: SignerHome) -> Iterator[None]:
    """One key lives in one signer: the lock is in the key's place and ends with the process, however it ends."""
    handle = os.open(home.vault_key, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise GuardError("signer.running", "another process uses this signer's key") from None
        yield
    finally:
        os.close(handle)


def pin_bundle(home: SignerHome, raw: bytes, digest: Digest, clock: Clock) -> Bundle:
    """Pin a treasury's first bundle by the digest that was compared by voice. It is active from now on, by this signer's clock."""
    config = load_config(home)
    bundle = require_pinned(raw, digest)
    if bundle.policy.treasury != config.treasury:
        raise GuardError("bundle.digest", "the bundle is of another treasury than this signer was made for")
    with holding_lock(home):
        journal = open_journal(home, config)
        try:
            with journal.writing() as db:
                if records.load_bundles(db):
                    raise GuardError("signer.pinned", "a policy is pinned here already")
                now = clock.read().wall
                records.add_bundle(db, BundleRow(version=bundle.version, digest=digest, raw=raw, activated_at=now))
        finally:
            journal.close()
    return bundle
