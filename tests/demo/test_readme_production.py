"""The README's production section, followed block by block as plain processes over a real Postgres, to a payment and a freeze.

Typed are the README's own lines. Where a person would type a password or a yes, the `guard` on this path adds them; ports, the address of
the database and the chain's contracts are this machine's.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pyotp
import pytest

from guard.app.main import build_whole_app
from guard.bundles.bundle import compute_bundle_digest, parse_bundle
from guard.chain import Chain, Executor, SafeDeployment
from guard.cli.root import run
from guard.demo import policy_texts
from guard.demo.contracts import to_token_code
from guard.demo.founding import RECEIVERS
from guard.demo.grounds import draw_address, find_port
from guard.demo.policy_texts import MEMBERS, SIGNERS, Member, Pace
from guard.signer.keystore import LIGHT_SCRYPT, create_keystore
from tests.chains import (
    CHAIN_ID,
    COIN,
    EXECUTOR_KEY,
    TOKEN_UNIT,
    RunningNode,
    deploy_safe_contracts,
    embedded_node,
    to_token_transfer,
)
from tests.databases import new_postgres_database, require_postgres
from tests.demo.terminal import ROOT, run_lines, to_environment

PASSWORD = "a password for tests"
PATIENCE = 120
FILES = ("executor.password", "database.password", *(f"{signer}.password" for signer in SIGNERS))

TYPED = {
    "key new": "--password-file {password} --light-kdf",
    "key show": "--password-file {password}",
    "signer new": "--password-file {password} --light-kdf",
    "vault deploy": "--password-file {password} {contracts}",
    "login": "--password-file {password}",
    **dict.fromkeys(("propose", "approve", "freeze"), "--password-file {password} --yes"),
}
"""What people type when they are asked, and where the contracts are that a public chain has at their known addresses."""


def load_section() -> str:
    """The README's production section."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return text.split("## In production\n")[1].split("\n## ")[0]


BLOCKS = re.findall(r"```sh\n(.*?)```", load_section(), re.DOTALL)
SETTINGS = re.findall(r"```toml\n(.*?)```", load_section(), re.DOTALL)[0]


