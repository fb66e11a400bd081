"""Puts the API together: operations into routes, routes behind the gate. It knows no database, no key and no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path

from guard import __version__
from guard.errors import GuardError
from guard.web.document import complete, find_missing_schemas, to_extra, to_responses
from guard.web.endpoint import RequireSession, Threads, respond, to_endpoint
from guard.web.exchange import Reply, to_reply
from guard.web.gate import TRACE, Gate
from guard.web.intake import BODY_SECONDS, Intake
from guard.web.operation import Access, Operation
from guard.web.problems import to_problem
from guard.web.schemas import Schema
from guard.web.sources import ORDINARY, STOPS, SourceLimit, SourceRate

DOCUMENT_PATH = "/openapi.json"

UVICORN: Mapping[str, Any] = {
    "http": "guard.web.connections:BoundedConnection",
    "access_log": False,
    "log_config": None,
    "server_header": False,
    "proxy_headers": False,
    "ws": "none",
    "lifespan": "off",
    "timeout_keep_alive": 15,
    "limit_concurrency": 512,
}
"""How uvicorn must be run: it believes no X-Forwarded-For, says nothing of itself and writes no lines of its own a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """How the API meets the world. `behind_proxy` only where a proxy of our own writes the last X-Forwarded-For."""

    is_https: bool = False
    behind_proxy: bool = False
    ordinary: SourceRate = ORDINARY
    stops: SourceRate = STOPS
    body_seconds: float = BODY_SECONDS


def build_api(
    operations: Iterable[Operation],
    *,
    require_session: RequireSession,
    settings: WebSettings,
    schemas: Mapping[str, Schema] | None = None,
    threads: Threads | None = None,
) -> FastAPI:
    """The API over these operations. `schemas` describes what operations of other modules take and answer."""
    given, further = tuple(operations), dict(schemas or {})
    missing = find_missing_schemas(given, further)
    if missing:
        raise LookupError(f"no schema describes {sorted(missing)}")
    api = FastAPI(
        title="Treasury Guard",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    shown = _to_document_operation(api, further)
    for operation in (*given, shown):
        _add(api, operation, threads or Threads(), require_session)
    _add_refusals(api, (*given, shown))
    _add_layers(api, settings)
    return api


def _add(api: FastAPI, operation: Operation, threads: Threads, require_session: RequireSession) -> None:
    api.add_api_route(
        operation.path,
        to_endpoint(operation, threads, require_session),
        methods=[operation.method],
        operation_id=operation.id,
        summary=operation.says,
        status_code=min(operation.answers),
        response_class=Response,
        responses=to_responses(operation),
        openapi_extra=to_extra(operation),
    )


def _to_document_operation(api: FastAPI, further: Mapping[str, Schema]) -> Operation:
    """The document itself, made once at the first question: strangers may ask for it, and it costs as much as many refusals."""

    def compute_document() -> dict[str, Any]:
        if api.openapi_schema is None:
            plain = get_openapi(title=api.title, version=api.version, routes=api.routes)
            api.openapi_schema = complete(plain, further)
        return api.openapi_schema

    @cache
    def compute_reply() -> Reply:
        return to_reply(compute_document())

    api.openapi = compute_document  # type: ignore[method-assign]
    return Operation(
        id="showDocument",
        method="GET",
        path=DOCUMENT_PATH,
        says="this document",
        handle=lambda call: compute_reply(),
        access=Access.OPEN,
        answers={200: "Document"},
    )


def _add_refusals(api: FastAPI, operations: tuple[Operation, ...]) -> None:
    """What has no operation: addresses and methods that do not exist are told as problems, too."""
    known = tuple((compile_path(each.path)[0], each.method) for each in operations)

    async def refuse(request: Request, error: Exception) -> Response:
        trace = request.scope[TRACE]
        methods = sorted({method for pattern, method in known if pattern.match(request.scope["path"])})
        if not methods or not isinstance(error, HTTPException):
            return respond(
                to_problem(GuardError("request.path", "there is nothing at this address"), trace.request_id), trace
            )
        refused = to_problem(GuardError("request.method", "the address does not know this method"), trace.request_id)
        response = respond(refused, trace)
        response.headers["allow"] = ", ".join(methods)
        return response

    api.add_exception_handler(HTTPException, refuse)


def _add_layers(api: FastAPI, settings: WebSettings) -> None:
    """The last one that is added is the outermost."""
    api.add_middleware(Intake, seconds=settings.body_seconds)
    api.add_middleware(
        Gate,
        ordinary=SourceLimit(settings.ordinary),
        stops=SourceLimit(settings.stops),
        behind_proxy=settings.behind_proxy,
        is_https=settings.is_https,
    )
