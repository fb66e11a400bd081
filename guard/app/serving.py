"""`guard serve`: the API as one process, or as several that share its socket. Whatever is wrong is said before anything listens."""

from __future__ import annotations

import socket
import ssl
import sys
from collections.abc import Callable
from threading import Event
from typing import Any

import uvicorn

from guard.app.api import adopt_policy, compose_api
from guard.app.databases import open_store
from guard.app.ending import end_on_signals
from guard.app.health import to_protection
from guard.app.processes import Watch
from guard.cli.exits import ExitStatus
from guard.cli.settings import Settings
from guard.formats.listen_addresses import ListenAddress, parse_listen_address
from guard.signer.clock import SystemClock
from guard.signer.sockets import bind_socket, load_context, require_protected
from guard.web.api import UVICORN
from guard.web.logs import configure_log

END_WITHIN = 10
"""Seconds that open requests have at the end. What was committed by then stays, acknowledged or not."""


def serve(settings: Settings, *, ready: Callable[[str], None]) -> int:
    """Serve until a termination signal; the exit status. `ready` is told the address once connections are taken."""
    over = end_on_signals()
    configure_log(settings.require_text("log_format"), sys.stderr)
    address = parse_listen_address(settings.require_text("listen"))
    protection = to_protection(settings)
    require_protected(address, protection)
    tls = load_context(address, protection)
    # Everything that can be wrong is met here, once and in words, and not by each process for itself.
    with open_store(settings) as store:
        compose_api(settings, store)
        adopt_policy(settings, store, SystemClock())
    bound = bind_socket(address)
    try:
        ready(_to_shown(address, bound.socket))

        def work() -> int:
            return _serve_one(settings, bound.socket, tls, over)

        count = settings.number("workers")
        return work() if count == 1 else Watch(work, count).run(over)
    finally:
        bound.close()


def _to_shown(address: ListenAddress, bound: socket.socket) -> str:
    return str(address) if address.path else str(ListenAddress(host=address.host, port=bound.getsockname()[1]))


def _serve_one(settings: Settings, bound: socket.socket, tls: ssl.SSLContext | None, over: Event) -> int:
    """One process of the API. `over` is set where it was told to end before it began."""
    with open_store(settings) as store:
        options: dict[str, Any] = {**UVICORN, "timeout_graceful_shutdown": END_WITHIN}
        if tls is not None:
            options["ssl_context_factory"] = lambda _config, _default: tls
        server = uvicorn.Server(uvicorn.Config(compose_api(settings, store), **options))
        # A signal that comes before the server listens for it is heard, too; afterwards the server hears it and gives it back.
        end_on_signals(lambda: setattr(server, "should_exit", True))
        if not over.is_set():
            server.run([bound])
        return ExitStatus.DONE
