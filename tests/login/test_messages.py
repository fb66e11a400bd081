"""Attacks with the signed message. Each is refused, and beside it stands what becomes of it when its check is left out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import pytest

from guard.formats.keccak import keccak256, to_digest
from guard.formats.siwe import SiweMessage, build_message
from guard.service.login import LoginRequest
from guard.service.login_checks import LOGIN_CHECKS
from guard.statements.login_message import MESSAGE_LIFETIME
from guard.statements.personal import sign_personal
from guard.store.database import Database
from guard.store.store import Store
from guard.transactions.signatures import CURVE_ORDER, sign_hash
from tests.factories import address_of, private_key_of
from tests.login.doors import Door, refusal_of, refused_answer, roster_without, sign

FOREIGN_NONCE = "f0" * 20


@dataclass(frozen=True)
class Attack:
    """What is changed about alice's message, how long is waited, who signs, and which checks alone hold it."""

    held_by: tuple[str, ...]
    change: Callable[[SiweMessage], SiweMessage] = lambda message: message
    signer: str = "alice"
    asker: str = "alice"
    wait: int = 0
    held_besides: str = ""


def at(**changes: object) -> Callable[[SiweMessage], SiweMessage]:
    return lambda message: replace(message, **changes)  # type: ignore[arg-type]


ATTACKS = {
    "a message that a wallet showed for another site": Attack(("domain",), at(domain="guard.example.org")),
    "a message for the same host on another port": Attack(("domain",), at(domain="guard.example.com:8443")),
    "a message about another address on the web": Attack(("uri",), at(uri="https://guard.example.org")),
    "a message about another scheme": Attack(("uri",), at(uri="http://guard.example.com")),
    "a message of another chain": Attack(("chain",), at(chain_id=137)),
    "a message that says something else": Attack(("statement",), at(statement="Claim your reward.")),
    "a message that says nothing": Attack(("statement",), at(statement=None)),
    "a message with a request id": Attack(("nothing-else",), at(request_id="1")),
    "a message with resources": Attack(("nothing-else",), at(resources=("https://guard.example.com/all",))),
    "a message with a scheme": Attack(("nothing-else",), at(scheme="https")),
    "an expired message": Attack(("dates", "nonce-age"), wait=MESSAGE_LIFETIME),
    "a message without an end": Attack(("dates",), at(expires_at=None)),
    "a message that lasts longer": Attack(
        ("dates",), lambda message: replace(message, expires_at=message.issued_at + MESSAGE_LIFETIME + 1)
    ),
    "a message from the future": Attack(("dates",), lambda message: replace(message, issued_at=message.issued_at + 1)),
    "a message that is not to be used yet": Attack(
        ("not-before",), lambda message: replace(message, not_before=message.issued_at + 1)
    ),
    "alice's message signed by bob": Attack(("signature",), signer="bob"),
    "a nonce of the attacker's own": Attack(("nonce-known",), at(nonce=FOREIGN_NONCE), held_besides="nonce-used"),
    "a nonce that was given to bob": Attack(("nonce-address",), at(address=address_of("alice")), asker="bob"),
    "a machine's key": Attack(
        ("machine",), signer="payroll", asker="payroll", held_besides="its session is nobody's, see test_sessions"
    ),
    "a stranger's key": Attack(
        ("person",), signer="mallory", asker="mallory", held_besides="there is nobody to log in"
    ),
}


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    """What is judged here is judged before a database is asked, so one kind of it is enough."""
    opened = Store(Database(sqlite_url))
    yield opened
    opened.close()


def attack(door: Door, asked: Attack) -> None:
    """Carry an attack out on a door."""
    message = asked.change(door.ask(asked.asker).message)
    door.wait(asked.wait)
    text = build_message(message)
    door.service.log_in(LoginRequest(message=text, signature=sign(asked.signer, text)), now=door.now)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_with_the_message_is_refused(door: Door, name: str) -> None:
    asked = ATTACKS[name]
    assert refusal_of(lambda: attack(door, asked)) == "login.refused"
    assert list(door.service.count_refusals()) == [asked.held_by[0]]


