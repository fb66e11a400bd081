"""One treasury for all tests of the road, made when the first of them needs it."""

import os
from collections.abc import Iterator

import pytest

from tests.chains import RunningNode, embedded_node
from tests.cli.road import Treasury, founded


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GUARD_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def node() -> Iterator[RunningNode]:
    """The embedded chain."""
    with embedded_node() as running:
        yield running


@pytest.fixture(scope="session")
def treasury(node: RunningNode) -> Iterator[Treasury]:
    """A founded treasury with its signers running."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("GUARD_")]:
            patch.delenv(name)
        with founded(node) as made:
            yield made
