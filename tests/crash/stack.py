"""Four signer processes and a Safe on a chain, for tests that kill what they run. Processes come from one small warmed parent."""

from __future__ import annotations

import json
import multiprocessing
import secrets
import time
from dataclasses import dataclass, field, replace
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from guard.bundles.bundle import Bundle, compute_bundle_digest, compute_roster_digest, to_bytes
from guard.chain import SafeDeployment
from guard.clients.signer_client import ask
from guard.core.ids import NO_DIGEST, Address, ChainName, Digest, SignerId
from guard.core.policy import SignerIdentity
from guard.core.transfer import Transfer
from guard.effects.summary import SUMMARY_VERSION, render_summary
from guard.errors import AdapterError
from guard.formats.canonical import parse_json, to_canonical
from guard.signer.clock import SystemClock
from guard.signer.home import SignerConfig, SignerHome, create_home, pin_bundle
from guard.signer.keystore import LIGHT_SCRYPT
from guard.statements.signed import SignedStatement, to_json, transfer_to_json
from guard.statements.signing import sign
from guard.statements.values import Approval, Proposal
from tests.chains import CHAIN_ID, COIN, EXECUTOR_KEY, deploy_safe_contracts
from tests.crash.release_main import run_fused_release
from tests.crash.signer_main import run_fused_signer
from tests.factories import CHAIN, DAY, TREASURY, digest_of, make_policy, make_transfer, private_key_of

NAMES = ("signer-a", "signer-b", "signer-c", "signer-d")
PASSWORD = "a password for tests"
PATIENCE = 60
LASTS = 6 * DAY
"""How long transfers and approvals count: workers that take over from dead ones are told that much time has passed."""


def to_context() -> ForkServerContext:
    """Where processes come from: a small parent that has imported everything."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.crash.warm"])
    return context


@dataclass
class Stack:
    """One treasury that runs: processes by signer, and the folder in which everything lies."""

    folder: Path
    url: str
    safe: Address
    token: Address
    bundle: Bundle
    context: ForkServerContext = field(default_factory=to_context)
    running: dict[str, ForkServerProcess] = field(default_factory=dict)
    drawn: int = 0

    @property
    def commands(self) -> dict[str, str]:
        """Where each signer's command listener is."""
        return {name: f"unix:{self.folder}/{name}.sock" for name in NAMES}

    @property
    def digest(self) -> Digest:
        """The digest of the bundle."""
        return compute_bundle_digest(self.bundle)

    def log_of(self, name: str) -> Path:
        """Where a process writes the names of its points."""
        return self.folder / f"{name}.points"

    def start(self, name: str, target: int | None = None) -> None:
        """Start a signer, with a fuse at a point or without one, and wait until it answers."""
        self.end(name)
        self.log_of(name).unlink(missing_ok=True)
        given = (str(self.folder / name), PASSWORD, str(self.log_of(name)), target)
        process = self.context.Process(target=run_fused_signer, args=given)
        process.start()
        self.running[name] = process
        socket, ends_at = self.folder / f"{name}.sock", time.monotonic() + PATIENCE
        while not socket.exists():
            assert process.is_alive() and time.monotonic() < ends_at, f"{name} did not start"
            process.join(0.02)

    def end(self, name: str) -> None:
        """Kill a signer, whatever it does."""
        process = self.running.pop(name, None)
        if process is not None:
            process.kill()
            process.join(PATIENCE)
        (self.folder / f"{name}.sock").unlink(missing_ok=True)

    def end_all(self) -> None:
        """Kill every signer."""
        for name in NAMES:
            self.end(name)

    def release(self, folder: Path, target: int | None = None) -> int | None:
        """Run the releasing command once; its exit code, below zero where it was killed."""
        self.log_of("command").unlink(missing_ok=True)
        given = (str(folder), self.url, self.commands, str(self.log_of("command")), target)
        process = self.context.Process(target=run_fused_release, args=given)
        process.start()
        process.join(PATIENCE)
        if process.is_alive():
            process.kill()
            process.join(PATIENCE)
        return process.exitcode

    def draw_transfer(self) -> tuple[Transfer, SignedStatement, SignedStatement]:
        """A new transfer unlike every other one, with its proposal and an approval."""
        self.drawn += 1
        now = int(time.time())
        transfer = make_transfer(
            vault=self.safe,
            asset=self.token,
            amount_units=1000 + self.drawn,
            policy=self.digest,
            uniqueness=digest_of(secrets.token_hex(8)),
            proposed_at=now,
            expires_at=now + LASTS,
        )
        approval = Approval(
            transfer=transfer,
            summary=render_summary(transfer, self.bundle.policy),
            summary_version=SUMMARY_VERSION,
            policy=self.digest,
            roster=compute_roster_digest(self.bundle.policy),
            signed_at=now,
            expires_at=now + LASTS,
        )
        proposed = sign(private_key_of("alice").secret, Proposal(transfer), TREASURY)
        return transfer, proposed, sign(private_key_of("bob").secret, approval, TREASURY)

    def make_transfer(self) -> tuple[Path, Transfer]:
        """A folder with a new, approved transfer."""
        transfer, *given = self.draw_transfer()
        folder = self.folder / f"transfer-{self.drawn}"
        folder.mkdir()
        said = {"transfer": transfer_to_json(transfer), "statements": [to_json(each) for each in given]}
        (folder / "transfer.json").write_bytes(to_canonical(said))
        return folder, transfer

    def read_status(self, folder: Path) -> str:
        """How the last release of a folder ended, by what it left behind."""
        path = folder / "carried.json"
        return str(parse_json(path.read_bytes())["status"]) if path.exists() else "nothing"

    def is_up(self, name: str) -> bool:
        """Whether a signer answers."""
        try:
            ask(self.commands[name], "status", {})
        except AdapterError:
            return False
        return True


