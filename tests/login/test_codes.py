"""The second factor: each code once, ten wrong ones lock, and nobody without the person's key can wrong them."""

from functools import partial

import pyotp
import pytest

from guard.core.ids import PersonId
from guard.service import login_codes
from guard.service.login import LoginRequest
from guard.service.login_factors import MOST_FAILURES, Code
from guard.service.login_sessions import LoggedIn
from tests.login.doors import Door, present, refusal_of, roster_without, run_at_once, sign

RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
RFC_6238 = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}
"""RFC 6238, appendix B, SHA-1. A code of 6 figures is the end of that of 8 (RFC 4226, section 5.3)."""


@pytest.mark.parametrize("now", RFC_6238)
def test_codes_are_those_of_rfc_6238(now: int) -> None:
    assert login_codes.find_step(RFC_SECRET, RFC_6238[now][-6:], now) == now // 30


@pytest.mark.parametrize(("away", "is_good"), [(-1, False), (0, True), (29, True), (30, False)])
def test_a_code_is_good_within_its_own_thirty_seconds_alone(away: int, is_good: bool) -> None:
    begin = 1111111110
    code = pyotp.TOTP(RFC_SECRET).at(begin)
    assert (login_codes.find_step(RFC_SECRET, code, begin + away) is not None) == is_good


@pytest.mark.parametrize(
    "spelling",
    ["", "87082", "0287082", "287 082", " 287082", "287082\n", "\uff12\uff18\uff17\uff10\uff18\uff12", "28708a"],
)
def test_a_code_has_one_spelling(spelling: str) -> None:
    assert login_codes.find_step(RFC_SECRET, "287082", 59) == 1
    assert login_codes.find_step(RFC_SECRET, spelling, 59) is None


def test_a_code_that_was_used_is_refused(door: Door) -> None:
    door.enrol("alice")
    used = door.code("alice")
    door.come("alice", code=used)
    assert refusal_of(lambda: door.come("alice", code=used)) == "login.refused"
    door.wait(30)
    assert door.come_whole("alice").session.is_full


def test_the_code_that_confirmed_the_factor_is_used(door: Door) -> None:
    door.enrol("alice")
    door.wait(-30)
    assert refusal_of(lambda: door.come_whole("alice")) == "login.refused"


def test_a_code_from_before_the_last_one_is_refused_when_the_clock_goes_back(door: Door) -> None:
    door.enrol("alice")
    door.wait(30)
    door.come_whole("alice")
    door.wait(-30)
    assert refusal_of(lambda: door.come_whole("alice")) == "login.refused"


def test_of_several_who_post_one_code_together_exactly_one_gets_in(door: Door) -> None:
    door.enrol("alice")
    code = door.code("alice")
    messages = [door.ask("alice").message for _ in range(4)]
    came = run_at_once([partial(door.come, "alice", message, code) for message in messages])
    assert sum(isinstance(each, LoggedIn) for each in came) == 1
    assert came.count("login.refused") == 3


def test_one_step_is_spent_once_by_the_database_alone(door: Door) -> None:
    """Without the log's lock, too: the row count of one statement decides, not what was read before."""
    door.enrol("alice")
    factor = door.factor("alice")

    def spend() -> bool:
        with door.store.brief() as access:
            return access.spend_step(factor.id, (factor.last_step or 0) + 1)

    assert sorted(map(bool, run_at_once([spend] * 4))) == [False, False, False, True]


@pytest.mark.parametrize(
    ("wrong", "is_in"), [(MOST_FAILURES - 1, True), (MOST_FAILURES, False), (MOST_FAILURES + 1, False)]
)
def test_the_tenth_wrong_code_in_a_row_locks_for_good(door: Door, wrong: int, is_in: bool) -> None:
    door.enrol("alice")
    for _ in range(wrong):
        assert refusal_of(lambda: door.come("alice", code=door.wrong_code("alice"))) == "login.refused"
    if is_in:
        assert door.come_whole("alice").session.is_full
        assert door.factor("alice").failures == 0
    else:
        assert refusal_of(lambda: door.come_whole("alice")) == "login.refused"
        door.wait(365 * 86400)
        assert refusal_of(lambda: door.come_whole("alice")) == "login.refused"


def test_locking_is_logged_and_told_once(door: Door) -> None:
    door.enrol("alice")
    for _ in range(MOST_FAILURES + 3):
        refusal_of(lambda: door.come("alice", code=door.wrong_code("alice")))
    assert door.events().count(("login.locked", "alice")) == 1
    assert door.dump().count('"type":"login.locked"') == 1


def test_wrong_codes_count_only_in_a_row(door: Door) -> None:
    door.enrol("alice")
    for _ in range(3):
        for _ in range(MOST_FAILURES - 1):
            refusal_of(lambda: door.come("alice", code=door.wrong_code("alice")))
        door.come_whole("alice")
        door.wait(30)
    assert door.factor("alice").locked_at is None


