"""The same search without any reduction: slow, obvious, and the oracle of `explore`.

The chain is a part of the state, a certificate is brought on its own and to any signer in any order, one step is one thing
that happens, and nothing is left out because it cannot matter. Signers are told apart only by what they are and hold.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from guard.core.ids import TransferId
from guard.signer.release_chain import ChainRules
from tests.search.explore import name_violation
from tests.search.world import (
    Allowed,
    Certificate,
    Given,
    Honest,
    Setting,
    book_certificate,
    compute_allowed,
    compute_certificates,
    make_honest,
    sign_cancel,
    sign_transfer,
)

Executed = tuple[TransferId | None, ...]


class PlainState(NamedTuple):
    """What the chain has executed, and every honest signer."""

    executed: Executed
    signers: tuple[Honest, ...]


@dataclass(frozen=True, slots=True)
class PlainSearch:
    """A search that has ended: the histories that the chain can have, the number of states, the steps to a violation."""

    histories: frozenset[Executed]
    states: int
    steps_to_violation: int | None


class _Plain:
    def __init__(self, setting: Setting, variants: tuple[ChainRules, ...]):
        self._setting = setting
        self._variants = variants
        self._allowed: dict[Honest, Allowed] = {}
        self._certificates: dict[tuple[int, tuple[tuple[int, frozenset[Given]], ...]], tuple[Certificate, ...]] = {}

    def _certificates_at(self, nonce: int, signers: tuple[Honest, ...]) -> tuple[Certificate, ...]:
        holders = tuple((signer.seats, signer.given[nonce]) for signer in signers)
        if (nonce, holders) not in self._certificates:
            made = compute_certificates(self._setting, self._variants[0], nonce, holders)
            self._certificates[nonce, holders] = made
        return self._certificates[nonce, holders]

    def iter_next(self, state: PlainState) -> Iterator[PlainState]:
        certificates = [self._certificates_at(nonce, state.signers) for nonce in range(self._setting.nonces)]
        nonce = len(state.executed)
        if nonce < self._setting.nonces:
            for certificate in certificates[nonce]:
                yield PlainState((*state.executed, certificate.transfer_id), state.signers)
        for position, signer in enumerate(state.signers):
            for became in self._iter_signer(signer, certificates):
                if became != signer:
                    signers = (*state.signers[:position], became, *state.signers[position + 1 :])
                    yield PlainState(state.executed, tuple(sorted(signers, key=hash)))

    def _iter_signer(self, signer: Honest, certificates: list[tuple[Certificate, ...]]) -> Iterator[Honest]:
        if signer not in self._allowed:
            self._allowed[signer] = compute_allowed(self._setting, self._variants, signer)
        allowed = self._allowed[signer]
        for nonce, transfer_id in allowed.transfers:
            yield sign_transfer(signer, nonce, transfer_id)
        for nonce in allowed.cancels:
            yield sign_cancel(signer, nonce)
        for nonce, made in enumerate(certificates):
            for certificate in made:
                yield signer._replace(book=book_certificate(signer.book, nonce, certificate))


def explore_plainly(setting: Setting, *variants: ChainRules) -> PlainSearch:
    """Visit every state in the order of its distance, up to the first violation."""
    plain = _Plain(setting, variants)
    level = {PlainState((), tuple(make_honest(setting, seats) for seats in setting.honest))}
    seen = set(level)
    steps = 0
    while level:
        if any(name_violation(setting, state.executed) for state in level):
            return PlainSearch(frozenset(state.executed for state in seen), len(seen), steps)
        level = {after for state in level for after in plain.iter_next(state)} - seen
        seen |= level
        steps += 1
    return PlainSearch(frozenset(state.executed for state in seen), len(seen), None)
