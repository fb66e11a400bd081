"""A node's answers are values or errors with a code; nothing in between, and nothing is guessed."""

import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from guard.chain import Chain, ExpectedEffect, OutcomeState, read_outcome
from guard.chain.fragments import EXECUTION_SUCCESS
from guard.errors import AdapterError, GuardError
from tests.chain.canned import SILENT, CannedNode, Failure, Turn, canned_node
from tests.chains import address_for

SAFE, TOKEN = address_for("safe"), address_for("token")
HASH, OTHER_HASH = "0x" + "ab" * 32, "0x" + "cd" * 32
BLOCK: dict[str, Any] = {"number": "0x7", "hash": HASH, "timestamp": "0x64"}
LOG: dict[str, Any] = {
    "address": SAFE.lower(),
    "topics": ["0x" + EXECUTION_SUCCESS.hex(), HASH],
    "data": "0x" + "00" * 32,
    "logIndex": "0x0",
    "blockNumber": "0x7",
    "blockHash": HASH,
    "transactionHash": HASH,
    "removed": False,
}
RECEIPT: dict[str, Any] = {
    "transactionHash": HASH,
    "status": "0x1",
    "blockNumber": "0x7",
    "blockHash": HASH,
    "contractAddress": None,
    "logs": [LOG],
}


@pytest.fixture
def canned() -> Iterator[tuple[Chain, CannedNode]]:
    with canned_node() as (url, node):
        yield Chain(url, timeout=1), node


def require_code(ask: Callable[[], object], code: str) -> AdapterError:
    with pytest.raises(AdapterError) as refused:
        ask()
    assert refused.value.code == code
    return refused.value


def without(answer: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != name}


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"\xff\xfe", b"null", b"7", b"[]", b"{}", b'{"result": ', b"[" * 100_000, b'{"jsonrpc": "2.0"}']
)
def test_what_is_not_json_rpc_is_no_answer(canned: tuple[Chain, CannedNode], raw: bytes) -> None:
    chain, node = canned
    node.raw = raw
    require_code(chain.chain_id, "chain.unreachable")


@pytest.mark.parametrize("status", [301, 307, 401, 404, 429, 500, 503])
def test_no_status_but_success_is_an_answer_and_no_redirect_is_followed(
    canned: tuple[Chain, CannedNode], status: int
) -> None:
    chain, node = canned
    node.status = status
    node.raw = b"moved"
    node.headers = {"Location": f"http://{chain.host}/elsewhere"}
    require_code(chain.chain_id, "chain.unreachable")
    assert len(node.asked) == 1


def test_a_silent_node_and_a_closed_port_are_unreachable(canned: tuple[Chain, CannedNode]) -> None:
    chain, node = canned
    node.answers["eth_chainId"] = SILENT
    require_code(chain.chain_id, "chain.unreachable")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        require_code(Chain(f"http://127.0.0.1:{closed.getsockname()[1]}").chain_id, "chain.unreachable")


def test_a_message_names_the_host_and_never_the_access_key_in_the_url() -> None:
    chain = Chain("http://user:word@127.0.0.1:1/v2/access-key?more=secret")
    error = require_code(chain.chain_id, "chain.unreachable")
    said = f"{error} {error.details} {error.to_json()}"
    assert "127.0.0.1:1" in said
    assert not any(secret in said for secret in ("access-key", "word", "secret"))
    assert error.__cause__ is not None


@pytest.mark.parametrize("error", [{"code": -32000, "message": "header not found"}, {}, "words", 7, [], True])
def test_an_error_answer_is_a_refusal_whatever_its_shape(canned: tuple[Chain, CannedNode], error: object) -> None:
    chain, node = canned
    node.answers["eth_chainId"] = Failure(error)
    require_code(chain.chain_id, "chain.refused")


def test_a_nodes_words_are_cut_to_one_short_line_of_plain_text(canned: tuple[Chain, CannedNode]) -> None:
    chain, node = canned
    node.answers["eth_chainId"] = Failure({"code": 1, "message": "\x1b[31mred\n\u202e" + "x" * 1000})
    error = require_code(chain.chain_id, "chain.refused")
    assert error.message.isprintable()
    assert error.message.isascii()
    assert len(error.message) < 300


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"code": 3, "message": "execution reverted", "data": "0x"}, "execution reverted"),
        ({"code": 3, "message": "execution reverted", "data": "0x08c379a0zz"}, "execution reverted"),
        ({"code": 3, "message": "execution reverted", "data": "0x08c379a0" + "ff" * 64}, "execution reverted"),
        ({"code": -32000, "message": "VM Exception: revert GS013"}, "VM Exception: revert GS013"),
        (
            {"code": 3, "message": "?", "data": "0x08c379a0" + f"{32:064x}{5:064x}" + b"GS020".hex().ljust(64, "0")},
            "GS020",
        ),
    ],
)
def test_a_revert_has_its_own_code_and_the_contracts_reason(
    canned: tuple[Chain, CannedNode], error: dict[str, Any], reason: str
) -> None:
    chain, node = canned
    node.answers["eth_call"] = Failure(error)
    refused = require_code(lambda: chain.safe_nonce(SAFE), "chain.reverted")
    assert refused.message == f"the call would revert: {reason}"


