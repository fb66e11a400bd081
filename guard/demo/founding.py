"""Founding a treasury as people would, by the product's own commands, and putting on the chain what a public one has already."""

from __future__ import annotations

import json

from guard.chain import Executor, SafeDeployment
from guard.demo import policy_texts
from guard.demo.contracts import load_safe, to_token_code
from guard.demo.grounds import draw_address, find_port
from guard.demo.policy_texts import MEMBERS, SIGNERS, Pace
from guard.demo.stage import ETHER, USDC, Stage

RECEIVERS = ("exchange", "payroll", "supplier")


def deploy_contracts(stage: Stage) -> None:
    """Put Safe 1.4.1 and a token on the chain. On a public chain both are there."""
    made = load_safe("1.4.1")
    codes = [each.creation_code for each in (made.singleton, made.factory, made.fallback_handler)]
    executor = _to_executor(stage)
    *safes, token = executor.deploy_contracts([*codes, to_token_code(executor.address, 1_000_000 * USDC)])
    stage.deployment = SafeDeployment(version="1.4.1", singleton=safes[0], factory=safes[1], fallback_handler=safes[2])
    stage.token = token


def fund_vault(stage: Stage) -> None:
    """Send the vault what it will hold."""
    executor = _to_executor(stage)
    arguments = bytes(12) + bytes.fromhex(stage.safe[2:]) + (500_000 * USDC).to_bytes(32, "big")
    executor.send_call(stage.token, bytes.fromhex("a9059cbb") + arguments)
    executor.send_native(stage.safe, 5 * ETHER)


def _to_executor(stage: Stage) -> Executor:
    return Executor(stage.chain, stage.executor_key(), chain_id=stage.chain.chain_id())


def write_policy(stage: Stage, pace: Pace) -> None:
    """What the policy's author writes by hand; people, signers and the vault's address are added by commands."""
    grounds = stage.grounds
    treasury = str(
        stage.operator.require("init", str(grounds.treasury), "--expires-on", "2099-12-31").result["treasury"]
    )
    texts = {
        "treasury.toml": policy_texts.render_treasury(treasury, stage.token, stage.chain.chain_id(), pace),
        "people.toml": policy_texts.PEOPLE,
        "addresses.toml": policy_texts.render_addresses({name: draw_address(name) for name in RECEIVERS}),
        "rules.toml": policy_texts.render_rules(pace),
    }
    for name, text in texts.items():
        (grounds.policies / name).write_text(text, encoding="utf-8")
    _write_configuration(stage)


def _write_configuration(stage: Stage) -> None:
    """The settings of everything that runs here. Paths are meant from where the file is."""
    grounds = stage.grounds
    lines = [
        "format = 1",
        'policies = "policies"',
        'bundle = "bundle.json"',
        f"executor = {json.dumps(str(grounds.executor))}",
        f"executor_password_file = {json.dumps(grounds.password_file)}",
        f"database = {json.dumps(f'sqlite:///{grounds.database}')}",
        f"master_key = {json.dumps(str(grounds.master_key))}",
        f'listen = "127.0.0.1:{stage.port}"',
        f"public_url = {json.dumps(stage.server)}",
        'round_every = "1s"',
        "[signers]",
        *(f"{name} = {json.dumps(stage.addresses[name])}" for name in SIGNERS),
        "[chains]",
        f"local = {json.dumps(stage.chain_url)}",
    ]
    grounds.config.write_text("\n".join(lines) + "\n", encoding="utf-8")


def enrol_people(stage: Stage) -> None:
    """Each makes a key and hands over one line, which is checked and written into people.toml."""
    password = ("--password-file", stage.grounds.password_file)
    for member in MEMBERS:
        own, key = stage.commands_of(member.id), stage.grounds.key_of(member.id)
        own.require("key", "new", key, *password, "--light-kdf")
        about = ("--person", member.id, "--device", f"{member.id}-laptop", "--treasury", str(stage.grounds.treasury))
        line = own.require("key", "show", key, *password, "--enrol", *about)
        groups = [word for group in member.groups for word in ("--group", group)]
        named = ("--id", member.id, "--name", member.name, "--organisation", "example")
        stage.operator.require("people", "add", "--from", json.dumps(line.result), *named, *groups)


def found_signers(stage: Stage) -> None:
    """On each signer's host keys and journal come into being together; one line of each goes into treasury.toml."""
    grounds = stage.grounds
    for name in SIGNERS:
        listening = ("--command", stage.addresses[name], "--stop", f"127.0.0.1:{find_port()}")
        looking = ("--counter", str(grounds.folder / "counters" / name), "--endpoint", f"local={stage.chain_url}")
        belonging = ("--id", name, "--treasury", str(grounds.treasury), "--password-file", grounds.password_file)
        words = (*belonging, *listening, *looking, "--light-kdf")
        made = stage.operator.require("signer", "new", str(grounds.signer(name)), *words)
        stage.operator.require("signer", "add", "--from", json.dumps(made.result))


def deploy_vault(stage: Stage) -> None:
    """Make the Safe with the four signers as its owners."""
    made = stage.deployment
    if made is None:
        raise RuntimeError("no contracts are deployed")
    contracts = ("--singleton", made.singleton, "--factory", made.factory, "--fallback-handler", made.fallback_handler)
    password = ("--password-file", stage.grounds.password_file)
    stage.safe = str(stage.operator.require("vault", "deploy", "operations", *contracts, *password).result["address"])


def build_and_pin(stage: Stage) -> None:
    """Compile the policy, and pin the digest that was compared by voice on each host; before that a signer signs nothing."""
    stage.digest = str(stage.operator.require("policy", "build").result["digest"])
    for name in SIGNERS:
        home, bundle = str(stage.grounds.signer(name)), str(stage.grounds.bundle)
        stage.operator.require("signer", "pin", home, stage.digest, "--bundle", bundle)
