"""Real Safes of three versions on two chains: made, paid out of, and read."""

from itertools import permutations

import pytest
from eth_account import Account
from eth_account.messages import _hash_eip191_message, encode_typed_data

from guard.chain import (
    ExpectedEffect,
    Outcome,
    OutcomeState,
    SafeRequest,
    compute_safe_address,
    load_setup,
    read_outcome,
)
from guard.chain.fragments import SAFE_EXECUTE
from guard.core.ids import NATIVE
from guard.errors import AdapterError, GuardError
from tests.chains import (
    CHAIN_ID,
    COIN,
    TOKEN_UNIT,
    SafeStack,
    address_for,
    anvil_node,
    deploy_safe_stack,
    pack_owner_signatures,
    private_key_for,
    to_token_transfer,
)

PAYEE = address_for("payee")


def settle(stack: SafeStack, safe_tx_hash: str, expected: ExpectedEffect, sent: str) -> Outcome:
    stack.executor.wait_mined(sent)
    return read_outcome(stack.chain, stack.safe, safe_tx_hash, expected)


def test_native_units_leave_through_a_certificate_and_the_safes_own_event_says_so(stack: SafeStack) -> None:
    before = stack.chain.native_balance(PAYEE)
    call = stack.make_call(PAYEE, COIN)
    sent = stack.executor.submit(stack.safe, call)
    outcome = settle(stack, call.safe_tx_hash, ExpectedEffect(), sent)
    assert (outcome.state, outcome.reason, outcome.transaction_hash) == (OutcomeState.SUCCEEDED, "", sent)
    assert stack.chain.native_balance(PAYEE) == before + COIN
    assert stack.chain.safe_nonce(stack.safe) == call.nonce + 1


def test_tokens_leave_through_a_certificate_and_the_exact_log_says_so(stack: SafeStack) -> None:
    before = stack.chain.token_balance(stack.token, PAYEE)
    amount = 9000 * TOKEN_UNIT
    call = stack.make_call(stack.token, call_data=to_token_transfer(PAYEE, amount))
    sent = stack.executor.submit(stack.safe, call)
    outcome = settle(stack, call.safe_tx_hash, ExpectedEffect(stack.token, PAYEE, amount), sent)
    assert outcome.state is OutcomeState.SUCCEEDED
    assert stack.chain.token_balance(stack.token, PAYEE) == before + amount
    receipt = stack.chain.receipt(sent)
    assert receipt is not None
    assert outcome.block == stack.chain.block(receipt.block_number)
    assert outcome.confirmations >= 1


def test_one_unit_more_or_less_than_expected_is_a_failure(safe_141: SafeStack) -> None:
    amount = 5 * TOKEN_UNIT
    call = safe_141.make_call(safe_141.token, call_data=to_token_transfer(PAYEE, amount))
    sent = safe_141.executor.submit(safe_141.safe, call)
    for asked, state in (
        (amount - 1, OutcomeState.FAILED),
        (amount, OutcomeState.SUCCEEDED),
        (amount + 1, OutcomeState.FAILED),
    ):
        outcome = settle(safe_141, call.safe_tx_hash, ExpectedEffect(safe_141.token, PAYEE, asked), sent)
        assert (outcome.state, outcome.reason) == (state, "" if asked == amount else "token-log-wrong")


def test_a_success_that_is_not_yet_final_becomes_final_some_blocks_later(safe_141: SafeStack) -> None:
    call = safe_141.make_call(safe_141.safe)
    sent = safe_141.executor.submit(safe_141.safe, call)
    first = settle(safe_141, call.safe_tx_hash, ExpectedEffect(), sent)
    assert first.block is not None
    assert safe_141.chain.safe_nonce(safe_141.safe, "latest") == call.nonce + 1
    seen = first
    while not seen.is_final:
        final = safe_141.chain.finalized_block()
        assert final is not None
        seen = read_outcome(safe_141.chain, safe_141.safe, call.safe_tx_hash, ExpectedEffect())
    final = safe_141.chain.finalized_block()
    assert final is not None
    assert final.number >= first.block.number
    assert seen.confirmations > first.confirmations or first.is_final
    assert safe_141.chain.safe_nonce(safe_141.safe, "finalized") == call.nonce + 1


def test_a_certificate_that_was_never_executed_is_unknown_and_not_failed(safe_141: SafeStack) -> None:
    call = safe_141.make_call(PAYEE, COIN)
    outcome = read_outcome(safe_141.chain, safe_141.safe, call.safe_tx_hash, ExpectedEffect())
    assert outcome == Outcome(OutcomeState.UNKNOWN, "not-found")


