"""The same search with no reduction but the exchange of names: slow, obvious, and the oracle of `explore`.

The chain is a part of the state and executes one certificate at a time; a certificate is brought on its own, for any nonce,
to any signer, in any order and number; one step is one thing that happens.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations

from guard.core.ids import TransferId
from guard.signer.release_chain import ChainRules
from tests.search.explore import Available, Census, Executed, State, name_violation
from tests.search.world import Setting, book_certificate, sign_cancel, sign_transfer

PlainState = tuple[Executed, State]
"""What the chain has executed, and every honest signer by its number in a `Census`."""


@dataclass(frozen=True, slots=True)
class PlainSearch:
    """A search that has ended: the histories that the chain can have, the number of states, the steps to a violation."""

    histories: frozenset[Executed]
    states: int
    steps_to_violation: int | None


class _Plain:
    def __init__(self, setting: Setting, variants: tuple[ChainRules, ...]):
        self._setting = setting
        self._census = Census(setting, variants)
        orders = permutations(setting.transfer_ids)
        self._renamings: list[dict[TransferId | None, TransferId | None]] = [
            dict(zip((None, *setting.transfer_ids), (None, *order), strict=True)) for order in orders
        ]
        self._next: dict[tuple[int, Available], frozenset[int]] = {}

    def start(self) -> PlainState:
        return self._canonical((), self._census.start())

    def _canonical(self, executed: Executed, signers: State) -> PlainState:
        images = [self._census.images(number) for number in signers]
        return min(
            (
                (tuple(names[each] for each in executed), tuple(sorted(column)))
                for names, column in zip(self._renamings, zip(*images, strict=True), strict=True)
            ),
            key=lambda state: ([each or "" for each in state[0]], state[1]),
        )

    def iter_next(self, state: PlainState) -> Iterator[PlainState]:
        executed, signers = state
        available = self._census.available(signers)
        if len(executed) < self._setting.nonces:
            for certificate in self._census.certificates(available)[len(executed)]:
                yield self._canonical((*executed, certificate.transfer_id), signers)
        for position, number in enumerate(signers):
            for became in self._find_next(number, available):
                yield self._canonical(executed, (*signers[:position], became, *signers[position + 1 :]))

    def _find_next(self, number: int, available: Available) -> frozenset[int]:
        key = (number, available)
        if key not in self._next:
            self._next[key] = frozenset(self._iter_signer(number, available)) - {number}
        return self._next[key]

    def _iter_signer(self, number: int, available: Available) -> Iterator[int]:
        census, signer, allowed = self._census, self._census.signers[number], self._census.allowed(number)
        for nonce, transfer_id in allowed.transfers:
            yield census.number(sign_transfer(signer, nonce, transfer_id))
        for nonce in allowed.cancels:
            yield census.number(sign_cancel(signer, nonce))
        for nonce, made in enumerate(census.certificates(available)):
            for certificate in made:
                book = book_certificate(signer.book, nonce, certificate)
                yield census.number(signer._replace(book=book))


def explore_plainly(setting: Setting, *variants: ChainRules) -> PlainSearch:
    """Visit every state in the order of its distance, up to the first violation."""
    plain = _Plain(setting, variants)
    level = {plain.start()}
    seen = set(level)
    steps = 0
    while level:
        if any(name_violation(setting, executed) for executed, _ in level):
            return PlainSearch(frozenset(executed for executed, _ in seen), len(seen), steps)
        level = {after for state in level for after in plain.iter_next(state)} - seen
        seen |= level
        steps += 1
    return PlainSearch(frozenset(executed for executed, _ in seen), len(seen), None)