def test_wrong_codes_together_are_all_counted(door: Door) -> None:
    door.enrol("alice")
    wrong = door.wrong_code("alice")
    messages = [door.ask("alice").message for _ in range(4)]
    run_at_once([partial(door.come, "alice", message, wrong) for message in messages])
    assert door.factor("alice").failures == 4


def test_without_the_persons_key_nobody_locks_anybody_out(door: Door) -> None:
    door.enrol("alice")
    for _ in range(MOST_FAILURES + 1):
        text = door.ask("alice").text
        asked = LoginRequest(message=text, signature=sign("mallory", text), code=door.wrong_code("alice"))
        assert refusal_of(partial(door.service.log_in, asked, now=door.now)) == "login.refused"
        door.wait(300)
    assert door.factor("alice").failures == 0
    assert door.come_whole("alice").session.is_full


def test_a_session_from_before_stays_while_somebody_guesses(door: Door) -> None:
    whole = door.enrol("alice")
    for _ in range(MOST_FAILURES):
        refusal_of(lambda: door.come("alice", code=door.wrong_code("alice")))
    assert door.look(whole).person == "alice"


def test_a_recovery_code_lets_in_once(door: Door) -> None:
    codes = enrol_with_recovery(door, "alice")
    assert door.come("alice", code=Code(recovery=codes[0])).session.is_full
    assert refusal_of(lambda: door.come("alice", code=Code(recovery=codes[0]))) == "login.refused"
    assert door.come("alice", code=Code(recovery=codes[1].lower().replace("-", ""))).session.is_full


@pytest.mark.parametrize("code", ["", "0" * 19, "0" * 21, "U" * 20, "\u0661" * 20])
def test_what_is_no_recovery_code_counts_as_a_wrong_one(door: Door, code: str) -> None:
    door.enrol("alice")
    assert refusal_of(lambda: door.come("alice", code=Code(recovery=code))) == "login.refused"
    assert door.factor("alice").failures == 1


def test_of_several_who_bring_one_recovery_code_together_exactly_one_gets_in(door: Door) -> None:
    codes = enrol_with_recovery(door, "alice")
    messages = [door.ask("alice").message for _ in range(4)]
    given = Code(recovery=codes[0])
    came = run_at_once([partial(door.come, "alice", message, given) for message in messages])
    assert sum(isinstance(each, LoggedIn) for each in came) == 1


def test_a_recovery_code_neither_unlocks_nor_gets_past_a_lock(door: Door) -> None:
    codes = enrol_with_recovery(door, "alice")
    for _ in range(MOST_FAILURES):
        refusal_of(lambda: door.come("alice", code=Code(recovery="0" * 20)))
    assert refusal_of(lambda: door.come("alice", code=Code(recovery=codes[0]))) == "login.refused"
    assert refusal_of(lambda: door.come_whole("alice")) == "login.refused"
    assert door.factor("alice").locked_at is not None


def test_a_recovery_code_is_of_one_person_alone(door: Door) -> None:
    codes = enrol_with_recovery(door, "alice")
    door.enrol("bob")
    assert refusal_of(lambda: door.come("bob", code=Code(recovery=codes[0]))) == "login.refused"


def test_recovery_codes_are_ten_different_ones_of_100_bits(door: Door) -> None:
    codes = enrol_with_recovery(door, "alice")
    assert len(set(codes)) == login_codes.RECOVERY_CODES == 10
    assert all(len(code) == 23 for code in codes)


def enrol_with_recovery(door: Door, name: str) -> tuple[str, ...]:
    first = door.come(name)
    made = door.service.begin_enrolment(present(first), Code(), now=door.now)
    door.secrets[name] = made.secret
    door.service.confirm_enrolment(present(first), door.code(name), now=door.now)
    door.wait(30)
    return made.recovery_codes


def test_the_operators_reset_lets_enrol_anew(door: Door) -> None:
    whole = door.enrol("alice")
    for _ in range(MOST_FAILURES):
        refusal_of(lambda: door.come("alice", code=door.wrong_code("alice")))
    door.reset("alice")
    assert refusal_of(lambda: door.look(whole)) == "login.session"
    assert not door.come("alice").session.is_full
    assert door.enrol("alice").session.is_full
    assert [event for event, _ in door.events()] == ["login.enrolled", "login.locked", "login.reset", "login.enrolled"]
    assert ("login.reset", "operator") in door.events()


def test_nobody_is_reset_who_is_not_there(door: Door) -> None:
    assert refusal_of(lambda: door.reset("nobody")) == "login.person-unknown"
    assert door.events() == []


def test_somebody_who_left_can_be_reset(door: Door) -> None:
    door.enrol("carol")
    door.adopt(roster_without("carol"))
    door.reset("carol")
    with door.store.reading() as books:
        assert books.load_factor(PersonId("carol"), is_active=True) is None
