"""The product's store with a fuse before and after each commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from guard.store.database import Database
from guard.store.store import Brief, Store, Writing
from tests.crash.fuse import Fuse


class FusedStore(Store):
    """Dies before or after a commit of either kind. A block that raises commits nothing and has no point."""

    def __init__(self, database: Database, fuse: Fuse) -> None:
        super().__init__(database)
        self._fuse = fuse

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        with super().writing() as writing:
            yield writing
            self._fuse.point("before commit of the books")
        self._fuse.point("after commit of the books")

    @contextmanager
    def brief(self) -> Iterator[Brief]:
        with super().brief() as brief:
            yield brief
            self._fuse.point("before commit")
        self._fuse.point("after commit")
