"""Amounts are exact to the last unit on both databases, and sort as numbers do."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, StatementError

from guard.store import books_sql as sql
from guard.store.database import Database
from guard.store.rows import to_values
from guard.store.store import Store
from tests.store.factories import found, new_transfer

LARGEST = 2**256 - 1
amounts = st.integers(0, LARGEST) | st.sampled_from(
    [0, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**77, LARGEST - 1, LARGEST]
)


@pytest.mark.parametrize("amount", [0, 1, 2**53 + 1, 2**63 - 1, 2**63, 2**64 + 1, LARGEST - 1, LARGEST])
def test_an_amount_comes_back_to_the_unit(store: Store, amount: int) -> None:
    row = new_transfer(amount_units=amount)
    with store.writing() as books:
        found(books)
        books.add_transfer(row)
    with store.reading() as books:
        assert books.load_transfer(row.id) == row


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(amounts, min_size=2, max_size=8, unique=True))
def test_the_database_sorts_and_compares_amounts_as_numbers(store: Store, given_amounts: list[int]) -> None:
    column = sql.TRANSFER.c.amount_units
    middle = sorted(given_amounts)[len(given_amounts) // 2]
    with store.database.begin(write=True) as connection, connection.begin_nested() as nested:
        for amount in given_amounts:
            values = {**_values_of(amount), "id": f"0x{amount:064x}"}
            connection.execute(sql.ADD_TRANSFER, values)
        assert list(connection.execute(select(column).order_by(column)).scalars()) == sorted(given_amounts)
        above = connection.execute(select(column).where(column > middle)).scalars()
        assert sorted(above) == sorted(amount for amount in given_amounts if amount > middle)
        nested.rollback()


def _values_of(amount: int) -> dict[str, object]:
    return to_values(new_transfer(amount_units=amount))


@pytest.mark.parametrize("amount", [-1, LARGEST + 1, True, 0.5, "1"])
def test_what_is_no_amount_is_not_even_sent(store: Store, amount: object) -> None:
    with pytest.raises(StatementError, match="no amount"), store.writing() as books:
        books.add_transfer(new_transfer(amount_units=amount))


@pytest.mark.parametrize("raw", ["'1'", f"'{LARGEST + 1:079d}'", f"'-{1:077d}'", f"' {1:077d}'", "1"])
def test_sqlite_keeps_no_text_that_is_no_amount(sqlite_url: str, raw: str) -> None:
    store = Store(Database(sqlite_url))
    with pytest.raises(IntegrityError, match="ck_transfer_amount_units"):
        _insert_raw(store, raw)
    store.close()


@pytest.mark.parametrize("raw", ["-1", str(LARGEST + 1), "'NaN'"])
def test_postgres_keeps_no_number_that_is_no_amount(postgres_url: str, raw: str) -> None:
    store = Store(Database(postgres_url))
    with pytest.raises(IntegrityError, match="ck_transfer_amount_units"):
        _insert_raw(store, raw)
    store.close()


def _insert_raw(store: Store, raw: str) -> None:
    values = _values_of(5)
    places = ", ".join(raw if name == "amount_units" else f":{name}" for name in values)

    with store.database.begin(write=True) as connection:
        connection.execute(text(f"INSERT INTO transfer ({', '.join(values)}) VALUES ({places})"), values)
