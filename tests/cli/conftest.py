"""One treasury for all tests of the road, made when the first of them needs it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chains import RunningNode, embedded_node
from tests.cli.offline import OfflineDesk, offline
from tests.cli.road import Treasury, founded
from tests.cli.serving import Serving, serving


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No settings from outside, and contexts and log-ins in a folder of the test's own."""
    for name in [name for name in os.environ if name.startswith("GUARD_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GUARD_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture(scope="session")
def node() -> Iterator[RunningNode]:
    """The embedded chain."""
    with embedded_node() as running:
        yield running


@contextmanager
def _nobodys_settings(folder: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("GUARD_")]:
            patch.delenv(name)
        patch.setenv("GUARD_HOME", str(folder))
        yield


@pytest.fixture(scope="session")
def treasury(node: RunningNode, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Treasury]:
    """A founded treasury with its signers running."""
    with _nobodys_settings(tmp_path_factory.mktemp("home")), founded(node) as made:
        yield made


@pytest.fixture(scope="session")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OfflineDesk]:
    """A bundle and everybody's keys, without chain and signers."""
    with _nobodys_settings(tmp_path_factory.mktemp("home")), offline() as made:
        yield made


@pytest.fixture(scope="session")
def running_server(treasury: Treasury, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """The real API beside that treasury, at which bob has logged in."""
    folder = tmp_path_factory.mktemp("server")
    with serving(treasury, folder) as made:
        with _nobodys_settings(made.home):
            made.log_in("bob")
        yield made


@pytest.fixture
def server(running_server: Serving, monkeypatch: pytest.MonkeyPatch) -> Serving:
    """The same, with bob's log-in in force."""
    monkeypatch.setenv("GUARD_HOME", str(running_server.home))
    return running_server
