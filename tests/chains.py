"""Real chains for tests: nodes that are started and ended here, and a funded Safe on them.

`embedded_node` is the product's own embedded chain, `anvil_node` a node that others wrote. Both serve chain 31337,
mine each second and give `EXECUTOR_KEY` a thousand coins. Every process is ended by its own id.
"""

import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from eth_account import Account

from guard.chain import Chain, ExecCall, Executor, SafeDeployment, SafeRequest, compute_safe_address
from guard.chain.account import GasAccount, Message
from guard.chain.safes import to_creation_call
from guard.demo.contracts import load_safe, to_token_code
from guard.demo.embedded_chain import FUNDED_UNITS, EmbeddedChain

CHAIN_ID = 31337
COIN = 10**18
TOKEN_UNIT = 10**6
REPOSITORY = Path(__file__).parent.parent
FOUNDRY = REPOSITORY / "tests" / "node" / "node_modules" / "@foundry-rs"
READY_WITHIN = 60
SHAPES = {"1.3.0": (2, 3), "1.4.1": (3, 4), "1.5.0": (2, 3)}
"""Threshold and number of owners with which tests make a Safe of each version."""


def private_key_for(name: str) -> bytes:
    """The same key for the same name, always."""
    return sha256(f"tests/chains {name}".encode()).digest()


@cache
def address_for(name: str) -> str:
    """The account of `private_key_for` that name."""
    return str(Account.from_key(private_key_for(name)).address)


EXECUTOR_KEY = private_key_for("executor")
EXECUTOR = address_for("executor")


@dataclass(frozen=True, slots=True)
class RunningNode:
    """A chain that runs: `kind` is `embedded` or `anvil`."""

    kind: str
    url: str
    chain_id: int = CHAIN_ID

    def request(self, method: str, *params: Any) -> Any:
        """The result of one request, without the product's own client. Raises `AssertionError` for an error answer."""
        answer = self.ask(method, *params)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def ask(self, method: str, *params: Any) -> dict[str, Any]:
        """The whole answer to one request."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        return post(self.url, body.encode())


def post(url: str, body: bytes) -> dict[str, Any]:
    """What a server answers to one body."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        connection.request("POST", "/", body, {"Content-Type": "application/json"})
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
        return answer
    finally:
        connection.close()


@contextmanager
def embedded_node(*, finality_lag: int = 2) -> Iterator[RunningNode]:
    """The embedded chain, as a process of its own. Its coverage is not measured: that would double what an EVM costs."""
    command = [sys.executable, "-m", "guard.demo.embedded_chain", "--funded", EXECUTOR, "--chain-id", str(CHAIN_ID)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COV")}
    process = subprocess.Popen(
        [*command, "--finality-lag", str(finality_lag)], stdout=subprocess.PIPE, env=environment, cwd=REPOSITORY
    )
    with _ending(process):
        assert process.stdout is not None
        yield RunningNode("embedded", json.loads(process.stdout.readline())["url"])


@contextmanager
def embedded_in_process() -> Iterator[RunningNode]:
    """The embedded chain in this process, where its coverage counts."""
    with EmbeddedChain(funded={EXECUTOR: FUNDED_UNITS}, chain_id=CHAIN_ID) as chain:
        yield RunningNode("embedded", chain.url)


@contextmanager
def anvil_node(binary: Path | None = None) -> Iterator[RunningNode]:
    """An anvil of its own; `finalized` trails `latest` by two blocks. Skips the test where there is no anvil."""
    port = _find_free_port()
    arguments = ["--host", "127.0.0.1", "--port", str(port), "--chain-id", str(CHAIN_ID), "--block-time", "1"]
    process = subprocess.Popen([str(binary or require_anvil()), *arguments, "--slots-in-an-epoch", "1", "--silent"])
    with _ending(process):
        node = RunningNode("anvil", f"http://127.0.0.1:{port}")
        _wait_ready(node, process)
        node.request("anvil_setBalance", EXECUTOR, hex(FUNDED_UNITS))
        yield node


@contextmanager
def _ending(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Whatever happens meanwhile, this process and no other is ended."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def require_anvil() -> Path:
    """The anvil binary: `TEST_ANVIL`, the npm package in tests/node, or PATH; otherwise the test is skipped."""
    named = os.environ.get("TEST_ANVIL")
    machine = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), platform.machine())
    packaged = FOUNDRY / f"anvil-{platform.system().lower()}-{machine}" / "bin" / "anvil"
    found = named or (str(packaged) if packaged.is_file() else shutil.which("anvil"))
    if found is None:
        pytest.skip("optional part missing: anvil (npm package @foundry-rs/anvil, installed by `make setup`)")
    return Path(found)


