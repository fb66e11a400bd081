"""Only the genuine contracts of a Safe version make a vault, and nothing but the vault that was asked for is accepted."""

import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import distribution
from typing import Any

import pytest

from guard.chain import (
    CANONICAL,
    CANONICAL_EIP155,
    Chain,
    ExpectedEffect,
    Log,
    OutcomeState,
    Receipt,
    SafeDeployment,
    SafeRequest,
    load_canonical,
    read_outcome,
    require_setup,
)
from guard.chain.deployments import CODE_HASHES
from guard.chain.fragments import PROXY_CREATION, Function
from guard.chain.safes import require_created
from guard.core.ids import NATIVE
from guard.demo.contracts import TOKEN_DECIMALS, load_artifact, load_safe
from guard.errors import AdapterError, GuardError
from guard.formats.keccak import keccak256
from tests.chains import TOKEN_UNIT, RunningNode, SafeStack, address_for, to_creation_code, to_token_transfer

OWNERS = tuple(address_for(f"owner {place}") for place in range(3))


@pytest.mark.parametrize("version", list(CODE_HASHES))
def test_the_artifacts_are_the_contracts_that_stand_on_public_chains(version: str) -> None:
    made, known = load_safe(version), CODE_HASHES[version]
    found = [
        "0x" + keccak256(one.runtime_code).hex()
        for one in (made.singleton, made.factory, made.fallback_handler, made.proxy)
    ]
    assert found == [known.singletons[1], known.factory, known.fallback_handler, known.proxy]


def test_the_artifacts_are_read_without_importing_their_distribution() -> None:
    load_safe("1.4.1")
    assert "safe_eth" not in sys.modules
    assert distribution("safe-eth-py").version


@pytest.mark.parametrize("name", ["Nothing", "ERC20", "kyber_network_proxy"])
def test_an_artifact_that_is_missing_or_has_no_code_is_named(name: str) -> None:
    with pytest.raises(AdapterError) as refused:
        load_artifact(name)
    assert refused.value.code == "chain.artifact"


@pytest.mark.parametrize("version", ["1.2.0", "1.4.0", "", "1.4.1 "])
def test_versions_without_a_deployment_are_refused(version: str) -> None:
    with pytest.raises(AdapterError):
        load_safe(version)
    with pytest.raises(GuardError):
        SafeDeployment(version=version, singleton=NATIVE, factory=NATIVE, fallback_handler=NATIVE)


def test_every_version_has_one_address_for_each_contract() -> None:
    assert set(CANONICAL) == set(CODE_HASHES)
    assert set(CANONICAL_EIP155) == {"1.3.0"}
    tables = [*CANONICAL.values(), *CANONICAL_EIP155.values()]
    addresses = [one for table in tables for one in (table.singleton, table.factory, table.fallback_handler)]
    assert len(set(addresses)) == len(addresses) == 12


@pytest.mark.parametrize(
    ("owners", "threshold", "salt"),
    [
        ((), 1, 0),
        (OWNERS, 0, 0),
        (OWNERS, 4, 0),
        (OWNERS, True, 0),
        (OWNERS, -1, 0),
        ((*OWNERS, OWNERS[0]), 2, 0),
        ((*OWNERS, NATIVE), 2, 0),
        ((*OWNERS, "0x0000000000000000000000000000000000000001"), 2, 0),
        ((*OWNERS, OWNERS[0].lower()), 2, 0),
        (OWNERS, 2, -1),
        (OWNERS, 2, 2**256),
    ],
)
def test_a_safe_that_cannot_be_is_not_asked_for(owners: tuple[str, ...], threshold: int, salt: int) -> None:
    with pytest.raises(GuardError):
        SafeRequest(owners=owners, threshold=threshold, salt_nonce=salt)


@pytest.mark.parametrize("threshold", [1, 2, 3])
def test_every_threshold_from_one_to_all_owners_can_be_asked_for(threshold: int) -> None:
    assert SafeRequest(owners=OWNERS, threshold=threshold, salt_nonce=2**256 - 1).threshold == threshold


def test_a_chain_without_the_public_contracts_says_so(embedded: RunningNode) -> None:
    for version in CANONICAL:
        with pytest.raises(AdapterError) as refused:
            load_canonical(Chain(embedded.url), version)
        assert refused.value.code == "chain.no-contract"


