"""The stage: a folder, an embedded chain, the treasury that was founded there, and the processes that run for it."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from guard.chain import Chain, SafeDeployment
from guard.demo.commands import Commands
from guard.demo.embedded_chain import FUNDED_UNITS, EmbeddedChain
from guard.demo.grounds import Grounds
from guard.demo.policy_texts import SIGNERS
from guard.demo.processes import Processes
from guard.errors import AdapterError, GuardError
from guard.signer.home import SignerHome, load_keys
from guard.signer.keystore import LIGHT_SCRYPT, create_keystore, load_keystore
from guard.signer.signer import Keys
from guard.transactions.signatures import compute_owner

PASSWORD = "correct horse battery"
USDC = 10**6
ETHER = 10**18
KNOWN_TROUBLE = (AdapterError, GuardError, RuntimeError, OSError, sqlite3.Error)
"""What ends a demonstration with a sentence. Anything else is a bug of ours, and its traceback is shown."""


@dataclass
class Stage:
    """Everything that there is, and where it lies."""

    grounds: Grounds
    embedded: EmbeddedChain
    chain: Chain
    processes: Processes
    port: int
    addresses: Mapping[str, str]
    token: str = ""
    safe: str = ""
    digest: str = ""
    deployment: SafeDeployment | None = None

    @property
    def chain_url(self) -> str:
        """Where the chain's JSON-RPC is."""
        return self.embedded.url

    @property
    def server(self) -> str:
        """Where the API is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def operator(self) -> Commands:
        """Commands as the one types them who founds the treasury and runs it."""
        return Commands(self.grounds.folder / "operator", self.grounds.config)

    def commands_of(self, person: str) -> Commands:
        """Commands as a person types them, by the context in their own folder."""
        return Commands(self.grounds.home_of(person))

    def private_key_of(self, person: str) -> bytes:
        """A person's key, as its thief would have it."""
        return load_keystore(Path(self.grounds.key_of(person)), PASSWORD.encode())

    def stolen_keys_of(self, signer: str) -> Keys:
        """Both keys of a signer, as whoever took over its host would have them."""
        return load_keys(SignerHome(self.grounds.signer(signer)), PASSWORD.encode())

    def executor_key(self) -> bytes:
        """The key of the account that pays gas and owns nothing."""
        return load_keystore(self.grounds.executor, PASSWORD.encode())

    def usdc_of(self, account: str) -> int:
        """An account's tokens, in units, from the chain."""
        return self.chain.token_balance(self.token, account)

    def nonce(self) -> int:
        """The Safe's nonce: how many transactions it has executed."""
        return self.chain.safe_nonce(self.safe)


@contextmanager
def open_stage(folder: Path, *, port: int) -> Iterator[Stage]:
    """Start the chain, and end everything afterwards whatever happened."""
    grounds = Grounds(folder)
    (folder / "password").write_text(f"{PASSWORD}\n", encoding="ascii")
    (folder / "password").chmod(0o600)
    executor_key = secrets.token_bytes(32)
    create_keystore(grounds.executor, executor_key, PASSWORD.encode(), scrypt=LIGHT_SCRYPT)
    with EmbeddedChain(funded={compute_owner(executor_key): FUNDED_UNITS}) as embedded:
        addresses = {name: grounds.compute_command_address(name) for name in SIGNERS}
        stage = Stage(grounds, embedded, Chain(embedded.url), Processes(grounds), port=port, addresses=addresses)
        try:
            yield stage
        finally:
            stage.processes.end_all()
