"""Sessions end: in time, by logging out, by a reset, and at once when a person or a key is taken out of the policy."""

from dataclasses import replace
from functools import partial

import pytest

from guard.core.ids import PersonId
from guard.service.login_sessions import (
    ENROL_LIFETIME,
    IDLE,
    LIFETIME,
    MOST_SESSIONS,
    TOUCH_EVERY,
    LoggedIn,
    Presented,
    hash_token,
)
from guard.statements.login_message import to_login_terms
from tests.factories import address_of, make_key, make_person
from tests.login.doors import ORIGIN, Door, present, refusal_of, roster_with, roster_without


def test_a_session_knows_person_key_and_chain(door: Door) -> None:
    session = door.look(door.enrol("dave"))
    assert (session.person, session.key, session.chain_id) == ("dave", address_of("dave"), 1)
    assert session.viewer.groups == ("finance", "security")
    assert session.expires_at == door.now - 30 + LIFETIME


@pytest.mark.parametrize(("wait", "is_good"), [(LIFETIME - 1, True), (LIFETIME, False), (LIFETIME + 1, False)])
def test_a_session_ends_after_twelve_hours(door: Door, wait: int, is_good: bool) -> None:
    whole = door.enrol("alice")
    door.wait(wait - 30)
    require_state(door, whole, is_good)


