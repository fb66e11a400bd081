"""Which policy the books begin with, and that no setting moves them to another."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from guard.bundles.bundle import compute_bundle_digest, to_bytes
from guard.errors import AdapterError
from guard.service.adopting import adopt_bundle
from guard.service.editions import Editions
from guard.store.store import Store
from tests.factories import digest_of
from tests.service.house import House, asked, changes_between, code_of, found_people, open_service
from tests.service.threads import run_all
from tests.team import PINNED_AT


def test_the_first_start_stores_the_bundle_and_begins_the_log(house: House) -> None:
    (entry,) = house.entries()
    assert (entry["event"], entry["actor"], entry["at"]) == ("bundle.adopted", "server", PINNED_AT)
    assert entry["body"]["digest"] == house.people.digest
    with house.store.reading() as reading:
        assert reading.load_treasury() == house.people.policy.treasury
        assert [row.raw for row in reading.load_bundles()] == [to_bytes(house.people.bundle)]


def test_every_later_start_finds_it_and_changes_nothing(house: House) -> None:
    before = house.counts()
    row = adopt_bundle(house.store, to_bytes(house.people.bundle), house.people.digest, PINNED_AT + 1000)
    assert row.activated_at == PINNED_AT
    assert house.counts() == before


def test_another_bundle_is_refused_and_changes_nothing(house: House) -> None:
    other = replace(house.people.bundle, expires_at=house.people.bundle.expires_at + 1)
    before = house.counts()
    digest = compute_bundle_digest(other)
    assert code_of(lambda: adopt_bundle(house.store, to_bytes(other), digest, PINNED_AT)) == "service.bundle-differs"
    assert house.counts() == before


def test_a_bundle_is_adopted_only_under_its_own_digest(house: House) -> None:
    raw = to_bytes(house.people.bundle)
    assert code_of(lambda: adopt_bundle(house.store, raw, digest_of("another"), PINNED_AT)) == "bundle.digest"


def test_of_several_first_starts_at_once_one_adopts(store: Store, tmp_path: Path) -> None:
    team = found_people(tmp_path)
    raw = to_bytes(team.bundle)

    def start(number: int) -> int:
        return adopt_bundle(store, raw, team.digest, PINNED_AT + number).activated_at

    begun = run_all([partial(start, number) for number in range(8)])
    assert len(set(begun)) == 1
    with store.reading() as reading:
        assert reading.load_head().size == 1


def test_without_a_bundle_nothing_is_taken(store: Store, tmp_path: Path) -> None:
    team = found_people(tmp_path)
    service = open_service(store, team.clock)
    with pytest.raises(AdapterError, match=r"service\.no-bundle"):
        service.propose(team.propose(team.transfer()), asked())


def test_a_bundle_that_was_changed_in_the_books_is_not_used(house: House) -> None:
    other = replace(house.people.bundle, expires_at=house.people.bundle.expires_at + 1)
    with house.store.reading() as reading:
        row = reading.load_bundles()[0]

    class Changed:
        def load_bundles(self) -> tuple[object, ...]:
            return (replace(row, raw=to_bytes(other)),)

    with pytest.raises(AdapterError, match=r"service\.books-broken"):
        Editions().load(Changed())  # type: ignore[arg-type]


def test_editions_are_read_once_and_again_when_the_books_hold_others(house: House) -> None:
    editions = Editions()
    with house.store.reading() as reading:
        first = editions.load(reading)
        assert editions.load(reading) is first
    assert changes_between(house.counts(), house.counts()) == {}
