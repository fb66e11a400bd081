"""The policies that the server knows, out of its books. Signers have their own chain of bundles; these serve to show and to predict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from guard.bundles.bundle import parse_bundle, to_edition
from guard.core.ids import Digest
from guard.core.policy import Edition, Policies
from guard.core.transfer import Transfer
from guard.errors import AdapterError, GuardError
from guard.ports.books import Books, BooksReading, BundleRow
from guard.statements.submission import StatementContext


@dataclass(frozen=True, slots=True)
class Known:
    """Every edition of the books by digest, and the active one."""

    active: Edition
    editions: Mapping[Digest, Edition]

    def context(self, now: int) -> StatementContext:
        """What admission is judged against."""
        return StatementContext(active=self.active, editions=self.editions, now=now)

    def policies(self, transfer: Transfer) -> Policies:
        """The policy that the transfer names, if it is known, and the active one."""
        return Policies(named=self.editions.get(transfer.policy), active=self.active)

    def edition_of(self, transfer: Transfer) -> Edition:
        """The edition whose labels fit the transfer best: the one that it names, or the active one."""
        return self.editions.get(transfer.policy, self.active)


class Editions:
    """Reads the bundles of the books, each once. Threads may share it."""

    def __init__(self) -> None:
        self._lately: tuple[tuple[BundleRow, ...], Known] | None = None

    def load(self, reading: BooksReading) -> Known:
        """What the books hold now, and the very same object as long as they hold the same.

        Raises `AdapterError` `service.no-bundle` and `service.books-broken`.
        """
        rows = reading.load_bundles()
        lately = self._lately
        if lately is not None and lately[0] == rows:
            return lately[1]
        if not rows:
            raise AdapterError("service.no-bundle", "the server's books hold no policy yet")
        editions = {row.digest: _to_edition(row) for row in rows}
        known = Known(editions[rows[-1].digest], editions)
        self._lately = (rows, known)
        return known

    def find_lately(self, books: Books) -> Known:
        """What the books held when they were last read. Whoever acts on it loads again inside the transaction."""
        if self._lately is not None:
            return self._lately[1]
        with books.reading() as reading:
            return self.load(reading)


def _to_edition(row: BundleRow) -> Edition:
    try:
        edition = to_edition(parse_bundle(row.raw), row.activated_at)
    except GuardError as error:
        raise AdapterError("service.books-broken", f"bundle {row.digest} of the books cannot be read") from error
    if edition.digest != row.digest:
        raise AdapterError("service.books-broken", f"bundle {row.digest} of the books has another digest")
    return edition
