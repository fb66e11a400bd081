"""A node that says what a test tells it to say: for answers that no honest node gives."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SILENT = object()
"""As an answer: none within any time that a test would wait."""


class CannedNode:
    """Answers each method with its value in `answers`, or everything with the bytes in `raw`, and notes what was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.raw: bytes | None = None
        self.status = 200
        self.headers: dict[str, str] = {}
        self.asked: list[tuple[str, list[Any]]] = []
        self.is_over = threading.Event()

    def respond(self, request: dict[str, Any]) -> bytes:
        """The body of the answer to one request."""
        method = request["method"]
        self.asked.append((method, request["params"]))
        if self.raw is not None:
            return self.raw
        answer = self.answers.get(method)
        if answer is SILENT:
            self.is_over.wait()
            return b""
        if isinstance(answer, list) and answer and isinstance(answer[0], Turn):
            # The last one is said again and again.
            turn = answer.pop(0) if len(answer) > 1 else answer[0]
            answer = turn.answer
        if isinstance(answer, Failure):
            return json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": answer.error}).encode()
        return json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": answer}).encode()


class Failure:
    """An error answer."""

    def __init__(self, error: object) -> None:
        self.error = error


class Turn:
    """One of several answers that come one after the other."""

    def __init__(self, answer: object) -> None:
        self.answer = answer


@contextmanager
def canned_node() -> Iterator[tuple[str, CannedNode]]:
    """A server on the loopback and what it says."""
    node = CannedNode()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = node.respond(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(node.status)
            for name, value in node.headers.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):
                # Whoever asked may have gone.
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", node
    finally:
        node.is_over.set()
        server.shutdown()
        server.server_close()
