"""A log-in lets people see and nothing more; every operation is walked, so that a new one cannot be forgotten."""

from __future__ import annotations

import re
from typing import Any

from fastapi.routing import APIRoute

from guard.statements.signed import to_json
from guard.web.operation import Access, Operation
from tests.factories import digest_of
from tests.web.asking import Asker, require_problem
from tests.web.treasury import VAULT_SCOPE, ServedTreasury, to_path

CHANGES_NOTHING = frozenset({"giveChallenge", "logIn", "logOut", "enrol", "confirmEnrolment"})
"""The only posts that take no signed statement: they are about logging in."""


def _fill(operation: Operation, place: str) -> str:
    return re.sub(r"\{[a-z_]+\}", place, operation.path)


def test_every_route_is_an_operation_and_every_operation_a_route(light: ServedTreasury) -> None:
    routes = {
        (method, route.path)
        for route in light.api.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    assert routes == {(each.method, each.path) for each in light.operations} | {("GET", "/openapi.json")}


def test_every_post_takes_a_signed_statement_or_is_about_logging_in(light: ServedTreasury) -> None:
    posts = [each for each in light.operations if each.method != "GET"]
    signed = {each.id for each in posts if each.access is Access.SIGNATURE and (each.body or "").startswith("Signed")}
    assert signed == {"propose", "approve", "reject", "veto", "freeze", "unfreeze"}
    assert {each.id for each in posts} - signed == CHANGES_NOTHING
    assert {each.method for each in light.operations} == {"GET", "POST"}


def test_nothing_is_shown_to_anybody_who_is_not_logged_in(light: ServedTreasury, light_asker: Asker) -> None:
    transfer = light.propose(light_asker)
    for operation in light.operations:
        if operation.access is not Access.SESSION:
            continue
        path = _fill(operation, to_path(transfer).rpartition("/")[2])
        for headers in ({}, {"authorization": "Bearer " + "x" * 43}, {"cookie": "__Host-guard=" + "x" * 43}):
            require_problem(light_asker.ask(operation.method, path, headers=headers), 401, "login.session")
        first_only = light.log_in("bob", is_full=False)
        require_problem(light_asker.ask(operation.method, path, headers=first_only), 403, "login.enrol-only")


def test_what_is_open_shows_nothing_of_the_treasury(light: ServedTreasury) -> None:
    shown = {each.id for each in light.operations if each.access is Access.OPEN and each.method == "GET"}
    assert shown == {"showAlive", "showReady"}


def _without_signature(content: dict[str, Any]) -> list[dict[str, Any]]:
    """A statement in everything but the signature: what somebody could send who holds sessions and codes alone."""
    unsigned = {name: value for name, value in content.items() if name != "signature"}
    signature = content["signature"]
    return [
        unsigned,
        {**unsigned, "signature": None},
        {**unsigned, "signature": {**signature, "value": "0x"}},
        {**unsigned, "signature": {**signature, "value": "0x" + "00" * 65}},
        {**unsigned, "signature": {**signature, "value": "0x" + "11" * 64 + "1b"}},
        {**unsigned, "signature": {"kind": "webauthn", "key": signature["key"], "value": "0x" + "22" * 80}},
    ]


def test_a_stolen_session_and_totp_secret_together_move_nothing_and_stop_nothing(
    served: ServedTreasury, asker: Asker
) -> None:
    """Sessions of everybody stand for what secrets and codes can buy: a log-in with both factors is all that they give."""
    people = served.people
    transfer = served.propose(asker)
    asker.post("/v1/freezes", to_json(people.freeze(VAULT_SCOPE)))
    bodies = {
        "propose": people.propose(people.transfer()),
        "approve": people.approve(transfer, "bob"),
        "reject": people.reject(transfer, "alice"),
        "veto": people.veto(transfer),
        "freeze": people.freeze(VAULT_SCOPE, freeze="freeze 2"),
        "unfreeze": people.unfreeze("frank", "freeze 1"),
    }
    mutating = [each for each in served.operations if each.method != "GET" and each.id not in CHANGES_NOTHING]
    assert {each.id for each in mutating} == set(bodies)
    sessions = [served.log_in(person.id) for person in people.policy.roster.people if not person.machine]
    before = served.count_rows()
    for operation in mutating:
        path = _fill(operation, to_path(transfer).rpartition("/")[2])
        for content in _without_signature(to_json(bodies[operation.id])):
            for session in sessions:
                sent = {**session, "idempotency_key": served.draw_key(), "if_match": '"v1"'}
                response = asker.post(path, content, **sent)
                assert 400 <= response.status_code < 500, (operation.id, content, response.text)
    assert served.count_rows() == before
    shown = asker.get(to_path(transfer), headers=sessions[0]).json()
    assert (shown["state"], shown["version"]) == ("open", 1)


def test_what_is_said_of_a_transfer_can_be_posted_only_where_it_is_taken(light_asker: Asker) -> None:
    for what in ("approvals", "rejections", "vetoes", "evidence"):
        path = f"/v1/transfers/{digest_of('transfer')}/{what}"
        require_problem(light_asker.ask("DELETE", path), 405, "request.method")
        require_problem(light_asker.ask("PUT", path, content=b"{}"), 405, "request.method")
