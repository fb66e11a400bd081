"""The OpenAPI document: what each operation takes and every status it can give. It is made from the operations, so it cannot drift.

It shows; it checks nothing. The reading of requests is in `exchange`, `conditions` and the rooms that own the formats.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from guard.web.answers import compute_answer_schemas
from guard.web.exchange import JSON, PROBLEM
from guard.web.operation import Access, Operation, Parameter
from guard.web.schemas import Schema, compute_statement_schemas, refer

SECURITY_SCHEMES: Mapping[str, Schema] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "the token that a log-in gave to the command line"},
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "__Host-guard",
        "description": "the session that a log-in gave to a browser",
    },
}
ALWAYS = (400, 429, 500, 503)
"""Problems that every operation can give."""
WITH_BODY = (408, 413, 415)
WITH_SESSION = (401, 403)
WITH_SIGNATURE = (403, 409)
_SAYS = {
    400: "the request cannot be read, or cannot be",
    401: "nobody is logged in",
    403: "whoever asks may not do this",
    404: "there is no such thing here",
    408: "the body did not arrive in time",
    409: "it does not fit how things stand",
    412: "the transfer has changed since it was seen",
    413: "the body is too large or nested too deeply",
    415: "the body is not declared as JSON",
    422: "the Idempotency-Key was used for something else",
    428: "the request does not say which version was seen",
    429: "too many requests",
    500: "an error of the server's own",
    503: "something that the server needs does not answer",
}


def compute_statuses(operation: Operation) -> tuple[int, ...]:
    """Every status that the operation can give, good ones first."""
    bad = {*ALWAYS, *operation.refusals}
    bad |= set(WITH_BODY) if operation.method == "POST" else set()
    bad |= set(WITH_SESSION) if operation.access in (Access.SESSION, Access.ENROLLING) else set()
    bad |= set(WITH_SIGNATURE) if operation.access is Access.SIGNATURE else set()
    return (*sorted(operation.answers), *sorted(bad))


def to_responses(operation: Operation) -> dict[int | str, dict[str, Any]]:
    """The responses of an operation for the document."""
    return {
        status: _to_answer(operation, status) if status in operation.answers else _to_problem(status)
        for status in compute_statuses(operation)
    }


def _to_answer(operation: Operation, status: int) -> dict[str, Any]:
    schema = operation.answers[status]
    answer: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if operation.has_etag:
        answer["headers"] = {"ETag": {"description": "the transfer's version", "schema": {"type": "string"}}}
    return answer if schema is None else {**answer, "content": {JSON: {"schema": refer(schema)}}}


def _to_problem(status: int) -> dict[str, Any]:
    return {"description": _SAYS[status], "content": {PROBLEM: {"schema": refer("Problem")}}}


def to_extra(operation: Operation) -> dict[str, Any]:
    """What the framework cannot know of an operation: parameters, body and who may call it."""
    extra: dict[str, Any] = {"security": _to_security(operation.access)}
    if operation.parameters:
        extra["parameters"] = [_to_parameter(each) for each in operation.parameters]
    if operation.body is not None:
        extra["requestBody"] = {"required": True, "content": {JSON: {"schema": refer(operation.body)}}}
    return extra


def _to_security(access: Access) -> list[dict[str, list[str]]]:
    return [{"bearer": []}, {"cookie": []}] if access in (Access.SESSION, Access.ENROLLING) else []


def _to_parameter(parameter: Parameter) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.says,
        "required": parameter.required,
        "schema": dict(parameter.schema),
    }
    return shown if parameter.example is None else {**shown, "example": parameter.example}


def complete(document: dict[str, Any], further: Mapping[str, Schema]) -> dict[str, Any]:
    """The framework's document with the schemas and the ways to log in."""
    components = {
        "schemas": dict(sorted({**compute_statement_schemas(), **compute_answer_schemas(), **further}.items())),
        "securitySchemes": dict(SECURITY_SCHEMES),
    }
    return {**document, "components": components}


def find_missing_schemas(operations: Iterable[Operation], further: Mapping[str, Schema]) -> set[str]:
    """Schemas that operations name and nobody describes: our bug, found when the API is built."""
    known = {*compute_statement_schemas(), *compute_answer_schemas(), *further}
    named = {name for each in operations for name in (each.body, *each.answers.values()) if name is not None}
    return named - known
