"""From an operation to what the web framework calls: the request becomes a `Call`, a thread does the work, errors become problems.

Threads are few and so is who may wait for one. Stops have threads of their own, so that nothing else can hold them up here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from starlette.requests import Request
from starlette.responses import Response

from guard.errors import AdapterError, GuardError
from guard.web.exchange import JSON, Call, Reply, Viewer
from guard.web.gate import TRACE, Trace
from guard.web.operation import Access, Operation
from guard.web.problems import to_problem

MOST_WAITING = 256

RequireSession = Callable[[Call], Viewer]
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Threads:
    """Where blocking work is done. Each database connection in use belongs to one of these threads."""

    ordinary: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(8))
    stops: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(4))

    def require_room(self, operation: Operation) -> CapacityLimiter:
        """The threads for an operation. Raises `server.busy` where too many wait already."""
        limiter = self.stops if operation.is_stop else self.ordinary
        if limiter.statistics().tasks_waiting >= MOST_WAITING:
            raise AdapterError("server.busy", "too many requests are waiting; try again in a moment")
        return limiter


def to_endpoint(operation: Operation, threads: Threads, require_session: RequireSession) -> Endpoint:
    """What serves the operation."""

    def perform(call: Call) -> Reply:
        try:
            return _perform(operation, call, require_session)
        except (GuardError, AdapterError) as error:
            return to_problem(error, call.request_id)

    async def endpoint(request: Request) -> Response:
        trace: Trace = request.scope[TRACE]
        trace.route = operation.path
        call = await _read(operation, request, trace)
        try:
            limiter = threads.require_room(operation)
        except AdapterError as error:
            return respond(to_problem(error, trace.request_id), trace)
        return respond(await run_sync(perform, call, limiter=limiter), trace)

    return endpoint


async def _read(operation: Operation, request: Request, trace: Trace) -> Call:
    scope = request.scope
    return Call(
        method=operation.method,
        route=operation.path,
        path=scope["path"],
        places=scope["path_params"],
        query=scope["query_string"].decode("latin-1"),
        headers=tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]),
        body=await request.body() if operation.method == "POST" else b"",
        source=trace.source,
        request_id=trace.request_id,
    )


def _perform(operation: Operation, call: Call, require_session: RequireSession) -> Reply:
    if operation.access is Access.SESSION:
        call = replace(call, viewer=require_session(call))
    call.parameters(*(each.name for each in operation.parameters if each.place == "query"))
    if operation.method == "POST":
        _require_form(operation, call)
    return operation.handle(call)


def _require_form(operation: Operation, call: Call) -> None:
    """A body is JSON and says so; where none is taken none is sent."""
    said = call.header("content-type")
    if said is None and not call.body and operation.body is None:
        return
    name, _, rest = (said or "").partition(";")
    if name.strip().lower() != JSON or rest.strip().lower() not in ("", "charset=utf-8"):
        raise GuardError("request.content-type", "the body is not declared as application/json")
    if operation.body is None and call.body:
        raise GuardError("json.field-unknown", "this address takes no body")


def respond(reply: Reply, trace: Trace) -> Response:
    """The answer for the web framework; the trace learns what kind of problem it tells."""
    trace.code = reply.problem
    response = Response(reply.body, status_code=reply.status, media_type=reply.media_type if reply.body else None)
    for name, value in reply.headers:
        response.headers.append(name, value)
    return response
