"""Enrolling a second factor in two steps, and putting another in its place."""

from dataclasses import replace
from functools import partial

import pytest

from guard.core.ids import PersonId
from guard.service.login_factors import CONFIRM_WITHIN, MOST_FAILURES, NO_CODE, Code, Enrolment
from guard.service.login_sessions import ENROL_LIFETIME, LoggedIn, open_session
from tests.login.doors import Door, present, refusal_of, roster_without, run_at_once


def begin(door: Door, session: LoggedIn, code: Code = NO_CODE) -> Enrolment:
    return door.service.begin_enrolment(present(session), code, now=door.now)


def confirm(door: Door, session: LoggedIn, code: Code) -> LoggedIn:
    return door.service.confirm_enrolment(present(session), code, now=door.now)


def test_a_factor_counts_from_its_first_good_code_on(door: Door) -> None:
    first = door.come("alice")
    door.secrets["alice"] = begin(door, first).secret
    assert not door.come("alice").session.is_full
    assert refusal_of(lambda: confirm(door, first, door.wrong_code("alice"))) == "login.code"
    assert not door.come("alice").session.is_full
    whole = confirm(door, first, door.code("alice"))
    assert whole.session.is_full
    assert door.look(whole).person == "alice"
    assert refusal_of(lambda: door.come("alice")) == "login.code-needed"
    assert door.events() == [("login.enrolled", "alice")]


def test_enrolling_gives_a_new_token_and_ends_every_session_from_before(door: Door) -> None:
    first, other = door.come("alice"), door.come("alice")
    door.secrets["alice"] = begin(door, first).secret
    whole = confirm(door, first, door.code("alice"))
    assert whole.token not in (first.token, other.token)
    for ended in (first, other):
        assert refusal_of(partial(door.look, ended)) == "login.session"
        assert refusal_of(partial(begin, door, ended)) == "login.session"


def test_the_uri_is_what_authenticators_read(door: Door) -> None:
    made = begin(door, door.come("alice"))
    assert made.uri == f"otpauth://totp/Treasury%20Guard:alice?secret={made.secret}&issuer=Treasury%20Guard"
    assert len(made.secret) == 32


def test_beginning_anew_makes_the_secret_from_before_worthless(door: Door) -> None:
    first = door.come("alice")
    door.secrets["alice"] = begin(door, first).secret
    begin(door, first)
    assert refusal_of(lambda: confirm(door, first, door.code("alice"))) == "login.code"


def test_ten_wrong_first_codes_spoil_the_enrolment_and_nothing_else(door: Door) -> None:
    whole = door.enrol("alice")
    old = door.secrets["alice"]
    door.secrets["alice"] = begin(door, whole, door.code("alice")).secret
    for _ in range(MOST_FAILURES):
        assert refusal_of(lambda: confirm(door, whole, door.wrong_code("alice"))) == "login.code"
    assert refusal_of(lambda: confirm(door, whole, door.code("alice"))) == "login.code"
    assert ("login.locked", "alice") not in door.events()
    door.wait(30)
    door.secrets["alice"] = old
    door.secrets["alice"] = begin(door, whole, door.code("alice")).secret
    assert confirm(door, whole, door.code("alice")).session.is_full


@pytest.mark.parametrize(("wait", "is_good"), [(CONFIRM_WITHIN - 1, True), (CONFIRM_WITHIN, False)])
def test_an_enrolment_waits_for_fifteen_minutes(door: Door, wait: int, is_good: bool) -> None:
    whole = door.enrol("alice")
    door.secrets["alice"] = begin(door, whole, door.code("alice")).secret
    door.wait(wait)
    if is_good:
        assert confirm(door, whole, door.code("alice")).session.is_full
    else:
        assert refusal_of(lambda: confirm(door, whole, door.code("alice"))) == "login.no-enrolment"


def test_nothing_is_confirmed_that_was_not_begun(door: Door) -> None:
    assert refusal_of(lambda: confirm(door, door.come("alice"), Code(totp="000000"))) == "login.no-enrolment"


def test_a_recovery_code_confirms_nothing(door: Door) -> None:
    first = door.come("alice")
    made = begin(door, first)
    assert refusal_of(lambda: confirm(door, first, Code(recovery=made.recovery_codes[0]))) == "login.code"


def test_a_recovery_code_lets_in_only_once_its_factor_counts(door: Door) -> None:
    first = door.come("alice")
    made = begin(door, first)
    # Without an active factor a code means nothing, and the log-in may only enrol.
    assert not door.come("alice", code=Code(recovery=made.recovery_codes[0])).session.is_full


