"""What the executor's account pays, and what becomes of what it sends, whatever a node says of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
from eth_account import Account
from eth_account.typed_transactions import TypedTransaction
from hexbytes import HexBytes

from guard.chain import Chain, GasCaps
from guard.chain.account import GWEI, Fees, GasAccount, Message, Prepared, Pushed
from guard.errors import AdapterError, GuardError
from guard.formats.keccak import keccak256
from tests.chain.canned import CannedNode, Failure, Turn, canned_node
from tests.chains import CHAIN_ID, COIN, EXECUTOR, EXECUTOR_KEY, RunningNode, address_for, private_key_for

PAYEE = address_for("payee")
UNDERPRICED = Failure({"code": -32000, "message": "replacement transaction underpriced"})
BLOCK = {"number": "0x7", "hash": "0x" + "ab" * 32, "timestamp": "0x64", "baseFeePerGas": hex(10 * GWEI)}


def make_account(url: str, name: str = "executor", **changes: Any) -> GasAccount:
    return GasAccount(Chain(url), private_key_for(name), **{"chain_id": CHAIN_ID, "patience": 0} | changes)


def make_answers(**changes: Any) -> dict[str, Any]:
    return {
        "eth_chainId": hex(CHAIN_ID),
        "eth_getTransactionCount": "0x5",
        "eth_getBlockByNumber": BLOCK,
        "eth_maxPriorityFeePerGas": hex(GWEI),
        "eth_estimateGas": hex(80_000),
        "eth_sendRawTransaction": Failure({"code": -32000, "message": "already known"}),
    } | changes


def list_sent(node: CannedNode) -> list[Any]:
    raws = [params[0] for method, params in node.asked if method == "eth_sendRawTransaction"]
    return [TypedTransaction.from_bytes(HexBytes(raw)).as_dict() for raw in raws]


def send(answers: dict[str, Any], **changes: Any) -> tuple[str | AdapterError, list[Any]]:
    """What comes of sending one transaction to a node with these answers, and the transactions that reached it."""
    with canned_node() as (url, node):
        node.answers = answers
        try:
            return make_account(url, **changes).send(Message(PAYEE, b"\x01", 7)), list_sent(node)
        except AdapterError as error:
            return error, list_sent(node)


def test_a_transaction_says_what_it_is_asked_to_and_offers_twice_the_base_fee() -> None:
    outcome, sent = send(make_answers())
    assert isinstance(outcome, str)
    (one,) = sent
    assert (one["chainId"], one["nonce"], one["value"], one["gas"]) == (CHAIN_ID, 5, 7, 110_000)
    assert (one["maxFeePerGas"], one["maxPriorityFeePerGas"]) == (21 * GWEI, GWEI)


@pytest.mark.parametrize("served", ["0x1", "0x7a6a"])
def test_nothing_is_signed_for_the_chain_that_a_node_names(served: str) -> None:
    outcome, sent = send(make_answers(eth_chainId=served))
    assert isinstance(outcome, AdapterError)
    assert (outcome.code, sent) == ("chain.wrong-chain", [])


@pytest.mark.parametrize(("base", "is_sent"), [(98, True), (99, True), (100, False)])
def test_no_node_talks_the_account_into_fees_above_its_cap(base: int, is_sent: bool) -> None:
    answers = make_answers(eth_getBlockByNumber=BLOCK | {"baseFeePerGas": hex(base * GWEI)})
    outcome, sent = send(answers, caps=GasCaps(max_fee=100 * GWEI))
    assert isinstance(outcome, str) == is_sent
    assert [one["maxFeePerGas"] for one in sent] == ([100 * GWEI] if is_sent else [])


def test_a_tip_above_the_cap_is_cut_to_it() -> None:
    _, sent = send(make_answers(eth_maxPriorityFeePerGas=hex(10**30)), caps=GasCaps(priority_fee=3 * GWEI))
    assert [one["maxPriorityFeePerGas"] for one in sent] == [3 * GWEI]


@pytest.mark.parametrize(("cap", "is_sent"), [(109_999, False), (110_000, True), (110_001, True)])
def test_more_gas_than_the_cap_is_not_offered(cap: int, is_sent: bool) -> None:
    outcome, sent = send(make_answers(), caps=GasCaps(gas=cap))
    assert (len(sent), isinstance(outcome, AdapterError)) == (int(is_sent), not is_sent)


def test_a_chain_without_a_base_fee_is_refused() -> None:
    outcome, sent = send(make_answers(eth_getBlockByNumber={"number": "0x7"}))
    assert isinstance(outcome, AdapterError)
    assert (outcome.code, sent) == ("chain.unexpected-answer", [])


def test_a_waiting_transaction_is_replaced_at_its_own_nonce_with_rising_fees() -> None:
    known = Failure({"code": -32000, "message": "transaction already imported"})
    outcome, sent = send(make_answers(eth_sendRawTransaction=[Turn(UNDERPRICED), Turn(UNDERPRICED), Turn(known)]))
    assert isinstance(outcome, str)
    assert {one["nonce"] for one in sent} == {5}
    fees = [(one["maxFeePerGas"], one["maxPriorityFeePerGas"]) for one in sent]
    for before, after in pairwise(fees):
        assert all(new > old * 11 // 10 for new, old in zip(after, before, strict=True))


def test_a_replacement_never_offers_more_than_the_cap() -> None:
    outcome, sent = send(make_answers(eth_sendRawTransaction=UNDERPRICED), caps=GasCaps(max_fee=50 * GWEI))
    assert isinstance(outcome, AdapterError)
    assert outcome.code == "chain.fee-cap"
    assert max(one["maxFeePerGas"] for one in sent) <= 50 * GWEI


def test_what_a_node_refuses_for_another_reason_is_not_sent_again() -> None:
    outcome, sent = send(
        make_answers(eth_sendRawTransaction=Failure({"code": -32000, "message": "insufficient funds"}))
    )
    assert isinstance(outcome, AdapterError)
    assert (outcome.code, len(sent)) == ("chain.refused", 1)


def test_a_hash_that_is_not_the_transactions_own_is_refused() -> None:
    outcome, _ = send(make_answers(eth_sendRawTransaction="0x" + "00" * 32))
    assert isinstance(outcome, AdapterError)
    assert outcome.code == "chain.unexpected-answer"


@pytest.mark.parametrize("field", ["max_fee", "priority_fee", "gas"])
@pytest.mark.parametrize("value", [0, -1, True, 1.5])
def test_a_cap_that_is_no_positive_number_is_refused(field: str, value: Any) -> None:
    with pytest.raises(GuardError):
        GasCaps(**{field: value})


def test_what_is_not_mined_in_time_is_said_so_and_is_no_failure() -> None:
    with canned_node() as (url, node):
        node.answers["eth_getTransactionReceipt"] = None
        with pytest.raises(AdapterError) as refused:
            make_account(url).wait_mined("0x" + "00" * 32)
    assert refused.value.code == "chain.not-mined"


def fund(node: RunningNode, name: str) -> str:
    executor = GasAccount(Chain(node.url), EXECUTOR_KEY, chain_id=CHAIN_ID, patience=60)
    executor.wait_mined(executor.send(Message(address_for(name), b"", COIN)))
    return address_for(name)


@contextmanager
def without_mining(node: RunningNode) -> Iterator[None]:
    """Holds anvil's blocks back. The embedded chain cannot be held back, but keeps what offers less than the base fee."""
    if node.kind == "anvil":
        node.request("evm_setIntervalMining", 0)
    try:
        yield
    finally:
        if node.kind == "anvil":
            node.request("evm_setIntervalMining", 1)


