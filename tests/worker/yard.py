"""A whole treasury for the worker's tests: the service over a real database, real signers in this process, a chain that is set by hand.

What a test does not say is honest and works. Signers can be down, the chain can be down, time goes when it is told to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from guard.clients.signer_client import SignerError
from guard.core.ids import Address, SignerId, TransferId
from guard.core.lifecycle import State
from guard.core.policy import Policy
from guard.core.transfer import Transfer
from guard.errors import AdapterError, GuardError
from guard.formats.canonical import parse_json, to_canonical
from guard.ports import VaultView
from guard.ports.carriage import ErrandRow
from guard.signer.requests import COMMAND_VERBS, STOP_VERBS
from guard.store.store import Store
from guard.worker.pace import Pace
from guard.worker.rounds import Round, Worker
from guard.worker.shift import Edges
from guard.worker.webhook import Webhook
from tests.factories import CHAIN_ID
from tests.service.house import House
from tests.team import HandNode, Team, make_team_policy, transfer_id_of
from tests.worker.hand_chain import HandChain, HandDesk


class ChainNode(HandNode):
    """A signer's node: what the hand chain holds, at the time that the clock shows."""

    chain: HandChain

    def read_view(self, vault: Address) -> VaultView:
        view = super().read_view(vault)
        with self.chain.lock:
            return replace(
                view,
                nonce_latest=self.chain.safe_nonce(vault),
                nonce_final=self.chain.safe_nonce(vault, final=True),
            )


class Yard(House):
    """The house with signers, a chain and workers."""

    def __init__(self, store: Store, folder: Path, *, policy: Policy | None = None, **changes: Any) -> None:
        policy = policy or make_team_policy(**changes)
        signers = tuple(replace(each, stop_address=f"unix:{each.id}") for each in policy.signers)
        policy = replace(policy, signers=signers)
        super().__init__(store, folder, policy=policy)
        self.chain = HandChain(lambda: self.clock.wall, threshold=policy.vaults[0].owners[-1].threshold)
        self.team = Team(folder / "signers", policy=policy, clock=self.clock)
        self.node = ChainNode(self.clock)
        self.node.chain = self.chain
        self.team.node = self.node
        for name in list(self.team.signers):
            self.team.stop_process(name)
            self.team.start(name)
        self.team.advance(1)
        self.down: set[str] = set()
        self.asked: list[tuple[str, str]] = []

    @property
    def vault(self) -> Address:
        """The vault."""
        return self.people.policy.vaults[0].address

    def close(self) -> None:
        """Close every journal."""
        self.team.close()

    # Workers.

    def ask(self, address: str, verb: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """A signer's listener without its network: the same verbs, the same JSON, the same errors."""
        kind, _, name = address.partition(":")
        self.asked.append((name, verb))
        if name in self.down:
            raise AdapterError("client.no-answer", f"no usable answer from {address} to {verb}")
        verbs = COMMAND_VERBS if kind == "command" else STOP_VERBS
        try:
            said: dict[str, Any] = parse_json(
                to_canonical(verbs[verb](self.team.signers[name], parse_json(to_canonical(dict(body)))))
            )
        except GuardError as refused:
            raise SignerError(refused.code, refused.message, refused.to_json()) from None
        return said

    def edges(self, *, executor: str = "executor", max_fee: int = 1000) -> Edges:
        """What a worker reaches."""
        desk = HandDesk(self.chain, executor, max_fee)
        names = (SignerId(name) for name in self.team.signers)
        return Edges(
            ask=self.ask,
            desk=lambda chain_id: require_chain(desk, chain_id),
            commands={name: f"command:{name}" for name in names},
            now=lambda: self.clock.wall,
        )

    def worker(
        self, holder: str = "worker-1", *, pace: Pace | None = None, webhook: Webhook | None = None, **edges: Any
    ) -> Worker:
        """A worker."""
        return Worker(
            store=self.store,
            edges=self.edges(**edges),
            holder=holder,
            pace=pace or Pace(),
            webhook=webhook,
            draw=lambda: 0.0,
        )

    def go(self, worker: Worker, *, rounds: int = 1, every: int = 2, mine: bool = True) -> list[Round]:
        """Some rounds, with a block and a little time after each."""
        done = []
        for _ in range(rounds):
            done.append(worker.run_round())
            if mine:
                self.chain.mine()
            self.team.advance(every)
        return done

    def go_until(
        self, worker: Worker, transfer: Transfer, state: State, *, rounds: int = 60, every: int = 5
    ) -> list[str]:
        """Rounds until the transfer is in that state; every event on the way."""
        events: list[str] = []
        for _ in range(rounds):
            events += worker.run_round().events
            if self.state(transfer) is state:
                return events
            self.chain.mine()
            self.chain.finalise()
            self.team.advance(every)
        raise AssertionError(f"the transfer is {self.state(transfer)} after {rounds} rounds: {self.errand(transfer)}")

    # What is known.

    def ready(self, **changes: Any) -> Transfer:
        """A transfer that was proposed and approved."""
        transfer = self.proposed(**changes)
        self.approve(transfer, "bob")
        return transfer

    def state(self, transfer: Transfer) -> State:
        """The transfer's state in the books."""
        return self.row(transfer).state

    def errand(self, transfer: Transfer) -> ErrandRow:
        """How its errand stands."""
        with self.store.reading() as reading:
            row = reading.load_errand(transfer_id_of(transfer))
        assert row is not None
        return row

    def words(self, transfer: Transfer) -> dict[str, dict[str, Any]]:
        """What each signer last said of it."""
        return {each["signer"]: each for each in parse_json(self.errand(transfer).words.encode())}

    def effects(self) -> list[TransferId]:
        """The transfers that the chain has executed, in order."""
        known = {row.digest: row.transfer_id for row in self.certificates()}
        found = [known.get(digest) for digest in self.chain.executed()]
        return [each for each in found if each is not None]

    def certificates(self) -> Any:
        """Every certificate of the vault in the database."""
        with self.store.reading() as reading:
            return reading.load_certificates(CHAIN_ID, self.vault, from_nonce=0)


def require_chain(desk: HandDesk, chain_id: int) -> HandDesk:
    """The desk, if it is for that chain."""
    assert chain_id == CHAIN_ID
    return desk
