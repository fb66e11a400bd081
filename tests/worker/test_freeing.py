"""When a nonce is stuck: against an oracle that tries every way in which signers could still sign."""

from __future__ import annotations

from itertools import combinations, product

from guard.core.ids import SignerId, TransferId
from guard.worker.freeing import OpenNonce, can_reach, is_stuck, list_one_short
from tests.factories import digest_of

OWNERS = tuple(SignerId(name) for name in ("a", "b", "c", "d"))
ONE, OTHER = (TransferId(digest_of(name)) for name in ("one", "other"))
CHOICES = (None, ONE, OTHER)


def all_nonces(threshold: int) -> list[OpenNonce]:
    return [
        OpenNonce(
            owners=frozenset(OWNERS),
            threshold=threshold,
            signed={owner: each for owner, each in zip(OWNERS, signed, strict=True) if each is not None},
        )
        for signed in product(CHOICES, repeat=len(OWNERS))
    ]


def could_complete(nonce: OpenNonce, transfer_id: TransferId, unwilling: frozenset[SignerId]) -> bool:
    """Whether some set of owners, each having signed this one or nothing and not unwilling, is large enough."""
    return any(
        all(
            nonce.signed.get(owner) == transfer_id or (owner not in nonce.signed and owner not in unwilling)
            for owner in chosen
        )
        for chosen in combinations(OWNERS, nonce.threshold)
    )


def test_a_transfer_can_reach_its_threshold_exactly_if_some_owners_could_complete_it() -> None:
    for nonce in [*all_nonces(2), *all_nonces(3), *all_nonces(4)]:
        for size in range(3):
            for unwilling in map(frozenset, combinations(OWNERS, size)):
                assert can_reach(nonce, ONE, unwilling) == could_complete(nonce, ONE, unwilling)


def test_a_nonce_is_stuck_exactly_if_something_is_signed_and_nothing_of_it_can_be_completed() -> None:
    for nonce in all_nonces(3):
        none = frozenset[SignerId]()
        expected = bool(nonce.signed) and not any(could_complete(nonce, each, none) for each in nonce.transfers)
        assert is_stuck(nonce, lambda _each: frozenset()) == expected
        assert is_stuck(nonce, lambda _each: None) == bool(nonce.signed)


def test_a_signature_of_somebody_who_is_no_owner_here_counts_for_nothing() -> None:
    nonce = OpenNonce(owners=frozenset(OWNERS[:3]), threshold=2, signed={OWNERS[3]: ONE})
    assert (nonce.transfers, is_stuck(nonce, lambda _each: frozenset())) == ((), False)


def test_one_short_is_exactly_one_short() -> None:
    counts = {
        count: OpenNonce(owners=frozenset(OWNERS), threshold=3, signed=dict.fromkeys(OWNERS[:count], ONE))
        for count in range(5)
    }
    assert {count: list_one_short(nonce) for count, nonce in counts.items()} == {0: (), 1: (), 2: (ONE,), 3: (), 4: ()}