def test_an_execution_before_the_block_from_which_one_looks_is_unknown(safe_141: SafeStack) -> None:
    call = safe_141.make_call(safe_141.safe)
    sent = safe_141.executor.submit(safe_141.safe, call)
    found = settle(safe_141, call.safe_tx_hash, ExpectedEffect(), sent)
    assert found.block is not None
    for from_block, state in (
        (found.block.number - 1, OutcomeState.SUCCEEDED),
        (found.block.number, OutcomeState.SUCCEEDED),
        (found.block.number + 1, OutcomeState.UNKNOWN),
    ):
        seen = read_outcome(
            safe_141.chain, safe_141.safe, call.safe_tx_hash, ExpectedEffect(), from_block=from_block, page_blocks=1
        )
        assert seen.state is state


def test_an_inner_failure_with_safe_gas_is_read_from_the_failure_event(version: SafeStack) -> None:
    """Our own certificates have no safeTxGas and revert instead; a stranger's may have it and burn the nonce."""
    nonce = version.chain.safe_nonce(version.safe)
    too_much = to_token_transfer(PAYEE, 10**30)
    fields = (version.token, 0, too_much, 0, 100_000, 0, 0, NATIVE, NATIVE)
    safe_tx_hash = hash_locally(version, nonce, too_much, safe_tx_gas=100_000)
    packed = pack_owner_signatures(version.owner_keys[: version.threshold], safe_tx_hash)
    sent = version.executor.send_call(version.safe, SAFE_EXECUTE.to_call(*fields, packed))
    receipt = version.chain.receipt(sent)
    assert receipt is not None
    assert receipt.is_success
    expected = ExpectedEffect(version.token, PAYEE, 10**30)
    outcome = read_outcome(version.chain, version.safe, safe_tx_hash, expected)
    assert (outcome.state, outcome.reason) == (OutcomeState.FAILED, "execution-failed")


def hash_locally(stack: SafeStack, nonce: int, call_data: bytes, safe_tx_gas: int = 0) -> str:
    kinds = "address to,uint256 value,bytes data,uint8 operation,uint256 safeTxGas,uint256 baseGas,uint256 gasPrice"
    kinds += ",address gasToken,address refundReceiver,uint256 nonce"
    members = [{"type": one.split()[0], "name": one.split()[1]} for one in kinds.split(",")]
    values = (stack.token, 0, call_data, 0, safe_tx_gas, 0, 0, NATIVE, NATIVE, nonce)
    message = {member["name"]: value for member, value in zip(members, values, strict=True)}
    domain = {"chainId": CHAIN_ID, "verifyingContract": stack.safe}
    return "0x" + bytes(_hash_eip191_message(encode_typed_data(domain, {"SafeTx": members}, message))).hex()


def test_the_contract_and_eth_account_hash_a_transaction_alike(version: SafeStack) -> None:
    call = version.make_call(version.token, call_data=to_token_transfer(PAYEE, 1))
    assert call.safe_tx_hash == hash_locally(version, call.nonce, call.call_data)


@pytest.mark.parametrize("signers", [(0, 1), (0, 1, 1)], ids=["too few", "one twice"])
def test_a_certificate_without_the_threshold_is_never_sent(safe_141: SafeStack, signers: tuple[int, ...]) -> None:
    call = safe_141.make_call(PAYEE, COIN, signers=signers)
    before = safe_141.chain.transaction_count(safe_141.executor.address)
    with pytest.raises(AdapterError) as refused:
        safe_141.executor.submit(safe_141.safe, call)
    assert refused.value.code == "chain.reverted"
    assert "GS02" in refused.value.message
    assert safe_141.chain.transaction_count(safe_141.executor.address) == before


def test_any_three_of_four_owners_suffice_and_a_wrong_order_does_not(safe_141: SafeStack) -> None:
    nonce = safe_141.chain.safe_nonce(safe_141.safe)
    call = safe_141.make_call(PAYEE, 1, nonce=nonce)
    digest = bytes.fromhex(call.safe_tx_hash[2:])
    accounts = [Account.from_key(key) for key in safe_141.owner_keys]
    asked = (PAYEE, 1, b"", 0, 0, 0, 0, NATIVE, NATIVE)
    accepted = 0
    for three in permutations(accounts, 3):
        packed = b"".join(bytes(one.unsafe_sign_hash(digest).signature) for one in three)
        is_ascending = sorted(three, key=lambda one: int(one.address, 16)) == list(three)
        try:
            assert safe_141.chain.call(safe_141.safe, SAFE_EXECUTE, (*asked, packed)) == (True,)
            accepted += 1
            assert is_ascending
        except AdapterError as error:
            assert not is_ascending
            assert "GS026" in error.message
    assert accepted == 4


def test_a_certificate_of_a_later_nonce_waits_for_the_ones_before_it(safe_141: SafeStack) -> None:
    call = safe_141.make_call(PAYEE, COIN, nonce=safe_141.chain.safe_nonce(safe_141.safe) + 1)
    with pytest.raises(AdapterError) as refused:
        safe_141.executor.submit(safe_141.safe, call)
    assert refused.value.code == "chain.safe-nonce-ahead"


