"""The OpenAPI document says what each operation takes and every status that it can give, and it is the only page that shows the API."""

from __future__ import annotations

from typing import Any

import pytest

from guard.web.api import build_api
from guard.web.document import compute_statuses
from guard.web.operation import Access
from tests.web.asking import SMALL, Asker, make_small_api, require_problem
from tests.web.treasury import ServedTreasury


@pytest.fixture
def document(light_asker: Asker) -> dict[str, Any]:
    told: dict[str, Any] = light_asker.get("/openapi.json").json()
    return told


def test_every_operation_documents_every_status_that_it_can_give(
    light: ServedTreasury, document: dict[str, Any]
) -> None:
    for operation in light.operations:
        described = document["paths"][operation.path][operation.method.lower()]
        assert described["operationId"] == operation.id
        statuses = {int(status) for status in described["responses"]}
        assert statuses == set(compute_statuses(operation))
        assert statuses >= {400, 429, 500, 503}
        assert operation.method == "GET" or statuses >= {408, 413, 415}
        assert operation.access is not Access.SESSION or statuses >= {401, 403}


def test_the_document_knows_no_validation_error_of_the_framework(document: dict[str, Any]) -> None:
    assert "HTTPValidationError" not in document["components"]["schemas"]
    assert {
        path
        for path, methods in document["paths"].items()
        for described in methods.values()
        if "422" in described["responses"] and "post" not in methods
    } == set()


def test_every_bad_status_is_a_problem(document: dict[str, Any]) -> None:
    for methods in document["paths"].values():
        for described in methods.values():
            for status, answer in described["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"]


def test_every_reference_leads_to_a_component(document: dict[str, Any]) -> None:
    named: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                named.add(value["$ref"].rpartition("/")[2])
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(document)
    assert named <= set(document["components"]["schemas"])
    assert {"SignedProposal", "Acknowledgement", "Problem", "TransferShown"} <= named


def test_who_may_call_an_operation_is_documented(light: ServedTreasury, document: dict[str, Any]) -> None:
    assert set(document["components"]["securitySchemes"]) == {"bearer", "cookie"}
    for operation in light.operations:
        described = document["paths"][operation.path][operation.method.lower()]
        needs = operation.access in (Access.SESSION, Access.ENROLLING)
        assert described["security"] == ([{"bearer": []}, {"cookie": []}] if needs else [])


def test_headers_that_are_needed_are_documented(document: dict[str, Any]) -> None:
    approve = document["paths"]["/v1/transfers/{transfer_id}/approvals"]["post"]
    assert {(each["name"], each["in"], each["required"]) for each in approve["parameters"]} == {
        ("transfer_id", "path", True),
        ("Idempotency-Key", "header", True),
        ("If-Match", "header", True),
    }
    veto = document["paths"]["/v1/transfers/{transfer_id}/vetoes"]["post"]
    assert ("Idempotency-Key", False) in {(each["name"], each["required"]) for each in veto["parameters"]}


def test_there_is_no_page_that_loads_scripts_from_elsewhere() -> None:
    with Asker(make_small_api()) as asker:
        for path in ("/docs", "/redoc", "/docs/oauth2-redirect"):
            require_problem(asker.get(path), 404, "request.path")


def test_an_operation_whose_schema_nobody_describes_is_our_bug(light: ServedTreasury) -> None:
    with pytest.raises(LookupError, match="Challenge"):
        build_api(light.operations, require_session=lambda call: _never(), settings=light.settings)


def _never() -> Any:
    raise AssertionError


def test_the_small_api_of_these_tests_has_a_document() -> None:
    with Asker(make_small_api()) as asker:
        assert len(asker.get("/openapi.json").json()["paths"]) == len(SMALL) + 1
