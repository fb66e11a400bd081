"""A folder for journals. It lies in memory where the system has such a place: these tests are about rules, not about disks."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

IN_MEMORY = Path("/dev/shm")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder that is gone after the test."""
    if not IN_MEMORY.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=IN_MEMORY, prefix="guard-test-", ignore_cleanup_errors=True) as name:
        yield Path(name)
