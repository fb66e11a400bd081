"""The embedded chain's state, with the time and the transactions that a test gives it."""

from typing import Any

import pytest
from eth._utils.address import generate_contract_address
from eth_account import Account
from eth_utils import to_checksum_address

from guard.demo.contracts import to_token_code
from guard.demo.embedded_ledger import CallRequest, Ledger, RpcRefusal
from guard.demo.embedded_rpc import EmbeddedRpc
from tests.chains import CHAIN_ID, COIN, EXECUTOR, EXECUTOR_KEY, address_for, to_creation_code, to_token_transfer

STARTED_AT = 1_800_000_000
GWEI = 10**9
PAYEE = address_for("payee")
SENDER = bytes.fromhex(EXECUTOR[2:])


def make_ledger(chain_id: int = CHAIN_ID) -> Ledger:
    return Ledger(chain_id=chain_id, funded={SENDER: 1000 * COIN}, at=STARTED_AT)


def sign(nonce: int, **changes: Any) -> bytes:
    fields = {
        "type": 2,
        "chainId": CHAIN_ID,
        "nonce": nonce,
        "gas": 21_000,
        "maxFeePerGas": 10 * GWEI,
        "maxPriorityFeePerGas": GWEI,
        "to": PAYEE,
        "value": 1,
        "data": b"",
    } | changes
    if fields["to"] is None:
        del fields["to"]
    return bytes(Account.from_key(EXECUTOR_KEY).sign_transaction(fields).raw_transaction)


def created_by(nonce: int) -> str:
    """The address of the contract that the executor creates with this nonce, by py-evm's own reckoning."""
    return to_checksum_address(generate_contract_address(SENDER, nonce))


def make_token(ledger: Ledger) -> str:
    found = ledger.submit(sign(0, to=None, value=0, gas=3_000_000, data=to_token_code(EXECUTOR, 1000)))
    ledger.mine(STARTED_AT + 1)
    receipt = EmbeddedRpc(ledger, finality_lag=2).answer("eth_getTransactionReceipt", ["0x" + found.hex()])
    assert receipt["status"] == "0x1"
    assert receipt["contractAddress"] == created_by(0)
    return created_by(0)


@pytest.mark.parametrize(("given", "mined"), [(-1, 1), (0, 1), (1, 1), (2, 2), (3600, 3600)])
def test_a_block_has_its_miners_time_or_the_second_after_its_parent(given: int, mined: int) -> None:
    block = make_ledger().mine(STARTED_AT + given)
    assert block.header.timestamp == STARTED_AT + mined


def test_many_transactions_in_one_block_do_not_push_its_time() -> None:
    ledger = make_ledger()
    for nonce in range(20):
        ledger.submit(sign(nonce))
    block = ledger.mine(STARTED_AT + 5)
    assert (len(block.transactions), block.header.timestamp) == (20, STARTED_AT + 5)


def test_a_transaction_waits_for_the_one_before_it() -> None:
    ledger = make_ledger()
    ledger.submit(sign(1))
    assert ledger.mine(STARTED_AT + 1).transactions == ()
    assert ledger.pending_nonce(SENDER) == 0
    ledger.submit(sign(0))
    assert ledger.pending_nonce(SENDER) == 2
    assert [one.nonce for one in ledger.mine(STARTED_AT + 2).transactions] == [0, 1]


def test_a_transaction_that_offers_too_little_waits_until_the_base_fee_has_fallen() -> None:
    ledger = make_ledger()
    offered = ledger.next_base_fee - 1
    ledger.submit(sign(0, maxFeePerGas=offered, maxPriorityFeePerGas=0))
    assert ledger.mine(STARTED_AT + 1).transactions == ()
    assert ledger.next_base_fee <= offered
    assert len(ledger.mine(STARTED_AT + 2).transactions) == 1


def test_what_does_not_fit_into_a_block_goes_into_the_next_one() -> None:
    ledger = make_ledger()
    for nonce in range(3):
        burns_all_gas = b"\xfe"
        ledger.submit(sign(nonce, to=None, value=0, gas=15_000_001, data=burns_all_gas))
    assert [len(ledger.mine(STARTED_AT + at).transactions) for at in (1, 2, 3)] == [1, 1, 1]


