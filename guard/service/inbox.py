"""Which transfers wait for one person: where their approval could still fill a seat that is missing. A prediction, as all here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from guard.core.decision import Decision, Status
from guard.core.ids import PersonId
from guard.core.lifecycle import State
from guard.errors import AdapterError
from guard.ports.books import BooksReading, StatementRow, TransferQuery, TransferRow
from guard.service.editions import Known
from guard.service.outlook import Look, Outlook
from guard.service.stored_transfers import to_transfer

PAGE = 100
MOST = 1000
"""Open transfers that are looked through, the newest first."""


def find_waiting(look: Look, person: PersonId) -> Iterator[TransferRow]:
    """Open transfers that lack a seat which this person could fill. One that cannot be read waits for nobody."""
    outlook = Outlook(look)
    for row in _iter_open(look.reading):
        statements = look.reading.load_statements(row.id)
        try:
            decision = outlook.predict(row.id, to_transfer(row), statements)
        except AdapterError as trouble:
            if trouble.code != "service.books-broken":
                raise
            continue
        if person in compute_candidates(look.known, decision, statements):
            yield row


def _iter_open(reading: BooksReading) -> Iterator[TransferRow]:
    query = TransferQuery(states=(State.OPEN,), limit=PAGE)
    for _ in range(MOST // PAGE):
        page = reading.list_transfers(query)
        yield from page
        if len(page) < PAGE:
            return
        query = replace(query, before=page[-1].id)


def compute_candidates(known: Known, decision: Decision, statements: Sequence[StatementRow]) -> frozenset[PersonId]:
    """Who could bring the quorum closer: nobody once it stands, and nobody where the transfer is denied."""
    if decision.status is Status.DENIED or decision.quorum_since is not None:
        return frozenset()
    if decision.missing:
        return frozenset(person for seats in decision.missing for person in seats.candidates)
    return _compute_others(known, decision, statements)


def _compute_others(known: Known, decision: Decision, statements: Sequence[StatementRow]) -> frozenset[PersonId]:
    """Where enough people of each group approved but some would have to sit twice: everybody else of those groups who may approve."""
    roster = known.active.policy.roster
    asked = {group for outcome in decision.outcomes for group, _ in outcome.approvals}
    members = frozenset(person for group in asked for person in roster.members(group))
    approvals = [row.person for row in statements if row.kind == "approval"]
    uncounted = [each.person for each in decision.uncounted]
    counted = {person for person in approvals if approvals.count(person) > uncounted.count(person)}
    rejected = {row.person for row in statements if row.kind == "rejection"}
    return members - counted - rejected - {decision.transfer.initiator}