def test_a_stolen_session_alone_replaces_no_factor(door: Door) -> None:
    stolen = door.enrol("alice")
    assert refusal_of(lambda: begin(door, stolen)) == "login.code-needed"
    assert refusal_of(lambda: begin(door, stolen, door.wrong_code("alice"))) == "login.code"
    assert door.factor("alice").failures == 1


def test_guessing_at_replacement_locks_as_guessing_at_the_door_does(door: Door) -> None:
    stolen = door.enrol("alice")
    for _ in range(MOST_FAILURES):
        assert refusal_of(lambda: begin(door, stolen, door.wrong_code("alice"))) == "login.code"
    assert refusal_of(lambda: begin(door, stolen, door.code("alice"))) == "login.code"
    assert ("login.locked", "alice") in door.events()


def test_a_replaced_factor_and_its_recovery_codes_are_worth_nothing(door: Door) -> None:
    first = door.come("alice")
    old = begin(door, first)
    door.secrets["alice"] = old.secret
    whole = confirm(door, first, door.code("alice"))
    door.wait(30)
    new = begin(door, whole, door.code("alice"))
    # Until it is confirmed the old one counts.
    door.wait(30)
    assert door.come_whole("alice").session.is_full
    door.secrets["alice"] = new.secret
    confirm(door, whole, door.code("alice"))
    door.wait(30)
    assert door.come_whole("alice").session.is_full
    door.wait(30)
    door.secrets["alice"] = old.secret
    assert refusal_of(lambda: door.come_whole("alice")) == "login.refused"
    assert refusal_of(lambda: door.come("alice", code=Code(recovery=old.recovery_codes[0]))) == "login.refused"
    assert door.come("alice", code=Code(recovery=new.recovery_codes[0])).session.is_full


def test_a_lost_authenticator_is_replaced_with_two_recovery_codes(door: Door) -> None:
    first = door.come("alice")
    old = begin(door, first)
    door.secrets["alice"] = old.secret
    confirm(door, first, door.code("alice"))
    inside = door.come("alice", code=Code(recovery=old.recovery_codes[0]))
    door.secrets["alice"] = begin(door, inside, Code(recovery=old.recovery_codes[1])).secret
    assert confirm(door, inside, door.code("alice")).session.is_full


def test_somebody_who_began_to_enrol_first_does_not_get_in_after_another_finished(door: Door) -> None:
    """Two hold alice's key; the second enrols while the first has begun. The log tells that it happened."""
    attacker, alice = door.come("alice"), door.come("alice")
    begin(door, attacker)
    door.secrets["alice"] = begin(door, alice).secret
    confirm(door, alice, door.code("alice"))
    assert refusal_of(lambda: confirm(door, attacker, door.code("alice"))) == "login.session"
    assert door.events() == [("login.enrolled", "alice")]


def test_a_session_from_before_the_factor_enrols_nothing_even_if_it_were_still_there(door: Door) -> None:
    """No such session is left over; were there one, having no second factor of its own must not be enough to replace one."""
    whole = door.enrol("alice")
    begin(door, whole, door.code("alice"))
    with door.store.brief() as access:
        left = open_session(access, replace(whole.session, is_full=False), now=door.now)
    assert refusal_of(lambda: begin(door, left, door.code("alice"))) == "login.session"
    assert refusal_of(lambda: confirm(door, left, door.code("alice"))) == "login.session"


@pytest.mark.parametrize("is_taken_out", [True, False])
def test_a_session_that_has_ended_enrols_nothing(door: Door, is_taken_out: bool) -> None:
    first = door.come("carol")
    if is_taken_out:
        door.adopt(roster_without("carol"))
    else:
        door.wait(ENROL_LIFETIME)
    assert refusal_of(lambda: begin(door, first)) == "login.session"
    assert refusal_of(lambda: confirm(door, first, Code(totp="000000"))) == "login.session"


def test_of_two_who_confirm_together_one_does(door: Door) -> None:
    first, second = door.come("alice"), door.come("alice")
    door.secrets["alice"] = begin(door, first).secret
    code = door.code("alice")
    came = run_at_once([partial(confirm, door, first, code), partial(confirm, door, second, code)])
    assert sum(isinstance(each, LoggedIn) for each in came) == 1
    assert door.events() == [("login.enrolled", "alice")]


def test_a_persons_factors_are_at_most_one_of_each_kind(door: Door) -> None:
    whole = door.enrol("alice")
    for _ in range(2):
        begin(door, whole, door.code("alice"))
        door.wait(30)
    with door.store.reading() as books:
        assert len(books.list_factors()) == 2
        assert books.load_factor(PersonId("alice"), is_active=True) != books.load_factor(
            PersonId("alice"), is_active=False
        )


def test_two_kinds_of_code_at_once_are_refused() -> None:
    assert refusal_of(lambda: Code(totp="000000", recovery="x")) == "value.invalid"
