"""The API of a test's treasury under uvicorn, as a process of its own: `python -m tests.web.server_main DATABASE FOLDER BODY_SECONDS`.

It takes a free port of the loopback address and prints it in its first line. It ends with its input.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path

import uvicorn

from guard.store.database import Database
from guard.store.store import Store
from guard.web.api import UVICORN, WebSettings
from guard.web.logs import configure_log
from tests.web.asking import PLENTY
from tests.web.treasury import ServedTreasury


def _end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


def main() -> None:
    """Serve until the input ends."""
    url, folder, body_seconds = sys.argv[1:]
    configure_log("json", sys.stderr)
    settings = WebSettings(ordinary=PLENTY, stops=PLENTY, body_seconds=float(body_seconds))
    served = ServedTreasury(Store(Database(url)), Path(folder), settings=settings)
    server = uvicorn.Server(uvicorn.Config(served.api, **UVICORN))
    bound = socket.create_server(("127.0.0.1", 0))
    # An answer goes out in two parts; without this the second one waits 40 ms for the client's word on the first.
    bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sys.stdout.write(f"{bound.getsockname()[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=_end_with_input, daemon=True).start()
    server.run([bound])


if __name__ == "__main__":
    main()
