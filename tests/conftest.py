"""What every test shares: the two profiles, the optional parts, and the list of what was not run.

`TEST_PROFILE` chooses between `ci` (short, the same examples each time) and `deep` (long, a seed chosen for each run).
"""

import os
import platform
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler.loadscope import LoadScopeScheduling

PROFILE = os.environ.get("TEST_PROFILE", "ci")
OPTIONAL = "optional part missing: "
NODE_TOOLS = Path(__file__).parent / "node" / "node_modules" / "@foundry-rs"

settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    max_examples=40,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "deep",
    deadline=None,
    max_examples=1000,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(PROFILE)


@pytest.fixture(scope="session")
def is_deep() -> bool:
    """Tells whether this run is the long one, for tests that scale something else than Hypothesis examples."""
    return PROFILE == "deep"


@pytest.fixture(scope="session")
def anvil_binary() -> Path:
    """The anvil node; the test is skipped by name where it is not installed."""
    return _find_foundry_tool("anvil")


@pytest.fixture(scope="session")
def cast_binary() -> Path:
    """The cast tool, a second implementation of EIP-712; the test is skipped by name where it is not installed."""
    return _find_foundry_tool("cast")


def _find_foundry_tool(name: str) -> Path:
    machine = {"x86_64": "amd64", "AMD64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "")
    packaged = NODE_TOOLS / f"{name}-{platform.system().lower()}-{machine}" / "bin" / name
    if packaged.is_file():
        return packaged
    on_path = shutil.which(name)
    if on_path:
        return Path(on_path)
    pytest.skip(f"{OPTIONAL}{name} (npm package @foundry-rs/{name}; `make setup` says why)")


LONGEST_FIRST = ("tests/crash/", "tests/demo/", "tests/deploy/", "tests/search/", "tests/durability/", "tests/cli/")
ONE_GROUP = {"tests/cli/": "treasury", "tests/demo/test_dev.py": "play", "tests/worker/test_on_chain.py": "on-chain"}
"""Tests that share something which takes long to found: each process that ran some of them would found it anew."""


class OneGroupScheduling(LoadScopeScheduling):
    """Hands each test out by itself, but for those that belong together."""

    def _split_scope(self, nodeid: str) -> str:
        return next((group for place, group in ONE_GROUP.items() if nodeid.startswith(place)), nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneGroupScheduling:
    """The order in which several processes get the tests."""
    return OneGroupScheduling(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process is left with it at the end while the other has nothing to do."""
    items.sort(
        key=lambda item: next((at for at, each in enumerate(LONGEST_FIRST) if each in item.nodeid), len(LONGEST_FIRST))
    )


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Names every test that was not run and why, so that a green run never hides a part that was not there."""
    skipped: dict[str, list[str]] = {}
    for report in terminalreporter.stats.get("skipped", []):
        skipped.setdefault(_reason_of(report), []).append(report.nodeid)
    if not skipped:
        return
    terminalreporter.section("not run")
    for reason, tests in sorted(skipped.items()):
        terminalreporter.write_line(f"{reason}: {len(tests)}")
        for test in sorted(set(tests)):
            terminalreporter.write_line(f"    {test}")


def _reason_of(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return str(report.longrepr)
