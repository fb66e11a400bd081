"""Strangers who ask the log-in never wait for, nor hold, the lock that every statement needs: a stop may be next."""

from __future__ import annotations

import pytest

from guard.service.login import MOST_CHALLENGES_OF_A_SOURCE
from guard.service.login_factors import NO_CODE, Code
from guard.service.login_sessions import NOTHING, Presented
from tests.login.doors import Door, refusal_of

UNKNOWN = Presented("x" * 43)


@pytest.mark.parametrize("presented", [NOTHING, UNKNOWN, Presented("x" * 43, is_cookie=True)])
def test_who_is_not_logged_in_is_refused_while_somebody_else_holds_the_lock(door: Door, presented: Presented) -> None:
    code, now = Code(totp="123456"), door.now
    # With the lock held here, whoever needs it is refused as trouble of the database, after seconds.
    with door.store.writing():
        assert refusal_of(lambda: door.service.begin_enrolment(presented, NO_CODE, now=now)) == "login.session"
        assert refusal_of(lambda: door.service.confirm_enrolment(presented, code, now=now)) == "login.session"
        assert refusal_of(lambda: door.service.log_out(presented)) == "login.session"
        assert refusal_of(lambda: door.service.require_session(presented, now=now)) == "login.session"


def test_who_asked_for_enough_messages_is_refused_while_somebody_else_holds_the_lock(door: Door) -> None:
    for _ in range(MOST_CHALLENGES_OF_A_SOURCE):
        door.ask("alice")
    with door.store.writing():
        assert refusal_of(lambda: door.ask("alice")) == "login.challenges"


def test_a_stranger_who_signs_a_log_in_is_refused_while_somebody_else_holds_the_lock(door: Door) -> None:
    message = door.ask("mallory").message
    with door.store.writing():
        assert refusal_of(lambda: door.come("mallory", message)) == "login.refused"