@pytest.mark.parametrize(("wait", "is_good"), [(LIFETIME - 1, True), (LIFETIME, False)])
def test_a_browsers_session_ends_after_twelve_hours_of_use_too(door: Door, wait: int, is_good: bool) -> None:
    whole = door.enrol("alice", is_browser=True)
    begun = door.now - 30
    while door.now + IDLE // 2 < begun + wait:
        door.look(whole)
        door.wait(IDLE // 2)
    door.look(whole)
    door.wait(begun + wait - door.now)
    require_state(door, whole, is_good)


@pytest.mark.parametrize(("wait", "is_good"), [(IDLE - 1, True), (IDLE, False), (IDLE + 1, False)])
def test_a_browsers_session_ends_when_it_stands_idle(door: Door, wait: int, is_good: bool) -> None:
    whole = door.enrol("alice", is_browser=True)
    door.look(whole)
    door.wait(wait)
    require_state(door, whole, is_good)


def test_a_use_that_is_not_noted_makes_a_session_end_sooner_and_never_later(door: Door) -> None:
    whole = door.enrol("alice", is_browser=True)
    door.look(whole)
    door.wait(TOUCH_EVERY - 1)
    door.look(whole)
    door.wait(IDLE - TOUCH_EVERY + 1)
    require_state(door, whole, is_good=False)


def test_a_note_of_an_earlier_use_that_comes_late_ends_nothing_sooner(door: Door) -> None:
    whole = door.enrol("alice", is_browser=True)
    for at in (door.now + 100, door.now + 50):
        with door.store.brief() as access:
            access.touch_session(hash_token(whole.token), at=at)
    with door.store.reading() as books:
        row = books.load_session(hash_token(whole.token))
    assert row is not None
    assert row.seen_at == door.now + 100


def test_a_session_of_a_program_may_stand_idle(door: Door) -> None:
    whole = door.enrol("alice")
    door.wait(IDLE * 2)
    assert door.look(whole).person == "alice"


def require_state(door: Door, logged_in: LoggedIn, is_good: bool) -> None:
    if is_good:
        assert door.look(logged_in).person == logged_in.session.person
    else:
        assert refusal_of(lambda: door.look(logged_in)) == "login.session"


def test_a_session_that_ended_idle_does_not_come_back(door: Door) -> None:
    whole = door.enrol("alice", is_browser=True)
    door.wait(IDLE)
    assert refusal_of(lambda: door.look(whole)) == "login.session"
    door.wait(-IDLE)
    assert refusal_of(lambda: door.look(whole)) == "login.session"


def test_a_session_that_was_logged_out_is_none(door: Door) -> None:
    whole = door.enrol("alice")
    other = door.come_whole("alice")
    door.service.log_out(present(whole))
    assert refusal_of(lambda: door.look(whole)) == "login.session"
    assert refusal_of(lambda: door.service.log_out(present(whole))) == "login.session"
    assert door.look(other).person == "alice"


@pytest.mark.parametrize("token", [None, "", "x", "guessed" * 6, "\ud800", "a" * 100_000])
def test_a_token_that_was_never_given_is_none(door: Door, token: str | None) -> None:
    door.enrol("alice")
    assert refusal_of(lambda: door.service.require_session(Presented(token), now=door.now)) == "login.session"


def test_tokens_are_drawn_anew_with_256_bits(door: Door) -> None:
    tokens = {door.come("alice").token for _ in range(5)}
    assert len(tokens) == 5
    assert all(len(token) == 43 for token in tokens)


def test_a_token_that_was_brought_along_is_never_adopted(door: Door) -> None:
    """Session fixation: the attacker's token, planted before the log-in, is worth nothing after it."""
    planted = Presented("planted-by-the-attacker-before-the-log-in-000", is_cookie=True)
    door.enrol("alice")
    whole = door.come_whole("alice", is_browser=True, previous=planted)
    assert whole.token != planted.token
    assert refusal_of(lambda: door.service.require_session(planted, now=door.now)) == "login.session"


def test_the_session_from_before_a_log_in_ends_with_it(door: Door) -> None:
    first = door.enrol("alice")
    second = door.come_whole("alice", previous=present(first))
    assert second.token != first.token
    assert refusal_of(lambda: door.look(first)) == "login.session"
    assert door.look(second).person == "alice"


def test_a_refused_log_in_ends_no_session(door: Door) -> None:
    first = door.enrol("alice")
    wrong = door.wrong_code("alice")
    assert refusal_of(lambda: door.come("alice", None, wrong, previous=present(first))) == "login.refused"
    assert door.look(first).person == "alice"


def test_a_person_who_is_taken_out_is_out_at_the_next_request(door: Door) -> None:
    whole, other = door.enrol("carol"), door.enrol("bob")
    assert door.look(whole).person == "carol"
    door.adopt(roster_without("carol"))
    assert refusal_of(lambda: door.look(whole)) == "login.session"
    assert door.look(other).person == "bob"


def test_a_person_who_is_taken_in_again_logs_in_again(door: Door) -> None:
    whole = door.enrol("carol")
    door.adopt(roster_without("carol"))
    refusal_of(lambda: door.look(whole))
    door.adopt(roster_with(make_person("carol")))
    assert refusal_of(lambda: door.look(whole)) == "login.session"
    assert door.look(door.come_whole("carol")).person == "carol"


def test_a_key_that_is_taken_out_is_out_at_the_next_request(door: Door) -> None:
    whole = door.enrol("carol")
    door.adopt(roster_with(make_person("carol", keys=(make_key("carol-anew"),))))
    assert refusal_of(lambda: door.look(whole)) == "login.session"


def test_a_key_that_is_somebody_elses_now_opens_nothing(door: Door) -> None:
    whole = door.enrol("carol")
    keys = {"keys": (make_key("carol"),)}
    without = roster_without("carol")
    others = tuple(make_person("dave", **keys) if each.id == "dave" else each for each in without.people)
    door.adopt(replace(without, people=others))
    assert refusal_of(lambda: door.look(whole)) == "login.session"


def test_a_person_who_became_a_machine_is_out(door: Door) -> None:
    whole = door.enrol("alice")
    door.adopt(roster_with(make_person("alice", groups=(), machine=True)))
    assert refusal_of(lambda: door.look(whole)) == "login.session"
    assert refusal_of(lambda: door.come_whole("alice")) == "login.refused"


def test_groups_are_those_of_the_active_policy(door: Door) -> None:
    whole = door.enrol("dave")
    door.adopt(roster_with(make_person("dave", "finance")))
    assert door.look(whole).viewer.groups == ("finance",)


def test_a_machine_gets_nothing_even_where_its_check_is_left_out(door: Door) -> None:
    inside = door.without("machine").come("payroll")
    enrolling = partial(door.service.require_session, present(inside), now=door.now, is_enrolling=True)
    assert refusal_of(enrolling) == "login.session"


def test_a_session_of_a_chain_that_is_not_allowed_any_more_is_none(door: Door) -> None:
    whole = door.enrol("alice")
    moved = replace(door.service, terms=to_login_terms(ORIGIN, (100,)))
    assert refusal_of(lambda: moved.require_session(present(whole), now=door.now)) == "login.session"


@pytest.mark.parametrize("is_browser", [True, False])
def test_a_cookies_token_is_none_in_a_header_nor_the_other_way_round(door: Door, is_browser: bool) -> None:
    whole = door.enrol("alice", is_browser=is_browser)
    moved = Presented(whole.token, is_cookie=not is_browser)
    assert refusal_of(lambda: door.service.require_session(moved, now=door.now)) == "login.session"
    assert refusal_of(lambda: door.service.log_out(moved)) == "login.session"
    assert door.look(whole).person == "alice"


def test_a_reset_ends_every_session_of_the_person_alone(door: Door) -> None:
    ended = [door.enrol("alice"), door.come_whole("alice")]
    other = door.enrol("bob")
    door.reset("alice")
    assert [refusal_of(partial(door.look, each)) for each in ended] == ["login.session"] * 2
    assert door.look(other).person == "bob"


def test_a_person_has_so_many_sessions_and_the_oldest_ends(door: Door) -> None:
    first = door.enrol("alice")
    rest = []
    for _ in range(MOST_SESSIONS):
        rest.append(door.come_whole("alice"))
        door.wait(30)
    assert refusal_of(lambda: door.look(first)) == "login.session"
    assert all(door.look(each).person == "alice" for each in rest)


def test_sessions_whose_time_is_over_are_forgotten(door: Door) -> None:
    whole = door.enrol("alice")
    door.wait(LIFETIME)
    door.come_whole("alice")
    with door.store.reading() as books:
        assert books.load_session(hash_token(whole.token)) is None


@pytest.mark.parametrize(("wait", "is_good"), [(ENROL_LIFETIME - 1, True), (ENROL_LIFETIME, False)])
def test_a_session_without_a_second_factor_shows_nothing_and_is_short(door: Door, wait: int, is_good: bool) -> None:
    first = door.come("alice")
    assert not first.session.is_full
    assert refusal_of(lambda: door.look(first)) == "login.enrol-only"
    door.wait(wait)
    ask = partial(door.service.require_session, present(first), now=door.now, is_enrolling=True)
    if is_good:
        assert ask().person == PersonId("alice")
    else:
        assert refusal_of(ask) == "login.session"


def test_nothing_that_is_written_out_tells_a_secret(door: Door) -> None:
    whole = door.enrol("alice")
    made = door.service.begin_enrolment(present(whole), door.code("alice"), now=door.now)
    shown = repr(whole) + repr(present(whole)) + repr(door.code("alice")) + repr(made)
    assert made.secret not in shown
    assert whole.token not in shown
    assert str(door.code("alice").totp) not in shown
