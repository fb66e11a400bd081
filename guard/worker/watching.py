"""The watch over one vault: every certificate at every signer, split or stuck nonces cancelled, what waits executed in order, alarms.

Only this chore cancels, and cancels are executed before anything else of their nonce. It runs beside the errands and needs none of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace

from guard.core.ids import Digest, SignerId, TransferId, is_digest
from guard.errors import AdapterError, GuardError
from guard.formats.canonical import parse_json
from guard.ports.carriage import CarrierReading, CarrierWriting
from guard.statements.certificates import (
    CancelCertificate,
    Certificate,
    TransferCertificate,
    certificate_from_json,
    compute_certificate_digest,
)
from guard.statements.digests import compute_transfer_id
from guard.statements.signed import SignedStatement
from guard.worker.asking import ask_proposals
from guard.worker.bringing import BroughtState, bring
from guard.worker.cancelling import CancelErrand, collect_cancel
from guard.worker.findings import STOPPED, Trouble, is_contradicted, is_final
from guard.worker.freeing import OpenNonce, is_stuck, list_one_short
from guard.worker.loading import is_stopped, load_proposal
from guard.worker.settling import raise_alarm, tell
from guard.worker.sharing import Place, Shelf, Standing, compute_lowest, load_standings, share_certificates
from guard.worker.shift import Shift, name_signing, to_certificate, to_row
from guard.worker.signer_looks import to_alarm_name
from guard.worker.world import Contact

_UNWILLING = "chain.nonce-cancelled"


@dataclass(frozen=True, slots=True)
class Watched:
    """What one watch did: the events that it logged, what went wrong, and whether something is on its way."""

    events: tuple[str, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    is_moving: bool = False


def watch_vault(shift: Shift, place: Place) -> Watched:
    """One look after a vault. What one step cannot do keeps none of the others from being tried."""
    watch = _Watch(shift=shift, place=place, contacts=shift.list_contacts(place.vault))
    for step in (watch.look, watch.fill, watch.free, watch.outrun, watch.execute, watch.alarm):
        try:
            step()
        except (AdapterError, GuardError) as trouble:
            watch.troubles.append(Trouble(trouble.code, trouble.message))
    return Watched(tuple(watch.events), tuple(watch.troubles), watch.is_moving)


@dataclass(kw_only=True)
class _Watch:
    """One watch with what it has seen so far."""

    shift: Shift
    place: Place
    contacts: tuple[Contact, ...]
    standings: Mapping[SignerId, Standing] = field(default_factory=dict)
    shelf: Shelf = field(default_factory=lambda: Shelf({}, {}))
    open_nonce: int | None = None
    events: list[str] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    is_moving: bool = False

    @property
    def name(self) -> str:
        return f"{self.place.chain_id}:{self.place.vault.address}"

    def look(self) -> None:
        """Where signers stand; certificates brought to everybody and written down."""
        world, place = self.shift.world, self.place
        self.standings = load_standings(world, self.contacts, place)
        lowest = compute_lowest(place, self.standings)
        kept = self.load_kept(lowest)
        self.shelf = share_certificates(world, self.contacts, place, kept, from_nonce=lowest)
        if self.standings:
            self.open_nonce = self.shelf.compute_open_nonce(lowest)
        for certificate in self.shelf.certificates.values():
            self.keep(certificate)

    def fill(self) -> None:
        """Fetch what every signer holds and the database does not, as after it was lost or where others carried transfers."""
        place = self.place
        with self.shift.store.reading() as reading:
            gap = reading.find_gap(place.chain_id, place.vault.address, first_nonce=place.vault.first_nonce)
        if self.standings and gap < compute_lowest(place, self.standings):
            found = share_certificates(self.shift.world, self.contacts, place, (), from_nonce=gap)
            for certificate in found.certificates.values():
                self.keep(certificate)

    def load_kept(self, from_nonce: int) -> list[Certificate]:
        with self.shift.store.reading() as reading:
            rows = reading.load_certificates(self.place.chain_id, self.place.vault.address, from_nonce=from_nonce)
        return [to_certificate(row) for row in rows]

    def keep(self, certificate: Certificate) -> None:
        """Write down a certificate that is new here, and in the same transaction what follows from it.

        A transfer's is looked at; one of a transfer that is unknown here is an alarm. A cancel is told, and what it concerns is looked at.
        """
        digest = compute_certificate_digest(certificate)
        with self.shift.store.reading() as reading:
            if reading.load_certificate(digest) is not None:
                return
        with self.shift.store.writing() as writing:
            if not writing.keep_certificate(to_row(certificate, self.shift.now)):
                return
            if isinstance(certificate, TransferCertificate):
                self.note_transfer(writing, compute_transfer_id(certificate.transfer), certificate.nonce, digest)
            else:
                self.note_cancel(writing, certificate)

    def keep_raw(self, _name: str, raw: bytes) -> None:
        """Write down a certificate that was just composed, before it is booked."""
        self.keep(certificate_from_json(parse_json(raw)))

    def note_transfer(self, writing: CarrierWriting, transfer_id: TransferId, nonce: int, digest: Digest) -> None:
        """Have the transfer of a new certificate looked at, or raise the alarm where nobody here knows it."""
        if writing.load_transfer(transfer_id) is not None:
            writing.make_due(transfer_id, at=self.shift.now)
            return
        body = {"kind": "unknown-certificate", "transfer_id": transfer_id, "certificate": digest, **self.where(nonce)}
        if raise_alarm(self.shift, writing, f"unknown:{digest}", body):
            self.events.append("vault.alarm")

    def note_cancel(self, writing: CarrierWriting, certificate: CancelCertificate) -> None:
        """Tell of a new cancel, and have every transfer looked at that it names or that was signed at its nonce."""
        # Signers check these statements, not the worker: what is no transfer's id is none.
        said = (each.fields.get("transfer") for each in certificate.statements)
        named = {TransferId(str(each)) for each in said if is_digest(each)}
        place = writing.load_certificates(certificate.chain_id, certificate.vault, from_nonce=certificate.nonce)
        certified = {each.transfer_id for each in place if each.nonce == certificate.nonce and each.transfer_id}
        tell(self.shift, writing, "vault.cancelled", {"named": sorted(named), **self.where(certificate.nonce)})
        for each in sorted({*named, *certified, *self.list_signed_at(certificate.nonce)}):
            if writing.load_transfer(each) is not None:
                writing.make_due(each, at=self.shift.now)
        self.events.append("vault.cancelled")

    def where(self, nonce: int) -> dict[str, object]:
        """The place and nonce that an event is about."""
        place = self.place
        return {
            "vault": place.vault.id,
            "chain_id": str(place.chain_id),
            "address": place.vault.address,
            "nonce": nonce,
        }

    # Freeing nonces.

    def to_open(self) -> OpenNonce | None:
        """The open nonce, or None where nobody said where it stands."""
        if self.open_nonce is None:
            return None
        owners, threshold = self.place.owners_at(self.open_nonce)
        figures = str(self.open_nonce)
        signed = {
            signer: TransferId(str(each.signed[figures]))
            for signer, each in self.standings.items()
            if each.signed.get(figures)
        }
        return OpenNonce(owners=frozenset(owners.values()), threshold=threshold, signed=signed)

    def free(self) -> None:
        """Cancel the open nonce where nothing that was signed there can become a certificate."""
        if not self.is_stuck():
            return
        with self.shift.leasing(name_signing(self.place.chain_id, self.place.vault.address)) as lease:
            self.is_moving = True
            if lease is None:
                return
            # Somebody may have gone on meanwhile: what counts is where signers stand now that nobody else asks them.
            self.look()
            nonce = self.to_open()
            if nonce is not None and self.open_nonce is not None and self.is_stuck() and self.has_enough(nonce):
                self.cancel(self.open_nonce, nonce.transfers)

    def is_stuck(self) -> bool:
        """Whether the open nonce is stuck: at once where all that was signed is not to leave, otherwise if it stays so for a while."""
        nonce = self.to_open()
        if nonce is None:
            return False
        if not is_stuck(nonce, self.find_unwilling):
            # What is stuck for a while counts from the first look on that found it so, without one between that did not.
            self.forget(f"stuck:{self.name}:{self.open_nonce}")
            return False
        is_dead = all(self.find_unwilling(each) is None for each in nonce.transfers)
        return is_dead or self.is_older(f"stuck:{self.name}:{self.open_nonce}", self.shift.pace.held)

    def has_enough(self, nonce: OpenNonce) -> bool:
        """Whether those who answer can make a cancel; a part of one would only take away what may still be completed."""
        return len(nonce.owners & self.standings.keys()) >= nonce.threshold

    def find_unwilling(self, transfer_id: TransferId) -> Set[SignerId] | None:
        """Who will not sign a transfer at the open nonce, by what signers last said; None for one that is not to leave."""
        with self.shift.store.reading() as reading:
            row, errand = reading.load_transfer(transfer_id), reading.load_errand(transfer_id)
            silent = self.find_gone(reading)
        if row is None:
            # Somebody carries it by other means. It gets time, and no more than that.
            is_old = self.is_older(f"foreign:{self.name}:{self.open_nonce}:{transfer_id}", self.shift.pace.stuck_after)
            return None if is_old else frozenset()
        words = parse_json(errand.words.encode()) if errand is not None else []
        if row.state in STOPPED or (self.shift.now >= row.expires_at and not self.is_clock_wrong(words)):
            return None
        return silent | {SignerId(each["signer"]) for each in words if is_unwilling(each)}

    def is_clock_wrong(self, words: list[Mapping[str, object]]) -> bool:
        """Whether signers say that a transfer still lives, although it is over by our clock."""
        withstands = self.place.policy.numbers.withstands
        return is_contradicted((str(each.get("status")) for each in words), withstands=withstands)

    def find_gone(self, reading: CarrierReading) -> frozenset[SignerId]:
        """Signers whose silence has been noticed for so long that nobody counts on them. Time in which nobody asked them is no silence."""
        since = {alarm.name: alarm.since for alarm in reading.list_alarms()}
        oldest, now = self.shift.now - self.shift.pace.stuck_after, self.shift.now
        silent = (contact for contact in self.contacts if contact.id not in self.standings)
        return frozenset(each.id for each in silent if since.get(to_alarm_name(each), now) <= oldest)

    def is_older(self, name: str, age: int) -> bool:
        """Whether something that is noticed now was noticed first so many seconds ago."""
        with self.shift.store.brief() as brief:
            return brief.notice(name, at=self.shift.now).since <= self.shift.now - age

    def outrun(self) -> None:
        """Cancel nonces whose certificate is of a stopped transfer, or would revert for long, while it is not executed."""
        for certificate in self.list_ahead():
            if isinstance(certificate, TransferCertificate) and not self.has_cancel(certificate.nonce):
                transfer_id = compute_transfer_id(certificate.transfer)
                if self.is_to_be_outrun(transfer_id):
                    self.cancel(certificate.nonce, (transfer_id,))

    def list_ahead(self) -> tuple[Certificate, ...]:
        """The certificates at the Safe's own nonce and above, by nonce, cancels first."""
        standing = self.shift.desk(self.place.chain_id).load_nonce(self.place.vault.address)
        known = {compute_certificate_digest(each): each for each in self.load_kept(standing)}
        known.update({digest: each for digest, each in self.shelf.certificates.items() if each.nonce >= standing})
        return tuple(sorted(known.values(), key=lambda each: (each.nonce, isinstance(each, TransferCertificate))))

    def has_cancel(self, nonce: int) -> bool:
        """Whether the cancel of a nonce is composed already."""
        return any(
            isinstance(each, CancelCertificate)
            for each in (*self.shelf.at(nonce), *self.load_kept(nonce))
            if each.nonce == nonce
        )

    def is_to_be_outrun(self, transfer_id: TransferId) -> bool:
        with self.shift.store.reading() as reading:
            row, errand = reading.load_transfer(transfer_id), reading.load_errand(transfer_id)
            is_over = row is not None and is_stopped(row, reading.load_statements(transfer_id))
        if is_over:
            return True
        name = f"reverts:{self.name}:{transfer_id}"
        if errand is None or errand.trouble_code != "chain.reverted":
            self.forget(name)
            return False
        return self.is_older(name, self.shift.pace.reverting_after)

    def cancel(self, nonce: int, about: tuple[TransferId, ...]) -> None:
        """Collect, keep and book the cancel of a nonce. Its broadcast comes with the next step, or the next watch."""
        proposals = self.load_proposals({*about, *self.list_signed_at(nonce)})
        errand = CancelErrand(place=self.place, nonce=nonce, contacts=self.contacts, proposals=proposals)
        self.is_moving = True
        certificate = collect_cancel(replace(self.shift.world, keep=self.keep_raw), errand).certificate
        if certificate is not None:
            self.shelf.certificates[compute_certificate_digest(certificate)] = certificate

    def load_proposals(self, wanted: Set[TransferId]) -> Mapping[TransferId, SignedStatement]:
        """The proposals of transfers, out of the books; of those that the books do not know, out of what signers list as pending.

        Every signer checks each of them again before it believes the cancel.
        """
        with self.shift.store.reading() as reading:
            found = {each: load_proposal(reading, each) for each in wanted}
        known = {each: signed for each, signed in found.items() if signed is not None}
        for contact in self.contacts:
            if wanted <= known.keys():
                break
            listed = ask_proposals(self.shift.ask, contact)
            known.update({each: signed for each, signed in listed.items() if each in wanted and each not in known})
        return known

    def list_signed_at(self, nonce: int) -> list[TransferId]:
        figures = str(nonce)
        return [TransferId(str(each.signed[figures])) for each in self.standings.values() if each.signed.get(figures)]

    # Executing.

    def execute(self) -> None:
        """Bring what waits at the Safe's own nonce to the chain: a cancel before a transfer, a stopped transfer not at all."""
        ahead = self.list_ahead()
        if not ahead or self.is_held_back(ahead[0]):
            return
        # Trouble raises, and is met again at the pace of the watch; so is a Safe that stands elsewhere.
        self.is_moving = bring(self.shift, ahead[0]).state is not BroughtState.AHEAD or self.is_moving

    def is_held_back(self, certificate: Certificate) -> bool:
        """Whether this worker does not execute a certificate: its transfer was stopped, or people had no time to see that it is unknown."""
        if not isinstance(certificate, TransferCertificate):
            return False
        with self.shift.store.reading() as reading:
            row = reading.load_transfer(compute_transfer_id(certificate.transfer))
            if row is not None:
                return is_stopped(row, reading.load_statements(row.id))
        digest = compute_certificate_digest(certificate)
        return not self.is_older(f"foreign:{digest}", self.shift.pace.stuck_after)

    # Alarms.

    def alarm(self) -> None:
        """Signatures that are one short of a certificate for too long: a single stolen signer would be enough."""
        nonce = self.to_open()
        short = () if nonce is None else list_one_short(nonce)
        prefix = f"one-short:{self.name}:"
        names = {f"{prefix}{self.open_nonce}:{each}": each for each in short}
        with self.shift.store.reading() as reading:
            noticed = [alarm.name for alarm in reading.list_alarms() if alarm.name.startswith(prefix)]
        # A signer that is silent has not taken its signature back.
        is_whole = nonce is not None and nonce.owners <= self.standings.keys()
        here = f"{prefix}{self.open_nonce}:"
        for name in set(noticed) - names.keys():
            if is_whole or (nonce is not None and not name.startswith(here)):
                self.forget(name)
        for name, transfer_id in names.items():
            if self.is_older(name, self.shift.pace.stuck_after) and self.open_nonce is not None:
                body = {"kind": "one-signature-short", "transfer_id": transfer_id, **self.where(self.open_nonce)}
                with self.shift.store.writing() as writing:
                    if raise_alarm(self.shift, writing, name, body):
                        self.events.append("vault.alarm")

    def forget(self, name: str) -> None:
        with self.shift.store.brief() as brief:
            brief.forget_alarm(name)


def is_unwilling(word: Mapping[str, object]) -> bool:
    """Whether a signer's last word, out of the database, says that it will not sign the transfer at this nonce."""
    reasons = word.get("reasons")
    told = [each for each in reasons if isinstance(each, dict)] if isinstance(reasons, list) else []
    if any(each.get("code") == _UNWILLING for each in told):
        return True
    status = str(word.get("status"))
    return any(is_final(status, str(each.get("code")), held=each.get("held") is not False) for each in told)
