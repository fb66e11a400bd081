"""A whole treasury on the embedded chain, founded by the product's own commands, with four real signer processes.

Commands run in this process through the same entry that the console script has; signers are processes of their own.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guard.app import main as console  # noqa: F401 Adds what only the composition root can add.
from guard.chain import Chain, Executor
from guard.cli.root import build_app, run
from guard.demo.contracts import to_token_code
from guard.signer.keystore import LIGHT_SCRYPT, create_keystore
from tests.chains import (
    CHAIN_ID,
    COIN,
    EXECUTOR_KEY,
    TOKEN_UNIT,
    RunningNode,
    address_for,
    deploy_safe_contracts,
    to_token_transfer,
)

PASSWORD = "a password for tests"
SIGNERS = ("signer-a", "signer-b", "signer-c", "signer-d")
PEOPLE: dict[str, tuple[str, ...]] = {
    "alice": ("operations", "finance"),
    "bob": ("finance", "policy-admins"),
    "carol": ("finance", "policy-admins"),
    "dave": ("guardians", "security"),
    "erin": ("guardians", "policy-admins"),
    "frank": ("guardians",),
    # A guardian whose freeze was lifted cannot freeze again for days, so each test that freezes has one of its own.
    **dict.fromkeys(("grace", "heidi", "ivan", "judy"), ("guardians",)),
}
READY_WITHIN = 30
SUPPLIER = address_for("supplier")

TREASURY = """\
format = 1

treasury = "{treasury}"
version = 1
expires_at = "2030-01-01"

[numbers]
max_transfer_age = "7d"
settle = "1s"
withstands = 1

[unfreeze]
approvals = {{ policy-admins = 2 }}
delay = "1s"

[change]
approvals = {{ policy-admins = 2 }}
loosening_delay = "48h"

[[chain]]
name = "local"
chain_id = {chain_id}

[[asset]]
id = "ETH"
chain = "local"
address = "0x0000000000000000000000000000000000000000"
decimals = 18

[[asset]]
id = "USDC"
chain = "local"
address = "{token}"
decimals = 6

[[vault]]
id = "operations"
kind = "safe"
chain = "local"
threshold = 3
signers = ["signer-a", "signer-b", "signer-c", "signer-d"]
"""

RULES = """\
format = 1

[[rule]]
id = "usdc-outflow"
why = "More people and more time as the amount grows."
owner = "treasury"
match.vault = ["operations"]
match.asset = ["USDC"]
match.action = ["transfer"]
match.destination.listed = true
allow = true
tiers = [
  { up_to = "10000 USDC", approvals = { finance = 1 } },
  { up_to = "100000 USDC", approvals = { finance = 2 }, delay = "3s" },
  { up_to = "200000 USDC", approvals = { finance = 2 }, delay = "1h" },
]

[[rule]]
id = "eth-outflow"
why = "The chain's own coin."
owner = "treasury"
match.vault = ["operations"]
match.asset = ["ETH"]
match.action = ["transfer"]
match.destination.listed = true
allow = true
approvals = { finance = 1 }
"""

ADDRESSES = """\
format = 1

[[address]]
label = "supplier"
address = "{supplier}"
chains = ["local"]
"""


@dataclass(frozen=True, slots=True)
class Told:
    """What one command answered."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on standard output."""
        said: dict[str, Any] = json.loads(self.out)
        return said

    @property
    def code(self) -> str:
        """The error's code."""
        return str(self.json["error"]["code"])


def guard(*arguments: str | Path) -> Told:
    """Run one command as the console script would, in this process and in its directory."""
    return told_by(lambda: run(build_app(), [str(argument) for argument in arguments]))