@dataclass(kw_only=True)
class Reader:
    """Somebody who follows the README in one folder."""

    folder: Path
    node: RunningNode
    texts: dict[str, str]
    typed: dict[str, str] = field(default_factory=dict)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def treasury(self) -> Path:
        return self.folder / "treasury"

    @property
    def path(self) -> Path:
        return self.folder / "bin"

    def write_guard(self, deployment: SafeDeployment) -> None:
        """The command on the path."""
        flags = f"--singleton {deployment.singleton} --factory {deployment.factory}"
        contracts = f"{flags} --fallback-handler {deployment.fallback_handler}"
        given = {"password": self.folder / "password", "contracts": contracts}
        self.typed = {words: flags.format(**given) for words, flags in TYPED.items()}
        cases = [f'"{words} "*) set -- "$@" {flags} ;;' for words, flags in self.typed.items()]
        script = ["#!/bin/sh", 'case "$1 $2 " in', *cases, "esac", f'exec {sys.executable} -m guard "$@"']
        self.path.mkdir()
        (self.path / "guard").write_text("\n".join(script) + "\n")
        (self.path / "guard").chmod(0o755)

    def translate(self, text: str) -> str:
        """The README's text with this machine's addresses, each put in once."""
        pattern = "|".join(re.escape(each) for each in sorted(self.texts, key=len, reverse=True))
        return re.sub(pattern, lambda found: self.texts[found[0]], text)

    def follow(self, block: str, **names: str) -> str:
        """Type a block line by line; what was said. A line with & goes on while the next are typed, a health check is asked again."""
        said = ""
        text = self.translate(block)
        for name, value in names.items():
            text = re.sub(rf"\b{name}\b", value, text)
        for line in text.splitlines():
            if line.endswith(" &"):
                self.start(line.removesuffix(" &"))
            elif line.startswith("guard health"):
                self.repeat(line)
            else:
                said += self.type(line)
        return said

    def type(self, line: str, *, person: str = "operator") -> str:
        """One line; what was said on standard output."""
        done = self.run(line, person)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}\n{self.load_logs()}"
        return done.stdout

    def run(self, line: str, person: str) -> subprocess.CompletedProcess[str]:
        home = f"export GUARD_HOME={self.folder / 'homes' / person}"
        folder = self.treasury if self.treasury.exists() else self.folder
        return run_lines(f"{home}\n{line}", path=self.path, cwd=folder)

    def follow_here(self, block: str, **names: str) -> None:
        """Type a block without a new process for each line, since others did the same before: a `guard` line, perhaps into a file."""
        text = self.translate(block)
        for name, value in names.items():
            text = re.sub(rf"\b{name}\b", value, text)
        for line in text.splitlines():
            command, _, file = line.partition(" > ")
            words = shlex.split(command)[1:]
            added = next((flags for each, flags in self.typed.items() if " ".join(words).startswith(each)), "")
            said = io.StringIO()
            with contextlib.chdir(self.treasury), contextlib.redirect_stdout(said):
                assert run(build_whole_app(), [*words, *shlex.split(added)]) == 0, line
            if file:
                (self.treasury / file).write_text(said.getvalue())

    def start(self, line: str) -> None:
        """A process that stays."""
        log = (self.folder / f"{len(self.processes)}.log").open("ab")
        words = ["bash", "-c", f"exec {line}"]
        self.processes.append(
            subprocess.Popen(words, cwd=self.treasury, env=to_environment(self.path), stdout=log, stderr=log)
        )
        log.close()

    def repeat(self, line: str) -> None:
        ends_at = time.monotonic() + PATIENCE
        while self.run(line, "operator").returncode != 0:
            assert time.monotonic() < ends_at, self.load_logs()

    def load_logs(self) -> str:
        """The last words of everything that was started."""
        return "\n".join(each.read_text()[-1500:] for each in sorted(self.folder.glob("*.log")))

    def end(self) -> None:
        """End what was started, by its own handle."""
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            process.wait(PATIENCE)


@pytest.fixture
def reader() -> Iterator[Reader]:
    require_postgres()
    with ExitStack() as stack:
        # A short path: sockets and commands name it.
        folder = Path(tempfile.mkdtemp(prefix="guard-readme-"))
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        node = stack.enter_context(embedded_node())
        ports = {f"127.0.0.1:{port}": f"127.0.0.1:{find_port()}" for port in (7101, 7201, 7202, 7203, 7204, 8080)}
        texts = {
            **ports,
            "http://127.0.0.1:8545": node.url,
            "postgresql+psycopg://guard@127.0.0.1/guard": new_postgres_database("template0"),
        }
        texts["http://127.0.0.1:8080"] = "http://" + texts["127.0.0.1:8080"]
        reader = Reader(folder=folder, node=node, texts=texts)
        (folder / "password").write_text(PASSWORD + "\n")
        (folder / "password").chmod(0o600)
        stack.callback(reader.end)
        yield reader


def write_policy(reader: Reader, token: str) -> None:
    """What the policy's author writes after the first step."""
    policies = reader.treasury / "policies"
    said = (policies / "treasury.toml").read_text()
    treasury = next(line.split('"')[1] for line in said.splitlines() if line.startswith("treasury = "))
    texts = {
        "treasury.toml": policy_texts.render_treasury(treasury, token, CHAIN_ID, Pace()),
        "people.toml": policy_texts.PEOPLE,
        "addresses.toml": policy_texts.render_addresses({name: draw_address(name) for name in RECEIVERS}),
        "rules.toml": policy_texts.render_rules(Pace()),
    }
    for name, text in texts.items():
        (policies / name).write_text(text.replace('"local"', '"ethereum"'))