def test_a_stuck_transaction_gives_way_and_only_one_of_the_two_is_mined(node: RunningNode) -> None:
    sender = fund(node, "stuck sender")
    chain = Chain(node.url)
    count = chain.transaction_count(sender)
    fields = {
        "type": 2,
        "chainId": CHAIN_ID,
        "nonce": count,
        "gas": 21_000,
        "maxFeePerGas": 1 if node.kind == "embedded" else 5 * GWEI,
        "maxPriorityFeePerGas": 0 if node.kind == "embedded" else 2 * GWEI,
        "to": PAYEE,
        "value": COIN // 4,
    }
    signed = Account.from_key(private_key_for("stuck sender")).sign_transaction(fields)
    receiver = address_for(f"receiver on {node.kind}")
    with without_mining(node):
        stuck = chain.send_raw(bytes(signed.raw_transaction))
        account = make_account(node.url, "stuck sender", patience=0)
        assert not account.wait_settled()
        sent = account.send(Message(receiver, b"", COIN // 2))
    receipt = make_account(node.url, "stuck sender", patience=60).wait_mined(sent)
    assert receipt.is_success
    assert chain.receipt(stuck) is None
    assert chain.native_balance(receiver) == COIN // 2
    assert chain.transaction_count(sender) == count + 1


def test_a_transaction_that_reverts_on_chain_is_named(node: RunningNode) -> None:
    chain = Chain(node.url)
    fields = {
        "type": 2,
        "chainId": CHAIN_ID,
        "nonce": chain.transaction_count(EXECUTOR),
        "gas": 100_000,
        "maxFeePerGas": 100 * GWEI,
        "maxPriorityFeePerGas": GWEI,
        "data": "0xfe",
        "value": 0,
    }
    sent = chain.send_raw(bytes(Account.from_key(EXECUTOR_KEY).sign_transaction(fields).raw_transaction))
    with pytest.raises(AdapterError) as refused:
        make_account(node.url, patience=60).wait_mined(sent)
    assert refused.value.code == "chain.transaction-reverted"


def test_several_transactions_go_out_at_once_in_their_order(node: RunningNode) -> None:
    account = make_account(node.url, patience=60)
    receivers = [address_for(f"{place} on {node.kind}") for place in range(4)]
    sent = account.send_all([Message(receiver, b"", place + 1) for place, receiver in enumerate(receivers)])
    for transaction_hash in sent:
        account.wait_mined(transaction_hash)
    assert [Chain(node.url).native_balance(receiver) for receiver in receivers] == [1, 2, 3, 4]


def prepare(answers: dict[str, Any], *, above: Fees | None = None, **changes: Any) -> Prepared | AdapterError:
    """What comes of preparing one transaction at a node with these answers. Nothing is ever sent by it."""
    with canned_node() as (url, node):
        node.answers = answers
        try:
            return make_account(url, **changes).prepare(9, Message(PAYEE, b"\x01", 7), above=above)
        except AdapterError as error:
            return error
        finally:
            assert list_sent(node) == []


def test_a_prepared_transaction_is_the_one_that_was_asked_for_and_was_not_sent() -> None:
    made = prepare(make_answers())
    assert isinstance(made, Prepared)
    said = TypedTransaction.from_bytes(HexBytes(made.raw)).as_dict()
    assert (said["nonce"], said["value"], made.nonce) == (9, 7, 9)
    assert made.hash == "0x" + bytes(keccak256(made.raw)).hex()
    assert (said["maxFeePerGas"], said["maxPriorityFeePerGas"]) == (made.fees.max_fee, made.fees.priority_fee)


@pytest.mark.parametrize("above", [Fees(GWEI, GWEI), Fees(30 * GWEI, 2 * GWEI), Fees(1, 1), Fees(1, 0)])
def test_a_replacement_offers_a_tenth_more_of_both_and_no_less_than_the_chain_asks(above: Fees) -> None:
    made = prepare(make_answers(), above=above)
    assert isinstance(made, Prepared)
    assert made.fees.covers(above.to_least_replacement())
    assert made.fees.covers(Fees(21 * GWEI, GWEI))


@pytest.mark.parametrize(("cap", "is_made"), [(33 * GWEI - 1, False), (33 * GWEI, True), (33 * GWEI + 1, True)])
def test_a_replacement_within_the_caps_is_made_and_one_above_them_is_not(cap: int, is_made: bool) -> None:
    made = prepare(make_answers(), above=Fees(30 * GWEI, GWEI), caps=GasCaps(max_fee=cap))
    assert isinstance(made, Prepared) == is_made
    if isinstance(made, Prepared):
        assert made.fees.max_fee <= cap
    else:
        assert made.code == "chain.fee-cap"


@pytest.mark.parametrize(("cap", "is_made"), [(11 * GWEI - 1, False), (11 * GWEI, True), (11 * GWEI + 1, True)])
def test_the_tip_of_a_replacement_has_its_cap_too(cap: int, is_made: bool) -> None:
    made = prepare(make_answers(), above=Fees(30 * GWEI, 10 * GWEI), caps=GasCaps(priority_fee=cap))
    assert isinstance(made, Prepared) == is_made


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Failure({"code": -32000, "message": "already known"}), Pushed.TAKEN),
        (UNDERPRICED, Pushed.UNDERPRICED),
        (Failure({"code": -32000, "message": "nonce too low"}), Pushed.LATE),
        (Failure({"code": -32000, "message": "Nonce too low: next nonce 7"}), Pushed.LATE),
        (Failure({"code": -32000, "message": "insufficient funds"}), "chain.refused"),
        ("0x" + "00" * 32, "chain.unexpected-answer"),
    ],
)
def test_what_a_node_makes_of_a_transaction_is_told(answer: Any, outcome: Pushed | str) -> None:
    made = prepare(make_answers())
    assert isinstance(made, Prepared)
    with canned_node() as (url, node):
        node.answers = make_answers(eth_sendRawTransaction=answer)
        try:
            told: Pushed | str = make_account(url).push(made.hash, made.raw)
        except AdapterError as error:
            told = error.code
    assert told == outcome


def test_gas_is_estimated_on_the_latest_block_and_not_on_what_waits() -> None:
    with canned_node() as (url, node):
        node.answers = make_answers()
        make_account(url).prepare(9, Message(PAYEE))
        assert [params[1:] for method, params in node.asked if method == "eth_estimateGas"] == [["latest"]]


def test_the_fate_of_a_transaction_is_known_once_it_is_mined(node: RunningNode) -> None:
    sender = fund(node, "fated sender")
    account = make_account(node.url, "fated sender", patience=60)
    made = account.prepare(Chain(node.url).transaction_count(sender), Message(PAYEE, b"", 1))
    assert account.load_fate(made.hash) is None
    assert account.push(made.hash, made.raw) is Pushed.TAKEN
    account.wait_mined(made.hash)
    assert account.load_fate(made.hash) is True
    assert account.count_mined() == made.nonce + 1
    assert account.push(made.hash, made.raw) in (Pushed.LATE, Pushed.TAKEN)
