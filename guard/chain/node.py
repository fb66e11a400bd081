"""One JSON-RPC endpoint: asks, and turns every trouble into an `AdapterError`.

It takes no answer for true and gives none a meaning: that is for `answers` and for whoever asked. It repeats nothing
by itself, follows no redirect, and reads neither proxies nor credentials out of the environment. An endpoint's path
may hold an access key, so messages name the host alone.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests
from web3 import HTTPProvider
from web3.types import RPCEndpoint

from guard.errors import AdapterError

REVERTED = 3
_ERROR_SELECTOR = "0x08c379a0"
_SAID_LENGTH = 200


class Node:
    """An endpoint with a limit on how long it may stay silent (`timeout`, in seconds)."""

    def __init__(self, url: str, *, timeout: float) -> None:
        session = requests.Session()
        session.trust_env = False
        self._provider = HTTPProvider(
            url,
            request_kwargs={"timeout": timeout, "allow_redirects": False},
            session=session,
            exception_retry_configuration=None,
        )
        self.host = urlsplit(url).netloc.rpartition("@")[2]

    def request(self, method: str, *params: Any) -> Any:
        """The `result` of one request. Raises `chain.unreachable`, `chain.refused` or `chain.reverted`."""
        try:
            response = self._provider.make_request(RPCEndpoint(method), list(params))
        except (OSError, ValueError, RecursionError) as error:
            raise AdapterError("chain.unreachable", f"node {self.host} did not answer {method}") from error
        if not isinstance(response, dict):
            raise AdapterError("chain.unreachable", f"node {self.host} did not answer {method} with json-rpc")
        if response.get("error") is not None:
            raise self._to_error(method, response["error"])
        if "result" not in response:
            raise AdapterError("chain.unreachable", f"node {self.host} did not answer {method} with json-rpc")
        return response["result"]

    def _to_error(self, method: str, error: object) -> AdapterError:
        said = dict(error) if isinstance(error, dict) else {"message": error}
        message = to_plain(said.get("message"))
        details = {"node": self.host, "method": method, "said": message}
        if said.get("code") == REVERTED or "revert" in message.lower():
            reason = _to_reason(said.get("data")) or message
            return AdapterError("chain.reverted", f"the call would revert: {reason}", details=details)
        return AdapterError("chain.refused", f"node {self.host} refused {method}: {message}", details=details)


def to_plain(text: object) -> str:
    """What a stranger said as one short line of printable ASCII."""
    kept = "".join(one for one in str(text) if " " <= one <= "~")
    return kept[:_SAID_LENGTH]


def _to_reason(data: object) -> str:
    """The text of Solidity's `Error(string)`, or nothing where the revert bytes are something else."""
    if not isinstance(data, str) or not data.startswith(_ERROR_SELECTOR):
        return ""
    try:
        raw = bytes.fromhex(data[len(_ERROR_SELECTOR) :])
    except ValueError:
        return ""
    length = int.from_bytes(raw[32:64], "big")
    return to_plain(raw[64 : 64 + length].decode("utf-8", "replace")) if length <= len(raw) else ""