def told_by(command: Callable[[], int]) -> Told:
    """What a command says and how it ends."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = command()
    return Told(int(status), out.getvalue(), err.getvalue())


def require_done(*arguments: str | Path) -> dict[str, Any]:
    """Run a command that must succeed; what it said."""
    told = guard(*arguments, "--json")
    assert told.status == 0, (arguments, told)
    return told.json


def find_free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass(slots=True)
class SignerProcess:
    """One `guard signer run`."""

    name: str
    directory: Path
    password_file: Path
    process: subprocess.Popen[str] | None = None

    def begin(self) -> None:
        """Start it without waiting."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("GUARD_")}
        arguments = ["signer", "run", str(self.directory), "--password-file", str(self.password_file), "--json"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "guard", *arguments], stdout=subprocess.PIPE, text=True, env=environment
        )

    def wait_ready(self) -> None:
        """Wait until it says that both listeners are open."""
        assert self.process is not None and self.process.stdout is not None
        line = self.process.stdout.readline()
        assert json.loads(line or "{}") == {"signer": self.name, "ready": True}, f"{self.name} said {line!r}"

    def end(self, number: int = signal.SIGTERM) -> None:
        """End it, by its own id."""
        if self.process is None:
            return
        self.process.send_signal(number)
        self.process.wait(timeout=READY_WITHIN)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self.process = None


@dataclass(slots=True)
class Treasury:
    """A treasury that was founded, in its folder."""

    path: Path
    node: RunningNode
    token: str
    digest: str
    vault: str
    signers: dict[str, SignerProcess] = field(default_factory=dict)
    count: int = 0

    @property
    def password_file(self) -> Path:
        """Everybody's password."""
        return self.path / "password"

    @property
    def config(self) -> Path:
        """guard.toml."""
        return self.path / "guard.toml"

    def key(self, person: str) -> Path:
        """Somebody's keystore."""
        return self.path / "keys" / f"{person}.json"

    def run(self, *arguments: str | Path) -> Told:
        """A command with this treasury's configuration."""
        return guard("--config", self.config, *arguments, "--json")

    def sign_as(self, person: str, verb: str, *arguments: str | Path) -> Told:
        """A command that signs, by that person, without questions."""
        return self.run(verb, *arguments, "--key", self.key(person), "--password-file", self.password_file, "--yes")

    def propose(self, amount: str = "9000 USDC", *more: str, person: str = "alice") -> Path:
        """A new transfer's folder."""
        self.count += 1
        out = self.path / "transfers" / f"{self.count}"
        wish = ("--vault", "operations", "--amount", amount, "--to", "supplier", "--purpose", f"invoice {self.count}")
        signing = ("--as", self.key(person), "--password-file", self.password_file, "--yes", "--out", out)
        told = self.run("propose", *wish, *more, *signing)
        assert told.status == 0, told
        return out

    def release(self, folder: Path, *more: str | Path) -> Told:
        """The worker's command."""
        return self.run("release", folder, "--password-file", self.password_file, *more)

    def token_of(self, address: str) -> int:
        """Somebody's balance in whole tokens."""
        return Chain(self.node.url).token_balance(self.token, address) // TOKEN_UNIT

    def end(self) -> None:
        """End every signer and remove the folder."""
        for each in self.signers.values():
            each.end()
        shutil.rmtree(self.path, ignore_errors=True)