@pytest.mark.parametrize("answer", [None, 31337, "31337", "0x", "0xg", "0x" + "f" * 65, "-0x1", "0x-1", True, [], {}])
def test_a_number_that_is_none_is_refused(canned: tuple[Chain, CannedNode], answer: object) -> None:
    chain, node = canned
    node.answers["eth_chainId"] = answer
    require_code(chain.chain_id, "chain.unexpected-answer")


def test_a_node_of_another_chain_is_refused(canned: tuple[Chain, CannedNode]) -> None:
    chain, node = canned
    for served, code in (("0x1", "chain.wrong-chain"), ("0x7a69", None), ("0x7a6a", "chain.wrong-chain")):
        node.answers["eth_chainId"] = served
        if code is None:
            chain.require_chain_id(31337)
        else:
            require_code(lambda: chain.require_chain_id(31337), code)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        without(BLOCK, "number"),
        without(BLOCK, "hash"),
        without(BLOCK, "timestamp"),
        BLOCK | {"hash": "0x12"},
        BLOCK | {"hash": None},
        BLOCK | {"timestamp": 100},
    ],
)
def test_a_block_without_number_hash_and_time_is_refused(canned: tuple[Chain, CannedNode], answer: object) -> None:
    chain, node = canned
    node.answers["eth_getBlockByNumber"] = answer
    require_code(chain.latest_block, "chain.unexpected-answer")


def test_no_final_block_is_an_answer_and_no_latest_one_is_not(canned: tuple[Chain, CannedNode]) -> None:
    chain, node = canned
    node.answers["eth_getBlockByNumber"] = None
    assert chain.finalized_block() is None
    assert chain.block(7) is None
    require_code(chain.latest_block, "chain.unexpected-answer")


@pytest.mark.parametrize("answer", ["0x", None, "0x12", "0x" + "00" * 31, 0])
def test_a_nonce_of_nothing_is_never_nonce_zero(canned: tuple[Chain, CannedNode], answer: object) -> None:
    chain, node = canned
    node.answers["eth_call"] = answer
    require_code(
        lambda: chain.safe_nonce(SAFE, "finalized"),
        "chain.no-contract" if answer == "0x" else "chain.unexpected-answer",
    )


def test_the_block_that_is_asked_for_is_the_one_that_is_read(canned: tuple[Chain, CannedNode]) -> None:
    chain, node = canned
    node.answers["eth_call"] = "0x" + "00" * 31 + "05"
    assert [chain.safe_nonce(SAFE, tag) for tag in ("latest", "finalized", 255)] == [5, 5, 5]
    assert [params[1] for _, params in node.asked] == ["latest", "finalized", "0xff"]


@pytest.mark.parametrize("address", ["0x12", SAFE.lower(), SAFE[:-1], "", "0x" + "g" * 40])
def test_an_address_without_its_checksum_is_not_even_asked_for(canned: tuple[Chain, CannedNode], address: str) -> None:
    chain, node = canned
    for ask in (chain.native_balance, chain.safe_owners, chain.code):
        with pytest.raises(GuardError):
            ask(address)
    assert node.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {},
        [None],
        [LOG | {"removed": True}],
        [LOG | {"address": TOKEN}],
        [LOG | {"address": "0x12"}],
        [LOG | {"topics": []}],
        [LOG | {"topics": ["0x" + "11" * 32]}],
        [LOG | {"topics": ["0x12"]}],
        [LOG | {"topics": LOG["topics"] * 3}],
        [LOG | {"topics": None}],
        [LOG | {"blockNumber": "0x8"}],
        [LOG | {"blockNumber": None}],
        [without(LOG, "transactionHash")],
        [LOG, LOG | {"data": "0x1"}],
    ],
)
def test_logs_that_were_not_asked_for_or_are_broken_are_refused(
    canned: tuple[Chain, CannedNode], answer: object
) -> None:
    chain, node = canned
    node.answers["eth_getLogs"] = answer
    require_code(lambda: chain.logs(SAFE, (EXECUTION_SUCCESS,), 0, 7), "chain.unexpected-answer")


