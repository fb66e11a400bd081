"""One round's view of the world: the database, the edges, the policies, the time; and the leases that it keeps alive while it asks.

A shift never holds a database transaction while it asks anybody anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

from guard.core.ids import Address, SignerId
from guard.core.policy import Vault
from guard.formats.canonical import parse_json, to_canonical
from guard.ports.carriage import CarrierBooks, CertificateRow, Lease
from guard.service.editions import Known
from guard.statements.certificates import (
    Certificate,
    TransferCertificate,
    certificate_from_json,
    compute_certificate_digest,
)
from guard.statements.digests import compute_transfer_id
from guard.worker.pace import Pace
from guard.worker.sharing import Place
from guard.worker.world import Ask, Contact, SendingDesk, World


class LeaseLost(Exception):
    """Another worker has taken over, since this one took longer than its lease. The round ends, and nothing of it is written."""


Renewal = Callable[[int], bool]
"""Holds a lease until a time; False where it is another's by now."""


def name_watch(chain_id: int, vault: str) -> str:
    """The name of the chore that watches over a vault."""
    return f"watch:{chain_id}:{vault}"


def name_signing(chain_id: int, vault: str) -> str:
    """The name of the lease under which signers of a vault are asked for signatures, one transfer at a time."""
    return f"signing:{chain_id}:{vault}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """What a worker reaches: signers by their command addresses, chains by their ids, and the clock.

    `desk` raises `AdapterError` for a chain without an endpoint.
    """

    ask: Ask
    desk: Callable[[int], SendingDesk]
    commands: Mapping[SignerId, str]
    now: Callable[[], int]


@dataclass(kw_only=True)
class Shift:
    """One worker at work on one thing. Not shared between threads."""

    store: CarrierBooks
    edges: Edges
    pace: Pace
    holder: str
    known: Known
    _renewals: list[Renewal] = field(default_factory=list)
    _renewed_at: int = 0

    @property
    def now(self) -> int:
        """The time now."""
        return self.edges.now()

    @property
    def world(self) -> World:
        """The edges as carrying knows them. What it keeps goes into the database before anything else is done with it."""
        return World(ask=self.ask, chain=self.edges.desk, keep=self._keep, now=self.edges.now, pause=_never_pause)

    def ask(self, address: str, verb: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Ask a signer, and keep the leases alive meanwhile."""
        self.renew()
        return self.edges.ask(address, verb, body)

    def desk(self, chain_id: int) -> SendingDesk:
        """The chain."""
        self.renew()
        return self.edges.desk(chain_id)

    @contextmanager
    def holding(self, renewal: Renewal) -> Iterator[None]:
        """Keep a lease alive for the length of the block."""
        if not self._renewals:
            self._renewed_at = self.now
        self._renewals.append(renewal)
        try:
            yield
        finally:
            self._renewals.remove(renewal)

    @contextmanager
    def leasing(self, name: str, *, again_in: Callable[[], int] | None = None) -> Iterator[Lease | None]:
        """Take a lease for the length of the block, or None where another has it.

        With `again_in` it is a chore's: None, too, where the chore is not due; at the block's end it says in how many seconds it is due
        again. A chore that raises is due again soon.
        """
        now, is_chore = self.now, again_in is not None
        with self.store.brief() as brief:
            lease = brief.take_lease(name, self.holder, now=now, until=now + self.pace.lease, when_due=is_chore)
        if lease is None:
            yield None
            return
        pause = self.pace.held
        try:
            with self.holding(lambda until: self._extend(lease, until)):
                yield lease
            pause = pause if again_in is None else again_in()
        finally:
            with self.store.brief() as brief:
                brief.return_lease(lease, due_at=self.now + pause if is_chore else None)

    def _extend(self, lease: Lease, until: int) -> bool:
        with self.store.brief() as brief:
            return brief.extend_lease(lease, until=until)

    def renew(self) -> None:
        """Hold everything longer, if a quarter of the lease has gone by. Raises `LeaseLost`."""
        now = self.now
        if self._renewals and now - self._renewed_at >= self.pace.lease // 4:
            self._renewed_at = now
            if not all(renewal(now + self.pace.lease) for renewal in self._renewals):
                raise LeaseLost("another worker has taken this over")

    def find_place(self, chain_id: int, vault: Address) -> Place | None:
        """The vault by the active policy."""
        policy = self.known.active.policy
        found = policy.vault_at(chain_id, vault)
        return None if found is None else Place(policy=policy, vault=found, chain_id=chain_id)

    def list_places(self) -> tuple[Place, ...]:
        """Every vault of the active policy."""
        policy = self.known.active.policy
        chains = ((vault, policy.chain_id(vault.chain)) for vault in policy.vaults)
        return tuple(Place(policy=policy, vault=vault, chain_id=each) for vault, each in chains if each is not None)

    def list_contacts(self, vault: Vault | None = None) -> tuple[Contact, ...]:
        """The signers of a vault, or of the whole policy, whose command address is configured."""
        wanted = None if vault is None else {signer for entry in vault.owners for signer in entry.signers}
        return tuple(
            Contact(identity=identity, command=self.edges.commands[identity.id])
            for identity in self.known.active.policy.signers
            if (wanted is None or identity.id in wanted) and self.edges.commands.get(identity.id)
        )

    def keep_certificate(self, certificate: Certificate) -> bool:
        """Write a certificate down; True where it is new here."""
        with self.store.brief() as brief:
            return brief.keep_certificate(to_row(certificate, self.now))

    def _keep(self, _name: str, raw: bytes) -> None:
        self.keep_certificate(certificate_from_json(parse_json(raw)))


def to_row(certificate: Certificate, now: int) -> CertificateRow:
    """A certificate as the database keeps it."""
    is_transfer = isinstance(certificate, TransferCertificate)
    return CertificateRow(
        digest=compute_certificate_digest(certificate),
        chain_id=certificate.chain_id,
        vault=certificate.vault,
        nonce=certificate.nonce,
        kind="transfer" if is_transfer else "cancel",
        transfer_id=compute_transfer_id(certificate.transfer) if isinstance(certificate, TransferCertificate) else None,
        body=to_canonical(certificate.to_json()).decode(),
        kept_at=now,
    )


def to_certificate(row: CertificateRow) -> Certificate:
    """A certificate out of the database. Signers check it again, so nothing is checked here."""
    return certificate_from_json(parse_json(row.body.encode()))


def _never_pause(_seconds: float) -> NoReturn:
    raise AssertionError("a round never sleeps")
