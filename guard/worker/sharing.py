"""Certificates: what one signer holds and another lacks is brought to it, and what the worker composed is booked everywhere.

Without this signers stand at different nonces and never meet. Nothing is decided by what is gathered: every signer checks each
certificate itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from guard.core.ids import Address, Digest, SignerId, TransferId, is_count, is_digest
from guard.core.policy import Policy, Vault
from guard.errors import GuardError
from guard.statements.certificates import (
    CancelCertificate,
    Certificate,
    TransferCertificate,
    certificate_from_json,
    compute_certificate_digest,
    require_signers,
)
from guard.statements.digests import compute_transfer_id
from guard.worker.asking import ask_one
from guard.worker.world import Contact, World

FIGURES = 16
"""No nonce that JSON says exactly has more."""
AT_ONCE = 20
"""Certificates in one request: the signers take 50, and bodies of 256 KiB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A vault of the policy, with the policy that says who owns it."""

    policy: Policy
    vault: Vault
    chain_id: int

    def to_json(self) -> dict[str, Any]:
        """The vault as signers are asked about it."""
        return {"chain_id": str(self.chain_id), "vault": self.vault.address}

    def owners_at(self, nonce: int) -> tuple[dict[Address, SignerId], int]:
        """Who owns the vault at a nonce, by address, and how many must sign. Raises `value.invalid` below the first."""
        entry = self.vault.owners_at(nonce)
        if entry is None:
            raise GuardError("value.invalid", f"nonce {nonce} lies before the first one of the policy")
        signers = (self.policy.signer(each) for each in entry.signers)
        return {signer.owner: signer.id for signer in signers if signer is not None}, entry.threshold

    def read_status(self, said: Mapping[str, Any] | None) -> Standing:
        """Where a signer says that it stands with this vault; at the first nonce where it says nothing usable.

        It orders what is asked and decides nothing, so a signer that lies here only makes more work.
        """
        nothing = Standing(self.vault.first_nonce, {})
        vaults = said.get("vaults") if said is not None else None
        for each in vaults if isinstance(vaults, list) else ():
            if isinstance(each, dict) and (each.get("chain_id"), each.get("vault")) == (
                str(self.chain_id),
                self.vault.address,
            ):
                nonce, signed = each.get("open_nonce"), each.get("signed")
                is_right = is_count(nonce, least=self.vault.first_nonce) and isinstance(signed, dict)
                if is_right and isinstance(nonce, int) and isinstance(signed, dict):
                    return Standing(
                        nonce, {at: said for at, said in signed.items() if len(at) <= FIGURES and is_digest(said)}
                    )
        return nothing


@dataclass(frozen=True, slots=True)
class Standing:
    """A signer's open nonce, and the transfer that it signed at each nonce, by the nonce's figures."""

    open_nonce: int
    signed: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Shelf:
    """The certificates of one vault that were gathered, by digest, and who holds which."""

    certificates: dict[Digest, Certificate]
    held_by: dict[SignerId, frozenset[Digest]]

    def compute_open_nonce(self, first_nonce: int) -> int:
        """The lowest nonce from `first_nonce` on for which nothing was gathered."""
        taken = {certificate.nonce for certificate in self.certificates.values()}
        nonce = first_nonce
        while nonce in taken:
            nonce += 1
        return nonce

    def at(self, nonce: int) -> tuple[Certificate, ...]:
        """What was gathered for a nonce, cancels first: they free the vault and move nothing."""
        found = [each for each in self.certificates.values() if each.nonce == nonce]
        return tuple(sorted(found, key=lambda each: isinstance(each, TransferCertificate)))

    def of(self, transfer_id: TransferId) -> TransferCertificate | None:
        """A certificate of the transfer, if there is one."""
        return next(
            (
                each
                for each in self.certificates.values()
                if isinstance(each, TransferCertificate) and compute_transfer_id(each.transfer) == transfer_id
            ),
            None,
        )


def share_certificates(
    world: World, contacts: Sequence[Contact], place: Place, kept: Iterable[Certificate], *, from_nonce: int
) -> Shelf:
    """Gather every signer's certificates, and those kept in the folder, and book at each signer what it lacks.

    Signers that stand at `from_nonce` or above lack nothing below it.
    """
    certificates = {compute_certificate_digest(each): each for each in kept if is_complete(place, each)}
    held_by: dict[SignerId, frozenset[Digest]] = {}
    for contact in contacts:
        held = _gather(world, contact, place, from_nonce)
        if held is not None:
            held_by[contact.id] = frozenset(held)
            certificates.update(held)
    for contact in contacts:
        lacked = [certificates[each] for each in certificates.keys() - held_by.get(contact.id, frozenset())]
        if contact.id in held_by:
            book_at(world, contact, sorted(lacked, key=lambda each: each.nonce))
    return Shelf(certificates, held_by)


def load_standings(world: World, contacts: Iterable[Contact], place: Place) -> dict[SignerId, Standing]:
    """Where each signer that answers stands with the vault, as it says itself."""
    answers = [(contact, ask_one(world, contact, "status", {})) for contact in contacts]
    return {contact.id: place.read_status(answer.said) for contact, answer in answers if answer.said is not None}


def compute_lowest(place: Place, standings: Mapping[SignerId, Standing], transfer_id: TransferId | None = None) -> int:
    """The nonce from which on certificates are worth gathering: below it every signer that answers holds them all.

    Where a transfer is named, its certificate must be found wherever a signer has signed it.
    """
    signed = [
        int(nonce)
        for standing in standings.values()
        for nonce, each in standing.signed.items()
        if each == transfer_id and nonce.isascii() and nonce.isdigit()
    ]
    lowest = min([standing.open_nonce for standing in standings.values()] + signed, default=place.vault.first_nonce)
    return max(lowest, place.vault.first_nonce)


def _gather(world: World, contact: Contact, place: Place, from_nonce: int) -> dict[Digest, Certificate] | None:
    """What one signer holds; None where it does not answer. What it makes up is left out."""
    answer = ask_one(world, contact, "certificates", {**place.to_json(), "from_nonce": from_nonce})
    entries = answer.said.get("certificates") if answer.said is not None else None
    if not isinstance(entries, list):
        return None
    found: dict[Digest, Certificate] = {}
    for entry in entries:
        try:
            certificate = certificate_from_json(entry)
        except GuardError:
            continue
        if is_complete(place, certificate):
            found[compute_certificate_digest(certificate)] = certificate
    return found


def is_complete(place: Place, certificate: Certificate) -> bool:
    """Whether this is a certificate of the vault: rebuilt, every signature its owner's, and enough of them."""
    if (certificate.chain_id, certificate.vault) != (place.chain_id, place.vault.address):
        return False
    try:
        owners, threshold = place.owners_at(certificate.nonce)
        signed_by = require_signers(certificate)
    except GuardError:
        return False
    stated = (
        {each.fields["signer"] for each in certificate.statements}
        if isinstance(certificate, CancelCertificate)
        else None
    )
    counted = {owner for owner in signed_by & owners.keys() if stated is None or owners[owner] in stated}
    return len(counted) >= threshold


def book_at(world: World, contact: Contact, certificates: Sequence[Certificate]) -> bool:
    """Book certificates at one signer. Tells whether it took every one of them."""
    taken = True
    for start in range(0, len(certificates), AT_ONCE):
        entries = [each.to_json() for each in certificates[start : start + AT_ONCE]]
        answer = ask_one(world, contact, "book", {"certificates": entries})
        taken = taken and answer.said is not None and answer.said.get("refused") == []
    return taken


def book_everywhere(world: World, contacts: Iterable[Contact], certificate: Certificate) -> tuple[SignerId, ...]:
    """Book a new certificate at every signer; those that took it. One that is down gets it the next time."""
    return tuple(contact.id for contact in contacts if book_at(world, contact, [certificate]))
