"""A server's folder: a bundle, a key file, a database, and nothing that runs."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from guard.bundles.bundle import Bundle, compute_bundle_digest, to_bytes
from guard.core.ids import NO_DIGEST
from guard.service.login_keys import create_master_key
from guard.signer.keystore import LIGHT_SCRYPT, create_keystore
from tests.databases import database_url, postgres_url, sqlite_url
from tests.factories import make_policy

__all__ = ["database_url", "postgres_url", "sqlite_url"]

PASSWORD = "a password for tests"
FAR = 4_000_000_000
"""When the bundle of the tests expires."""


@dataclass(slots=True)
class ServerFolder:
    """Where a server's files are, and the settings that name them."""

    path: Path
    digest: str
    settings: dict[str, object]


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GUARD_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def server(sqlite_url: str) -> Iterator[ServerFolder]:
    """A server's folder over SQLite."""
    yield from make_folder(sqlite_url)


@pytest.fixture
def server_of_each(database_url: str) -> Iterator[ServerFolder]:
    """The same over SQLite and over Postgres."""
    yield from make_folder(database_url)


def make_folder(database_url: str) -> Iterator[ServerFolder]:
    """A folder for as long as it is needed. Its path is short, for sockets."""
    path = Path(tempfile.mkdtemp(prefix="guard-"))
    bundle = Bundle(version=1, previous=NO_DIGEST, expires_at=FAR, policy=make_policy())
    (path / "bundle.json").write_bytes(to_bytes(bundle))
    create_master_key(path / "master-key")
    password = path / "password"
    password.write_text(PASSWORD)
    password.chmod(0o600)
    create_keystore(path / "executor.json", b"\x01" * 32, PASSWORD.encode(), scrypt=LIGHT_SCRYPT)
    settings: dict[str, object] = {
        "bundle": path / "bundle.json",
        "database": database_url,
        "master_key": path / "master-key",
        "listen": "127.0.0.1:0",
        "public_url": "http://127.0.0.1:8080",
        "executor": path / "executor.json",
        "executor_password_file": password,
        "log_format": "json",
    }
    yield ServerFolder(path, compute_bundle_digest(bundle), settings)
    shutil.rmtree(path, ignore_errors=True)
