"""A desk without chain and signers: a bundle, everybody's keys, and a server that a test plays itself. For what comes before signing."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guard.bundles.bundle import MAX_BUNDLE_BYTES, parse_bundle
from guard.cli.folder import load_folder
from guard.cli.sessions import Session, keep_session
from guard.cli.storing import load_file
from guard.core.ids import Address, Digest, TransferId
from guard.effects.summary import render_summary
from guard.log.chain import Entry, compute_head, compute_start
from guard.policyfiles.writing import write_vault_address
from guard.statements.digests import compute_digest
from guard.statements.signed import from_json, to_json, transfer_to_json
from guard.statements.values import kind_of
from tests.chains import address_for
from tests.cli.road import PASSWORD, PEOPLE, SIGNERS, Told, enrol, guard, make_signer, require_done, write_policies
from tests.clients.hostile import Asked, Hostile, hostile, to_http

TOKEN = "a-token-for-tests-000"


@dataclass(slots=True)
class OfflineDesk:
    """Bundle, keys and a configuration, in a folder."""

    path: Path
    digest: str
    treasury: Digest
    count: int = 0

    @property
    def config(self) -> Path:
        """guard.toml."""
        return self.path / "guard.toml"

    @property
    def password_file(self) -> Path:
        """Everybody's password."""
        return self.path / "password"

    def key(self, person: str) -> Path:
        """Somebody's keystore."""
        return self.path / "keys" / f"{person}.json"

    def run(self, server: str | None, *arguments: str | Path) -> Told:
        """A command, at a server or without one."""
        where = () if server is None else ("--server", server)
        return guard("--config", self.config, *where, *arguments, "--json")

    def sign_as(self, person: str, server: str | None, verb: str, *arguments: str | Path) -> Told:
        """A command that signs, without questions."""
        signing = ("--key", self.key(person), "--password-file", self.password_file, "--yes")
        return self.run(server, verb, *arguments, *signing)

    def wish(self, *more: str | Path) -> tuple[str | Path, ...]:
        """A proposal's words."""
        self.count += 1
        said = ("--vault", "operations", "--amount", "9000 USDC", "--to", "supplier", "--purpose", f"rent {self.count}")
        return (*said, "--as", self.key("alice"), "--password-file", self.password_file, "--yes", *more)

    def propose(self) -> Path:
        """A transfer's folder."""
        out = self.path / "transfers" / f"{self.count + 1}"
        told = self.run(None, "propose", *self.wish("--out", out))
        assert told.status == 0, told
        return out

    def log_in(self, home: Path, url: str) -> None:
        """A log-in at a server, as if it had been given."""
        session = Session(
            origin=url,
            person="bob",
            address=Address(address_for("bob")),
            token=TOKEN,
            expires_at=2**31,
            second_factor="done",
        )
        keep_session(home, session)


def found_offline() -> OfflineDesk:
    """Found a treasury with commands alone, whose vault and signers exist on paper."""
    path = Path(tempfile.mkdtemp(prefix="guard-"))
    (path / "password").write_text(PASSWORD + "\n")
    (path / "password").chmod(0o600)
    (path / "keys").mkdir()
    treasury = require_done("init", path)["treasury"]
    write_policies(path / "policies", treasury, address_for("token"))
    for person, groups in PEOPLE.items():
        enrol(path, person, groups)
    for name in SIGNERS:
        make_signer(path, name, "http://127.0.0.1:1")
    write_vault_address(path / "policies", "operations", Address(address_for("vault")))
    (path / "guard.toml").write_text('format = 1\npolicies = "policies"\nbundle = "bundle.json"\n')
    built = require_done("--config", path / "guard.toml", "policy", "build")
    return OfflineDesk(path, built["digest"], Digest(treasury))


@contextmanager
def offline() -> Iterator[OfflineDesk]:
    """Such a desk for as long as it is needed."""
    made = found_offline()
    try:
        yield made
    finally:
        shutil.rmtree(made.path, ignore_errors=True)