def found(node: RunningNode) -> Treasury:
    """Found a treasury with commands alone, fund its vault, and start its signers."""
    # A socket's path has at most 107 bytes, so the folder is not pytest's.
    path = Path(tempfile.mkdtemp(prefix="guard-"))
    password = path / "password"
    password.write_text(PASSWORD + "\n")
    password.chmod(0o600)
    (path / "keys").mkdir()
    treasury = require_done("init", path)["treasury"]
    executor = Executor(Chain(node.url), EXECUTOR_KEY, chain_id=CHAIN_ID, patience=30)
    contracts = deploy_safe_contracts(executor, "1.4.1")
    (token,) = executor.deploy_contracts([to_token_code(executor.address, 2_000_000 * TOKEN_UNIT)])
    write_policies(path / "policies", treasury, token)
    for person, groups in PEOPLE.items():
        enrol(path, person, groups)
    signers = {name: make_signer(path, name, node.url) for name in SIGNERS}
    create_keystore(path / "executor.json", EXECUTOR_KEY, PASSWORD.encode(), scrypt=LIGHT_SCRYPT)
    _write_configuration(path, node)
    vault = require_done(
        *("--config", path / "guard.toml", "vault", "deploy", "operations", "--password-file", password),
        *("--singleton", contracts.singleton, "--factory", contracts.factory),
        *("--fallback-handler", contracts.fallback_handler),
    )["address"]
    built = require_done("--config", path / "guard.toml", "policy", "build")
    executor.send_call(token, to_token_transfer(vault, 1_000_000 * TOKEN_UNIT))
    executor.send_native(vault, 10 * COIN)
    made = Treasury(path, node, token, built["digest"], vault, signers)
    for each in signers.values():
        require_done("signer", "pin", each.directory, built["digest"], "--bundle", path / "bundle.json")
        each.begin()
    for each in signers.values():
        each.wait_ready()
    wait_settled(made)
    return made


def wait_settled(treasury: Treasury) -> None:
    """Wait until every signer's clock is good and it has settled."""
    ends_at = time.monotonic() + READY_WITHIN
    while True:
        told = treasury.run("signer", "status").json["signers"].values()
        if all(each.get("clock", "") is None and each["settled_in"] <= 0 for each in told):
            return
        assert time.monotonic() < ends_at, told
        time.sleep(0.2)


def write_policies(policies: Path, treasury: str, token: str) -> None:
    """The policy files of a treasury that was just begun."""
    (policies / "treasury.toml").write_text(TREASURY.format(treasury=treasury, token=token, chain_id=CHAIN_ID))
    (policies / "rules.toml").write_text(RULES)
    (policies / "addresses.toml").write_text(ADDRESSES.format(supplier=SUPPLIER))
    people = policies / "people.toml"
    people.write_text(people.read_text().replace('["finance", ', '["finance", "operations", '))


def enrol(path: Path, person: str, groups: Sequence[str]) -> None:
    """Give somebody a key and write them into people.toml."""
    key, password = path / "keys" / f"{person}.json", ("--password-file", path / "password")
    require_done("key", "new", key, "--light-kdf", *password)
    line = guard("key", "show", key, "--enrol", "--person", person, "--device", "laptop", "--treasury", path, *password)
    assert line.status == 0, line
    member = [each for group in groups for each in ("--group", group)]
    about = ("--id", person, "--name", person.capitalize(), "--organisation", "company")
    require_done("--policies", path / "policies", "people", "add", "--from", line.out, *about, *member)


def make_signer(path: Path, name: str, url: str) -> SignerProcess:
    """Make a signer's folder and write it into treasury.toml."""
    directory = path / name
    line = guard(
        *("signer", "new", directory, "--id", name, "--command", f"unix:{path / name}.sock"),
        *("--stop", f"127.0.0.1:{find_free_port()}", "--counter", path / "counters" / name, "--treasury", path),
        *("--endpoint", f"local={url}", "--light-kdf", "--password-file", path / "password"),
    )
    assert line.status == 0, line
    require_done("--policies", path / "policies", "signer", "add", "--from", line.out)
    return SignerProcess(name, directory, path / "password")


def _write_configuration(path: Path, node: RunningNode) -> None:
    sockets = "\n".join(f'{name} = "unix:{name}.sock"' for name in SIGNERS)
    (path / "guard.toml").write_text(
        f'format = 1\npolicies = "policies"\nbundle = "bundle.json"\nexecutor = "executor.json"\n'
        f'[signers]\n{sockets}\n[chains]\nlocal = "{node.url}"\n'
    )


@contextlib.contextmanager
def founded(node: RunningNode) -> Iterator[Treasury]:
    """A treasury for as long as it is needed."""
    made = found(node)
    try:
        yield made
    finally:
        made.end()
