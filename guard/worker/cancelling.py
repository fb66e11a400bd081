"""Frees a vault from a nonce that is split or stuck: collects cancels with their statements, books and broadcasts them (TRUST §5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from guard.core.ids import Address, SignerId, TransferId
from guard.errors import AdapterError, GuardError
from guard.formats.fields import take_bytes
from guard.statements.certificates import CancelCertificate, Certificate
from guard.statements.signed import SignedStatement
from guard.statements.testimony import CANCEL, Testimony, require_testimony, testimony_from_json
from guard.transactions.safe_tx import build_cancel, compute_safe_tx_hash
from guard.transactions.signatures import recover_owner
from guard.worker.asking import Answer, ask_one
from guard.worker.broadcasting import broadcast, keep_certificate
from guard.worker.sharing import Place, Standing, book_everywhere, compute_lowest, load_standings, share_certificates
from guard.worker.world import Contact, Landed, World


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelErrand:
    """What is to be cancelled. `proposals` are those known here; a cancel comes with the one of every transfer that it names."""

    place: Place
    nonce: int
    contacts: tuple[Contact, ...]
    proposals: Mapping[TransferId, SignedStatement]
    kept: tuple[Certificate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnerCancel:
    """One signer's cancel with its statement, both checked."""

    owner: Address
    signature: bytes
    statement: Testimony
    named: TransferId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """What came of one attempt. Without a certificate too few signers gave their cancel; `answers` says why."""

    nonce: int
    answers: tuple[Answer, ...]
    named: tuple[TransferId, ...] = ()
    certificate: CancelCertificate | None = None
    booked_by: tuple[SignerId, ...] = ()
    landed: Landed | None = None


def carry_cancel(world: World, errand: CancelErrand) -> Cancelled:
    """Collect, book and broadcast the cancel of a nonce. Raises `AdapterError` when the chain fails; it can be repeated."""
    cancelled = collect_cancel(world, errand)
    if cancelled.certificate is None:
        return cancelled
    return replace(cancelled, landed=broadcast(world, errand.place, errand.contacts, cancelled.certificate))


def collect_cancel(world: World, errand: CancelErrand) -> Cancelled:
    """Collect, keep and book the cancel of a nonce, and leave its broadcast to the caller. It can be repeated."""
    standings = load_standings(world, errand.contacts, errand.place)
    lowest = min(compute_lowest(errand.place, standings), errand.nonce)
    share_certificates(world, errand.contacts, errand.place, errand.kept, from_nonce=lowest)
    answers, cancels = _collect(world, errand, standings)
    _, threshold = errand.place.owners_at(errand.nonce)
    if len(cancels) < threshold:
        return Cancelled(nonce=errand.nonce, answers=answers)
    certificate = _compose(errand, cancels[:threshold])
    keep_certificate(world, certificate)
    booked_by = book_everywhere(world, errand.contacts, certificate)
    if len(booked_by) <= errand.place.policy.numbers.withstands:
        raise AdapterError(
            "worker.not-booked", f"only {len(booked_by)} signers took the cancel, so it is not broadcast"
        )
    return Cancelled(
        nonce=errand.nonce,
        answers=answers,
        named=tuple(sorted({each.named for each in cancels[:threshold] if each.named is not None})),
        certificate=certificate,
        booked_by=booked_by,
    )


def _collect(
    world: World, errand: CancelErrand, standings: Mapping[SignerId, Standing]
) -> tuple[tuple[Answer, ...], list[OwnerCancel]]:
    """Ask those first who have signed nothing at the nonce: whoever cancels after signing a transfer never signs it again.

    A cancel that names what nobody here knows helps only where nobody else gives one, so that no single signer can hinder all cancels.
    """
    owners, threshold = errand.place.owners_at(errand.nonce)
    signed = {each for each, standing in standings.items() if str(errand.nonce) in standing.signed}
    ordered = sorted(errand.contacts, key=lambda each: each.id in signed)
    answers: list[Answer] = []
    cancels: list[OwnerCancel] = []
    for contact in ordered:
        if contact.identity.owner in owners and sum(is_known(errand, each) for each in cancels) < threshold:
            answer = ask_one(world, contact, "cancel", {**errand.place.to_json(), "nonce": errand.nonce})
            answers.append(answer)
            cancels += [] if answer.said is None else [require_cancel_answer(errand, contact, answer.said)]
    return tuple(answers), sorted(cancels, key=lambda each: not is_known(errand, each))


def is_known(errand: CancelErrand, cancel: OwnerCancel) -> bool:
    """Whether the text of what a cancel names is at hand; it must come with the certificate."""
    return cancel.named is None or cancel.named in errand.proposals


def require_cancel_answer(errand: CancelErrand, contact: Contact, said: Mapping[str, Any]) -> OwnerCancel:
    """A signer's cancel, refused unless signature and statement are its own and about this nonce."""
    place, identity = errand.place, contact.identity
    digest = compute_safe_tx_hash(build_cancel(place.chain_id, place.vault.address, errand.nonce)).digest
    signature = take_bytes({"signature": said.get("signature", "")}, "signature", length=65)
    if recover_owner(digest, signature) != identity.owner:
        raise GuardError("certificate.signature", f"the cancel of {contact.id} is not its owner's on this transaction")
    statement = testimony_from_json(said.get("statement"))
    fields = require_testimony(statement, CANCEL, identity.journal_key, place.policy.treasury)
    about = (fields["signer"], fields["chain_id"], fields["vault"], fields["nonce"])
    if about != (identity.id, str(place.chain_id), place.vault.address, errand.nonce):
        raise GuardError("certificate.statement", f"the statement of {contact.id} is about another nonce")
    return OwnerCancel(owner=identity.owner, signature=signature, statement=statement, named=fields["transfer"])


def _compose(errand: CancelErrand, cancels: Sequence[OwnerCancel]) -> CancelCertificate:
    named = sorted({each.named for each in cancels if each.named is not None})
    for each in named:
        if each not in errand.proposals:
            raise GuardError(
                "worker.transfer-unknown", f"the cancel names transfer {each}, whose text is not known here"
            )
    return CancelCertificate(
        chain_id=errand.place.chain_id,
        vault=errand.place.vault.address,
        nonce=errand.nonce,
        signatures={each.owner: each.signature for each in cancels},
        statements=tuple(each.statement for each in cancels),
        proposals=tuple(errand.proposals[each] for each in named),
    )
