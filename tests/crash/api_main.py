"""The API's process as the product composes it, with a fuse at its commits, at each request's arrival and at each answer."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from pathlib import Path
from typing import Any

import uvicorn

from guard.app.api import adopt_policy, compose_api
from guard.cli.flags import Flags
from guard.cli.settings import load_settings
from guard.formats.listen_addresses import parse_listen_address
from guard.signer.clock import SystemClock
from guard.signer.sockets import bind_socket
from guard.store.database import Database
from guard.web.api import UVICORN
from guard.web.logs import configure_log
from tests.crash.fuse import Fuse
from tests.crash.fused_store import FusedStore

Message = MutableMapping[str, Any]
App = Callable[..., Awaitable[None]]


class FusedApi:
    """Dies when a statement arrives, before its answer leaves, or after it has left."""

    def __init__(self, app: App, fuse: Fuse) -> None:
        self._app = app
        self._fuse = fuse

    async def __call__(self, scope: Message, receive: Any, send: Callable[[Message], Awaitable[None]]) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        self._fuse.light()
        self._fuse.point("request arrived")

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._fuse.point("before answer")
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                self._fuse.point("after answer")

        await self._app(scope, receive, send_on)


def run_fused_api(environment: Mapping[str, str], log: str, target: int | None) -> None:
    """Serve until killed, by the fuse or by the test."""
    configure_log("json", sys.stderr)
    settings, fuse = load_settings(Flags(), environment), Fuse(Path(log), target)
    store = FusedStore(Database(settings.require_text("database")), fuse)
    adopt_policy(settings, store, SystemClock())
    server = uvicorn.Server(uvicorn.Config(FusedApi(compose_api(settings, store), fuse), **UVICORN))
    server.run([bind_socket(parse_listen_address(settings.require_text("listen"))).socket])
