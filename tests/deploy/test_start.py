"""The start-up commands of docker-compose.yml, read from the file and run as plain processes over a real Postgres: every part gets well
by its own health check, and ends cleanly."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from guard.bundles.bundle import Bundle, compute_bundle_digest, to_bytes
from guard.cli.signers import require_signer
from guard.core.ids import NO_DIGEST
from guard.core.policy import SignerIdentity
from guard.service.login_keys import create_master_key
from guard.signer.certificate import create_certificate
from guard.signer.keystore import LIGHT_SCRYPT, create_keystore
from tests.app.processes import Told, run_here
from tests.databases import new_postgres_database, require_postgres
from tests.deploy.composition import REQUIRED, SIGNERS, load_composition
from tests.deploy.plain import Place, PlainService
from tests.factories import NOW, TREASURY, make_policy

PASSWORD = "a password for tests"
FAR = 4_000_000_000
LISTEN = "0.0.0.0:8080"
DATABASE = "postgresql+psycopg://guard@postgres/guard"


def find_free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass(slots=True)
class Whole:
    """Every service, and where the API listens."""

    services: dict[str, PlainService]
    api: str


@pytest.fixture
def whole() -> Iterator[Whole]:
    """All services, founded and not started."""
    require_postgres()
    path = Path(tempfile.mkdtemp(prefix="guard-"))
    place = Place(path, path / "configuration", path / "secrets")
    digest = found(place)
    said = load_composition({**REQUIRED, "GUARD_PIN": digest})["services"]
    api = f"127.0.0.1:{find_free_port()}"
    place.texts = {LISTEN: api, DATABASE: new_postgres_database("template0")}
    services = {name: PlainService(name, each, place) for name, each in said.items() if name != "postgres"}
    try:
        yield Whole(services, api)
    finally:
        for each in services.values():
            each.kill()
        shutil.rmtree(path, ignore_errors=True)


def found(place: Place) -> str:
    """What the operator does once: secrets, signers in their volumes, the bundle that names them, the configuration. Its digest."""
    place.configuration.mkdir()
    place.secrets.mkdir()
    write_secrets(place.secrets)
    made = {name: make_signer(place, name) for name in SIGNERS}
    policy = replace(make_policy(), signers=tuple(made[name].identity for name in SIGNERS))
    bundle = Bundle(version=1, previous=NO_DIGEST, expires_at=FAR, policy=policy)
    file, digest = place.configuration / "bundle.json", compute_bundle_digest(bundle)
    file.write_bytes(to_bytes(bundle))
    for each in made.values():
        assert run_here("signer", "pin", str(each.home), digest, "--bundle", str(file), settings={}).status == 0
    commands = "\n".join(f'{name} = "{each.command}"' for name, each in made.items())
    (place.configuration / "guard.toml").write_text(
        f'format = 1\nbundle = "bundle.json"\n[signers]\n{commands}\n[chains]\nlocal = "http://127.0.0.1:1"\n'
    )
    return digest


def write_secrets(folder: Path) -> None:
    """Every secret that the file names."""
    create_master_key(folder / "master-key")
    create_keystore(folder / "executor", b"\x01" * 32, PASSWORD.encode(), scrypt=LIGHT_SCRYPT)
    for name in ("database-password", "executor-password", *(f"{signer}-password" for signer in SIGNERS)):
        (folder / name).write_text(PASSWORD + "\n")
        (folder / name).chmod(0o600)
    told = run_here("server", "create-webhook-secret", settings={"webhook_secret": folder / "webhook-secret"})
    assert told.status == 0


@dataclass(frozen=True, slots=True)
class MadeSigner:
    """A signer in its volume: as the bundle names it, and where the worker asks it."""

    identity: SignerIdentity
    home: Path
    command: str


def make_signer(place: Place, name: str) -> MadeSigner:
    """Found one signer, its keys and journal on one volume and its counter on another."""
    home, counter = place.find_folder(f"{name}-journal") / "home", place.find_folder(f"{name}-counter") / "count"
    certificate, key = place.path / f"{name}.pem", place.path / f"{name}-key.pem"
    pin = create_certificate(certificate, key, name=name, now=NOW)
    command, stop = (f"127.0.0.1:{find_free_port()}" for _ in range(2))
    told = run_here(
        *("signer", "new", str(home), "--id", name, "--command", command, "--stop", stop),
        *("--stop-address", f"https://{stop}#sha256={pin}", "--certificate", str(certificate)),
        *("--certificate-key", str(key), "--counter", str(counter), "--treasury", TREASURY),
        *("--endpoint", "local=http://127.0.0.1:1", "--light-kdf"),
        *("--password-file", str(place.secrets / f"{name}-password")),
        settings={},
    )
    assert told.status == 0, told
    return MadeSigner(require_signer(json.dumps(told.json).encode(), TREASURY), home, f"https://{command}#sha256={pin}")


def test_every_part_gets_well_and_ends_cleanly(whole: Whole) -> None:
    services = whole.services
    # The database was not brought to this version: the API says so and does not begin.
    assert services["api"].run() == 3
    assert "guard db upgrade" in services["api"].log.read_text()
    assert services["migrate"].run() == 0
    assert services["migrate"].run() == 0
    running = [services[name] for name in ("api", "worker", *SIGNERS)]
    for each in running:
        each.begin()
    for each in running:
        each.wait_healthy()
    # The worker has reached every signer over TLS, with the certificate that the configuration pins.
    assert read_signers(services["worker"]) == set(SIGNERS)
    statuses = {each.name: each.end() for each in reversed(running)}
    assert statuses == dict.fromkeys(statuses, 0)
    assert not any(each.is_healthy() for each in (services["api"], services["signer-a"]))
    # In their containers these folders could not be written.
    assert all(not list(each.desk.iterdir()) for each in running)


def read_signers(worker: PlainService) -> set[str]:
    """Who has answered the worker, by its own books."""
    from guard.store.database import Database
    from guard.store.store import Store

    store = Store(Database(worker.environment["GUARD_DATABASE"]))
    try:
        with store.reading() as reading:
            return {each.signer for each in reading.list_looks() if each.answered_at is not None}
    finally:
        store.close()


def test_a_signer_whose_listeners_other_machines_reach_gets_a_certificate_that_its_line_names(tmp_path: Path) -> None:
    told = new_signer(tmp_path, "--stop", "0.0.0.0:7101", "--stop-address", "stop-a.example.org:7111")
    assert told.status == 0
    assert told.json["fields"]["stop_address"].startswith("https://stop-a.example.org:7111#sha256=")
    assert "certificate = " in (tmp_path / "home" / "signer.toml").read_text()
    assert (tmp_path / "home" / "certificate-key.pem").stat().st_mode & 0o777 == 0o600


def test_a_signer_that_listens_everywhere_says_what_people_call_it(tmp_path: Path) -> None:
    assert new_signer(tmp_path, "--stop", "0.0.0.0:7101").error == (2, "cli.usage")
    assert not (tmp_path / "home").exists()


def new_signer(path: Path, *stop: str) -> Told:
    """A signer with its command listener beyond loopback."""
    (path / "password").write_text(PASSWORD)
    (path / "password").chmod(0o600)
    return run_here(
        *("signer", "new", str(path / "home"), "--id", "signer-a", "--command", "0.0.0.0:7100", *stop),
        *("--counter", str(path / "count"), "--treasury", TREASURY, "--endpoint", "local=http://127.0.0.1:1"),
        *("--light-kdf", "--password-file", str(path / "password")),
        settings={},
    )
