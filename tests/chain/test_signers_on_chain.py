"""What signers sign is what a real Safe accepts: hash, packing, and mined transfers through 2-of-3 and 3-of-4 Safes on both nodes."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from guard.chain import Chain, fragments
from guard.core.ids import NATIVE, Address
from guard.core.transfer import Transfer
from guard.errors import AdapterError
from guard.transactions.execution import encode_exec_transaction
from guard.transactions.packing import pack_signatures
from guard.transactions.safe_tx import SafeTx, build_cancel, build_safe_tx, compute_safe_tx_hash
from guard.transactions.signatures import sign_hash
from guard.worker.chain_desk import ExecutorDesk
from guard.worker.world import LandedState
from tests.chains import CHAIN_ID, EXECUTOR_KEY, RunningNode, SafeStack, anvil_node, deploy_safe_stack, embedded_node
from tests.factories import make_policy, make_vault, private_key_of
from tests.team import Team, make_team_policy

NODES: dict[str, Callable[[], AbstractContextManager[RunningNode]]] = {"py-evm": embedded_node, "anvil": anvil_node}
SHAPES = {
    "2-of-3": (2, ("signer-a", "signer-b", "signer-c")),
    "3-of-4": (3, ("signer-a", "signer-b", "signer-c", "signer-d")),
}


@pytest.fixture(scope="module", params=list(NODES))
def node(request: pytest.FixtureRequest) -> Iterator[RunningNode]:
    with NODES[request.param]() as found:
        yield found


def build(node: RunningNode, shape: str) -> SafeStack:
    threshold, names = SHAPES[shape]
    return deploy_safe_stack(node.url, "1.4.1", [private_key_of(name).secret for name in names], threshold)


def found_team(folder: Path, stack: SafeStack, shape: str) -> Team:
    """Real signers whose policy names the Safe that is on the chain."""
    threshold, names = SHAPES[shape]
    base = make_policy()
    assets = tuple(replace(each, address=Address(stack.token)) if each.id == "USDC" else each for each in base.assets)
    policy = make_team_policy(
        signers=tuple(each for each in base.signers if each.id in names),
        vaults=(replace(make_vault(threshold=threshold, signers=names), address=Address(stack.safe)),),
        assets=assets,
        numbers=replace(base.numbers, settle=0, withstands=2 * threshold - len(names) - 1),
    )
    return Team(folder, policy=policy)


@pytest.mark.parametrize("shape", list(SHAPES))
def test_eth_and_erc20_transfers_are_mined_through_the_safe(node: RunningNode, shape: str, tmp_path: Path) -> None:
    stack = build(node, shape)
    team = found_team(tmp_path, stack, shape)
    desk = ExecutorDesk(node.url, CHAIN_ID, EXECUTOR_KEY, patience=30)
    threshold, names = SHAPES[shape]
    for asset, units in ((NATIVE, 10**17), (Address(stack.token), 2_500_000)):
        transfer = team.transfer(vault=Address(stack.safe), asset=asset, amount_units=units)
        before = read_balance(stack.chain, asset, transfer.destination)
        certificate = team.certify(transfer, team.approved(transfer), *names[-threshold:])
        team.book(certificate)
        desk.wait_mined(desk.submit(certificate))
        assert desk.load_landed(certificate).state is LandedState.SUCCEEDED
        assert read_balance(stack.chain, asset, transfer.destination) - before == units
    team.close()


def read_balance(chain: Chain, asset: Address, holder: Address) -> int:
    return chain.native_balance(holder) if asset == NATIVE else chain.token_balance(asset, holder)


def test_a_cancel_of_the_signers_is_mined_and_moves_nothing(node: RunningNode, tmp_path: Path) -> None:
    stack = build(node, "3-of-4")
    team = found_team(tmp_path, stack, "3-of-4")
    desk = ExecutorDesk(node.url, CHAIN_ID, EXECUTOR_KEY, patience=30)
    before = stack.chain.native_balance(stack.safe)
    certificate = team.cancel(0)
    team.book(certificate)
    desk.wait_mined(desk.submit(certificate))
    assert (stack.chain.safe_nonce(stack.safe), stack.chain.native_balance(stack.safe)) == (1, before)
    team.close()


def draw_transaction(chooser: random.Random, stack: SafeStack) -> SafeTx:
    """A random transfer's SafeTx, or a cancel, with amounts and nonces from all over their ranges."""
    nonce = chooser.choice((0, 1, chooser.randrange(2**16), chooser.randrange(2**53)))
    if chooser.random() < 0.1:
        return build_cancel(CHAIN_ID, Address(stack.safe), nonce)
    transfer = draw_transfer(chooser, stack)
    return build_safe_tx(transfer, nonce)


def draw_transfer(chooser: random.Random, stack: SafeStack) -> Transfer:
    from guard.formats.keccak import to_address
    from tests.factories import make_transfer

    return make_transfer(
        vault=Address(stack.safe),
        asset=chooser.choice((NATIVE, Address(stack.token))),
        destination=to_address(chooser.randbytes(20)),
        amount_units=chooser.choice((1, 2**256 - 1, chooser.randrange(1, 2**256), chooser.randrange(1, 10**9))),
    )


def test_the_safe_tx_hash_is_the_contracts_for_500_random_transactions(node: RunningNode) -> None:
    stack, chooser = build(node, "2-of-3"), random.Random(141)
    for _ in range(500):
        built = draw_transaction(chooser, stack)
        on_chain = stack.chain.safe_transaction_hash(
            stack.safe,
            to=built.to,
            native_units=built.native_units,
            call_data=built.call_data,
            operation=built.operation,
            nonce=built.nonce,
        )
        assert compute_safe_tx_hash(built).digest == on_chain


def would_execute(stack: SafeStack, built: SafeTx, packed: bytes) -> bool:
    """Whether the contract would accept these signatures now, without sending anything."""
    gas_fields = (0, 0, 0, NATIVE, NATIVE)
    arguments = (built.to, built.native_units, built.call_data, built.operation, *gas_fields, packed)
    assert fragments.SAFE_EXECUTE.to_call(*arguments) == encode_exec_transaction(built, packed)
    try:
        return bool(stack.chain.call(stack.safe, fragments.SAFE_EXECUTE, arguments)[0])
    except AdapterError:
        return False


def test_packing_is_accepted_by_the_contract_for_every_owner_order(node: RunningNode) -> None:
    stack = build(node, "3-of-4")
    _, names = SHAPES["3-of-4"]
    chooser = random.Random(7)
    built = build_safe_tx(replace(draw_transfer(chooser, stack), asset=NATIVE, amount_units=1), 0)
    digest = compute_safe_tx_hash(built).digest
    owners = {Address(owner): key for owner, key in zip(owners_of(stack), stack.owner_keys, strict=True)}
    signatures = {owner: sign_hash(key, digest) for owner, key in owners.items()}
    for order in itertools.permutations(signatures, 3):
        assert would_execute(stack, built, pack_signatures({owner: signatures[owner] for owner in order}))
    wrong = sorted(signatures, reverse=True)[:3]
    assert not would_execute(stack, built, b"".join(signatures[owner] for owner in wrong))
    assert not would_execute(stack, built, pack_signatures({owner: signatures[owner] for owner in wrong[:2]}))
    assert len(names) == len(signatures)


def owners_of(stack: SafeStack) -> list[str]:
    from guard.transactions.signatures import compute_owner

    return [compute_owner(key) for key in stack.owner_keys]
