"""A client that posts prepared statements over many connections at once and does as little else as it can.

Each connection comes from a loopback address of its own, since the API counts requests by source.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prepared:
    """One request, as bytes."""

    raw: bytes


def prepare(path: str, body: bytes, headers: dict[str, str]) -> Prepared:
    """A request with its head."""
    told = {"Host": "127.0.0.1", "Content-Type": "application/json", "Content-Length": str(len(body)), **headers}
    head = f"POST {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in told.items()) + "\r\n"
    return Prepared(head.encode("ascii") + body)


def post_all(port: int, requests: Sequence[Prepared], *, connections: int) -> tuple[float, dict[int, int]]:
    """Post all of them; how many seconds it took, and how many answers there were of each status."""
    return asyncio.run(_post_all(port, list(requests), connections))


async def _post_all(port: int, requests: list[Prepared], connections: int) -> tuple[float, dict[int, int]]:
    statuses: dict[int, int] = {}
    waiting = iter(requests)
    lines = [
        await asyncio.open_connection("127.0.0.1", port, local_addr=_to_source(each)) for each in range(connections)
    ]

    async def work(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for request in waiting:
            status = 503
            # What the database could not take in time is posted again under the same Idempotency-Key, as a client does.
            while status == 503:
                writer.write(request.raw)
                status = await _read_status(reader)
                statuses[status] = statuses.get(status, 0) + 1

    begun = time.perf_counter()
    await asyncio.gather(*(work(reader, writer) for reader, writer in lines))
    took = time.perf_counter() - begun
    for _, writer in lines:
        writer.close()
    return took, statuses


def _to_source(number: int) -> tuple[str, int]:
    return f"127.0.{1 + number // 250}.{2 + number % 250}", 0


async def _read_status(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(
        int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    )
    await reader.readexactly(length)
    return int(head.split(b" ", 2)[1])