def put_canonical(node: RunningNode, deployment: SafeDeployment) -> None:
    made = load_safe(deployment.version)
    for address, artifact in (
        (deployment.singleton, made.singleton),
        (deployment.factory, made.factory),
        (deployment.fallback_handler, made.fallback_handler),
    ):
        node.request("anvil_setCode", address, "0x" + artifact.runtime_code.hex())


@pytest.mark.parametrize("table", [CANONICAL_EIP155, CANONICAL])
def test_the_public_contracts_make_a_safe_where_they_stand(
    anvil: RunningNode, safe_on_anvil: SafeStack, table: dict[str, SafeDeployment]
) -> None:
    """In this order: with both tables on the chain the canonical one is taken."""
    put_canonical(anvil, table["1.3.0"])
    deployment = load_canonical(safe_on_anvil.chain, "1.3.0")
    assert deployment == table["1.3.0"]
    request = SafeRequest(owners=OWNERS, threshold=2, salt_nonce=77)
    safe = safe_on_anvil.executor.deploy_safe(deployment, request)
    assert require_setup(safe_on_anvil.chain, safe, deployment, request).threshold == 2


@pytest.fixture
def safe_on_anvil(anvil: RunningNode, load_stack: Callable[..., SafeStack]) -> SafeStack:
    return load_stack(anvil, "1.4.1")


@pytest.mark.parametrize("part", ["singleton", "factory", "fallback_handler"])
def test_an_impostor_at_any_of_the_addresses_is_refused_before_anything_is_sent(safe_141: SafeStack, part: str) -> None:
    request = SafeRequest(owners=OWNERS, threshold=2, salt_nonce=5)
    before = safe_141.chain.transaction_count(safe_141.executor.address)
    for address, code in ((safe_141.token, "chain.unknown-code"), (OWNERS[0], "chain.no-contract")):
        changes: dict[str, Any] = {part: address}
        with pytest.raises(AdapterError) as refused:
            safe_141.executor.deploy_safe(replace(safe_141.deployment, **changes), request)
        assert refused.value.code == code
    assert safe_141.chain.transaction_count(safe_141.executor.address) == before


def test_the_contracts_of_another_version_are_impostors(
    embedded: RunningNode, load_stack: Callable[..., SafeStack]
) -> None:
    newer = load_stack(embedded, "1.5.0").deployment
    stack = load_stack(embedded, "1.4.1")
    with pytest.raises(AdapterError) as refused:
        stack.executor.deploy_safe(
            replace(newer, version="1.4.1"), SafeRequest(owners=OWNERS, threshold=2, salt_nonce=5)
        )
    assert refused.value.code == "chain.unknown-code"


def made(*topics: bytes, payload: bytes = b"", factory: str = OWNERS[0]) -> Log:
    return Log(factory, (PROXY_CREATION, *topics), payload, 0, 7, "0x" + "aa" * 32, "0x" + "bb" * 32)


SAFE_WORD, OTHER_WORD = (bytes(12) + bytes.fromhex(address[2:]) for address in OWNERS[1:])


@pytest.mark.parametrize(
    ("logs", "is_found"),
    [
        ([made(SAFE_WORD, payload=OTHER_WORD)], True),
        ([made(payload=SAFE_WORD + OTHER_WORD)], True),
        ([made(SAFE_WORD, payload=OTHER_WORD), made(OTHER_WORD, factory=OWNERS[2])], True),
        ([], False),
        ([made()], False),
        ([made(SAFE_WORD, factory=OWNERS[2])], False),
        ([made(SAFE_WORD), made(OTHER_WORD)], False),
    ],
)
def test_a_new_safe_is_known_by_the_one_event_of_its_own_factory(logs: list[Log], is_found: bool) -> None:
    receipt = Receipt("0x" + "bb" * 32, True, 7, "0x" + "aa" * 32, None, tuple(logs))
    if is_found:
        assert require_created(receipt, OWNERS[0]) == OWNERS[1]
        return
    with pytest.raises(AdapterError):
        require_created(receipt, OWNERS[0])