def _find_free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait_ready(node: RunningNode, process: "subprocess.Popen[bytes]") -> None:
    ends_at = time.monotonic() + READY_WITHIN
    while True:
        try:
            node.request("eth_chainId")
        except (OSError, HTTPException):
            assert process.poll() is None, f"{node.kind} ended with {process.returncode}"
            assert time.monotonic() < ends_at, f"{node.kind} is not ready after {READY_WITHIN} s"
            time.sleep(0.02)
        else:
            return


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeStack:
    """A Safe that has ten coins and a million of a token with 6 decimals, with its contracts and its executor."""

    chain: Chain
    executor: Executor
    deployment: SafeDeployment
    safe: str
    token: str
    owner_keys: tuple[bytes, ...]
    threshold: int

    def make_call(
        self,
        to: str,
        native_units: int = 0,
        call_data: bytes = b"",
        *,
        nonce: int | None = None,
        signers: Sequence[int] | None = None,
    ) -> ExecCall:
        """A certificate by these owners (default: the first `threshold`) at this nonce (default: the next)."""
        nonce = self.chain.safe_nonce(self.safe) if nonce is None else nonce
        safe_tx_hash = self.chain.safe_transaction_hash(
            self.safe, to=to, native_units=native_units, call_data=call_data, operation=0, nonce=nonce
        )
        keys = [self.owner_keys[place] for place in (range(self.threshold) if signers is None else signers)]
        return ExecCall(
            safe_tx_hash=safe_tx_hash,
            nonce=nonce,
            to=to,
            native_units=native_units,
            call_data=call_data,
            signatures=pack_owner_signatures(keys, safe_tx_hash),
        )


def pack_owner_signatures(keys: Sequence[bytes], safe_tx_hash: str) -> bytes:
    """Signatures of these keys over a SafeTx hash in the order that a Safe wants, made with eth-account."""
    accounts = sorted((Account.from_key(key) for key in keys), key=lambda account: int(account.address, 16))
    return b"".join(bytes(one.unsafe_sign_hash(bytes.fromhex(safe_tx_hash[2:])).signature) for one in accounts)


def to_token_transfer(to: str, amount_units: int) -> bytes:
    """Call data of an ERC-20 transfer."""
    return bytes.fromhex("a9059cbb") + bytes(12) + bytes.fromhex(to[2:]) + amount_units.to_bytes(32, "big")


def to_creation_code(runtime_code: bytes) -> bytes:
    """Code that creates a contract with this code, of less than 256 bytes: it copies what stands behind itself."""
    length = len(runtime_code)
    assert length < 256
    return bytes.fromhex(f"60{length:02x}80600b6000396000f3") + runtime_code


def deploy_safe_contracts(executor: Executor, version: str) -> SafeDeployment:
    """Put the contracts of one Safe version on a chain that has none."""
    made = load_safe(version)
    codes = [one.creation_code for one in (made.singleton, made.factory, made.fallback_handler)]
    singleton, factory, fallback_handler = executor.deploy_contracts(codes)
    return SafeDeployment(version=version, singleton=singleton, factory=factory, fallback_handler=fallback_handler)


def deploy_safe_stack(
    url: str, version: str, owner_keys: Sequence[bytes], threshold: int, *, executor_key: bytes = EXECUTOR_KEY
) -> SafeStack:
    """A funded Safe of that version on the chain at `url`, with its token."""
    chain = Chain(url)
    executor = Executor(chain, executor_key, chain_id=CHAIN_ID, patience=60)
    deployment = deploy_safe_contracts(executor, version)
    owners = tuple(str(Account.from_key(key).address) for key in owner_keys)
    request = SafeRequest(owners=owners, threshold=threshold, salt_nonce=1)
    safe = compute_safe_address(chain, deployment, request)
    # All three in one block: the address is known before the Safe stands there.
    account = GasAccount(chain, executor_key, chain_id=CHAIN_ID, patience=60)
    messages = [
        Message(safe, b"", 10 * COIN),
        Message(None, to_token_code(safe, 1_000_000 * TOKEN_UNIT)),
        Message(deployment.factory, to_creation_call(deployment, request)),
    ]
    receipts = [account.wait_mined(sent) for sent in account.send_all(messages)]
    token = receipts[1].created
    assert token is not None
    assert executor.deploy_safe(deployment, request) == safe
    return SafeStack(
        chain=chain,
        executor=executor,
        deployment=deployment,
        safe=safe,
        token=token,
        owner_keys=tuple(owner_keys),
        threshold=threshold,
    )
