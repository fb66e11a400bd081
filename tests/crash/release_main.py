"""The releasing command's own work with a fuse at each of its edges: signers, chain, and the transfer's folder."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guard.bundles.bundle import parse_bundle
from guard.clients.signer_client import ask
from guard.core.ids import Address
from guard.formats.canonical import parse_json, to_canonical
from guard.statements.certificates import Certificate
from guard.statements.signed import from_json, transfer_from_json
from guard.worker.carrying import Errand, carry_until
from guard.worker.chain_desk import ExecutorDesk
from guard.worker.sharing import Place
from guard.worker.world import Contact, Landed, World
from tests.chains import CHAIN_ID, EXECUTOR_KEY
from tests.crash.fuse import Fuse

PATIENCE = 30


@dataclass(frozen=True, slots=True)
class FusedDesk:
    """The chain with a fuse before and after each request that it is asked for."""

    desk: ExecutorDesk
    fuse: Fuse

    def load_nonce(self, vault: Address) -> int:
        with self.fuse.around("chain nonce"):
            return self.desk.load_nonce(vault)

    def submit(self, certificate: Certificate) -> str:
        with self.fuse.around("chain submit"):
            return self.desk.submit(certificate)

    def wait_mined(self, transaction_hash: str) -> None:
        with self.fuse.around("chain mined"):
            self.desk.wait_mined(transaction_hash)

    def load_landed(self, certificate: Certificate) -> Landed:
        with self.fuse.around("chain landed"):
            return self.desk.load_landed(certificate)


def run_fused_release(folder: str, url: str, commands: Mapping[str, str], log: str, target: int | None) -> None:
    """Carry the transfer of a folder to the chain, or die at the fuse. Leaves `carried.json` behind."""
    fuse, place = Fuse(Path(log), target), Path(folder)
    fuse.light()
    desk = FusedDesk(ExecutorDesk(url, CHAIN_ID, EXECUTOR_KEY, patience=PATIENCE), fuse)

    def keep(name: str, raw: bytes) -> None:
        beside = place / f"{name}.new"
        beside.write_bytes(raw)
        beside.replace(place / name)

    world = World(
        ask=lambda address, verb, body: fuse.wrap(f"ask {verb}", ask)(address, verb, body),
        chain=lambda _chain: desk,
        keep=fuse.wrap("keep", keep),
        now=lambda: int(time.time()),
        pause=time.sleep,
    )
    carried = carry_until(world, load_errand(place, commands), ends_at=int(time.time()) + PATIENCE)
    said = {"status": carried.status.value, "words": [word.to_json() for word in carried.words]}
    fuse.wrap("keep", keep)("carried.json", to_canonical(said))


def load_errand(place: Path, commands: Mapping[str, str]) -> Errand:
    """The transfer and its statements, as `guard release` finds them."""
    bundle = parse_bundle((place.parent / "bundle.json").read_bytes())
    said: dict[str, Any] = parse_json((place / "transfer.json").read_bytes())
    contacts = tuple(Contact(identity=each, command=commands[each.id]) for each in bundle.policy.signers)
    return Errand(
        transfer=transfer_from_json(said["transfer"]),
        statements=tuple(from_json(each) for each in said["statements"]),
        place=Place(policy=bundle.policy, vault=bundle.policy.vaults[0], chain_id=CHAIN_ID),
        contacts=contacts,
    )
