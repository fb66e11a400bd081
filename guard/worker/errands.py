"""One round of one errand: as far as the transfer goes now, by the steps of `carrying`, without waiting for anything.

Each step is safe to repeat. What has been found out when trouble comes is kept: the finding tells both.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from guard.core.ids import TransferId
from guard.core.lifecycle import State
from guard.errors import AdapterError, GuardError
from guard.formats.canonical import parse_json
from guard.statements.certificates import TransferCertificate
from guard.worker.bringing import BroughtState, bring
from guard.worker.carrying import (
    PASSES_BY_ITSELF,
    Ground,
    OwnerSignature,
    SignerWord,
    collect_again,
    collect_signatures,
    compose,
    find_taken,
    is_in,
    register,
    require_booked,
)
from guard.worker.findings import SENT, End, Finding, Trouble, compute_end, is_contradicted
from guard.worker.freeing import OpenNonce, can_reach
from guard.worker.loading import Case, is_stopped, load_bundles
from guard.worker.proving import compose_release_evidence, has_every_word, select_statements
from guard.worker.sharing import book_everywhere, compute_lowest, load_standings, share_certificates
from guard.worker.shift import Shift, name_signing, name_watch, to_certificate
from guard.worker.world import Landed, LandedState


def carry_errand(shift: Shift, case: Case) -> Finding:
    """Carry a transfer as far as it goes now."""
    carrying = _Carrying(shift=shift, case=case)
    try:
        carrying.go()
    except (AdapterError, GuardError) as trouble:
        carrying.found = replace(carrying.found, trouble=Trouble(trouble.code, trouble.message), next_at=None)
    return carrying.found


def find_delay(word: SignerWord, now: int) -> int | None:
    """When a signer that waits for nothing but the delay would release the transfer."""
    is_delayed = word.status == "held" and {reason.code for reason in word.reasons} == {"decision.delay"}
    return word.earliest_at if is_delayed and word.earliest_at is not None and word.earliest_at > now else None


def passes(word: SignerWord) -> bool:
    """Whether what holds a signer may pass without anybody's doing."""
    codes = [reason.code for reason in word.reasons]
    return bool(codes) and all(code in PASSES_BY_ITSELF or code.startswith("chain.") for code in codes)


