"""A folder for journals. It lies in memory where the system has such a place: these tests are about rules, not about disks."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

IN_MEMORY = Path("/dev/shm")


@contextmanager
def making_folder() -> Iterator[Path]:
    """An empty folder that is gone afterwards."""
    where = IN_MEMORY if IN_MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=where, prefix="guard-test-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture
def folder() -> Iterator[Path]:
    """An empty folder for one test."""
    with making_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def lasting_folder() -> Iterator[Path]:
    """An empty folder for the tests of one module."""
    with making_folder() as folder:
        yield folder
