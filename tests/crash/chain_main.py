"""The embedded chain as a process whose blocks come when a test asks for one: a release then takes no longer than its work."""

from __future__ import annotations

import json
import threading
import time
from http.client import HTTPConnection
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import urlsplit

from guard.demo.embedded_chain import FUNDED_UNITS, EmbeddedChain
from tests.chains import CHAIN_ID, EXECUTOR

MINE = "test_mine"
MOST_AHEAD = 120
"""Seconds by which the blocks' time may run ahead of the clock, far less than signers put up with. Each block takes one at least."""


class SteppedChain(EmbeddedChain):
    """Mines at each `test_mine`, and never by itself. Finality trails by one block."""

    def answer(self, method: str, params: list[Any]) -> Any:
        """The result of one request."""
        if method != MINE:
            return super().answer(method, params)
        with self._lock:
            return self._ledger.mine(int(self._clock())).header.timestamp

    def _mine_each_second(self) -> None:
        self._is_stopping.wait()


def run_stepped_chain(ready: Connection) -> None:
    """Serve until killed; the address is sent first."""
    with SteppedChain(funded={EXECUTOR: FUNDED_UNITS}, chain_id=CHAIN_ID, finality_lag=1) as chain:
        ready.send(chain.url)
        threading.Event().wait()


def mine(url: str) -> None:
    """One block more. Waits where the chain's time has run too far ahead."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=10)
    try:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": MINE, "params": []})
        connection.request("POST", "/", body, {"Content-Type": "application/json"})
        answer = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    assert "result" in answer, answer
    time.sleep(max(0.0, answer["result"] - time.time() - MOST_AHEAD))
