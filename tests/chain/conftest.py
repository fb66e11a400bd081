"""Nodes and Safes of these tests: each is made once for a test process and shared."""

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from tests.chains import SHAPES, RunningNode, SafeStack, anvil_node, deploy_safe_stack, embedded_node, private_key_for


@pytest.fixture(scope="session")
def embedded() -> Iterator[RunningNode]:
    """The embedded chain."""
    with embedded_node() as node:
        yield node


@pytest.fixture(scope="session")
def anvil() -> Iterator[RunningNode]:
    """An anvil."""
    with anvil_node() as node:
        yield node


@pytest.fixture(scope="session", params=["embedded", "anvil"])
def node(request: pytest.FixtureRequest) -> RunningNode:
    """Each of the two chains in turn."""
    running: RunningNode = request.getfixturevalue(request.param)
    return running


@pytest.fixture(scope="session")
def load_stack() -> Callable[[RunningNode, str], SafeStack]:
    """Gives the Safe of a version on a node, made when it is first asked for: 2-of-3, or 3-of-4 for 1.4.1."""

    @cache
    def load(running: RunningNode, version: str) -> SafeStack:
        threshold, count = SHAPES[version]
        keys = [private_key_for(f"owner {place}") for place in range(count)]
        return deploy_safe_stack(running.url, version, keys, threshold)

    return load


@pytest.fixture(params=list(SHAPES))
def stack(request: pytest.FixtureRequest, node: RunningNode, load_stack: Callable[..., SafeStack]) -> SafeStack:
    """A funded Safe of each version on each chain."""
    return load_stack(node, request.param)


@pytest.fixture(params=list(SHAPES))
def version(request: pytest.FixtureRequest, embedded: RunningNode, load_stack: Callable[..., SafeStack]) -> SafeStack:
    """A funded Safe of each version on the embedded chain, for what depends on the version and not on the node."""
    return load_stack(embedded, request.param)


@pytest.fixture
def safe_141(node: RunningNode, load_stack: Callable[..., SafeStack]) -> SafeStack:
    """A funded Safe 1.4.1, 3-of-4, on each chain."""
    return load_stack(node, "1.4.1")
