"""Brings a certificate to the chain, whatever of the vault waits below it first, and says what became of it."""

from __future__ import annotations

from collections.abc import Sequence

from guard.errors import AdapterError
from guard.formats.canonical import to_canonical
from guard.statements.certificates import Certificate, TransferCertificate, compute_certificate_digest
from guard.worker.sharing import Place, share_certificates
from guard.worker.world import Contact, Landed, LandedState, World


def keep_certificate(world: World, certificate: Certificate) -> None:
    """Write the certificate beside the transfer before anything else is done with it."""
    kind = "transfer" if isinstance(certificate, TransferCertificate) else "cancel"
    digest = compute_certificate_digest(certificate)
    world.keep(f"certificate-{kind}-{certificate.nonce}-{digest[2:10]}.json", to_canonical(certificate.to_json()))


def broadcast(world: World, place: Place, contacts: Sequence[Contact], certificate: Certificate) -> Landed:
    """Execute a certificate and follow it until it is mined.

    Raises `AdapterError` when the chain fails: nothing is lost then, since the signers hold the certificate and the same command finds
    what was sent.
    """
    chain = world.chain(place.chain_id)
    landed = chain.load_landed(certificate)
    if landed.state is not LandedState.UNKNOWN:
        return landed
    standing = chain.load_nonce(place.vault.address)
    if standing < certificate.nonce:
        _broadcast_below(world, place, contacts, standing, certificate.nonce)
    chain.wait_mined(chain.submit(certificate))
    return chain.load_landed(certificate)


def _broadcast_below(world: World, place: Place, contacts: Sequence[Contact], standing: int, nonce: int) -> None:
    """Execute what waits at lower nonces; a Safe takes them only in order. Cancels go first."""
    chain = world.chain(place.chain_id)
    shelf = share_certificates(world, contacts, place, (), from_nonce=standing)
    for below in range(standing, nonce):
        waiting = shelf.at(below)
        if not waiting:
            message = f"no signer handed out the certificate of nonce {below}, which must be executed first"
            raise AdapterError("chain.safe-nonce-ahead", message)
        chain.wait_mined(chain.submit(waiting[0]))
