"""A signer's own look at the chain, over plain http.client: block time, and the Safe's nonce at the latest and the finalised block.

What a node says can only hold a release back (TRUST §1). A missing, late or garbled answer is trouble, never agreement.
"""

from __future__ import annotations

import http.client
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from guard.core.ids import Address
from guard.errors import AdapterError, GuardError
from guard.formats.canonical import parse_json, to_canonical
from guard.ports import VaultView

NONCE_CALL = "0xaffed0e0"
MAX_ANSWER_BYTES = 4 * 1024 * 1024
TIMEOUT = 5
"""Seconds for each answer, to connect besides. A node that drips its answer byte by byte is cut off then."""
_NUMBER = re.compile(r"0x[0-9a-f]{1,16}\Z", re.ASCII)


class HttpEndpoint:
    """One JSON-RPC node."""

    def __init__(self, url: str, *, timeout: float = TIMEOUT):
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or parts.hostname is None:
            raise GuardError("signer.endpoint", "an endpoint is an http or https address")
        self.name = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
        self._parts = parts
        self._timeout = timeout

    def read_view(self, vault: Address) -> VaultView:
        """The three answers of this node for one vault. Raises `AdapterError` when any is missing."""
        connection = self._connect()
        try:
            block = self._ask(connection, "eth_getBlockByNumber", ["latest", False])
            latest = self._ask(connection, "eth_call", [{"to": vault, "data": NONCE_CALL}, "latest"])
            final = self._ask(connection, "eth_call", [{"to": vault, "data": NONCE_CALL}, "finalized"])
        finally:
            connection.close()
        return VaultView(
            endpoint=self.name,
            block_at=self._to_number(block.get("timestamp") if isinstance(block, dict) else None),
            nonce_latest=self._to_word(latest),
            nonce_final=self._to_word(final),
        )

    def _connect(self) -> http.client.HTTPConnection:
        kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        return kind(self._parts.hostname or "", self._parts.port, timeout=self._timeout)

    def _ask(self, connection: http.client.HTTPConnection, method: str, parameters: list[Any]) -> Any:
        body = to_canonical({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
        try:
            path = (self._parts.path or "/") + (f"?{self._parts.query}" if self._parts.query else "")
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            with _cutting_off(connection.sock, self._timeout):
                answer = connection.getresponse()
                raw = answer.read(MAX_ANSWER_BYTES + 1)
        except (OSError, http.client.HTTPException) as trouble:
            raise AdapterError("signer.endpoint-silent", f"no answer from {self.name} to {method}") from trouble
        return self._take_result(method, answer.status, raw)

    def _take_result(self, method: str, status: int, raw: bytes) -> Any:
        try:
            said = parse_json(raw, max_bytes=MAX_ANSWER_BYTES)
        except GuardError as trouble:
            raise AdapterError("signer.endpoint-silent", f"garbled answer from {self.name} to {method}") from trouble
        if status != 200 or not isinstance(said, dict) or said.get("result") is None or "error" in said:
            raise AdapterError("signer.endpoint-silent", f"{self.name} gave no result for {method}")
        return said["result"]

    def _to_number(self, text: Any) -> int:
        if not isinstance(text, str) or _NUMBER.match(text) is None:
            raise AdapterError("signer.endpoint-silent", f"{self.name} gave no number")
        return int(text[2:], 16)

    def _to_word(self, text: Any) -> int:
        """A 32-byte answer of a call. An account without code answers 0x, which is no nonce."""
        if not isinstance(text, str) or len(text) != 66 or not text.startswith("0x"):
            raise AdapterError("signer.endpoint-silent", f"{self.name} knows no Safe there")
        return self._to_number("0x" + (text[2:].lstrip("0") or "0"))


@contextmanager
def _cutting_off(waiting: socket.socket, after: float) -> Iterator[None]:
    """Cut the socket off under whoever waits on it once the time is over."""

    def cut() -> None:
        with suppress(OSError):
            waiting.shutdown(socket.SHUT_RDWR)

    watch = threading.Timer(after, cut)
    watch.daemon = True
    watch.start()
    try:
        yield
    finally:
        watch.cancel()