@dataclass(kw_only=True)
class _Carrying:
    """The steps, with what they have found out so far."""

    shift: Shift
    case: Case
    found: Finding = field(default_factory=Finding)
    signatures: tuple[OwnerSignature, ...] = ()

    @property
    def words(self) -> tuple[SignerWord, ...]:
        return self.found.words or ()

    @property
    def threshold(self) -> int:
        return self.case.errand.place.vault.owners[-1].threshold

    def note(self, **found: object) -> None:
        self.found = replace(self.found, **found)  # type: ignore[arg-type]

    def again_in(self, seconds: int) -> None:
        self.note(next_at=self.shift.now + seconds)

    def go(self) -> None:
        if self.case.certificate is not None:
            self.note(certificate=self.case.certificate, is_signed=True)
        if self.case.row.state not in SENT:
            self.note(words=register(self.shift.world, self.case.errand))
        if self.case.certificate is not None and (self.case.row.state in SENT or self.case.is_stopped):
            self.follow(self.case.certificate)
        elif self.case.certificate is not None or self.is_worth_a_visit():
            self.visit()
        else:
            self.wait()

    def is_worth_a_visit(self) -> bool:
        """Whether more than the signers' word is needed: somebody may have signed or would sign now, or it ends."""
        is_ready = any(word.status in ("releasable", "signed") for word in self.words)
        return self.case.row.state is not State.OPEN or is_ready or self.find_end() is not None

    def find_end(self) -> End | None:
        """The end that the signers speak of, or that time has brought."""
        owners = len(self.case.errand.place.vault.owners[-1].signers)
        told = compute_end(self.words, threshold=self.threshold, owners=owners)
        if told is None and self.shift.now >= self.case.row.expires_at and not self.is_clock_wrong():
            return End(State.EXPIRED, "its own lifetime is over")
        return told

    def is_clock_wrong(self) -> bool:
        """Whether signers say that it still lives, although it is over by our clock."""
        withstands = self.case.errand.place.policy.numbers.withstands
        return is_contradicted((word.status for word in self.words), withstands=withstands)

    def is_stopped(self) -> bool:
        """Whether it is stopped by now. A stop may have come since the round began, and a signature cannot be called back."""
        with self.shift.store.reading() as reading:
            row = reading.load_transfer(self.case.transfer_id) or self.case.row
            return self.case.is_stopped or is_stopped(row, reading.load_statements(row.id))

    # At the signers, one transfer of a vault at a time.

    def visit(self) -> None:
        row = self.case.row
        with self.shift.leasing(name_signing(row.chain_id, row.vault)) as lease:
            if lease is None:
                self.again_in(self.shift.pace.busy)
                return
            ground = self.share()
            certificate = self.found.certificate or ground.shelf.of(self.case.transfer_id)
            if certificate is None:
                certificate = self.collect(ground)
            if certificate is None:
                return
            self.note(certificate=certificate, is_signed=True, end=None)
            self.shift.keep_certificate(certificate)
            booked_by = book_everywhere(self.shift.world, self.case.errand.contacts, certificate)
            require_booked(self.case.errand, booked_by)
        self.follow(certificate)

    def share(self) -> Ground:
        """Bring everybody the certificates, those of the database among them, and see where signers stand."""
        world, errand = self.shift.world, self.case.errand
        standings = load_standings(world, errand.contacts, errand.place)
        lowest = compute_lowest(errand.place, standings, self.case.transfer_id)
        with self.shift.store.reading() as reading:
            rows = reading.load_certificates(self.case.row.chain_id, self.case.row.vault, from_nonce=lowest)
        kept = [to_certificate(row) for row in rows]
        shelf = share_certificates(world, errand.contacts, errand.place, kept, from_nonce=lowest)
        return Ground(shelf=shelf, open_nonce=shelf.compute_open_nonce(lowest), standings=standings)

    def collect(self, ground: Ground) -> TransferCertificate | None:
        """The certificate, once enough signers sign; otherwise what is known and when to look again."""
        is_signed = self.case.transfer_id in ground.signed_here.values()
        # A signer that does not answer may have signed it.
        self.note(is_signed=is_signed or (False if self.count_silent(ground) == 0 else None))
        end = self.find_end()
        if self.case.row.state in SENT:
            raise AdapterError(
                "worker.certificate-lost", "nobody hands out the certificate of a transfer that was broadcast"
            )
        if end is not None or self.case.is_stopped:
            self.wind_up(ground, end, is_signed=is_signed)
            return None
        if self.is_taken(ground):
            return None
        if self.is_stopped():
            self.again_in(self.shift.pace.busy)
            return None
        words, self.signatures = collect_signatures(self.shift.world, self.case.errand, self.words, ground)
        self.note(words=words, is_signed=bool(self.signatures) or self.found.is_signed)
        certificate = compose(self.case.errand, self.signatures)
        if certificate is None:
            self.stay(ground)
        return certificate

    def stay(self, ground: Ground) -> None:
        """Too few signed: either so many never will that it ends, or it is looked at again."""
        end = self.find_end()
        if end is not None:
            self.wind_up(ground, end, is_signed=self.found.is_signed is True)
            return
        if self.found.is_signed:
            self.call_watch()
        self.wait()

    def is_taken(self, ground: Ground) -> bool:
        """Another transfer has signatures at the open nonce: nobody is asked for this one until that one is through or cancelled."""
        others = {each for each in ground.signed_here.values() if each != self.case.transfer_id}
        if not others or self.goes_first(ground):
            return False
        errand = self.case.errand
        self.note(words=tuple(find_taken(errand, word, ground) or word for word in self.words))
        self.call_watch()
        self.again_in(self.shift.pace.held)
        return True

    def goes_first(self, ground: Ground) -> bool:
        """Whether of all that is signed at the open nonce this one goes on: of what can be completed, what has the most signatures.

        If each waited for the others all would wait for ever, since a nonce is cancelled only once none of them can be completed.
        """
        owners, threshold = self.case.errand.place.owners_at(ground.open_nonce)
        nonce = OpenNonce(owners=frozenset(owners.values()), threshold=threshold, signed=ground.signed_here)
        able = [each for each in nonce.transfers if can_reach(nonce, each, frozenset()) and self.is_alive(each)]
        first = min(able, key=lambda each: (-len(nonce.signers_of(each)), each), default=None)
        return first == self.case.transfer_id

    def is_alive(self, transfer_id: TransferId) -> bool:
        """Whether a transfer is one of ours that is still to leave."""
        with self.shift.store.reading() as reading:
            row = reading.load_transfer(transfer_id)
            if row is None or self.shift.now >= row.expires_at:
                return False
            return not is_stopped(row, reading.load_statements(transfer_id))

    def wind_up(self, ground: Ground, end: End | None, *, is_signed: bool) -> None:
        """End it, once nothing of it can leave any more: a signature at an open nonce is cancelled first."""
        silent = self.count_silent(ground)
        if is_signed:
            self.call_watch()
            self.again_in(self.shift.pace.held)
        elif silent >= self.threshold:
            self.again_in(self.shift.pace.waiting)
        else:
            self.note(end=end, next_at=None)
            if silent and self.shift.now < self.case.row.expires_at:
                # What was said reaches the signers that were down as well.
                self.again_in(self.shift.pace.waiting)

    def count_silent(self, ground: Ground) -> int:
        """How many of the vault's signers did not say where they stand."""
        return len(
            {signer for signer in self.case.errand.place.vault.owners[-1].signers if signer not in ground.standings}
        )

    def call_watch(self) -> None:
        """Have the vault looked after at once: only its watch cancels a nonce."""
        with self.shift.store.brief() as brief:
            brief.make_chore_due(name_watch(self.case.row.chain_id, self.case.row.vault), at=self.shift.now)

    def wait(self) -> None:
        """When to ask again: when time alone may have cured what holds it at enough signers, and not after its own end."""
        now, pace = self.shift.now, self.shift.pace
        ready = sum(word.status in ("releasable", "signed") for word in self.words)
        delayed = sorted(at for word in self.words if (at := find_delay(word, now)) is not None)
        soon = sum(passes(word) for word in self.words)
        next_at = now + pace.waiting
        if 0 < self.threshold - ready <= len(delayed):
            next_at = min(next_at, delayed[self.threshold - ready - 1])
        elif self.found.is_signed or ready + soon >= self.threshold:
            next_at = now + pace.held
        # Past its end by our clock alone, it is looked at again soon.
        ends_at = self.case.row.expires_at if self.case.row.expires_at > now else now + pace.held
        self.note(next_at=min(next_at, ends_at))

    # On the chain.

    def follow(self, certificate: TransferCertificate) -> None:
        """What the chain shows of the certificate, and the next step there."""
        if self.is_stopped():
            landed = self.shift.desk(certificate.chain_id).load_landed(certificate)
            self.note(landed=landed)
            if landed.state is LandedState.UNKNOWN:
                # It is not broadcast here, and its cancel may still be first. That cancel is the watch's work.
                self.call_watch()
                self.again_in(self.shift.pace.held)
                self.look_for_another(certificate)
                return
        else:
            brought = bring(self.shift, certificate)
            landed = brought.landed
            self.note(landed=landed, is_submitted=brought.state is BroughtState.WAITING)
            self.go_on(brought.state, certificate)
        if landed.state is LandedState.SUCCEEDED:
            self.prove(certificate, landed)
        elif landed.state is LandedState.FAILED:
            self.note(next_at=None if landed.is_final else self.shift.now + self.shift.pace.final)

    def go_on(self, state: BroughtState, certificate: TransferCertificate) -> None:
        pace = self.shift.pace
        self.again_in(pace.busy if state is BroughtState.BUSY else pace.mining)
        if state is BroughtState.PASSED:
            # Nothing is to be done here any more, and each look goes through all blocks since the proposal.
            self.again_in(pace.final)
            self.look_for_another(certificate)
        if state is BroughtState.AHEAD:
            self.call_watch()

    def look_for_another(self, certificate: TransferCertificate) -> None:
        """End it where something else was executed at its nonce, finally: it can never be executed then, nor signed again."""
        row = self.case.row
        with self.shift.store.reading() as reading:
            rows = reading.load_certificates(row.chain_id, row.vault, from_nonce=certificate.nonce)
        for each in rows:
            if each.nonce == certificate.nonce and each.transfer_id != self.case.transfer_id:
                landed = self.shift.desk(row.chain_id).load_landed(to_certificate(each))
                if landed.is_final and landed.state is not LandedState.UNKNOWN:
                    what = "its cancel" if each.kind == "cancel" else "another transfer"
                    self.note(
                        end=End(State.VOID, f"{what} was executed at its nonce {certificate.nonce}"), next_at=None
                    )

    def prove(self, certificate: TransferCertificate, landed: Landed) -> None:
        """Store the evidence, once every signer of the certificate testifies; anew, where the block is another one by now."""
        pace = self.shift.pace
        if not self.has_evidence_of(landed):
            self.note(evidence=self.find_evidence(certificate, landed))
        is_proved = self.has_evidence_of(landed) or self.found.evidence is not None
        if landed.is_final and is_proved:
            self.note(next_at=None)
        else:
            self.again_in(pace.final if not landed.is_final else pace.waiting)

    def has_evidence_of(self, landed: Landed) -> bool:
        before = None if self.case.landed_before is None else parse_json(self.case.landed_before.encode())
        return self.case.has_evidence and isinstance(before, dict) and before.get("block_hash") == landed.block_hash

    def find_evidence(self, certificate: TransferCertificate, landed: Landed) -> bytes | None:
        case, shift = self.case, self.shift
        signatures = tuple(each for each in self.signatures if is_in(certificate, each))
        if not has_every_word(certificate, signatures):
            signatures = self.ask_again(certificate)
        if not has_every_word(certificate, signatures):
            return None
        with shift.store.reading() as reading:
            bundles = load_bundles(reading, case.row.policy)
        context = shift.known.context(shift.now)
        return compose_release_evidence(
            bundles,
            select_statements(context, case.transfer_id, case.errand.statements),
            signatures,
            certificate,
            landed,
            gas_payer=shift.edges.desk(certificate.chain_id).executor,
        )

    def ask_again(self, certificate: TransferCertificate) -> tuple[OwnerSignature, ...]:
        """The signers' statements about what they signed; they give the same bytes again for a nonce that they have passed."""
        unasked = tuple(SignerWord(signer=each.id, status="silent") for each in self.case.errand.contacts)
        return collect_again(self.shift.world, self.case.errand, unasked, certificate)[1]