def write_secrets(reader: Reader) -> None:
    """The files that the README names: the executor's keystore, and passwords."""
    create_keystore(reader.treasury / "executor.json", EXECUTOR_KEY, PASSWORD.encode(), scrypt=LIGHT_SCRYPT)
    for name in FILES:
        (reader.treasury / name).write_text(PASSWORD + "\n")
        (reader.treasury / name).chmod(0o600)


def enrol(reader: Reader, member: Member) -> None:
    """One person's block, with that person in alice's place."""
    groups = " ".join(f"--group {each}" for each in member.groups)
    block = BLOCKS[1].replace("Alice, CFO", member.name).replace("--group finance", groups)
    follow = reader.follow if member is MEMBERS[0] else reader.follow_here
    follow(block, alice=member.id)


def add_signer(reader: Reader, number: int, name: str) -> None:
    """One signer's block, with that signer in the first one's place."""
    reader.texts["127.0.0.1:7101"] = f"127.0.0.1:{find_port()}"
    block = BLOCKS[2].replace("signer-a", name).replace("7201", f"720{number}")
    follow = reader.follow if number == 1 else reader.follow_here
    follow(block)


def log_in(reader: Reader, person: str) -> None:
    """One person's log-in; the code is typed from their authenticator."""
    add, login, enrol_line = reader.translate(BLOCKS[6]).splitlines()
    reader.type(add, person=person)
    reader.type(login.replace("alice", person), person=person)
    secret = json.loads(reader.type(f"{enrol_line} --json", person=person))["secret"]
    reader.type(f"guard totp confirm {pyotp.TOTP(secret).now()}", person=person)


def test_the_production_section_works_step_by_step(reader: Reader) -> None:
    executor = Executor(Chain(reader.node.url), EXECUTOR_KEY, chain_id=CHAIN_ID)
    reader.write_guard(deploy_safe_contracts(executor, "1.4.1"))
    token = executor.deploy_contracts([to_token_code(executor.address, 1_000_000 * TOKEN_UNIT)])[0]
    reader.follow(BLOCKS[0].splitlines()[0])
    write_policy(reader, token)
    write_secrets(reader)
    for member in MEMBERS:
        enrol(reader, member)
    for number, name in enumerate(SIGNERS, start=1):
        add_signer(reader, number, name)
    (reader.treasury / "guard.toml").write_text(reader.translate(SETTINGS))
    said = reader.follow(BLOCKS[3])
    bundle = parse_bundle((reader.treasury / "bundle.json").read_bytes())
    digest = compute_bundle_digest(bundle)
    assert digest[2:6] in said
    vault = bundle.policy.vaults[0].address
    executor.send_call(token, to_token_transfer(vault, 20_000 * TOKEN_UNIT))
    executor.send_native(vault, COIN)
    for name in SIGNERS:
        reader.follow(BLOCKS[4].replace("signer-a", name), DIGEST=digest)
    reader.follow(BLOCKS[5])
    for person in ("alice", "bob"):
        log_in(reader, person)
    pay_and_stop(reader, digest)
    paid = Chain(reader.node.url).token_balance(token, draw_address("supplier"))
    assert paid == 9_000 * TOKEN_UNIT


def pay_and_stop(reader: Reader, digest: str) -> None:
    """The last block: bob reads, since alice's log-in is on her own machine."""
    propose, *others = BLOCKS[7].splitlines()
    transfer_id = re.findall(r"0x[0-9a-f]{64}", reader.type(propose, person="alice"))[0]
    said = [
        reader.type(re.sub(r"\bDIGEST\b", digest, re.sub(r"\bID\b", transfer_id, each)), person="bob")
        for each in others
    ]
    assert "finalised" in said[1]
    assert (reader.treasury / "evidence.json").is_file()
    assert "accepted" in said[-1]
