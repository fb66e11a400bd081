"""The schemas of the document say what the strict readers take: every real statement fits, and every field is described."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from guard.statements.signed import to_json
from guard.statements.signing import sign
from guard.statements.values import STATEMENTS, Statement
from guard.web.schemas import compute_statement_schemas, name_of
from tests.factories import TREASURY
from tests.statements.factories import ALICE, RandomStatements, statements_of_every_kind

SCHEMAS = compute_statement_schemas()


def _validator(name: str) -> Any:
    root = {"components": {"schemas": SCHEMAS}, "$ref": f"#/components/schemas/{name}"}
    return jsonschema_rs.validator_for(root)


VALIDATORS = {cls: _validator(name_of(cls)) for cls in STATEMENTS}


def _is_valid(statement: Statement, **changes: Any) -> bool:
    return bool(VALIDATORS[type(statement)].is_valid({**to_json(sign(ALICE, statement, TREASURY)), **changes}))


@pytest.mark.parametrize("statement", statements_of_every_kind(), ids=lambda statement: type(statement).__name__)
def test_a_signed_statement_fits_its_schema_and_a_changed_one_does_not(statement: Statement) -> None:
    assert _is_valid(statement)
    assert not _is_valid(statement, format=2)
    assert not _is_valid(statement, kind="other")
    assert not _is_valid(statement, unknown=1)


def test_random_statements_of_every_kind_fit_their_schemas() -> None:
    source = RandomStatements(7)
    drawn = [source.draw(place)[0] for place in range(200)]
    assert [statement for statement in drawn if not _is_valid(statement)] == []


@pytest.mark.parametrize("cls", STATEMENTS)
def test_a_schema_names_every_field_of_its_struct_and_no_other(cls: type[Statement]) -> None:
    names = [field.name for field in cls.STRUCT.fields]
    schema = SCHEMAS[cls.STRUCT.name]
    assert list(schema["properties"]) == schema["required"] == names
    assert schema["additionalProperties"] is False
