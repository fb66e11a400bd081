"""Carries one transfer from its statements to its evidence: register, share certificates, collect signatures, book, broadcast, follow.

Every step is safe to repeat: after a crash at any point the same call goes on from what signers, folder and chain hold, and ends in one
effect. No signer's hash is used: each signature is checked against the SafeTx rebuilt from the transfer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from guard.core.ids import Address, SignerId, TransferId, is_count
from guard.core.transfer import Transfer
from guard.errors import AdapterError, GuardError
from guard.formats.fields import take_bytes
from guard.statements.certificates import Certificate, TransferCertificate
from guard.statements.digests import compute_transfer_id
from guard.statements.signed import SignedStatement, to_json, transfer_to_json
from guard.statements.testimony import RELEASE, Testimony, require_testimony, testimony_from_json
from guard.transactions.safe_tx import build_safe_tx, compute_safe_tx_hash
from guard.transactions.signatures import recover_owner
from guard.worker.asking import MOST_REASONS, Answer, Reason, ask_each, ask_one, to_code, to_line, to_reason
from guard.worker.broadcasting import broadcast, keep_certificate
from guard.worker.sharing import (
    Place,
    Shelf,
    Standing,
    book_everywhere,
    compute_lowest,
    load_standings,
    share_certificates,
)
from guard.worker.world import Contact, Landed, LandedState, World

PASSES_BY_ITSELF = frozenset(
    {
        "decision.delay",
        "signer.unsettled",
        "signer.endpoint-silent",
        "clock.endpoint-silent",
        "clock.block-time",
        "clock.behind-mark",
        "clock.look-too-old",
        "chain.unmined",
        "client.no-answer",
    }
)
"""Reasons that time alone may cure, so that waiting for them makes sense."""


class CarriedStatus(Enum):
    """How far a transfer came. HELD may go on later, DENIED never will; UNKNOWN and FAILED are what the chain says."""

    RELEASED = "released"
    HELD = "held"
    DENIED = "denied"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What is carried: a transfer with its statements, between the signers of its vault."""

    transfer: Transfer
    statements: tuple[SignedStatement, ...]
    place: Place
    contacts: tuple[Contact, ...]
    kept: tuple[Certificate, ...] = ()

    @property
    def transfer_id(self) -> TransferId:
        """The transfer's id."""
        return compute_transfer_id(self.transfer)

    def to_request(self) -> dict[str, Any]:
        """What a signer is given: the release request."""
        return {
            "transfer": transfer_to_json(self.transfer),
            "statements": [to_json(signed) for signed in self.statements],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SignerWord:
    """Where one signer stands with the transfer: `releasable`, `held`, `denied`, `refused`, `silent` or `signed`."""

    signer: SignerId
    status: str
    reasons: tuple[Reason, ...] = ()
    earliest_at: int | None = None
    nonce: int | None = None

    def to_json(self) -> dict[str, Any]:
        """The form for machines."""
        return {
            "signer": self.signer,
            "status": self.status,
            "nonce": self.nonce,
            "earliest_at": self.earliest_at,
            "reasons": [reason.to_json() for reason in self.reasons],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerSignature:
    """A signature that was checked against the rebuilt SafeTx, and the signer's statement that came with it."""

    owner: Address
    nonce: int
    signature: bytes
    statement: Testimony


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What came of one attempt."""

    transfer_id: TransferId
    status: CarriedStatus
    words: tuple[SignerWord, ...]
    certificate: TransferCertificate | None = None
    signatures: tuple[OwnerSignature, ...] = ()
    booked_by: tuple[SignerId, ...] = ()
    landed: Landed | None = None

    @property
    def passes_by_itself(self) -> bool:
        """Whether everything that holds it passes with time alone at enough signers to matter."""
        open_words = [word for word in self.words if word.status not in ("releasable", "signed")]
        reasons = [reason for word in open_words for reason in word.reasons]
        return bool(reasons) and all(reason.code in PASSES_BY_ITSELF for reason in reasons)


def carry(world: World, errand: Errand) -> Carried:
    """Carry the transfer as far as it goes now. Raises `AdapterError` when the chain fails; everything then can be repeated."""
    words = register(world, errand)
    ground = share(world, errand)
    certificate = ground.shelf.of(errand.transfer_id)
    signatures: tuple[OwnerSignature, ...] = ()
    if certificate is None:
        words, signatures = collect_signatures(world, errand, words, ground)
        certificate = compose(errand, signatures)
    if certificate is None:
        return Carried(transfer_id=errand.transfer_id, status=judge(errand, words), words=words, signatures=signatures)
    keep_certificate(world, certificate)
    booked_by = book_everywhere(world, errand.contacts, certificate)
    require_booked(errand, booked_by)
    landed = broadcast(world, errand.place, errand.contacts, certificate)
    if not signatures:
        words, signatures = collect_again(world, errand, words, certificate)
    return Carried(
        transfer_id=errand.transfer_id,
        status=_to_status(landed.state),
        words=words,
        certificate=certificate,
        signatures=tuple(each for each in signatures if is_in(certificate, each)),
        booked_by=booked_by,
        landed=landed,
    )


def is_in(certificate: TransferCertificate, signed: OwnerSignature) -> bool:
    """Whether the signature is one of the certificate's."""
    return signed.nonce == certificate.nonce and signed.owner in certificate.signatures


def carry_until(world: World, errand: Errand, *, ends_at: int) -> Carried:
    """Carry again and again while only time holds the transfer, until `ends_at`."""
    while True:
        carried = carry(world, errand)
        now = world.now()
        if carried.status is not CarriedStatus.HELD or not carried.passes_by_itself or now >= ends_at:
            return carried
        earliest = [word.earliest_at for word in carried.words if word.earliest_at is not None]
        world.pause(min(max(1, max(earliest, default=now) - now), 15, max(1, ends_at - now)))


def register(world: World, errand: Errand) -> tuple[SignerWord, ...]:
    """Give the transfer and its statements to every signer, and hear what each one's policy and clock make of them."""
    return tuple(_to_word(answer) for answer in ask_each(world, errand.contacts, "register", errand.to_request()))


def _to_word(answer: Answer) -> SignerWord:
    if answer.said is None:
        status = "silent" if answer.is_silent else "refused"
        return SignerWord(signer=answer.signer, status=status, reasons=answer.reasons)
    decision = answer.said.get("decision")
    if not isinstance(decision, dict) or decision.get("status") not in ("releasable", "held", "denied"):
        reason = Reason(code="client.no-answer", message="the answer holds no decision", held=True)
        return SignerWord(signer=answer.signer, status="silent", reasons=(reason,))
    refused = answer.said.get("refused")
    told = _to_reasons(decision.get("reasons"))
    if decision["status"] != "releasable":
        told += _to_reasons(refused)
    earliest = decision.get("earliest_at")
    return SignerWord(
        signer=answer.signer,
        status=str(decision["status"]),
        reasons=tuple(told),
        earliest_at=earliest if is_count(earliest) else None,
    )


def _to_reasons(said: object) -> list[Reason]:
    entries = said[:MOST_REASONS] if isinstance(said, list) else []
    return [_to_decision_reason(each) for each in entries if isinstance(each, dict)]


def _to_decision_reason(said: Mapping[str, Any]) -> Reason:
    until = said.get("until")
    held = said.get("held") is True if "held" in said else said.get("final") is not True
    return Reason(
        code=to_code(said.get("code")),
        message=to_line(said.get("message")),
        held=held,
        until=until if is_count(until) else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What is known before signatures are asked: the certificates, the nonce that is open, and where each signer stands."""

    shelf: Shelf
    open_nonce: int
    standings: Mapping[SignerId, Standing]

    def has_signed(self, signer: SignerId, transfer_id: TransferId) -> bool:
        """Whether the signer says that it has signed the transfer, at whichever nonce."""
        standing = self.standings.get(signer)
        return standing is not None and transfer_id in standing.signed.values()

    @property
    def signed_here(self) -> dict[SignerId, TransferId]:
        """What each signer says that it has signed at the open nonce."""
        figures = str(self.open_nonce)
        return {signer: each.signed[figures] for signer, each in self.standings.items() if each.signed.get(figures)}


def share(world: World, errand: Errand) -> Ground:
    """Bring everybody the certificates; where signers stand afterwards."""
    standings = load_standings(world, errand.contacts, errand.place)
    lowest = compute_lowest(errand.place, standings, errand.transfer_id)
    shelf = share_certificates(world, errand.contacts, errand.place, errand.kept, from_nonce=lowest)
    return Ground(shelf=shelf, open_nonce=shelf.compute_open_nonce(lowest), standings=standings)


def collect_signatures(
    world: World, errand: Errand, words: tuple[SignerWord, ...], ground: Ground
) -> tuple[tuple[SignerWord, ...], tuple[OwnerSignature, ...]]:
    """Ask signers that would release it, until the owners' threshold is met at one nonce.

    A signature reserves a nonce and a budget and helps nobody alone, so nobody is asked once those who are left cannot make
    it a certificate. Who signed the transfer before is asked first: a cancel may have made it dead there.
    """
    told = {word.signer: find_taken(errand, word, ground) or word for word in words}
    willing = [each for each in errand.contacts if told[each.id].status == "releasable"]
    willing.sort(key=lambda each: not ground.has_signed(each.id, errand.transfer_id))
    _, threshold = errand.place.owners_at(ground.open_nonce)
    signatures: list[OwnerSignature] = []
    while willing and compose(errand, signatures) is None and count_most(signatures) + len(willing) >= threshold:
        contact = willing.pop(0)
        told[contact.id], signed = _ask_signature(world, errand, contact)
        signatures += [] if signed is None else [signed]
    return tuple(told[word.signer] for word in words), tuple(signatures)


def find_taken(errand: Errand, word: SignerWord, ground: Ground) -> SignerWord | None:
    """The word of a signer that would release the transfer but has signed another one at the open nonce."""
    other = ground.signed_here.get(word.signer)
    if word.status != "releasable" or other in (None, errand.transfer_id):
        return None
    message = (
        f"it signed transfer {str(other)[:10]} at nonce {ground.open_nonce}, which is completed or cancelled first"
    )
    reason = Reason(code="chain.nonce-taken", message=message, held=True)
    return replace(word, status="held", reasons=(reason,))


def count_most(signatures: Sequence[OwnerSignature]) -> int:
    """How many signatures stand at the nonce that has the most."""
    nonces = [each.nonce for each in signatures]
    return max((nonces.count(nonce) for nonce in nonces), default=0)


def collect_again(
    world: World, errand: Errand, words: tuple[SignerWord, ...], certificate: TransferCertificate
) -> tuple[tuple[SignerWord, ...], tuple[OwnerSignature, ...]]:
    """The same bytes again from those that signed, with their statements, which evidence holds beside the signatures."""
    told = {word.signer: word for word in words}
    signatures: list[OwnerSignature] = []
    for contact in errand.contacts:
        if contact.identity.owner in certificate.signatures:
            word, signed = _ask_signature(world, errand, contact)
            if signed is not None:
                told[contact.id] = word
                signatures.append(signed)
    return tuple(told[word.signer] for word in words), tuple(signatures)


def _ask_signature(world: World, errand: Errand, contact: Contact) -> tuple[SignerWord, OwnerSignature | None]:
    answer = ask_one(world, contact, "release", errand.to_request())
    if answer.said is None:
        held = all(reason.held for reason in answer.reasons)
        status = "silent" if answer.is_silent else "held" if held else "refused"
        return SignerWord(signer=contact.id, status=status, reasons=answer.reasons), None
    try:
        signed = require_signature(errand, contact, answer.said)
    except GuardError as error:
        return SignerWord(signer=contact.id, status="refused", reasons=(to_reason(error),)), None
    return SignerWord(signer=contact.id, status="signed", nonce=signed.nonce), signed


def require_signature(errand: Errand, contact: Contact, said: Mapping[str, Any]) -> OwnerSignature:
    """The signature of an answer, refused unless it is that owner's on the SafeTx that this transfer makes at its nonce."""
    nonce = said.get("nonce")
    if not is_count(nonce) or not isinstance(nonce, int):
        raise GuardError("worker.answer", f"the answer of {contact.id} names no nonce")
    digest = compute_safe_tx_hash(build_safe_tx(errand.transfer, nonce)).digest
    signature = take_bytes({"signature": said.get("signature", "")}, "signature", length=65)
    if recover_owner(digest, signature) != contact.identity.owner:
        raise GuardError(
            "certificate.signature", f"the signature of {contact.id} is not its owner's on this transaction"
        )
    statement = testimony_from_json(said.get("statement"))
    identity, treasury = contact.identity, errand.place.policy.treasury
    fields = require_testimony(statement, RELEASE, identity.journal_key, treasury)
    if (fields["signer"], fields["nonce"], fields["safe_tx_hash"]) != (identity.id, nonce, digest):
        raise GuardError("worker.answer", f"the statement of {contact.id} is about something else")
    return OwnerSignature(owner=identity.owner, nonce=nonce, signature=signature, statement=statement)


def compose(errand: Errand, signatures: Sequence[OwnerSignature]) -> TransferCertificate | None:
    """The certificate, once enough distinct owners signed at one nonce. Exactly the threshold goes in, lowest address first."""
    for nonce in sorted({each.nonce for each in signatures}):
        owners, threshold = errand.place.owners_at(nonce)
        found = {each.owner: each.signature for each in signatures if each.nonce == nonce and each.owner in owners}
        if len(found) >= threshold:
            chosen = sorted(found)[:threshold]
            return TransferCertificate(
                transfer=errand.transfer, nonce=nonce, signatures={owner: found[owner] for owner in chosen}
            )
    return None


def require_booked(errand: Errand, booked_by: Sequence[SignerId]) -> None:
    """More signers than may be stolen hold the certificate, so that at least one honest one hands it on for ever."""
    needed = min(errand.place.policy.numbers.withstands + 1, len(errand.contacts))
    if len(booked_by) < needed:
        raise AdapterError(
            "worker.not-booked",
            f"{len(booked_by)} signers took the certificate and {needed} must before it is broadcast",
        )


def judge(errand: Errand, words: Sequence[SignerWord]) -> CarriedStatus:
    """Denied once so many signers refuse for good that the rest cannot make a certificate."""
    entry = errand.place.vault.owners[-1]
    final = sum(1 for word in words if word.status == "denied" or _is_final(word))
    return CarriedStatus.DENIED if final > len(entry.signers) - entry.threshold else CarriedStatus.HELD


def _is_final(word: SignerWord) -> bool:
    return word.status == "refused" and any(not reason.held for reason in word.reasons)


def _to_status(state: LandedState) -> CarriedStatus:
    return {
        LandedState.SUCCEEDED: CarriedStatus.RELEASED,
        LandedState.FAILED: CarriedStatus.FAILED,
        LandedState.UNKNOWN: CarriedStatus.UNKNOWN,
    }[state]
