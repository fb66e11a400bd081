"""The embedded chain as a server: its clock, its process, and what it answers to bodies that are no request."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from guard.demo.embedded_chain import BODY_LIMIT
from tests.chains import CHAIN_ID, COIN, EXECUTOR, RunningNode, embedded_in_process, post


@pytest.fixture(scope="module")
def embedded() -> Iterator[RunningNode]:
    """The embedded chain in this process, where its coverage counts."""
    with embedded_in_process() as node:
        yield node


def wait_for_block(node: RunningNode, number: int) -> dict[str, Any]:
    ends_at = time.monotonic() + 60
    while (block := node.request("eth_getBlockByNumber", hex(number), False)) is None:
        assert time.monotonic() < ends_at, f"block {number} is not there"
        time.sleep(0.05)
    found: dict[str, Any] = block
    return found


def test_an_empty_block_comes_each_second_with_the_wall_clocks_time(embedded: RunningNode) -> None:
    latest = int(embedded.request("eth_blockNumber"), 16)
    stamps = []
    for number in (latest + 1, latest + 2, latest + 3):
        stamps.append(int(wait_for_block(embedded, number)["timestamp"], 16))
        assert -1 <= time.time() - stamps[-1] <= 30
    assert stamps == sorted(set(stamps))


def test_it_serves_the_chain_id_that_everything_signs_for(embedded: RunningNode) -> None:
    assert int(embedded.request("eth_chainId"), 16) == CHAIN_ID
    assert embedded.request("net_version") == str(CHAIN_ID)
    assert embedded.request("web3_clientVersion").startswith("treasury-guard")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b"\xff\xfe", -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (b"7", -32600),
        (b'{"method": 7}', -32600),
        (b'{"method": "eth_chainId", "params": {}}', -32600),
        (b'{"method": "eth_nothing", "params": []}', -32601),
    ],
)
def test_a_body_that_is_no_request_gets_an_error_and_the_server_goes_on(
    embedded: RunningNode, body: bytes, code: int
) -> None:
    assert post(embedded.url, body)["error"]["code"] == code
    assert int(embedded.request("eth_chainId"), 16) == CHAIN_ID


def test_a_body_over_the_limit_is_not_read(embedded: RunningNode) -> None:
    with pytest.raises((OSError, ValueError)):
        post(embedded.url, b" " * (BODY_LIMIT + 1))
    assert int(embedded.request("eth_chainId"), 16) == CHAIN_ID


def test_an_error_answer_carries_the_revert_bytes(embedded: RunningNode) -> None:
    revert_with_a_byte = "0x60ff60005360016000fd"
    error = embedded.ask("eth_call", {"data": revert_with_a_byte}, "latest")["error"]
    assert error == {"code": 3, "message": "execution reverted", "data": "0xff"}


def test_requests_of_many_threads_are_all_answered(embedded: RunningNode) -> None:
    answers: list[str] = []

    def ask() -> None:
        answers.extend(embedded.request("eth_getBalance", EXECUTOR, "finalized") for _ in range(20))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 160


def test_the_process_says_where_it_listens_and_ends_on_sigterm() -> None:
    command = [sys.executable, "-m", "guard.demo.embedded_chain", "--port", "0", "--funded", EXECUTOR]
    process = subprocess.Popen([*command, "--chain-id", "4242"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        node = RunningNode("embedded", said["url"])
        assert int(node.request("eth_chainId"), 16) == 4242
        assert int(node.request("eth_getBalance", EXECUTOR, "latest"), 16) == 1000 * COIN
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
        assert process.stdout.read() == ""
    finally:
        process.kill()
        process.wait()


def test_an_address_without_its_checksum_ends_the_process_with_one_line() -> None:
    command = [sys.executable, "-m", "guard.demo.embedded_chain", "--funded", EXECUTOR.lower()]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("the chain cannot start: ")
    assert ended.stderr.count("\n") == 1
