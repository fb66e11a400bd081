"""The API against its own document: 1,000 requests (20,000 in the deep run), none of which fails or gives a status that is not documented.

Of four requests one fits the document, one breaks it, and two begin as a statement that is good and is changed in at most two places, so
that the search gets behind signatures and into the books.
"""

from __future__ import annotations

import copy
import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.generation import GenerationMode
from schemathesis.python.asgi import get_client
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from guard.core.transfer import Transfer
from guard.statements.signed import to_json
from guard.web.operation import Access, Operation
from tests.team import transfer_id_of
from tests.web.treasury import VAULT_SCOPE, ServedTreasury

CASES = 1_000
PARTS = 20 if os.environ.get("TEST_PROFILE") == "deep" else 1
"""Each with a treasury and, in the deep run, a seed of its own."""
CHECKS: list[Any] = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
NEEDS_MORE = frozenset({"giveChallenge", "logIn", "logOut", "enrol", "confirmEnrolment", "showEvidence"})
"""Good answers of these need what no search finds: an address with its checksum, a wallet, a second factor, a release."""
VERSIONS = ('"v1"', '"v1"', '"v1"', '"v2"', "*")
ODD: list[Any] = [None, True, -1, 2**53, 2**256, "", "0", "0x", "\x00", "\u202e", "é" * 300, [], {}, 1.5, "v1"]


SPEAKERS: dict[str, tuple[str, ...]] = {
    "approve": ("bob", "carol", "dave", "alice"),
    "reject": ("bob", "alice", "erin", "heidi"),
    "veto": ("erin", "frank", "grace", "bob"),
    "freeze": ("erin", "frank", "grace", "bob"),
    "unfreeze": ("frank", "grace", "heidi", "alice"),
}
"""Who says it: three who may and one who may not, or whose word does something else."""


class Statements:
    """Good statements about transfers and a freeze that are there."""

    def __init__(self, served: ServedTreasury) -> None:
        self.served = served
        with served.asker() as asker:
            self.known: list[Transfer] = [served.propose(asker) for _ in range(8)]
            asker.post("/v1/freezes", to_json(served.people.freeze(VAULT_SCOPE)))

    def draw(self, operation: str, place: int) -> tuple[Any, dict[str, str]]:
        """A signed statement in JSON, and what its address must name."""
        people, transfer = self.served.people, self.known[place % len(self.known)]
        if operation == "propose":
            return to_json(people.propose(people.transfer())), {}
        name = SPEAKERS[operation][place % 4]
        if operation == "freeze":
            return to_json(people.freeze(VAULT_SCOPE, name, freeze=f"freeze {2 + place}")), {}
        if operation == "unfreeze":
            return to_json(people.unfreeze(name, "freeze 1")), {}
        say = {"approve": people.approve, "reject": people.reject, "veto": people.veto}[operation]
        return to_json(say(transfer, name)), {"transfer_id": transfer_id_of(transfer)}


def _iter_places(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a JSON value."""
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in inner:
        yield (*path, key)
        yield from _iter_places(value, (*path, key))


def _change(content: Any, draw: Callable[[st.SearchStrategy[Any]], Any]) -> Any:
    changed = copy.deepcopy(content)
    *way, last = draw(st.sampled_from(sorted(_iter_places(changed), key=str)))
    holder = changed
    for step in way:
        holder = holder[step]
    how = draw(st.sampled_from(["replace", "remove", "add", "cut"]))
    if how == "replace":
        holder[last] = draw(st.sampled_from(ODD))
    elif how == "remove":
        del holder[last]
    elif how == "add" and isinstance(holder, dict):
        holder["unknown"] = holder[last]
    elif isinstance(holder[last], str):
        holder[last] = holder[last][:-1]
    return changed


@pytest.fixture
def statements(light: ServedTreasury) -> Statements:
    return Statements(light)


Seen = Counter[tuple[str, int]]


def _search(operation: Operation, statements: Statements, *, examples: int, seen: Seen) -> None:
    """Ask one operation so often, and hold each answer against the document."""
    served = statements.served
    described = schemathesis.openapi.from_dict(served.api.openapi())[operation.path][operation.method]

    app: Any = served.api

    @settings(max_examples=examples, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None)
    @given(choices=st.data())
    def ask(choices: st.DataObject) -> None:
        case = _draw_case(choices, operation, described, statements)
        headers = served.log_in("bob") if choices.draw(st.integers(0, 9)) else {}
        response = case.call(session=client, headers=headers)
        case.validate_response(response, checks=CHECKS)
        seen[operation.id, response.status_code] += 1

    with get_client(app) as client:
        ask()


@pytest.mark.parametrize("part", range(PARTS))
def test_no_request_makes_the_api_fail_or_answer_otherwise_than_documented(
    light: ServedTreasury, statements: Statements, part: int
) -> None:
    seen = Seen()
    shares = {each.id: 3 if each.access is Access.SIGNATURE else 1 for each in light.operations}
    for operation in light.operations:
        examples = -(-CASES * shares[operation.id] // sum(shares.values()))
        _search(operation, statements, examples=examples, seen=seen)
    assert sum(seen.values()) >= CASES
    # The search got everywhere: every operation gave a good answer at least once.
    good = {name for (name, status) in seen if status < 300}
    assert good >= {each.id for each in light.operations} - NEEDS_MORE


def _draw_case(choices: st.DataObject, operation: Operation, described: Any, statements: Statements) -> Any:
    kind = choices.draw(st.sampled_from(["statement", "statement", "breaks", "fits"]))
    if kind == "breaks":
        return choices.draw(described.as_strategy(generation_mode=GenerationMode.NEGATIVE))
    given_parts: dict[str, Any] = {}
    if kind == "statement":
        given_parts = _draw_parts(choices, operation, statements)
    return choices.draw(described.as_strategy(**given_parts))


def _draw_parts(choices: st.DataObject, operation: Operation, statements: Statements) -> dict[str, Any]:
    place = choices.draw(st.integers(0, 30))
    parts: dict[str, Any] = {}
    if operation.access is Access.SIGNATURE:
        content, at = statements.draw(operation.id, place)
        for _ in range(choices.draw(st.sampled_from([0, 0, 1, 2]))):
            content = _change(content, choices.draw)
        parts["body"] = content
        parts["headers"] = {
            "Idempotency-Key": statements.served.draw_key() if place % 3 else "the same",
            **({"If-Match": choices.draw(st.sampled_from(VERSIONS))} if operation.id == "approve" else {}),
        }
        if at:
            parts["path_parameters"] = at
    elif "{transfer_id}" in operation.path:
        parts["path_parameters"] = {"transfer_id": transfer_id_of(statements.known[place % 4])}
    elif "{digest}" in operation.path:
        parts["path_parameters"] = {"digest": statements.served.people.digest}
    return parts
