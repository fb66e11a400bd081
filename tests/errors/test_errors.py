"""The kinds of errors: each carries a code of the catalogue, a line for people and a form for machines."""

import json

import pytest

from guard.errors import CATALOGUE, AdapterError, GuardError, Refusal


@pytest.mark.parametrize("kind", [GuardError, AdapterError])
def test_an_error_carries_code_message_and_what_to_do_next(kind: type[GuardError]) -> None:
    error = kind("amount.unit", "unit 'USD' is not a known asset", details={"known": "ETH, USDC"})
    assert str(error) == "unit 'USD' is not a known asset [amount.unit]"
    assert error.to_json() == {
        "code": "amount.unit",
        "message": "unit 'USD' is not a known asset",
        "next": CATALOGUE["amount.unit"].remedy,
        "details": {"known": "ETH, USDC"},
    }


def test_a_hint_takes_the_place_of_the_remedy_and_no_details_are_left_out() -> None:
    said = GuardError("amount.unit", "no unit", hint="write USDC").to_json()
    assert said == {"code": "amount.unit", "message": "no unit", "next": "write USDC"}


@pytest.mark.parametrize("make", [GuardError, AdapterError, Refusal])
def test_a_code_that_the_catalogue_does_not_have_is_our_bug(make: type[GuardError] | type[Refusal]) -> None:
    with pytest.raises(LookupError, match=r"no\.such-code"):
        make("no.such-code", "a message")


def test_trouble_in_the_world_is_never_taken_for_a_refused_request() -> None:
    assert not issubclass(AdapterError, GuardError)
    assert not issubclass(GuardError, AdapterError)


def test_a_refusal_is_a_value_for_machines_and_for_the_journal() -> None:
    refusal = Refusal("decision.delay", "the delay is not over", held=True, check="delay")
    said = {"check": "delay", "code": "decision.delay", "held": True, "message": "the delay is not over"}
    assert refusal.to_json() == said == json.loads(json.dumps(refusal.to_json()))
    assert Refusal("decision.delay", "the delay is not over").held is False
