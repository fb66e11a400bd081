"""Asks an API in this process, as a client would, one question after the other."""

from __future__ import annotations

import asyncio
import json
from types import TracebackType
from typing import Any

import httpx
from fastapi import FastAPI

from guard.core.ids import PersonId
from guard.errors import GuardError
from guard.web.api import WebSettings, build_api
from guard.web.exchange import Call, to_reply
from guard.web.operation import Access, Operation
from guard.web.sources import SourceRate

JSON = {"content-type": "application/json"}
PLENTY = SourceRate(per_second=100_000, burst=1_000_000)
"""A budget that no test uses up by accident."""


class Asker:
    """A client of one API. Errors of the API come out as its answers do, never as exceptions."""

    def __init__(self, api: Any, *, peer: str = "192.0.2.1") -> None:
        self._runner = asyncio.Runner()
        transport = httpx.ASGITransport(app=api, raise_app_exceptions=False, client=(peer, 1234))
        self._client = httpx.AsyncClient(transport=transport, base_url="https://guard.example")

    def __enter__(self) -> Asker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the event loop go."""
        self._runner.run(self._client.aclose())
        self._runner.close()

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """One request."""
        return self._runner.run(self._client.request(method, path, **more))

    def get(self, path: str, **more: Any) -> httpx.Response:
        """Read something."""
        return self.ask("GET", path, **more)

    def post(self, path: str, content: Any = None, **headers: str) -> httpx.Response:
        """Send something, as JSON unless it is bytes already; headers with underscores for hyphens."""
        raw = content if isinstance(content, bytes) else json.dumps(content).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("POST", path, content=raw, headers={**JSON, **named})


def require_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The problem document that an answer must be."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    told: dict[str, Any] = response.json()
    assert (response.status_code, told["code"]) == (status, code), told
    assert told["status"] == status
    assert told["type"] == f"urn:guard:error:{code}"
    assert told["instance"] == f"urn:guard:request:{response.headers['x-request-id']}"
    assert set(told) == {"type", "title", "status", "detail", "instance", "code", "next", "details"}
    return told


class Alice:
    """Somebody who is logged in."""

    person = PersonId("alice")


def _require_alice(call: Call) -> Alice:
    if call.header("authorization") != "Bearer alice":
        raise GuardError("login.session", "there is no such log-in, or it has ended")
    return Alice()


def _fail(call: Call) -> Any:
    raise ValueError(f"secret of {call.path}")


SMALL = (
    Operation(
        id="alive",
        method="GET",
        path="/livez",
        says="lives",
        handle=lambda call: to_reply({"alive": True}),
        access=Access.OPEN,
        answers={200: "Alive"},
    ),
    Operation(
        id="echo",
        method="POST",
        path="/v1/freezes",
        says="gives back what it got",
        handle=lambda call: to_reply({"got": call.content(), "length": len(call.body)}),
        access=Access.SIGNATURE,
        answers={200: None},
        body="SignedFreeze",
        is_stop=True,
    ),
    Operation(
        id="end",
        method="POST",
        path="/v1/logout",
        says="takes no body",
        handle=lambda call: to_reply({"who": call.person}),
        access=Access.SESSION,
        answers={200: None},
    ),
    Operation(
        id="who",
        method="GET",
        path="/v1/session",
        says="who is logged in",
        handle=lambda call: to_reply({"who": call.person, "id": call.request_id}),
        access=Access.SESSION,
        answers={200: None},
    ),
    Operation(
        id="fail",
        method="GET",
        path="/v1/fail",
        says="fails",
        handle=_fail,
        access=Access.OPEN,
        answers={200: None},
    ),
)
"""A few operations that need neither service nor store: for the parts around them."""


def make_small_api(**settings: Any) -> FastAPI:
    """The API over the small operations."""
    return build_api(
        SMALL,
        require_session=_require_alice,
        settings=WebSettings(**{"ordinary": PLENTY, "stops": PLENTY, **settings}),
    )
