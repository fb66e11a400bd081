"""Nodes that drip, garble, hide behind each other's names: what they say holds the money back or says nothing at all."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any

import pytest

from guard.errors import AdapterError
from guard.signer.endpoints import HttpEndpoint
from guard.signer.moment import take_look
from guard.signer.records import LONGEST_SILENCE, VaultAt, load_outages
from tests.attacks.scene import VICTIM, Scene
from tests.factories import CHAIN_ID, VAULT_ADDRESS
from tests.team import HandClock, HandNode

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"
CLOSING_HEAD = b"HTTP/1.0 200 OK\r\nContent-Length: 1000\r\n\r\n"


@contextmanager
def _node(talk: Callable[[socket.socket], None], *, timeout: float = 10) -> Iterator[HttpEndpoint]:
    """A node on loopback that talks like this to every connection."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with closing(connection):
                try:
                    talk(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield HttpEndpoint(f"http://127.0.0.1:{server.getsockname()[1]}", timeout=timeout)
    finally:
        server.close()


@pytest.mark.parametrize("head", [HEAD, CLOSING_HEAD, b"HTTP/1.1 200 OK\r\n"])
def test_a_node_that_drips_its_answer_is_cut_off(head: bytes) -> None:
    over = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(head)
        while not over.wait(0.02):
            connection.sendall(b"x")

    with _node(drip, timeout=0.2) as endpoint, pytest.raises(AdapterError, match="eth_getBlockByNumber"):
        endpoint.read_view(VAULT_ADDRESS)
    over.set()


def _saying(results: dict[str, object]) -> Callable[[socket.socket], None]:
    def talk(connection: socket.socket) -> None:
        with connection.makefile("rb") as asked:
            while (question := _read_question(asked)) is not None:
                said = json.dumps({"jsonrpc": "2.0", "id": 1, "result": results[question["method"]]}).encode()
                connection.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {len(said)}\r\n\r\n".encode() + said)

    return talk


def _read_question(asked: BufferedReader) -> Any:
    """The next question's body, None where there is no other one."""
    length = None
    while line := asked.readline().strip():
        if line.lower().startswith(b"content-length:"):
            length = int(line.partition(b":")[2])
    return None if length is None else json.loads(asked.read(length))


def _word(figures: str) -> str:
    return "0x" + figures.rjust(64, "0")


def test_a_plain_answer_is_read() -> None:
    talk = _saying({"eth_getBlockByNumber": {"timestamp": "0x6553f100"}, "eth_call": _word("2a")})
    with _node(talk) as endpoint:
        view = endpoint.read_view(VAULT_ADDRESS)
    assert (view.block_at, view.nonce_latest, view.nonce_final) == (1_700_000_000, 42, 42)


@pytest.mark.parametrize("timestamp", ["0x", "0x-1", "0x1_0", "0x 1", "1700000000", 1700000000, None, "0x" + "f" * 17])
def test_a_time_that_is_no_plain_number_is_no_answer(timestamp: object) -> None:
    talk = _saying({"eth_getBlockByNumber": {"timestamp": timestamp}, "eth_call": _word("0")})
    with _node(talk) as endpoint, pytest.raises(AdapterError, match="no number"):
        endpoint.read_view(VAULT_ADDRESS)


@pytest.mark.parametrize("word", ["0x", _word("-1"), _word("1_0"), _word("0")[:-1], "0x" + "f" * 64, [], "0" * 66])
def test_a_nonce_that_is_no_plain_number_is_no_answer(word: object) -> None:
    talk = _saying({"eth_getBlockByNumber": {"timestamp": "0x1"}, "eth_call": word})
    with _node(talk) as endpoint, pytest.raises(AdapterError, match=r"no number|knows no Safe"):
        endpoint.read_view(VAULT_ADDRESS)


def test_two_nodes_of_one_name_are_two_answers() -> None:
    clock, vault = HandClock(), VaultAt(CHAIN_ID, VAULT_ADDRESS)
    high, low = HandNode(clock, nonce_final=9), HandNode(clock, nonce_final=1)
    silent = HandNode(clock, is_silent=True)
    look = take_look(clock, {CHAIN_ID: (high, low, silent)}, [vault])
    assert [view.nonce_final for view in look.views[vault]] == [9, 1]
    assert look.silent[vault] == (silent.name,)


@pytest.mark.parametrize(
    ("passed", "lost"),
    [(LONGEST_SILENCE - 1, 0), (LONGEST_SILENCE, 0), (LONGEST_SILENCE + 1, LONGEST_SILENCE + 1)],
)
def test_time_without_a_mark_is_time_in_which_the_signer_did_not_run(passed: int, lost: int, folder: Path) -> None:
    scene = Scene(folder)
    team = scene.team()
    signer = team.signers[VICTIM]
    signer.tick()
    team.clock.advance(passed)
    signer.tick()
    with signer.journal.reading() as db:
        assert sum(outage.end_at - outage.start_at for outage in load_outages(db)) == lost
    scene.close()