def build_stack(folder: Path, url: str, deployment_version: str = "1.4.1") -> Stack:
    """Found a treasury with four signers on a chain that has nothing yet."""
    from guard.chain import Chain, Executor, SafeRequest
    from guard.demo.contracts import to_token_code

    identities = [_found_signer(folder, name, url) for name in NAMES]
    executor = Executor(Chain(url), EXECUTOR_KEY, chain_id=CHAIN_ID, patience=PATIENCE)
    deployment: SafeDeployment = deploy_safe_contracts(executor, deployment_version)
    owners = tuple(str(each.owner) for each in identities)
    safe = Address(executor.deploy_safe(deployment, SafeRequest(owners=owners, threshold=3, salt_nonce=1)))
    (token,) = executor.deploy_contracts([to_token_code(safe, 1_000_000 * 10**6)])
    executor.send_native(safe, COIN)
    policy = make_policy()
    usdc = next(replace(asset, address=Address(token)) for asset in policy.assets if asset.id == "USDC")
    policy = replace(
        policy,
        signers=tuple(identities),
        vaults=(replace(policy.vaults[0], address=safe),),
        assets=tuple(usdc if asset.id == "USDC" else asset for asset in policy.assets),
        numbers=replace(policy.numbers, settle=0),
    )
    bundle = Bundle(version=1, previous=NO_DIGEST, expires_at=int(time.time()) + 365 * DAY, policy=policy)
    (folder / "bundle.json").write_bytes(to_bytes(bundle))
    for name in NAMES:
        pin_bundle(SignerHome(folder / name), to_bytes(bundle), compute_bundle_digest(bundle), SystemClock())
    return Stack(folder=folder, url=url, safe=safe, token=Address(token), bundle=bundle)


def _found_signer(folder: Path, name: str, url: str) -> SignerIdentity:
    config = SignerConfig(
        id=SignerId(name),
        treasury=TREASURY,
        command=f"unix:{folder}/{name}.sock",
        stop=f"unix:{folder}/{name}.stop",
        counter=folder / "counters" / name,
        endpoints={ChainName(CHAIN): (url,)},
    )
    line = json.loads(create_home(SignerHome(folder / name), config, PASSWORD.encode(), scrypt=LIGHT_SCRYPT))
    return SignerIdentity(
        id=SignerId(name),
        owner=line["fields"]["owner"],
        journal_key=line["journal_key"],
        stop_address=config.stop,
    )
