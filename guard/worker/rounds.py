"""The worker: goes round over due errands, chores and messages, any number of workers over one database.

A round never sleeps; whoever runs it decides when the next one is. Leases in the database keep two workers from the same work, for order:
what keeps the money safe are the signers' rules, and every step can be repeated.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from guard.errors import AdapterError, GuardError
from guard.ports.carriage import CarrierBooks, Due, ErrandRow
from guard.service.editions import Editions
from guard.worker.errands import carry_errand
from guard.worker.findings import Trouble
from guard.worker.loading import load_case
from guard.worker.outbox import Delivered, Draw, deliver_due
from guard.worker.pace import Pace
from guard.worker.settling import settle
from guard.worker.sharing import Place
from guard.worker.shift import Edges, LeaseLost, Shift, name_watch
from guard.worker.signer_looks import CHORE, SignerLooks
from guard.worker.watching import Watched, watch_vault
from guard.worker.webhook import Webhook

ERRANDS_AT_ONCE = 20
"""Errands of one round, so that chores and messages get their turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """One piece of work that was done: an errand or a chore by name, the events that it made, and what it could not do."""

    name: str
    events: tuple[str, ...] = ()
    troubles: tuple[Trouble, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round did. An idle one did nothing, and the next may wait a moment."""

    done: tuple[Done, ...] = ()
    messages: tuple[Delivered, ...] = ()

    @property
    def is_idle(self) -> bool:
        """Whether there was nothing to do."""
        return not self.done and not self.messages

    @property
    def events(self) -> tuple[str, ...]:
        """Every event that was logged, in order."""
        return tuple(event for each in self.done for event in each.events)


@dataclass(kw_only=True)
class Worker:
    """One worker. `holder` names it in leases and must be another one for each worker and each start of it.

    One thread at a time runs it; several workers may share a store. Without a webhook messages stay in the outbox.
    """

    store: CarrierBooks
    edges: Edges
    holder: str
    pace: Pace = field(default_factory=Pace)
    webhook: Webhook | None = None
    draw: Draw = random.random
    _editions: Editions = field(default_factory=Editions)

    def run_round(self) -> Round:
        """Do what is due now, and return. Raises `AdapterError` when the database fails or holds no policy; nothing is lost then."""
        chores = self.run_chores()
        errands = self.carry_due()
        # An errand calls for the watch of its vault where something is to be cancelled.
        return Round(done=(*chores, *errands, *self.run_chores()), messages=self.deliver())

    def load_due(self) -> Due:
        """What there is to do now."""
        with self.store.reading() as reading:
            return reading.load_due(self.edges.now())

    def carry_due(self, *, limit: int = ERRANDS_AT_ONCE) -> tuple[Done, ...]:
        """Carry each errand that is due as far as it goes."""
        done: list[Done] = []
        for _ in range(limit if self.load_due().has_errand else 0):
            shift = self.make_shift()
            with self.store.brief() as brief:
                claimed = brief.claim_errands(self.holder, now=shift.now, until=shift.now + self.pace.lease, limit=1)
            if not claimed:
                break
            done.append(self.carry(shift, claimed[0]))
        return tuple(done)

    def carry(self, shift: Shift, claimed: ErrandRow) -> Done:
        """One round of one errand. The errand of a worker that dies here is due again when its lease ends."""
        transfer_id = claimed.transfer_id
        try:
            with shift.holding(lambda until: self.extend(claimed, until)):
                case = load_case(shift, transfer_id)
                finding = carry_errand(shift, case)
                events = settle(shift, case, claimed, finding)
        except LeaseLost:
            return Done(name=transfer_id)
        except (AdapterError, GuardError) as trouble:
            return self.put_off(shift, claimed, Trouble(trouble.code, trouble.message))
        return Done(name=transfer_id, events=events, troubles=() if finding.trouble is None else (finding.trouble,))

    def put_off(self, shift: Shift, claimed: ErrandRow, trouble: Trouble) -> Done:
        """Give back an errand that could not be begun, or whose outcome could not be written."""
        attempts = claimed.attempts + 1
        again = replace(
            claimed,
            due_at=shift.now + self.pace.compute_back_off(attempts),
            attempts=attempts,
            trouble_code=trouble.code,
            trouble=trouble.message,
        )
        with self.store.brief() as brief:
            brief.settle_errand(claimed, again)
        return Done(name=claimed.transfer_id, troubles=(trouble,))

    def extend(self, claimed: ErrandRow, until: int) -> bool:
        """Hold an errand longer."""
        with self.store.brief() as brief:
            return brief.extend_errand(claimed, until=until)

    def run_chores(self) -> tuple[Done, ...]:
        """Look at the signers and after every vault, each if it is due and nobody else is at it."""
        asleep = self.load_due().sleeping
        done = [] if CHORE in asleep else [self.look_at_signers()]
        for place in self.make_shift().list_places():
            if name_watch(place.chain_id, place.vault.address) not in asleep:
                done.append(self.watch(place))
        return tuple(each for each in done if each is not None)

    def look_at_signers(self) -> Done | None:
        """What every signer says of itself."""
        shift = self.make_shift()
        looks = SignerLooks(shift=shift)
        try:
            with shift.leasing(CHORE, again_in=lambda: self.pace.watch) as lease:
                if lease is None:
                    return None
                looks.take()
        except LeaseLost:
            return None
        except (AdapterError, GuardError) as trouble:
            return Done(name=CHORE, events=tuple(looks.events), troubles=(Trouble(trouble.code, trouble.message),))
        return Done(name=CHORE, events=tuple(looks.events))

    def watch(self, place: Place) -> Done | None:
        """The watch over one vault. While something is on its way there it is due again at once."""
        shift, name = self.make_shift(), name_watch(place.chain_id, place.vault.address)
        watched = Watched()
        try:
            pause = lambda: self.pace.mining if watched.is_moving else self.pace.watch  # noqa: E731
            with shift.leasing(name, again_in=pause) as lease:
                if lease is None:
                    return None
                watched = watch_vault(shift, place)
        except LeaseLost:
            return None
        return Done(name=name, events=watched.events, troubles=watched.troubles)

    def deliver(self) -> tuple[Delivered, ...]:
        """Deliver messages that are due."""
        if self.webhook is None:
            return ()
        return deliver_due(self.store, self.webhook, self.holder, now=self.edges.now, draw=self.draw)

    def make_shift(self) -> Shift:
        """A view of the world as it is now. Raises `service.no-bundle`."""
        with self.store.reading() as reading:
            known = self._editions.load(reading)
        return Shift(store=self.store, edges=self.edges, pace=self.pace, holder=self.holder, known=known)