def test_a_waiting_transaction_whose_money_is_gone_is_dropped_and_mining_goes_on() -> None:
    ledger = make_ledger()
    ledger.submit(sign(0, value=999 * COIN))
    late = ledger.submit(sign(1, value=999 * COIN))
    assert len(ledger.mine(STARTED_AT + 1).transactions) == 1
    assert ledger.place_of(late) is None
    assert ledger.waiting(late) is None
    assert ledger.mine(STARTED_AT + 2).header.block_number == 2


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (sign(0), "already known"),
        (sign(0, maxFeePerGas=11 * GWEI), "replacement transaction underpriced"),
        (sign(1, chainId=1), "invalid chain id for signer"),
        (sign(1, value=1001 * COIN), "insufficient funds"),
        (sign(1, gas=30_000_001), "exceeds block gas limit"),
        (b"", "cannot be decoded"),
        (b"\x02\xff", "cannot be decoded"),
        (sign(1)[:-1], "cannot be decoded"),
        (b"\x02" * 200, "cannot be decoded"),
    ],
)
def test_a_transaction_that_no_node_would_take_is_refused(raw: bytes, said: str) -> None:
    ledger = make_ledger()
    ledger.submit(sign(0))
    with pytest.raises(RpcRefusal, match=said):
        ledger.submit(raw)
    assert len(ledger.mine(STARTED_AT + 1).transactions) == 1


def test_a_nonce_that_is_used_up_is_too_low() -> None:
    ledger = make_ledger()
    ledger.submit(sign(0))
    ledger.mine(STARTED_AT + 1)
    with pytest.raises(RpcRefusal, match="nonce too low"):
        ledger.submit(sign(0, value=2))


def test_a_tenth_more_in_both_fees_replaces_a_waiting_transaction() -> None:
    ledger = make_ledger()
    first = ledger.submit(sign(0))
    for fee, tip in ((11 * GWEI - 1, 2 * GWEI), (20 * GWEI, 1_100_000_000 - 1)):
        with pytest.raises(RpcRefusal, match="underpriced"):
            ledger.submit(sign(0, maxFeePerGas=fee, maxPriorityFeePerGas=tip))
    second = ledger.submit(sign(0, maxFeePerGas=11 * GWEI, maxPriorityFeePerGas=1_100_000_000))
    block = ledger.mine(STARTED_AT + 1)
    assert [one.hash for one in block.transactions] == [second]
    assert ledger.place_of(first) is None


def test_a_call_at_an_older_block_reads_the_state_of_that_block() -> None:
    ledger = make_ledger()
    token = make_token(ledger)
    ledger.submit(sign(1, to=token, value=0, gas=100_000, data=to_token_transfer(PAYEE, 300)))
    ledger.mine(STARTED_AT + 2)
    ledger.mine(STARTED_AT + 3)
    rpc = EmbeddedRpc(ledger, finality_lag=2)
    asked = {"to": token, "data": "0x70a08231" + bytes(12).hex() + PAYEE[2:]}
    balances = {tag: int(rpc.answer("eth_call", [asked, tag]), 16) for tag in ("0x1", "0x2", "finalized", "latest")}
    assert balances == {"0x1": 0, "0x2": 300, "finalized": 0, "latest": 300}
    assert rpc.answer("eth_call", [asked, "0x0"]) == "0x"


@pytest.mark.parametrize(("lag", "final"), [(0, 5), (1, 4), (2, 3), (5, 0), (6, 0)])
def test_finalized_and_safe_trail_latest_by_the_lag(lag: int, final: int) -> None:
    ledger = make_ledger()
    for at in range(1, 6):
        ledger.mine(STARTED_AT + at)
    rpc = EmbeddedRpc(ledger, finality_lag=lag)
    numbers = [int(rpc.answer("eth_getBlockByNumber", [tag, False])["number"], 16) for tag in ("finalized", "safe")]
    assert numbers == [final, final]


def test_a_call_leaves_no_trace() -> None:
    ledger = make_ledger()
    root = ledger.head.header.state_root
    ledger.call(CallRequest(sender=SENDER, to=bytes.fromhex(PAYEE[2:]), native_units=COIN), ledger.head)
    assert ledger.state_at(ledger.head).get_balance(bytes.fromhex(PAYEE[2:])) == 0
    assert ledger.mine(STARTED_AT + 1).header.state_root == root


