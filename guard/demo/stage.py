"""The stage: an embedded chain with real Safe contracts and a token, a treasury founded by commands, and four signer processes."""

from __future__ import annotations

import json
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from guard.chain import Chain, Executor, SafeDeployment
from guard.core.ids import Address
from guard.demo import policy_texts
from guard.demo.clock import pause, read_stopwatch
from guard.demo.commands import Commands
from guard.demo.contracts import load_safe, to_token_code
from guard.demo.embedded_chain import FUNDED_UNITS, EmbeddedChain
from guard.demo.policy_texts import MEMBERS, SIGNERS
from guard.errors import AdapterError, GuardError
from guard.formats.keccak import keccak256, to_address
from guard.signer.home import SignerHome, load_keys
from guard.signer.keystore import LIGHT_SCRYPT, create_keystore, load_keystore
from guard.signer.signer import Keys
from guard.transactions.signatures import compute_owner

PASSWORD = "correct horse battery"
PATIENCE = 120
USDC = 10**6
ETHER = 10**18


def find_port() -> int:
    """A port of loopback that is free now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def draw_address(name: str) -> Address:
    """An account that nobody has the key of, the same for the same name."""
    return to_address(keccak256(f"guard demo {name}".encode())[12:])


@dataclass
class Stage:
    """Everything that runs, and where it lies."""

    folder: Path
    chain_url: str
    commands: Commands
    chain: Chain
    token: str = ""
    safe: str = ""
    digest: str = ""
    deployment: SafeDeployment | None = None
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def password_file(self) -> str:
        """Everybody's password file."""
        return str(self.folder / "password")

    @property
    def policies(self) -> Path:
        """The policy files."""
        return self.folder / "treasury" / "policies"

    @property
    def bundle(self) -> Path:
        """The compiled policy."""
        return self.folder / "treasury" / "bundle.json"

    @property
    def executor(self) -> str:
        """The keystore of the account that pays gas."""
        return str(self.folder / "executor.json")

    def key_of(self, person: str) -> str:
        """A person's keystore."""
        return str(self.folder / "people" / f"{person}.json")

    def private_key_of(self, person: str) -> bytes:
        """A person's key, as its thief would have it."""
        return load_keystore(Path(self.key_of(person)), PASSWORD.encode())

    def stolen_keys_of(self, signer: str) -> Keys:
        """Both keys of a signer, as whoever took over its host would have them."""
        return load_keys(SignerHome(self.folder / signer), PASSWORD.encode())

    def command_of(self, signer: str) -> str:
        """A signer's command listener."""
        return f"unix:{self.folder}/{signer}.sock"

    def usdc_of(self, account: str) -> int:
        """An account's tokens, in units, from the chain."""
        return self.chain.token_balance(self.token, account)

    def wait_final(self, nonce: int) -> None:
        """Wait until the Safe has reached a nonce in a final block."""
        ends_at = read_stopwatch() + PATIENCE
        while read_stopwatch() < ends_at:
            try:
                if self.chain.safe_nonce(self.safe, "finalized") >= nonce:
                    return
            except AdapterError:
                pass
            pause(0.2)
        raise RuntimeError(f"the Safe did not reach nonce {nonce} in a final block")


@contextmanager
def open_stage(folder: Path) -> Iterator[Stage]:
    """Start the chain, and end everything afterwards whatever happened."""
    (folder / "password").write_text(f"{PASSWORD}\n", encoding="ascii")
    (folder / "password").chmod(0o600)
    executor_key = secrets.token_bytes(32)
    create_keystore(folder / "executor.json", executor_key, PASSWORD.encode(), scrypt=LIGHT_SCRYPT)
    with EmbeddedChain(funded={compute_owner(executor_key): FUNDED_UNITS}) as embedded:
        commands = Commands(folder / "treasury" / "guard.toml")
        stage = Stage(folder, embedded.url, commands, Chain(embedded.url))
        try:
            yield stage
        finally:
            for process in stage.processes.values():
                process.send_signal(signal.SIGTERM)
            for process in stage.processes.values():
                process.wait(PATIENCE)


def deploy_contracts(stage: Stage) -> None:
    """Put Safe 1.4.1 and a token on the chain. On a public chain both are there."""
    executor_key = load_keystore(Path(stage.executor), PASSWORD.encode())
    executor = Executor(stage.chain, executor_key, chain_id=stage.chain.chain_id())
    made = load_safe("1.4.1")
    codes = [each.creation_code for each in (made.singleton, made.factory, made.fallback_handler)]
    holder = executor.address
    *safes, token = executor.deploy_contracts([*codes, to_token_code(holder, 1_000_000 * USDC)])
    stage.deployment = SafeDeployment(version="1.4.1", singleton=safes[0], factory=safes[1], fallback_handler=safes[2])
    stage.token = token


def fund_vault(stage: Stage) -> None:
    """Send the vault what it will hold."""
    executor_key = load_keystore(Path(stage.executor), PASSWORD.encode())
    executor = Executor(stage.chain, executor_key, chain_id=stage.chain.chain_id())
    transfer = (
        bytes.fromhex("a9059cbb") + bytes(12) + bytes.fromhex(stage.safe[2:]) + (500_000 * USDC).to_bytes(32, "big")
    )
    executor.send_call(stage.token, transfer)
    executor.send_native(stage.safe, 5 * ETHER)


