"""Every error code has a status, and a problem document says what the catalogue says and nothing more."""

from __future__ import annotations

import re
from pathlib import Path

from guard.errors import CATALOGUE, AdapterError, GuardError
from guard.web import problems
from guard.web.problems import STATUS_OF_CODE, STATUS_OF_FAMILY, compute_status, to_bug, to_problem

WEB = Path(problems.__file__).parent
KNOWN = (400, 401, 403, 404, 405, 408, 409, 412, 413, 415, 422, 428, 429, 500, 503)


def _family_of(code: str) -> str:
    return code.partition(".")[0]


def test_every_code_of_the_catalogue_has_a_status() -> None:
    without = [code for code in CATALOGUE if code not in STATUS_OF_CODE and _family_of(code) not in STATUS_OF_FAMILY]
    assert without == []
    assert {compute_status(code) for code in CATALOGUE} <= {*KNOWN}


def test_the_table_names_no_code_and_no_family_that_does_not_exist() -> None:
    families = {_family_of(code) for code in CATALOGUE}
    assert set(STATUS_OF_CODE) - set(CATALOGUE) == set()
    assert set(STATUS_OF_FAMILY) - families == set()


def test_every_code_that_the_api_itself_says_is_in_the_catalogue() -> None:
    said = {
        code
        for source in WEB.glob("*.py")
        for code in re.findall(r'(?:Guard|Adapter)Error\(\s*"([^"]+)"', source.read_text())
    }
    assert "request.query" in said
    assert said - set(CATALOGUE) == set()


def test_trouble_in_the_world_is_never_the_callers_fault() -> None:
    for code in CATALOGUE:
        reply = to_problem(AdapterError(code, "trouble"), "r1")
        assert reply.status == 503, code
        assert ("retry-after", "1") in reply.headers


def test_a_refusal_tells_when_to_come_back_if_that_is_known() -> None:
    refused = GuardError("request.rate", "too many", details={"retry_after": "17"})
    assert ("retry-after", "17") in to_problem(refused, "r1").headers


def test_nobody_logged_in_is_told_how_to_say_who_they_are() -> None:
    reply = to_problem(GuardError("login.session", "there is no such log-in"), "r1")
    assert reply.status == 401
    assert ("www-authenticate", 'Bearer realm="guard"') in reply.headers


def test_a_bug_says_nothing_of_itself() -> None:
    reply = to_bug("r1")
    assert reply.status == 500
    assert b"server.internal" in reply.body