@pytest.mark.parametrize("name", [name for name in ATTACKS if not ATTACKS[name].held_besides])
def test_without_its_checks_the_attack_gets_in(door: Door, name: str) -> None:
    asked = ATTACKS[name]
    for left_out in asked.held_by if len(asked.held_by) > 1 else ():
        assert refusal_of(partial(attack, door.without(left_out), asked)) == "login.refused"
    attack(door.without(*asked.held_by), asked)


@pytest.mark.parametrize("name", ["a nonce of the attacker's own", "a stranger's key"])
def test_what_else_holds_holds_alone(door: Door, name: str) -> None:
    asked = ATTACKS[name]
    assert refusal_of(lambda: attack(door.without(*asked.held_by), asked)) == "login.refused"


def test_every_check_has_its_attack() -> None:
    assert {name for asked in ATTACKS.values() for name in asked.held_by} == {check.name for check in LOGIN_CHECKS}


@pytest.mark.parametrize(("wait", "is_good"), [(0, True), (MESSAGE_LIFETIME - 1, True), (MESSAGE_LIFETIME, False)])
def test_a_message_is_good_for_five_minutes(door: Door, wait: int, is_good: bool) -> None:
    message = door.ask("alice").message
    door.wait(wait)
    if is_good:
        assert door.come("alice", message).session.person == "alice"
    else:
        assert refusal_of(lambda: door.come("alice", message)) == "login.refused"


def test_a_clock_that_went_back_makes_messages_of_the_future_bad(door: Door) -> None:
    message = door.ask("alice").message
    door.wait(-1)
    assert refusal_of(lambda: door.come("alice", message)) == "login.refused"


def test_changed_bytes_after_signing_are_refused(door: Door) -> None:
    text = door.ask("alice").text
    signature = sign("alice", text)
    for place in range(0, len(text), 7):
        changed = text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]
        asked = LoginRequest(message=changed, signature=signature)
        assert refusal_of(partial(door.service.log_in, asked, now=door.now)) == "login.refused"
    assert door.service.log_in(LoginRequest(message=text, signature=signature), now=door.now).session.person == "alice"


def test_a_signature_in_its_second_spelling_is_refused(door: Door) -> None:
    text = door.ask("alice").text
    good = sign("alice", text)
    high_s = (CURVE_ORDER - int.from_bytes(good[32:64], "big")).to_bytes(32, "big")
    for bad in (good[:32] + high_s + bytes([55 - good[64]]), good[:-1], good + b"\0", good[:64] + b"\x1d", bytes(65)):
        asked = LoginRequest(message=text, signature=bad)
        assert refusal_of(partial(door.service.log_in, asked, now=door.now)) == "login.refused"


def test_a_signature_of_the_bare_text_without_the_wallets_prefix_is_refused(door: Door) -> None:
    text = door.ask("alice").text
    bare = sign_hash(private_key_of("alice").secret, to_digest(keccak256(text.encode())))
    asked = LoginRequest(message=text, signature=bare)
    assert refusal_of(lambda: door.service.log_in(asked, now=door.now)) == "login.refused"


def test_a_person_who_is_not_in_the_active_bundle_cannot_log_in(door: Door) -> None:
    door.adopt(roster_without("carol"))
    assert refusal_of(lambda: door.come("carol")) == "login.refused"
    assert door.come("alice").session.person == "alice"


def test_no_answer_tells_which_part_was_wrong(door: Door) -> None:
    door.enrol("alice")
    door.enrol("bob")
    answers = [refused_answer(partial(attack, door, asked)) for asked in ATTACKS.values()]
    answers.append(refused_answer(lambda: door.come("alice", code=door.wrong_code("alice"))))
    used = door.code("bob")
    door.come("bob", code=used)
    answers.append(refused_answer(lambda: door.come("bob", code=used)))
    text = "no message"
    asked = LoginRequest(message=text, signature=sign_personal(private_key_of("alice").secret, text))
    answers.append(refused_answer(lambda: door.service.log_in(asked, now=door.now)))
    assert len(answers) == len(ATTACKS) + 3
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["code"] == "login.refused"
    assert "details" not in answers[0]
