"""Brings a certificate to the chain without waiting for it: sends, looks again in later rounds, offers more, replaces.

One transaction of an executor's account waits at a time, so that its nonces have no gaps. It is written down before it is sent. Whether a
certificate had its effect is read from the Safe's own event alone; what is found here about transactions only says what to send next.
Two workers with one key are kept apart by a lease; where that fails they take each other's nonces, which loses time.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from guard.errors import AdapterError
from guard.formats.canonical import parse_json
from guard.ports.carriage import SentRow, SentState
from guard.statements.certificates import (
    CancelCertificate,
    Certificate,
    certificate_from_json,
    compute_certificate_digest,
)
from guard.worker.shift import Shift
from guard.worker.world import Landed, LandedState, Offer, Pushed, SendingDesk

MOST_RAISES = 8
"""How often one call offers more for a nonce that an unknown transaction holds."""


class BroughtState(Enum):
    """LANDED: the chain shows the execution. WAITING: its transaction is with a node. AHEAD, PASSED: the Safe stands elsewhere.

    BUSY: the account is used for something else now.
    """

    LANDED = "landed"
    WAITING = "waiting"
    AHEAD = "ahead"
    PASSED = "passed"
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Brought:
    """What came of one attempt, with what the chain shows."""

    state: BroughtState
    landed: Landed


def bring(shift: Shift, certificate: Certificate) -> Brought:
    """See whether a certificate is executed, and see to it that its transaction is with a node if it is not.

    Raises `AdapterError` when node or database fail, `chain.reverted` where the execution would revert now, `chain.fee-cap`. It can be
    repeated after any of them.
    """
    desk = shift.desk(certificate.chain_id)
    landed = desk.load_landed(certificate)
    if landed.state is not LandedState.UNKNOWN:
        _note_landed(shift, desk, certificate)
        return Brought(BroughtState.LANDED, landed)
    standing = desk.load_nonce(certificate.vault)
    if standing != certificate.nonce:
        return Brought(BroughtState.AHEAD if standing < certificate.nonce else BroughtState.PASSED, landed)
    with shift.leasing(f"executor:{certificate.chain_id}:{desk.executor}") as lease:
        if lease is None:
            return Brought(BroughtState.BUSY, landed)
        return Brought(_Account(shift, desk, certificate.chain_id).carry(certificate), landed)


def _note_landed(shift: Shift, desk: SendingDesk, certificate: Certificate) -> None:
    """None of what was sent for an executed certificate is offered more."""
    digest = compute_certificate_digest(certificate)
    with shift.store.reading() as reading:
        waiting = [row for row in reading.load_sent(digest) if row.state == "waiting"]
    for row in waiting:
        _write_fate(shift, row, desk.load_fate(row.hash))


def _write_fate(shift: Shift, row: SentRow, is_success: bool | None) -> None:
    state: SentState = "replaced" if is_success is None else "mined" if is_success else "reverted"
    with shift.store.brief() as brief:
        brief.move_sent(row.chain_id, [row.hash], state)


@dataclass(frozen=True, slots=True)
class _Account:
    """The executor's account on one chain, under its lease."""

    shift: Shift
    desk: SendingDesk
    chain_id: int

    def carry(self, certificate: Certificate) -> BroughtState:
        """Send the certificate, unless its transaction or a more urgent one waits."""
        count = self.desk.count_mined()
        current = self._settle(count)
        if current is None:
            self._require_not_in_vain(certificate)
            return self._send(certificate, count, None)
        if current.certificate == compute_certificate_digest(certificate):
            return self._tend(certificate, current)
        other = self._load(current)
        if other is None or self._gives_way(other, certificate):
            return self._send(certificate, count, current)
        self._tend(other, current)
        return BroughtState.BUSY

    def _require_not_in_vain(self, certificate: Certificate) -> None:
        """Refuse to pay again at once for what was mined and reverted, whatever the node foresees; each time the pause is doubled.

        Raises `chain.reverted`, after which the certificate is cancelled once that has lasted.
        """
        with self.shift.store.reading() as reading:
            sent = reading.load_sent(compute_certificate_digest(certificate))
        in_vain = [row.sent_at for row in sent if row.state == "reverted"]
        pause = self.shift.pace.bump_after << min(len(in_vain), 16) >> 1
        if in_vain and self.shift.now - max(in_vain) < pause:
            raise AdapterError("chain.reverted", f"its transaction was mined and reverted, {len(in_vain)} times by now")

    def _settle(self, count: int) -> SentRow | None:
        """Write down what became of what was sent; what waits at the account's next nonce, if anything does."""
        executor = self.desk.executor
        with self.shift.store.reading() as reading:
            waiting = reading.load_waiting_sent(self.chain_id, executor)
        current: SentRow | None = None
        for row in waiting:
            if row.nonce == count:
                current = row
            else:
                # Mined, or in vain; one above the next nonce stands over a gap and is sent anew.
                _write_fate(self.shift, row, self.desk.load_fate(row.hash) if row.nonce < count else None)
        return current

    def _load(self, row: SentRow) -> Certificate | None:
        with self.shift.store.reading() as reading:
            kept = reading.load_certificate(row.certificate)
        return None if kept is None else certificate_from_json(parse_json(kept.body.encode()))

    def _gives_way(self, waiting: Certificate, wanted: Certificate) -> bool:
        """Whether what waits is to be replaced: it can no longer be executed, or a cancel of its own nonce comes."""
        is_same_nonce = (waiting.vault, waiting.nonce) == (wanted.vault, wanted.nonce)
        if is_same_nonce:
            return isinstance(wanted, CancelCertificate)
        return self.desk.load_nonce(waiting.vault) != waiting.nonce

    def _tend(self, certificate: Certificate, current: SentRow) -> BroughtState:
        """Offer more for a transaction that is not mined in time; hand it to the node again where the caps do not reach."""
        if self.shift.now - current.sent_at < self.shift.pace.bump_after:
            return BroughtState.WAITING
        try:
            return self._send(certificate, current.nonce, current)
        except AdapterError as error:
            if error.code != "chain.fee-cap":
                raise
            if self._push_again(current) is Pushed.LATE:
                return BroughtState.BUSY
            raise

    def _push_again(self, row: SentRow) -> Pushed | None:
        """Hand the node what it may have forgotten; None where it does not want it at these fees."""
        try:
            return self.desk.push(row.hash, row.raw)
        except AdapterError as error:
            if error.code != "chain.refused":
                raise
            return None

    def _send(self, certificate: Certificate, nonce: int, replaced: SentRow | None) -> BroughtState:
        above = None if replaced is None else (replaced.max_fee, replaced.priority_fee)
        for _ in range(MOST_RAISES):
            offer = self.desk.prepare(certificate, nonce, above=above)
            row = self._write_down(certificate, offer, replaced)
            pushed = self._push(row)
            if pushed is Pushed.TAKEN:
                return BroughtState.WAITING
            if pushed is Pushed.LATE:
                # Somebody else used the nonce meanwhile; the next look finds out what for.
                _write_fate(self.shift, row, None)
                return BroughtState.BUSY
            above, replaced = (offer.max_fee, offer.priority_fee), row
        raise AdapterError("chain.fee-cap", "the node keeps another transaction of the executor that offers more")

    def _write_down(self, certificate: Certificate, offer: Offer, replaced: SentRow | None) -> SentRow:
        row = SentRow(
            chain_id=self.chain_id,
            hash=offer.hash,
            executor=self.desk.executor,
            nonce=offer.nonce,
            certificate=compute_certificate_digest(certificate),
            raw=offer.raw,
            max_fee=offer.max_fee,
            priority_fee=offer.priority_fee,
            sent_at=self.shift.now,
        )
        self.shift.keep_certificate(certificate)
        with self.shift.store.brief() as brief:
            if replaced is not None and replaced.hash != row.hash:
                brief.move_sent(self.chain_id, [replaced.hash], "replaced")
            brief.add_sent(row)
        return row

    def _push(self, row: SentRow) -> Pushed:
        try:
            return self.desk.push(row.hash, row.raw)
        except AdapterError as error:
            if error.code == "chain.refused":
                # The node has it not: the next attempt begins without paying more. No answer at all may mean that it has.
                _write_fate(self.shift, row, None)
            raise
