"""The same asked twice: one effect, and the same answer or one that says where it stands."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from guard.core.lifecycle import State
from guard.core.transfer import Transfer
from guard.errors import GuardError
from guard.service.acknowledgement import Asked
from guard.statements.signed import SignedStatement
from tests.factories import DAY, make_key, make_person, make_roster
from tests.service.house import House, asked, code_of, refusal_of
from tests.team import transfer_id_of


def approval_of(house: House, transfer: Transfer) -> SignedStatement:
    return house.people.approve(transfer, "bob")


def test_the_same_request_under_the_same_key_gets_the_same_answer_and_has_one_effect(house: House) -> None:
    signed, how = house.people.propose(house.people.transfer()), asked()
    first, before = house.service.propose(signed, how), house.counts()
    second = house.service.propose(signed, how)
    assert second == first
    assert second.to_json() == first.to_json()
    assert (first.is_replay, second.is_replay) == (False, True)
    assert house.counts() == before


def test_every_field_of_an_answer_is_the_same_in_its_replay(house: House) -> None:
    transfer = house.proposed()
    house.carry(transfer, State.BROADCAST)
    signed, how = house.people.veto(transfer), asked()
    first = house.service.veto(transfer_id_of(transfer), signed, how)
    assert len(first.not_stopped) == 1
    assert house.open().veto(transfer_id_of(transfer), signed, how) == first


def test_a_key_that_stood_on_another_request_is_refused_and_changes_nothing(house: House) -> None:
    how = asked()
    house.service.propose(house.people.propose(house.people.transfer()), how)
    before = house.counts()
    other = house.people.propose(house.people.transfer())
    refused = refusal_of(lambda: house.service.propose(other, replace(how, fingerprint="another request")))
    assert refused.code == "request.key-reused"
    assert house.counts() == before


def test_two_people_may_draw_the_same_key(house: House) -> None:
    transfer = house.proposed()
    about, how = transfer_id_of(transfer), asked(key="same")
    house.service.approve(about, house.people.approve(transfer, "bob"), how)
    given = house.service.approve(about, house.people.approve(transfer, "carol"), replace(how, fingerprint="other"))
    assert given.person == "carol"


def test_a_statement_that_is_there_already_is_known_and_its_place_is_told(house: House) -> None:
    transfer = house.proposed()
    signed = approval_of(house, transfer)
    first = house.service.approve(transfer_id_of(transfer), signed, asked())
    before = house.counts()
    refused = refusal_of(lambda: house.service.approve(transfer_id_of(transfer), signed, asked()))
    assert refused.code == "statement.known"
    assert refused.details["index"] == str(first.index)
    assert house.counts() == before


def test_a_statement_is_known_by_what_it_says_and_not_by_the_bytes_of_its_signature(
    house_of: Callable[..., House],
) -> None:
    keys = sorted((make_key("bob"), make_key("bob-second")), key=lambda key: key.address)
    bob = make_person("bob", keys=tuple(keys))
    house = house_of(roster=make_roster(bob))
    transfer = house.proposed()
    signed = approval_of(house, transfer)
    house.service.approve(transfer_id_of(transfer), signed, asked())
    other_key = house.people.sign("bob-second", signed.statement)
    short_v = replace(signed, signature=replace(signed.signature, value=_with_v_of_zero(signed.signature.value)))
    for again in (other_key, short_v):
        assert again != signed
        assert code_of(lambda s=again: house.service.approve(transfer_id_of(transfer), s, asked())) == "statement.known"  # type: ignore[misc]


def _with_v_of_zero(value: bytes) -> bytes:
    return value[:64] + bytes([value[64] - 27])


@pytest.mark.parametrize("how", ["same key", "another key"])
def test_what_was_accepted_stays_accepted_after_it_has_expired(house: House, how: str) -> None:
    transfer = house.proposed()
    signed, first_asked = approval_of(house, transfer), asked()
    first = house.service.approve(transfer_id_of(transfer), signed, first_asked)
    house.clock.advance(DAY)
    before = house.counts()
    if how == "same key":
        assert house.service.approve(transfer_id_of(transfer), signed, first_asked) == first
    else:
        again = code_of(lambda: house.service.approve(transfer_id_of(transfer), signed, asked()))
        assert again == "statement.known"
    assert house.counts() == before


def test_a_repeated_answer_is_given_even_where_the_version_has_grown_or_the_transfer_has_ended(house: House) -> None:
    transfer = house.proposed()
    signed, how = approval_of(house, transfer), asked(version=1)
    first = house.service.approve(transfer_id_of(transfer), signed, how)
    house.reject(transfer, "carol")
    assert house.service.approve(transfer_id_of(transfer), signed, how) == first
    house.veto(transfer)
    assert house.service.approve(transfer_id_of(transfer), signed, how) == first


def test_another_approval_by_the_same_person_is_another_statement_and_fills_one_seat(house: House) -> None:
    transfer = house.proposed()
    house.approve(transfer, "bob")
    house.clock.advance(60)
    given = house.approve(transfer, "bob")
    assert given.prediction is not None
    assert given.prediction["seated"] == [{"person": "bob", "group": "finance"}]
    assert house.events().count("transfer.approved") == 2


@pytest.mark.parametrize("key", ["", "k" * 129, "two words", "line\nbreak", "ümlaut"])
def test_an_idempotency_key_is_1_to_128_visible_ascii_characters(key: str) -> None:
    with pytest.raises(GuardError, match=r"value\.invalid"):
        Asked(source="", idempotency_key=key, version=None, fingerprint="f")
    Asked(source="", idempotency_key="k" * 128, version=None, fingerprint="f")
