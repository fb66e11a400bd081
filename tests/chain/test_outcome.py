"""What a transaction's logs say of one execution in it, for logs that no honest contract writes."""

from dataclasses import replace

import pytest

from guard.chain import ExpectedEffect, Log, OutcomeState
from guard.chain.fragments import EXECUTION_FAILURE, EXECUTION_SUCCESS, TOKEN_TRANSFER
from guard.chain.outcome import executed_by, judge_execution
from guard.core.ids import NATIVE
from guard.errors import GuardError
from tests.chains import address_for

SAFE, TOKEN, PAYEE, STRANGER = (address_for(name) for name in ("safe", "token", "payee", "stranger"))
AMOUNT = 9000
MINE, OTHERS = b"\x01" * 32, b"\x02" * 32
EXPECTED = ExpectedEffect(TOKEN, PAYEE, AMOUNT)

SUCCEEDED = (OutcomeState.SUCCEEDED, "")


def to_word(address: str) -> bytes:
    return bytes(12) + bytes.fromhex(address[2:])


def make_log(address: str, topics: tuple[bytes, ...], payload: bytes) -> Log:
    return Log(address, topics, payload, 0, 7, "0x" + "aa" * 32, "0x" + "bb" * 32)


def moved(amount: int = AMOUNT, *, to: str = PAYEE, token: str = TOKEN, source: str = SAFE) -> Log:
    return make_log(token, (TOKEN_TRANSFER, to_word(source), to_word(to)), amount.to_bytes(32, "big"))


def executed(safe_tx_hash: bytes = MINE, *, topic: bytes = EXECUTION_SUCCESS, safe: str = SAFE) -> Log:
    return make_log(safe, (topic, safe_tx_hash), bytes(32))


def executed_old(safe_tx_hash: bytes = MINE) -> Log:
    return make_log(SAFE, (EXECUTION_SUCCESS,), safe_tx_hash + bytes(32))


def judge(*logs: Log, expected: ExpectedEffect = EXPECTED) -> tuple[OutcomeState, str]:
    placed = tuple(replace(log, index=index) for index, log in enumerate(logs))
    event = next(log for log in placed if executed_by(log) == MINE)
    return judge_execution(placed, event, expected)


def test_the_exact_log_before_the_safes_event_is_success() -> None:
    assert judge(moved(), executed()) == SUCCEEDED
    assert judge(moved(), executed_old()) == SUCCEEDED


@pytest.mark.parametrize(
    ("logs", "reason"),
    [
        ([executed()], "token-log-missing"),
        ([moved(AMOUNT - 1), executed()], "token-log-wrong"),
        ([moved(AMOUNT + 1), executed()], "token-log-wrong"),
        ([moved(to=STRANGER), executed()], "token-log-wrong"),
        ([moved(token=STRANGER), executed()], "token-log-missing"),
        ([moved(source=STRANGER), executed()], "token-log-missing"),
        ([moved(), moved(), executed()], "token-log-extra"),
        ([moved(), moved(1, to=STRANGER), executed()], "token-log-extra"),
        ([moved(AMOUNT - 90), moved(90, to=STRANGER), executed()], "token-log-wrong"),
        ([moved(), executed(topic=EXECUTION_FAILURE)], "execution-failed"),
    ],
)
def test_anything_but_the_one_exact_log_is_a_failure_with_its_own_reason(logs: list[Log], reason: str) -> None:
    assert judge(*logs) == (OutcomeState.FAILED, reason)


def test_a_log_with_a_fourth_topic_is_no_token_payment() -> None:
    of_an_nft = replace(moved(), topics=(*moved().topics, bytes(32)))
    assert judge(of_an_nft, executed()) == (OutcomeState.FAILED, "token-log-missing")


def test_a_transfer_of_nothing_shows_a_log_of_nothing() -> None:
    nothing = ExpectedEffect(TOKEN, PAYEE, 0)
    assert judge(moved(0), executed(), expected=nothing) == SUCCEEDED
    assert judge(executed(), expected=nothing) == (OutcomeState.FAILED, "token-log-missing")


def test_native_transfers_and_cancels_need_the_safes_event_alone() -> None:
    assert judge(executed(), expected=ExpectedEffect()) == SUCCEEDED
    assert judge(executed(topic=EXECUTION_FAILURE), expected=ExpectedEffect())[1] == "execution-failed"


def test_two_executions_in_one_transaction_each_own_the_logs_before_their_event() -> None:
    assert judge(moved(), executed(OTHERS), moved(), executed()) == SUCCEEDED
    assert judge(moved(), executed(), moved(), executed(OTHERS)) == SUCCEEDED
    assert judge(moved(1), executed_old(OTHERS), moved(), executed_old()) == SUCCEEDED


@pytest.mark.parametrize(
    "logs",
    [
        [moved(), executed(OTHERS), executed()],
        [executed(), moved(), executed(OTHERS)],
        [moved(), executed(OTHERS), moved(1), executed()],
    ],
)
def test_a_log_that_another_execution_may_have_written_leaves_it_unknown(logs: list[Log]) -> None:
    assert judge(*logs) == (OutcomeState.UNKNOWN, "ambiguous-log")


def test_an_event_of_another_safe_divides_nothing() -> None:
    assert judge(moved(), executed(OTHERS, safe=STRANGER), executed()) == SUCCEEDED


@pytest.mark.parametrize(
    "log",
    [
        make_log(SAFE, (), MINE + bytes(32)),
        make_log(SAFE, (TOKEN_TRANSFER, MINE), bytes(32)),
        make_log(SAFE, (EXECUTION_SUCCESS,), MINE),
        make_log(SAFE, (EXECUTION_SUCCESS, MINE), b""),
        make_log(SAFE, (EXECUTION_SUCCESS, MINE, MINE), bytes(32)),
        make_log(SAFE, (EXECUTION_SUCCESS, MINE), bytes(64)),
    ],
)
def test_an_event_of_no_known_shape_names_no_execution(log: Log) -> None:
    assert executed_by(log) is None


@pytest.mark.parametrize(
    ("token", "destination", "amount"),
    [
        (TOKEN, None, 1),
        (TOKEN, PAYEE, -1),
        (TOKEN, PAYEE, 2**256),
        (TOKEN, PAYEE.lower(), 1),
        (TOKEN.lower(), PAYEE, 1),
        ("0x12", PAYEE, 1),
    ],
)
def test_an_expectation_that_cannot_be_is_refused(token: str, destination: str | None, amount: int) -> None:
    with pytest.raises(GuardError):
        ExpectedEffect(token, destination, amount)


def test_the_largest_amount_can_be_expected() -> None:
    most = 2**256 - 1
    assert judge(moved(most), executed(), expected=ExpectedEffect(TOKEN, PAYEE, most)) == SUCCEEDED
    assert ExpectedEffect(TOKEN, NATIVE, 1).destination == NATIVE