ADMINISTRATION = {
    "threshold": Function("changeThreshold", ("uint256",)).to_call(1),
    "modules": Function("enableModule", ("address",)).to_call(address_for("module")),
    "fallback_handler": Function("setFallbackHandler", ("address",)).to_call(address_for("handler")),
    "owners": Function("addOwnerWithThreshold", ("address", "uint256")).to_call(address_for("thief"), 2),
}


@pytest.mark.parametrize("changed", list(ADMINISTRATION))
def test_a_safe_that_was_changed_after_it_was_made_is_not_the_one_asked_for(
    embedded: RunningNode, changed: str, load_stack: Callable[..., SafeStack]
) -> None:
    stack = load_stack(embedded, "1.4.1")
    request = SafeRequest(owners=OWNERS, threshold=2, salt_nonce=list(ADMINISTRATION).index(changed) + 100)
    safe = stack.executor.deploy_safe(stack.deployment, request)
    own = replace(stack, safe=safe, threshold=2, owner_keys=stack.owner_keys[:3])
    assert own.chain.safe_owners(safe) == OWNERS
    call = own.make_call(safe, call_data=ADMINISTRATION[changed])
    own.executor.wait_mined(own.executor.submit(safe, call))
    with pytest.raises(AdapterError, match=changed) as refused:
        stack.executor.deploy_safe(stack.deployment, request)
    assert refused.value.code == "chain.deployment-mismatch"


def test_an_executor_that_became_an_owner_executes_nothing(safe_141: SafeStack) -> None:
    request = SafeRequest(owners=OWNERS, threshold=2, salt_nonce=200)
    safe = safe_141.executor.deploy_safe(safe_141.deployment, request)
    own = replace(safe_141, safe=safe, threshold=2, owner_keys=safe_141.owner_keys[:3])
    adds = Function("addOwnerWithThreshold", ("address", "uint256")).to_call(own.executor.address, 2)
    own.executor.wait_mined(own.executor.submit(safe, own.make_call(safe, call_data=adds)))
    with pytest.raises(GuardError) as refused:
        own.executor.submit(safe, own.make_call(OWNERS[0]))
    assert refused.value.code == "chain.executor-is-owner"


def test_the_demos_token_has_six_decimals_and_one_holder(safe_141: SafeStack) -> None:
    decimals = safe_141.chain.call(safe_141.token, Function("decimals", gives=("uint8",)))[0]
    supply = safe_141.chain.call(safe_141.token, Function("totalSupply", gives=("uint256",)))[0]
    assert (decimals, supply) == (TOKEN_DECIMALS, 1_000_000 * TOKEN_UNIT)


SILENT_TOKEN = bytes.fromhex("60206000f3")
"""Answers every call with 32 zero bytes, which is false, and writes no log."""
FEE_TOKEN = bytes.fromhex(
    "600160243503600052600435337fddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
    "60206000a3600160005260206000f3"
)
"""Logs a Transfer from its caller of one unit less than was asked for, and answers true."""


@pytest.mark.parametrize(
    ("runtime_code", "reason"),
    [(SILENT_TOKEN, "token-log-missing"), (FEE_TOKEN, "token-log-wrong")],
    ids=["silent", "fee"],
)
def test_a_token_that_lies_or_takes_a_fee_makes_a_failure_of_a_mined_success(
    safe_141: SafeStack, runtime_code: bytes, reason: str
) -> None:
    (token,) = safe_141.executor.deploy_contracts([to_creation_code(runtime_code)])
    call = safe_141.make_call(token, call_data=to_token_transfer(OWNERS[0], 1000))
    receipt = safe_141.executor.wait_mined(safe_141.executor.submit(safe_141.safe, call))
    assert receipt.is_success
    seen = read_outcome(safe_141.chain, safe_141.safe, call.safe_tx_hash, ExpectedEffect(token, OWNERS[0], 1000))
    assert (seen.state, seen.reason) == (OutcomeState.FAILED, reason)
    less = read_outcome(safe_141.chain, safe_141.safe, call.safe_tx_hash, ExpectedEffect(token, OWNERS[0], 999))
    assert (less.state is OutcomeState.SUCCEEDED) == (runtime_code == FEE_TOKEN)