def test_a_revert_carries_its_reason_and_its_bytes() -> None:
    ledger = make_ledger()
    token = make_token(ledger)
    asked = {"from": PAYEE, "to": token, "data": "0x" + to_token_transfer(EXECUTOR, 1).hex()}
    for method in ("eth_call", "eth_estimateGas"):
        with pytest.raises(RpcRefusal, match="execution reverted: ERC20: transfer amount exceeds balance") as refused:
            EmbeddedRpc(ledger, finality_lag=2).answer(method, [asked, "latest"])
        assert refused.value.code == 3
        assert refused.value.revert is not None
        assert refused.value.revert[:4].hex() == "08c379a0"


def test_what_a_call_asks_for_beyond_the_senders_money_is_refused() -> None:
    ledger = make_ledger()
    with pytest.raises(RpcRefusal, match="call refused"):
        ledger.call(CallRequest(to=SENDER, native_units=1), ledger.head)


def test_a_contract_that_calls_itself_without_end_is_refused_and_the_chain_goes_on() -> None:
    ledger = make_ledger()
    calls_itself = bytes.fromhex("60006000600060006000305af1")
    created = ledger.submit(sign(0, to=None, value=0, gas=1_000_000, data=to_creation_code(calls_itself)))
    deep = ledger.submit(sign(1, to=created_by(0), value=0, gas=29_000_000))
    ledger.mine(STARTED_AT + 1)
    assert ledger.place_of(created) is not None
    assert ledger.place_of(deep) is None
    with pytest.raises(RpcRefusal, match="call refused"):
        ledger.call(CallRequest(to=bytes.fromhex(created_by(0)[2:])), ledger.head)
    assert ledger.mine(STARTED_AT + 2).header.block_number == 2


def test_the_estimate_suffices_and_not_much_less_does() -> None:
    ledger = make_ledger()
    token = bytes.fromhex(make_token(ledger)[2:])
    request = CallRequest(sender=SENDER, to=token, payload=to_token_transfer(PAYEE, 1))
    estimate = ledger.estimate_gas(request, ledger.head)
    assert 21_000 < estimate < 80_000
    ledger.call(CallRequest(SENDER, token, 0, request.payload, estimate), ledger.head)
    with pytest.raises(RpcRefusal):
        ledger.call(CallRequest(SENDER, token, 0, request.payload, estimate * 31 // 32), ledger.head)


def test_the_same_inputs_make_the_same_chain() -> None:
    ledgers = [make_ledger(), make_ledger()]
    for ledger in ledgers:
        make_token(ledger)
        ledger.mine(STARTED_AT + 7)
    assert ledgers[0].head.header.hash == ledgers[1].head.header.hash


def test_contracts_see_the_chain_id_that_was_chosen() -> None:
    ledger = make_ledger(chain_id=7)
    return_chain_id = bytes.fromhex("4660005260206000f3")
    assert ledger.call(CallRequest(payload=return_chain_id), ledger.head) == (7).to_bytes(32, "big")


def test_logs_are_found_by_block_address_and_topic() -> None:
    ledger = make_ledger()
    token = make_token(ledger)
    ledger.submit(sign(1, to=token, value=0, gas=100_000, data=to_token_transfer(PAYEE, 300)))
    ledger.submit(sign(2, to=token, value=0, gas=100_000, data=to_token_transfer(PAYEE, 301)))
    ledger.mine(STARTED_AT + 2)
    rpc = EmbeddedRpc(ledger, finality_lag=2)
    transfer = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
    whole: dict[str, Any] = {"fromBlock": "0x0", "toBlock": "latest"}
    found = {
        "all": rpc.answer("eth_getLogs", [whole]),
        "second block": rpc.answer("eth_getLogs", [whole | {"fromBlock": "0x2"}]),
        "token": rpc.answer("eth_getLogs", [whole | {"address": token, "topics": [[transfer]]}]),
        "another address": rpc.answer("eth_getLogs", [whole | {"address": [PAYEE]}]),
        "another topic": rpc.answer("eth_getLogs", [whole | {"topics": ["0x" + "11" * 32]}]),
        "to the payee": rpc.answer("eth_getLogs", [whole | {"topics": [None, None, "0x" + PAYEE[2:].rjust(64, "0")]}]),
        "a fourth topic": rpc.answer("eth_getLogs", [whole | {"topics": [None] * 4}]),
    }
    counts = {name: len(logs) for name, logs in found.items()}
    assert counts == {
        "all": 3,
        "second block": 2,
        "token": 3,
        "another address": 0,
        "another topic": 0,
        "to the payee": 2,
        "a fourth topic": 0,
    }
    assert [log["logIndex"] for log in found["second block"]] == ["0x0", "0x1"]
    receipts = [rpc.answer("eth_getTransactionReceipt", [log["transactionHash"]]) for log in found["second block"]]
    assert [receipt["logs"] for receipt in receipts] == [[log] for log in found["second block"]]


ADDRESS_TEXT = "0x" + "11" * 20


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("eth_accounts", [], -32601),
        ("anvil_setBalance", [PAYEE, "0x1"], -32601),
        ("eth_chainId", ["latest"], -32602),
        ("eth_call", [], -32602),
        ("eth_call", ["0x"], -32602),
        ("eth_call", [{"to": ADDRESS_TEXT}, "pending"], -32602),
        ("eth_call", [{"to": ADDRESS_TEXT}, {"blockHash": "0x00"}], -32602),
        ("eth_call", [{"to": ADDRESS_TEXT}, "0x10"], -32000),
        ("eth_call", [{"to": "0x12"}, "latest"], -32602),
        ("eth_call", [{"to": ADDRESS_TEXT, "value": 1}, "latest"], -32602),
        ("eth_getBalance", ["0x" + "zz" * 20, "latest"], -32602),
        ("eth_getBalance", [ADDRESS_TEXT, 1], -32602),
        ("eth_getStorageAt", [ADDRESS_TEXT, hex(2**256), "latest"], -32602),
        ("eth_getTransactionReceipt", ["0x12"], -32602),
        ("eth_getLogs", [{"blockHash": "0x" + "00" * 32}], -32602),
        ("eth_getLogs", ["latest"], -32602),
        ("eth_sendRawTransaction", ["00"], -32602),
        ("eth_getBlockByNumber", [True, False], -32602),
    ],
)
def test_what_the_chain_does_not_know_is_refused_and_not_guessed(method: str, params: list[Any], code: int) -> None:
    with pytest.raises(RpcRefusal) as refused:
        EmbeddedRpc(make_ledger(), finality_lag=2).answer(method, params)
    assert refused.value.code == code


