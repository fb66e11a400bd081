"""Statements out of the books, as values."""

from __future__ import annotations

from typing import TypeVar

from guard.errors import AdapterError, GuardError
from guard.formats.canonical import parse_json
from guard.ports.books import StatementRow
from guard.statements.signed import from_json
from guard.statements.values import Statement

KEPT = 4096
Kind = TypeVar("Kind", bound=Statement)


class StatementReader:
    """Reads each statement once: what was read lately, or has just been written, is known by its very text. Threads may share it."""

    def __init__(self) -> None:
        self._lately: dict[str, Statement] = {}

    def read(self, row: StatementRow, kind: type[Kind]) -> Kind:
        """The statement of a row, which is of that kind. Raises `AdapterError` `service.books-broken` where it is none."""
        statement = self._lately.get(row.body)
        if statement is None:
            statement = _parse(row)
            self.remember(row.body, statement)
        if not isinstance(statement, kind):
            raise AdapterError("service.books-broken", f"statement {row.digest} of the books is of another kind")
        return statement

    def remember(self, body: str, statement: Statement) -> None:
        """Keep a statement whose text was made from it."""
        if len(self._lately) >= KEPT:
            self._lately.clear()
        self._lately[body] = statement


def _parse(row: StatementRow) -> Statement:
    try:
        return from_json(parse_json(row.body.encode())).statement
    except GuardError as error:
        raise AdapterError("service.books-broken", f"statement {row.digest} of the books cannot be read") from error