def test_a_certificate_whose_nonce_went_to_another_one_says_so(safe_141: SafeStack) -> None:
    loser = safe_141.make_call(PAYEE, COIN)
    winner = safe_141.make_call(safe_141.safe)
    safe_141.executor.wait_mined(safe_141.executor.submit(safe_141.safe, winner))
    with pytest.raises(AdapterError) as refused:
        safe_141.executor.submit(safe_141.safe, loser)
    assert refused.value.code == "chain.safe-nonce-passed"


def test_a_transfer_that_fails_inside_is_not_sent_and_keeps_its_nonce(safe_141: SafeStack) -> None:
    call = safe_141.make_call(safe_141.token, call_data=to_token_transfer(PAYEE, 10**30))
    with pytest.raises(AdapterError) as refused:
        safe_141.executor.submit(safe_141.safe, call)
    assert refused.value.code == "chain.reverted"
    assert safe_141.chain.safe_nonce(safe_141.safe) == call.nonce


def test_submitting_again_after_success_sends_nothing_and_names_the_first_transaction(safe_141: SafeStack) -> None:
    before = safe_141.chain.native_balance(PAYEE)
    call = safe_141.make_call(PAYEE, COIN)
    first = safe_141.executor.submit(safe_141.safe, call)
    safe_141.executor.wait_mined(first)
    sent = safe_141.chain.transaction_count(safe_141.executor.address, "pending")
    assert safe_141.executor.submit(safe_141.safe, call) == first
    assert safe_141.chain.transaction_count(safe_141.executor.address, "pending") == sent
    assert safe_141.chain.native_balance(PAYEE) == before + COIN


def test_submitting_again_before_it_is_mined_sends_nothing_either(safe_141: SafeStack) -> None:
    before = safe_141.chain.native_balance(PAYEE)
    call = safe_141.make_call(PAYEE, COIN)
    first = safe_141.executor.submit(safe_141.safe, call)
    assert safe_141.executor.submit(safe_141.safe, call) == first
    assert safe_141.chain.native_balance(PAYEE) == before + COIN


def test_a_new_safe_is_exactly_what_was_asked_for(version: SafeStack) -> None:
    setup = load_setup(version.chain, version.safe)
    assert setup.version == version.deployment.version
    assert setup.owners == tuple(Account.from_key(key).address for key in version.owner_keys)
    assert (setup.threshold, setup.modules) == (version.threshold, ())
    assert setup.fallback_handler == version.deployment.fallback_handler
    assert {setup.transaction_guard, setup.module_guard} == {NATIVE}


def test_deploying_the_same_safe_again_returns_it_and_sends_nothing(version: SafeStack) -> None:
    owners = load_setup(version.chain, version.safe).owners
    request = SafeRequest(owners=owners, threshold=version.threshold, salt_nonce=1)
    before = version.chain.transaction_count(version.executor.address)
    assert version.executor.deploy_safe(version.deployment, request) == version.safe
    assert version.chain.transaction_count(version.executor.address) == before


def test_other_owners_threshold_or_salt_give_another_address(safe_141: SafeStack) -> None:
    owners = load_setup(safe_141.chain, safe_141.safe).owners
    requests = [
        SafeRequest(owners=owners, threshold=3, salt_nonce=1),
        SafeRequest(owners=owners[::-1], threshold=3, salt_nonce=1),
        SafeRequest(owners=owners, threshold=4, salt_nonce=1),
        SafeRequest(owners=owners, threshold=3, salt_nonce=2),
    ]
    addresses = [compute_safe_address(safe_141.chain, safe_141.deployment, request) for request in requests]
    assert addresses[0] == safe_141.safe
    assert len(set(addresses)) == len(addresses)


def test_a_safe_owned_by_the_executor_is_not_made(safe_141: SafeStack) -> None:
    request = SafeRequest(owners=(PAYEE, safe_141.executor.address), threshold=2, salt_nonce=1)
    with pytest.raises(GuardError) as refused:
        safe_141.executor.deploy_safe(safe_141.deployment, request)
    assert refused.value.code == "chain.executor-is-owner"


def test_an_execution_that_a_reorganisation_took_back_is_unknown_and_can_be_executed_again() -> None:
    keys = [private_key_for(f"owner {place}") for place in range(3)]
    with anvil_node() as node:
        stack = deploy_safe_stack(node.url, "1.4.1", keys, 2)
        call = stack.make_call(PAYEE, COIN)
        sent = stack.executor.submit(stack.safe, call)
        mined = settle(stack, call.safe_tx_hash, ExpectedEffect(), sent)
        assert mined.state is OutcomeState.SUCCEEDED
        assert mined.block is not None
        depth = stack.chain.latest_block().number - mined.block.number + 1
        node.request("anvil_reorg", depth, [])
        seen = read_outcome(stack.chain, stack.safe, call.safe_tx_hash, ExpectedEffect())
        assert seen == Outcome(OutcomeState.UNKNOWN, "not-found")
        again = stack.executor.submit(stack.safe, call)
        assert settle(stack, call.safe_tx_hash, ExpectedEffect(), again).state is OutcomeState.SUCCEEDED
        assert stack.chain.native_balance(PAYEE) == COIN
