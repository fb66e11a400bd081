"""Where a request comes from, and how often one source may ask, before anything that it sent is looked at.

The source serves limits alone: it is kept in memory, shown to nobody and written into no log.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

SOURCES_KEPT = 16_384
LOCAL = "local"
"""The source of everybody who comes in through a Unix socket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRate:
    """So many requests a second, with a burst. Zero a second means that only the burst is left, for tests."""

    per_second: int
    burst: int


ORDINARY = SourceRate(per_second=50, burst=200)
STOPS = SourceRate(per_second=20, burst=100)
"""Stops have a budget of their own, so that no flood of anything else from behind the same address hinders them."""
ALIVE = SourceRate(per_second=20, burst=100)
"""Whoever asks whether the process lives is not told otherwise because of what others ask, and asks no more than that."""


class SourceLimit:
    """A token bucket for each source. The sources that were quiet longest are forgotten first; one event loop uses it."""

    def __init__(self, rate: SourceRate, now: Callable[[], float] = time.monotonic):
        self._rate = rate
        self._now = now
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, source: str) -> bool:
        """Whether the source may ask once more now; counts it if so."""
        now = self._now()
        left, at = self._left.pop(source, (float(self._rate.burst), now))
        left = min(float(self._rate.burst), left + (now - at) * self._rate.per_second)
        is_free = left >= 1
        self._left[source] = (left - 1 if is_free else left, now)
        if len(self._left) > SOURCES_KEPT:
            self._left.popitem(last=False)
        return is_free


def find_source(client: Any, headers: Iterable[tuple[bytes, bytes]], *, behind_proxy: bool) -> str:
    """The source of a connection: the peer, or behind a proxy of our own whom that proxy, and nobody before it, named last.

    An IPv6 source is its network of 64 bits, since one subscriber has all of that.
    """
    peer = client[0] if client else LOCAL
    if behind_proxy:
        named = [value for name, value in headers if name == b"x-forwarded-for"]
        if named:
            peer = named[-1].rpartition(b",")[2].strip().decode("latin-1")[:60]
    return _to_group(peer) if ":" in peer else peer


def _to_group(peer: str) -> str:
    try:
        address = ip_address(peer)
    except ValueError:
        return peer
    if isinstance(address, IPv6Address) and address.ipv4_mapped is None:
        return str(ip_network((int(address), 64), strict=False).network_address)
    return str(address.ipv4_mapped) if isinstance(address, IPv6Address) else str(address)
