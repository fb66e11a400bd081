"""A small chain behind JSON-RPC on the loopback, so that the demo and the tests need no node.

Run `python -m guard.demo.embedded_chain --port 0 --funded ADDRESS`: it prints one JSON line with its url and ends on
SIGTERM. It is a real EVM, and no node: state lives in memory, `finalized` trails `latest` by a fixed number of
blocks, nobody can reorganise it. Never reachable from another machine, since it listens on the loopback only.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from guard.demo.embedded_ledger import Ledger, RpcRefusal
from guard.demo.embedded_rpc import EmbeddedRpc
from guard.errors import GuardError
from guard.formats.keccak import from_address, require_address

CHAIN_ID = 31337
FINALITY_LAG = 2
FUNDED_UNITS = 1_000 * 10**18
BODY_LIMIT = 1024 * 1024
PARSE_ERROR = -32700
INVALID_REQUEST = -32600
INTERNAL_ERROR = -32603


class EmbeddedChain:
    """A chain with its server and its miner, from `start` to `stop`; also a context manager.

    Blocks come each second, with the wall clock's time, whether or not a transaction waits; transactions wait for the
    next one.
    """

    def __init__(
        self,
        *,
        funded: Mapping[str, int],
        chain_id: int = CHAIN_ID,
        finality_lag: int = FINALITY_LAG,
        port: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        accounts = {from_address(require_address(address)): units for address, units in funded.items()}
        self._ledger = Ledger(chain_id=chain_id, funded=accounts, at=int(clock()) - 1)
        self._rpc = EmbeddedRpc(self._ledger, finality_lag=finality_lag)
        self._server = _build_server(port, self.answer)
        self._is_stopping = threading.Event()
        self._is_held = threading.Event()
        self._threads = (
            threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True),
            threading.Thread(target=self._mine_each_second, daemon=True),
        )

    @property
    def url(self) -> str:
        """Where its JSON-RPC is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        """Begin to mine and to answer."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End miner and server, and forget everything."""
        self._is_stopping.set()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join(timeout=5)

    def __enter__(self) -> EmbeddedChain:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @contextmanager
    def without_blocks(self) -> Iterator[None]:
        """No block comes for the length of the block; what is sent meanwhile waits."""
        self._is_held.set()
        try:
            yield
        finally:
            self._is_held.clear()

    def answer(self, method: str, params: list[Any]) -> Any:
        """The result of one request, without the network. Raises `RpcRefusal`."""
        with self._lock:
            return self._rpc.answer(method, params)

    def _mine_each_second(self) -> None:
        while not self._is_stopping.wait(1.0 - self._clock() % 1.0):
            with self._lock:
                if not self._is_held.is_set():
                    self._ledger.mine(int(self._clock()))


def _build_server(port: int, answer: Callable[[str, list[Any]], Any]) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > BODY_LIMIT:
                self.close_connection = True
                self.send_error(413)
                return
            body = json.dumps(_respond(self.rfile.read(int(length)), answer)).encode("ascii")
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing: the demo's output is a story, and a node's requests are no part of it."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Somebody who asked was killed before the answer: no fault of the chain's. Anything else is told as it always is."""
            if not isinstance(sys.exception(), ConnectionError):
                super().handle_error(request, client_address)

    return Server(("127.0.0.1", port), Handler)


def _respond(body: bytes, answer: Callable[[str, list[Any]], Any]) -> dict[str, Any]:
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        return _to_error(None, PARSE_ERROR, "the body is not json")
    if not isinstance(request, dict) or not isinstance(request.get("method"), str):
        return _to_error(None, INVALID_REQUEST, "the body is not one request")
    asked, params = request.get("id"), request.get("params", [])
    if not isinstance(params, list):
        return _to_error(asked, INVALID_REQUEST, "params is not a list")
    try:
        return {"jsonrpc": "2.0", "id": asked, "result": answer(request["method"], params)}
    except RpcRefusal as refusal:
        return _to_error(asked, refusal.code, refusal.message, refusal.revert)
    except Exception as error:
        # The server's outermost edge: whatever breaks inside is answered as a node's own failure, never as a result.
        return _to_error(asked, INTERNAL_ERROR, f"internal error: {type(error).__name__}")


def _to_error(asked: Any, code: int, message: str, revert: bytes | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message}
    if revert is not None:
        error["data"] = "0x" + revert.hex()
    return {"jsonrpc": "2.0", "id": asked, "error": error}


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="guard.demo.embedded_chain", description="an EVM chain in memory, on the loopback"
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument(
        "--funded", action="append", required=True, metavar="ADDRESS", help="gets 1000 coins; may be repeated"
    )
    parser.add_argument("--chain-id", type=int, default=CHAIN_ID)
    parser.add_argument(
        "--finality-lag", type=int, default=FINALITY_LAG, help="blocks by which finalized trails latest"
    )
    return parser.parse_args()


def main() -> None:
    """Run one chain until SIGTERM or SIGINT."""
    arguments = _parse_arguments()
    has_ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: has_ended.set())
    try:
        chain = EmbeddedChain(
            funded=dict.fromkeys(arguments.funded, FUNDED_UNITS),
            chain_id=arguments.chain_id,
            finality_lag=arguments.finality_lag,
            port=arguments.port,
        )
    except (GuardError, OSError) as error:
        raise SystemExit(f"the chain cannot start: {error}") from error
    with chain:
        print(json.dumps({"url": chain.url}), flush=True)
        has_ended.wait()


if __name__ == "__main__":
    main()