Change = Callable[[dict[str, Any]], Any]


def unchanged(answer: dict[str, Any]) -> Any:
    """An answer as it is."""
    return answer


@dataclass
class Played:
    """An honest server's answers about the transfers it was given, each changed by `change` before it leaves."""

    desk: OfflineDesk
    folders: list[Path] = field(default_factory=list)
    change: Change = unchanged
    log: list[tuple[Entry, Digest]] = field(default_factory=list)
    acknowledge: Change = unchanged
    state: str = "open"
    evidence: bytes = b"{}"

    def show(self, folder: Path) -> dict[str, Any]:
        """A transfer as the API shows it."""
        read = load_folder(folder)
        bundle = parse_bundle(load_file(self.desk.path / "bundle.json", max_bytes=MAX_BUNDLE_BYTES))
        return {
            "id": read.transfer_id,
            "transfer": transfer_to_json(read.transfer),
            "state": self.state,
            "reason": "",
            "version": 3,
            "summary": render_summary(read.transfer, bundle.policy),
            "statements": [to_json(each) for each in read.statements],
            "prediction": {"status": "held", "reasons": [], "prediction": True},
            "signers": [],
            "certificates": [],
            "chain": None,
            "trouble": None,
        }

    def answer(self, asked: Asked) -> bytes:
        """What is said to a request."""
        path, _, query = asked.path.partition("?")
        if asked.method == "POST":
            return to_http(self.acknowledge(self.store(asked.json)), status=201)
        if path.startswith("/v1/transfers/"):
            return self._show(path.removeprefix("/v1/transfers/"))
        if path == "/v1/log/head":
            return to_http({"size": len(self.log), "head": self.head})
        if path == "/v1/log":
            start, limit = (int(pair.partition("=")[2]) for pair in query.split("&"))
            entries = [{"entry": entry.to_json(), "head": head} for entry, head in self.log[start : start + limit]]
            return to_http(self.change({"entries": entries}))
        return to_http({"transfers": []})

    def _show(self, name: str) -> bytes:
        if name.endswith("/evidence"):
            return to_http(self.evidence)
        for folder in self.folders:
            shown = self.show(folder)
            if shown["id"].startswith(name):
                return to_http(self.change(shown))
        return to_http(self.change(self.show(self.folders[-1])))

    @property
    def head(self) -> Digest:
        """The log's head."""
        return self.log[-1][1] if self.log else compute_start(self.desk.treasury)

    def store(self, content: dict[str, Any]) -> dict[str, Any]:
        """Log a statement and acknowledge it."""
        signed = from_json(content)
        transfer = content["statement"].get("transfer")
        about = None
        if transfer is not None:
            about = next(each for each in map(load_id, self.folders) if each) if self.folders else None
        entry = self.append(f"{kind_of(signed.statement)}.stored", content)
        return {
            "kind": content["kind"],
            "statement_digest": compute_digest(signed.statement, signed.treasury),
            "person": "bob",
            "transfer_id": about,
            "index": entry.index,
            "head": self.head,
            "at": entry.at,
            "state": "open",
            "version": 4,
            "prediction": None,
            "not_stopped": [],
        }

    def append(self, event: str, body: dict[str, Any]) -> Entry:
        """One entry more."""
        entry = Entry(
            index=len(self.log),
            at=int(time.time()),
            event=event,
            actor="bob",
            transfer=None,
            body=body,
            previous=self.head,
        )
        self.log.append((entry, compute_head(entry)))
        return entry


def load_id(folder: Path) -> TransferId:
    """The id of a folder's transfer."""
    return load_folder(folder).transfer_id


@contextmanager
def playing(played: Played, home: Path) -> Iterator[Hostile]:
    """The server that plays it, at which bob is logged in."""
    with hostile(played.answer) as server:
        played.desk.log_in(home, server.url)
        yield server
