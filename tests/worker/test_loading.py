"""What of many statements is brought to a signer: nobody crowds out anybody else."""

from __future__ import annotations

import pytest

from guard.core.ids import Address, PersonId
from guard.ports.books import StatementRow
from guard.worker.loading import MOST_BYTES, MOST_STATEMENTS, choose, fits
from tests.store.factories import new_statement


def approvals(count: int, person: str = "bob", *, first: int = 1, size: int = 100) -> list[StatementRow]:
    body = "{" + " " * (size - 2) + "}"
    return [
        new_statement(first + number, kind="approval", person=PersonId(person), body=body) for number in range(count)
    ]


PROPOSAL = new_statement(0, kind="proposal")


@pytest.mark.parametrize("count", [MOST_STATEMENTS - 2, MOST_STATEMENTS - 1])
def test_what_fits_is_brought_whole_and_in_its_order(count: int) -> None:
    every = [PROPOSAL, *approvals(count)]
    assert choose(every) == tuple(every)


def test_of_somebody_who_says_the_same_again_and_again_the_newest_is_brought() -> None:
    loud, quiet = approvals(500), approvals(1, "carol", first=600)
    veto = new_statement(700, kind="veto", person=PersonId("erin"))
    chosen = choose([PROPOSAL, *quiet, *loud, veto])
    assert set(chosen[:2]) == {PROPOSAL, veto}
    assert set(chosen[2:]) == {loud[-1], quiet[0]}


def test_statements_that_are_long_are_brought_as_far_as_a_request_goes() -> None:
    keys = [Address(f"0x{number:040x}") for number in range(30)]
    long = [
        new_statement(number + 1, kind="approval", key=key, body="{" + "x" * 10_000 + "}")
        for number, key in enumerate(keys)
    ]
    chosen = choose([PROPOSAL, *long])
    assert fits(chosen)
    assert chosen[0] == PROPOSAL
    assert sum(len(row.body) for row in chosen) > MOST_BYTES - 20_000