def write_policy(stage: Stage) -> None:
    """What the policy's author writes by hand; people, signers and the vault's address are added by commands."""
    run = stage.commands
    run.require("init", str(stage.folder / "treasury"), "--expires-on", "2099-12-31")
    said = (stage.policies / "treasury.toml").read_text(encoding="utf-8")
    treasury = next(line.split('"')[1] for line in said.splitlines() if line.startswith("treasury = "))
    book = {
        "exchange": draw_address("exchange"),
        "payroll": draw_address("payroll"),
        "supplier": draw_address("supplier"),
    }
    texts = {
        "treasury.toml": policy_texts.render_treasury(treasury, stage.token, stage.chain.chain_id()),
        "people.toml": policy_texts.PEOPLE,
        "addresses.toml": policy_texts.render_addresses(book),
        "rules.toml": policy_texts.RULES,
    }
    for name, text in texts.items():
        (stage.policies / name).write_text(text, encoding="utf-8")
    _write_configuration(stage)


def _write_configuration(stage: Stage) -> None:
    lines = [
        "format = 1",
        'policies = "policies"',
        'bundle = "bundle.json"',
        f"executor = {json.dumps(stage.executor)}",
        "[signers]",
        *(f"{name} = {json.dumps(stage.command_of(name))}" for name in SIGNERS),
        "[chains]",
        f"local = {json.dumps(stage.chain_url)}",
    ]
    (stage.folder / "treasury" / "guard.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def enrol_people(stage: Stage) -> None:
    """Each makes a key and hands over one line, which is checked and written into people.toml."""
    password = ("--password-file", stage.password_file)
    for member in MEMBERS:
        key = stage.key_of(member.id)
        stage.commands.require("key", "new", key, *password, "--light-kdf")
        enrolled = (
            "--enrol",
            "--person",
            member.id,
            "--device",
            f"{member.id}-laptop",
            "--treasury",
            str(stage.policies.parent),
        )
        line = stage.commands.require("key", "show", key, *password, *enrolled)
        groups = [word for group in member.groups for word in ("--group", group)]
        about = ("--id", member.id, "--name", member.name, "--organisation", "example")
        stage.commands.require("people", "add", "--from", json.dumps(line.result), *about, *groups)


def found_signers(stage: Stage) -> None:
    """On each signer's host keys and journal come into being together; one line of each goes into treasury.toml."""
    for name in SIGNERS:
        made = stage.commands.require(
            "signer",
            "new",
            str(stage.folder / name),
            "--id",
            name,
            "--command",
            stage.command_of(name),
            "--stop",
            f"127.0.0.1:{find_port()}",
            "--counter",
            str(stage.folder / "counters" / name),
            "--endpoint",
            f"local={stage.chain_url}",
            "--treasury",
            str(stage.policies.parent),
            "--password-file",
            stage.password_file,
            "--light-kdf",
        )
        stage.commands.require("signer", "add", "--from", json.dumps(made.result))


def deploy_vault(stage: Stage) -> None:
    """Make the Safe with the four signers as its owners."""
    deployment = stage.deployment
    if deployment is None:
        raise RuntimeError("no contracts are deployed")
    contracts = ("--singleton", deployment.singleton, "--factory", deployment.factory)
    handler = ("--fallback-handler", deployment.fallback_handler)
    said = stage.commands.require(
        "vault", "deploy", "operations", *contracts, *handler, "--password-file", stage.password_file
    )
    stage.safe = str(said.result["address"])


def pin_everywhere(stage: Stage) -> None:
    """On each host the digest that was compared by voice is pinned; before that a signer signs nothing."""
    for name in SIGNERS:
        stage.commands.require("signer", "pin", str(stage.folder / name), stage.digest, "--bundle", str(stage.bundle))


def start_signer(stage: Stage, name: str) -> None:
    """Start one signer as a process of its own."""
    command = [
        sys.executable,
        "-m",
        "guard",
        "signer",
        "run",
        str(stage.folder / name),
        "--password-file",
        stage.password_file,
    ]
    with (stage.folder / f"{name}.log").open("ab") as log:
        stage.processes[name] = subprocess.Popen(command, stdout=log, stderr=log)


def start_signers(stage: Stage, names: tuple[str, ...] = SIGNERS) -> None:
    """Start these and wait until each of the four answers and has settled."""
    for name in names:
        start_signer(stage, name)
    ends_at = read_stopwatch() + PATIENCE
    while read_stopwatch() < ends_at:
        said = stage.commands.run("signer", "status")
        each = said.result.get("signers", {})
        if said.status == 0 and all(
            one.get("clock") is None and one.get("settled_in", 1) <= 0 for one in each.values()
        ):
            return
        for name, process in stage.processes.items():
            if process.poll() is not None:
                raise RuntimeError(f"{name} ended: {(stage.folder / f'{name}.log').read_text()[-500:]}")
        pause(0.3)
    raise RuntimeError(f"the signers did not become ready: {stage.commands.run('signer', 'status').result}")


def stop_signer(stage: Stage, name: str) -> None:
    """End one signer's process."""
    process = stage.processes.pop(name)
    process.terminate()
    process.wait(PATIENCE)


KNOWN_TROUBLE = (AdapterError, GuardError, RuntimeError)
