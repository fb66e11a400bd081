"""The two listeners of a signer: small HTTP over a Unix socket or loopback, one POST for each verb, bodies of at most 256 KiB.

Command is for the worker; stop is for people and goes on working whatever else is down. Both limit by source, how often and how many at
once, before anything that was sent is looked at, so that nobody's flood locks a guardian out of another source. One request has one
connection and a set time to arrive in.
"""

from __future__ import annotations

import io
import os
import socket
import socketserver
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from guard.errors import AdapterError, GuardError
from guard.formats.canonical import parse_json, to_canonical
from guard.signer.limiting import SourceLimit
from guard.signer.requests import Verb
from guard.signer.signer import ReleaseRefused, Signer

MAX_BODY_BYTES = 256 * 1024
REQUEST_TIMEOUT = 15
PREFIX = "/v1/"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class DeadlineReader(io.RawIOBase):
    """Reads from a socket until a set instant of the monotonic clock, however slowly the other side drips. Raises `TimeoutError`."""

    def __init__(self, connection: socket.socket, until: float):
        self._connection = connection
        self._until = until

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request took too long to arrive")
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class _Handler(BaseHTTPRequestHandler):
    """One request. Every way out of it is an answer with a code; nothing of an unexpected fault is told."""

    protocol_version = "HTTP/1.1"
    timeout = REQUEST_TIMEOUT
    server: _Listener

    def setup(self) -> None:
        super().setup()
        self.rfile = io.BufferedReader(DeadlineReader(self.connection, time.monotonic() + REQUEST_TIMEOUT))

    def do_POST(self) -> None:
        # What a refused request leaves unread on a connection is never read as the next one.
        self.close_connection = True
        try:
            answer, status = self._answer(), 200
        except ReleaseRefused as refused:
            answer, status = {"error": refused.to_json()}, 409
        except GuardError as refused:
            answer, status = {"error": refused.to_json()}, 413 if refused.code == "signer.too-large" else 400
        except AdapterError as trouble:
            answer, status = {"error": trouble.to_json()}, 503
        except OSError:
            return
        except (
            Exception
        ):  # The process boundary: a bug answers 500, releases nothing, and its text goes to the operator's log only.
            self.server.report_fault(self.path)
            answer, status = (
                {"error": {"code": "internal", "message": "internal fault", "next": "see the signer's log"}},
                500,
            )
        self._send(status, answer)

    def _answer(self) -> dict[str, Any]:
        verb = self.server.verbs.get(self.path.removeprefix(PREFIX)) if self.path.startswith(PREFIX) else None
        self.server.limit.require(self.client_address[0])
        body = self._read_body()
        if verb is None:
            raise GuardError("signer.request", f"{self.path[:60]!r} is not a verb of this listener")
        return verb(self.server.signer, parse_json(body, max_bytes=MAX_BODY_BYTES))

    def _read_body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isascii() or not length.isdigit() or len(length) > 9:
            raise GuardError("signer.request", "a request needs a Content-Length")
        if int(length) > MAX_BODY_BYTES:
            raise GuardError("signer.too-large", f"a request has at most {MAX_BODY_BYTES} bytes")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise GuardError("signer.request", "the request ended before its Content-Length")
        return body

    def _send(self, status: int, answer: Mapping[str, Any]) -> None:
        body = to_canonical(dict(answer))
        try:
            self.connection.settimeout(REQUEST_TIMEOUT)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            return  # Whoever asked is gone. What was recorded stays, and asking again gives the same answer.

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are recorded in the journal, not here."""

    def version_string(self) -> str:
        return "guard"


class _Listener(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A listener with the verbs that it takes."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64
    signer: Signer
    verbs: Mapping[str, Verb]
    limit: SourceLimit

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether this source may hold another connection open; if not it is closed before a thread is spent on it."""
        return self.limit.enter(client_address[0])

    def process_request(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request(request, client_address)
        except RuntimeError:  # No thread is to be had: the place is given back, and the connection is closed.
            self.limit.leave(client_address[0])
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.limit.leave(client_address[0])

    def report_fault(self, path: str) -> None:
        """Tell the operator, on standard error and with the traceback, that a bug was met."""
        import sys
        import traceback

        sys.stderr.write(f"guard signer: fault in {path[:60]!r}\n{traceback.format_exc()}")
        sys.stderr.flush()


class _UnixListener(_Listener):
    """The same on a Unix socket that only this user may open."""

    address_family = socket.AF_UNIX
    allow_reuse_address = False

    def server_bind(self) -> None:
        path = Path(str(self.server_address))
        if path.is_socket():
            path.unlink()
        mask = os.umask(0o177)
        try:
            self.socket.bind(str(path))
        finally:
            os.umask(mask)

    def get_request(self) -> Any:
        request, _ = self.socket.accept()
        return request, ("socket", 0)


def open_listener(address: str, signer: Signer, verbs: Mapping[str, Verb], limit: SourceLimit) -> _Listener:
    """Listen at `unix:PATH` or `HOST:PORT` on loopback. Anything else needs TLS, which this version does not have: refused."""
    listener: _Listener
    try:
        if address.startswith("unix:"):
            listener = _UnixListener(address.removeprefix("unix:"), _Handler)  # type: ignore[arg-type]
        else:
            host, _, port = address.rpartition(":")
            if host not in LOOPBACK or not port.isdigit():
                raise GuardError("signer.address", f"{address!r} is not unix:PATH or a loopback address with a port")
            listener = _Listener((host, int(port)), _Handler)
    except OSError as trouble:
        raise AdapterError("signer.address", f"cannot listen at {address}: {trouble.strerror}") from trouble
    listener.signer, listener.verbs, listener.limit = signer, verbs, limit
    return listener


def serve_in_background(listener: _Listener) -> threading.Thread:
    """Serve until the listener is shut down."""
    thread = threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    return thread
