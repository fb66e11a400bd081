"""Nonces: issued here, used once, and no flood of them keeps anybody out."""

from dataclasses import replace

import pytest

from guard.formats.siwe import build_message
from guard.ports.access import Challenge
from guard.service import login
from guard.service.login import MOST_CHALLENGES_OF_A_SOURCE, LoginRequest
from guard.service.login_sessions import LoggedIn
from guard.statements.login_message import MESSAGE_LIFETIME
from guard.store.access_tables import LoginChallengeTable
from guard.store.tables import table_of
from tests.factories import address_of
from tests.login.doors import BEGIN_AT, SOURCE, Door, refusal_of, run_at_once, sign


def test_a_nonce_is_drawn_anew_each_time_and_has_160_bits(door: Door) -> None:
    nonces = {door.ask("alice").message.nonce for _ in range(5)}
    assert len(nonces) == 5
    assert all(len(nonce) == 40 and int(nonce, 16) >= 0 for nonce in nonces)


def test_a_nonce_is_good_once(door: Door) -> None:
    message = door.ask("alice").message
    door.come("alice", message)
    assert refusal_of(lambda: door.come("alice", message)) == "login.refused"
    # Without the check that looks it up, the transaction that uses it up still holds alone.
    assert refusal_of(lambda: door.without("nonce-known").come("alice", message)) == "login.refused"
    assert door.service.count_refusals() == {"nonce-known": 1, "nonce-used": 1}


def test_of_two_who_bring_one_nonce_together_one_gets_in(door: Door) -> None:
    text = door.ask("alice").text
    asked = LoginRequest(message=text, signature=sign("alice", text))
    came = run_at_once([lambda: door.service.log_in(asked, now=door.now)] * 4)
    assert sum(isinstance(each, LoggedIn) for each in came) == 1
    assert came.count("login.refused") == 3


def test_of_two_who_use_up_one_nonce_without_the_logs_lock_one_is_told_so(door: Door) -> None:
    nonce = door.ask("alice").message.nonce

    def take() -> bool:
        with door.store.brief() as access:
            return access.take_challenge(nonce)

    assert sorted(map(bool, run_at_once([take] * 4))) == [False, False, False, True]


def test_a_nonce_is_used_up_by_a_wrong_code_and_kept_where_only_the_code_is_missing(door: Door) -> None:
    door.enrol("alice")
    message = door.ask("alice").message
    assert refusal_of(lambda: door.come("alice", message)) == "login.code-needed"
    assert door.come("alice", message, door.code("alice")).session.is_full
    door.wait(30)
    message = door.ask("alice").message
    assert refusal_of(lambda: door.come("alice", message, door.wrong_code("alice"))) == "login.refused"
    assert refusal_of(lambda: door.come("alice", message, door.code("alice"))) == "login.refused"


def test_a_code_is_asked_for_only_where_the_signature_is_good(door: Door) -> None:
    door.enrol("alice")
    text = door.ask("alice").text
    asked = LoginRequest(message=text, signature=sign("bob", text))
    assert refusal_of(lambda: door.service.log_in(asked, now=door.now)) == "login.refused"
    again = replace(door.ask("alice").message, nonce="f0" * 20)
    assert refusal_of(lambda: door.come("alice", again)) == "login.refused"


def test_a_flood_of_one_source_keeps_out_nobody_but_that_source(door: Door) -> None:
    first = door.ask("alice").message
    for _ in range(MOST_CHALLENGES_OF_A_SOURCE - 1):
        door.ask("alice")
    assert refusal_of(lambda: door.ask("alice")) == "login.challenges"
    assert refusal_of(lambda: door.ask("bob")) == "login.challenges"
    assert door.ask("alice", source="192.0.2.8").message.address == address_of("alice")
    # What was given out before stays good: no flood pushes it out.
    assert door.come("alice", first).session.person == "alice"
    door.ask("alice")


@pytest.mark.parametrize(("wait", "is_free"), [(MESSAGE_LIFETIME - 1, False), (MESSAGE_LIFETIME, True)])
def test_messages_that_are_too_old_are_forgotten(door: Door, wait: int, is_free: bool) -> None:
    for _ in range(MOST_CHALLENGES_OF_A_SOURCE):
        door.ask("alice")
    door.wait(wait)
    if is_free:
        door.ask("alice")
        with door.store.reading() as books:
            assert books.count_challenges(SOURCE, now=door.now) == (1, 1)
    else:
        assert refusal_of(lambda: door.ask("alice")) == "login.challenges"


def test_floods_of_many_sources_do_not_fill_the_disk(door: Door) -> None:
    """The bound of all is reached with rows that are put there, since asking so often would take minutes."""
    rows = [
        {
            "nonce": f"{number:040}",
            "address": address_of("mallory"),
            "source": f"source {number}",
            "issued_at": BEGIN_AT,
            "expires_at": BEGIN_AT + MESSAGE_LIFETIME,
        }
        for number in range(login.MOST_CHALLENGES - 1)
    ]
    with door.store.database.begin(write=True) as connection:
        connection.execute(table_of(LoginChallengeTable).insert(), rows)
    last = door.ask("alice").message
    assert refusal_of(lambda: door.ask("alice", source="another")) == "login.challenges"
    assert door.come("alice", last).session.person == "alice"


def test_what_is_kept_of_a_message_is_enough_to_judge_it(door: Door) -> None:
    given = door.ask("alice")
    with door.store.reading() as books:
        kept = books.load_challenge(given.message.nonce)
    assert kept == Challenge(
        nonce=given.message.nonce,
        address=address_of("alice"),
        source=SOURCE,
        issued_at=BEGIN_AT,
        expires_at=BEGIN_AT + MESSAGE_LIFETIME,
    )
    assert given.text == build_message(given.message)