@pytest.mark.parametrize(
    "answer",
    [
        [],
        without(RECEIPT, "status"),
        without(RECEIPT, "logs"),
        without(RECEIPT, "contractAddress"),
        RECEIPT | {"status": None},
        RECEIPT | {"transactionHash": OTHER_HASH, "logs": []},
        RECEIPT | {"logs": [LOG | {"transactionHash": OTHER_HASH}]},
        RECEIPT | {"logs": [LOG | {"blockHash": OTHER_HASH}]},
        RECEIPT | {"blockNumber": "0x8"},
    ],
)
def test_a_receipt_that_is_broken_or_another_ones_is_refused(canned: tuple[Chain, CannedNode], answer: object) -> None:
    chain, node = canned
    node.answers["eth_getTransactionReceipt"] = answer
    require_code(lambda: chain.receipt(HASH), "chain.unexpected-answer")


def read(chain: Chain) -> tuple[OutcomeState, str, bool]:
    outcome = read_outcome(chain, SAFE, HASH, ExpectedEffect())
    return outcome.state, outcome.reason, outcome.is_final


def tell_success(node: CannedNode) -> None:
    node.answers |= {"eth_getLogs": [LOG], "eth_getTransactionReceipt": RECEIPT, "eth_getBlockByNumber": BLOCK}


def test_a_success_that_everything_confirms_is_a_success(canned: tuple[Chain, CannedNode]) -> None:
    tell_success(canned[1])
    assert read(canned[0]) == (OutcomeState.SUCCEEDED, "", True)


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("eth_getTransactionReceipt", None),
        ("eth_getTransactionReceipt", RECEIPT | {"status": "0x0"}),
        ("eth_getTransactionReceipt", RECEIPT | {"logs": []}),
        ("eth_getTransactionReceipt", RECEIPT | {"logs": [LOG | {"logIndex": "0x1"}]}),
        ("eth_getBlockByNumber", [Turn(BLOCK), Turn(BLOCK), Turn(BLOCK), Turn(BLOCK | {"hash": OTHER_HASH})]),
        ("eth_getBlockByNumber", [Turn(BLOCK), Turn(BLOCK), Turn(BLOCK), Turn(None)]),
        ("eth_getBlockByNumber", [Turn(BLOCK), Turn(BLOCK), Turn(BLOCK | {"number": "0x6"}), Turn(BLOCK)]),
    ],
)
def test_an_event_that_does_not_stand_on_the_chain_any_more_is_unknown(
    canned: tuple[Chain, CannedNode], method: str, answer: object
) -> None:
    chain, node = canned
    tell_success(node)
    node.answers[method] = answer
    assert read(chain) == (OutcomeState.UNKNOWN, "reorganised", False)


@pytest.mark.parametrize(("final", "is_final"), [("0x6", False), ("0x7", True), ("0x8", True), (None, False)])
def test_an_execution_is_final_from_the_final_block_on(
    canned: tuple[Chain, CannedNode], final: str | None, is_final: bool
) -> None:
    chain, node = canned
    tell_success(node)
    finalized = None if final is None else BLOCK | {"number": final}
    node.answers["eth_getBlockByNumber"] = [Turn(BLOCK), Turn(finalized), Turn(BLOCK)]
    assert read(chain) == (OutcomeState.SUCCEEDED, "", is_final)


def test_a_search_that_the_node_refuses_is_no_outcome(canned: tuple[Chain, CannedNode]) -> None:
    chain, node = canned
    tell_success(node)
    node.answers["eth_getLogs"] = Failure({"code": -32005, "message": "query returned more than 10000 results"})
    require_code(lambda: read(chain), "chain.refused")


def test_the_search_asks_for_every_block_exactly_once(canned: tuple[Chain, CannedNode]) -> None:
    chain, node = canned
    node.answers |= {"eth_getLogs": [], "eth_getBlockByNumber": BLOCK | {"number": "0x19"}}
    outcome = read_outcome(chain, SAFE, HASH, ExpectedEffect(), from_block=3, page_blocks=10)
    assert outcome.state is OutcomeState.UNKNOWN
    spans = [
        (int(params[0]["fromBlock"], 16), int(params[0]["toBlock"], 16))
        for method, params in node.asked
        if method == "eth_getLogs"
    ]
    assert spans == [(3, 12), (13, 22), (23, 25)]