def test_what_is_not_there_is_null() -> None:
    rpc = EmbeddedRpc(make_ledger(), finality_lag=2)
    nothing = "0x" + "00" * 32
    assert rpc.answer("eth_getBlockByNumber", ["0x1", False]) is None
    assert rpc.answer("eth_getBlockByHash", [nothing, False]) is None
    assert rpc.answer("eth_getTransactionReceipt", [nothing]) is None
    assert rpc.answer("eth_getTransactionByHash", [nothing]) is None


def test_a_transaction_is_told_of_while_it_waits_and_once_it_is_mined() -> None:
    ledger = make_ledger()
    rpc = EmbeddedRpc(ledger, finality_lag=2)
    found = rpc.answer("eth_sendRawTransaction", ["0x" + sign(0).hex()])
    waiting = rpc.answer("eth_getTransactionByHash", [found])
    counts = [rpc.answer("eth_getTransactionCount", [EXECUTOR, tag]) for tag in ("latest", "pending")]
    ledger.mine(STARTED_AT + 1)
    mined = rpc.answer("eth_getTransactionByHash", [found])
    block = rpc.answer("eth_getBlockByNumber", ["latest", True])
    assert (waiting["blockNumber"], mined["blockNumber"], counts) == (None, "0x1", ["0x0", "0x1"])
    assert block["transactions"] == [mined]
    assert rpc.answer("eth_getBlockByHash", [block["hash"], False])["transactions"] == [found]
    assert mined["from"] == EXECUTOR


def test_fees_are_told_for_mined_blocks_and_the_next_one() -> None:
    ledger = make_ledger()
    for at in range(1, 4):
        ledger.mine(STARTED_AT + at)
    history = EmbeddedRpc(ledger, finality_lag=2).answer("eth_feeHistory", ["0x2", "latest", [50]])
    assert history["oldestBlock"] == "0x2"
    assert history["baseFeePerGas"][-1] == hex(ledger.next_base_fee)
    assert [len(history[name]) for name in ("baseFeePerGas", "gasUsedRatio", "reward")] == [3, 2, 2]
