"""A server that says whatever a test wants it to say, byte for byte, and keeps what it was asked."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Answer = Callable[["Asked"], bytes]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)


@dataclass
class Hostile:
    """A listener on loopback or on a Unix socket. `answer` gives the raw bytes of each answer; each connection is closed after one."""

    answer: Answer
    listener: socket.socket
    tls: ssl.SSLContext | None = None
    asked: list[Asked] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.listener.getsockname()[1])

    @property
    def url(self) -> str:
        """Its address."""
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self.port}"

    def serve(self) -> None:
        """Take connections one after the other until the listener is closed."""
        while not self.over.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_one, args=(connection,), daemon=True).start()

    def _serve_one(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError, IndexError):
            connection.settimeout(20)
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            asked = _read(connection)
            self.asked.append(asked)
            connection.sendall(self.answer(asked))
        connection.close()


def _read(connection: socket.socket) -> Asked:
    raw = b""
    while b"\r\n\r\n" not in raw:
        more = connection.recv(65536)
        if not more:
            raise ValueError("gone")
        raw += more
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    method, path, _ = lines[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    while len(body) < int(headers.get("content-length", "0")):
        body += connection.recv(65536)
    return Asked(method, path, headers, body)


def to_http(
    content: Any, *, status: int = 200, media_type: str = "application/json", headers: dict[str, str] | None = None
) -> bytes:
    """An answer as bytes; `content` is JSON unless it is bytes already."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    fields = {"Content-Type": media_type, "Content-Length": str(len(body)), "Connection": "close", **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Said\r\n{head}\r\n".encode() + body


def to_problem(code: str, *, status: int = 409, **more: Any) -> bytes:
    """A problem document."""
    content = {"type": f"urn:guard:error:{code}", "status": status, "code": code, "detail": "so it is", **more}
    return to_http(content, status=status, media_type="application/problem+json")


@contextmanager
def hostile(answer: Answer, *, unix: Path | None = None, tls: ssl.SSLContext | None = None) -> Iterator[Hostile]:
    """Such a server for as long as it is needed."""
    family = socket.AF_INET if unix is None else socket.AF_UNIX
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.bind(("127.0.0.1", 0) if unix is None else str(unix))
        listener.listen(64)
        server = Hostile(answer, listener, tls)
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
