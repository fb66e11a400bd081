"""Each verb: what it changes, what it answers, and that log, outbox and errand tell the same."""

from typing import Any

from sqlalchemy import select
from sqlmodel import SQLModel

from guard.core.facts import ScopeKind
from guard.core.lifecycle import State
from guard.core.transfer import Transfer
from guard.formats.canonical import parse_json
from guard.statements.signed import to_json
from tests.factories import digest_of, make_rule, make_scope, to_approvals
from tests.service.house import House, asked, changes_between
from tests.team import transfer_id_of

STATEMENT_TABLES = {"statement": 1, "log_entry": 1, "outbox": 1}


def due_of(house: House, transfer: Transfer) -> Any:
    """When the worker is asked to carry the transfer."""
    table = SQLModel.metadata.tables["errand"]
    with house.store.database.begin() as connection:
        found = select(table.c.due_at).where(table.c.transfer_id == transfer_id_of(transfer))
        return connection.execute(found).scalar_one()


def test_a_proposal_becomes_an_open_transfer_with_its_place_in_the_log(house: House) -> None:
    transfer = house.people.transfer()
    signed, before = house.people.propose(transfer), house.counts()
    given = house.service.propose(signed, asked())
    assert changes_between(before, house.counts()) == {**STATEMENT_TABLES, "transfer": 1, "errand": 1, "replay": 1}
    row, entries = house.row(transfer), house.entries()
    assert (row.state, row.version, row.initiator, row.amount_units) == (State.OPEN, 1, "alice", transfer.amount_units)
    assert (given.kind, given.person, given.transfer_id, given.state, given.version) == (
        "proposal",
        "alice",
        row.id,
        State.OPEN,
        1,
    )
    assert given.index == len(entries) - 1
    assert entries[-1]["body"]["statement"] == to_json(signed)
    assert entries[-1]["body"]["digest"] == given.statement_digest
    assert (entries[-1]["event"], entries[-1]["actor"], entries[-1]["transfer"]) == (
        "transfer.proposed",
        "alice",
        row.id,
    )
    with house.store.reading() as reading:
        assert reading.load_head().head == given.head
        (kept,) = reading.load_statements(row.id)
    assert parse_json(kept.body.encode()) == to_json(signed)
    assert (kept.log_index, kept.received_at) == (given.index, house.clock.wall)
    assert due_of(house, transfer) == house.clock.wall


def test_a_proposal_is_answered_with_a_prediction_that_says_who_is_missing(house: House) -> None:
    given = house.service.propose(house.people.propose(house.people.transfer()), asked())
    assert given.prediction is not None
    assert given.prediction["prediction"] is True
    assert given.prediction["note"] == "the signers decide"
    assert given.prediction["status"] == "held"
    assert [each["group"] for each in given.prediction["missing"]] == ["finance"]


def test_a_message_tells_of_the_transfer_by_names_and_holds_no_signature(house: House) -> None:
    transfer = house.proposed()
    (told,) = house.messages()
    about = told["data"]["transfer"]
    assert (told["type"], told["timestamp"]) == ("transfer.proposed", "2023-11-14T23:13:20Z")
    assert (about["vault"], about["asset"], about["destination"]) == ("operations", "USDC", "exchange")
    assert about["amount_units"] == str(transfer.amount_units)
    assert about["summary"].startswith("Action: transfer 5,000 USDC")
    assert told["data"]["person"] == "alice"
    assert "signature" not in str(told)


def test_an_approval_counts_and_leaves_the_version_as_it_is(house: House) -> None:
    transfer = house.proposed()
    before = house.counts()
    given = house.approve(transfer, "bob")
    assert changes_between(before, house.counts()) == {**STATEMENT_TABLES, "replay": 1}
    assert (given.state, given.version) == (State.OPEN, 1)
    assert given.prediction is not None
    assert given.prediction["status"] == "releasable"
    assert given.prediction["seated"] == [{"person": "bob", "group": "finance"}]
    assert house.events()[-1] == "transfer.approved"
    assert house.row(transfer).version == 1


def test_an_approval_makes_an_errand_due_that_was_put_off(house: House) -> None:
    transfer = house.proposed()
    table = SQLModel.metadata.tables["errand"]
    with house.store.database.begin(write=True) as connection:
        connection.execute(table.update().values(due_at=house.clock.wall + 900))
    house.approve(transfer, "bob")
    assert due_of(house, transfer) == house.clock.wall


def test_a_rejection_makes_the_version_grow_and_leaves_others_their_seats(house: House) -> None:
    transfer = house.proposed()
    given = house.reject(transfer, "bob")
    assert (given.state, given.version) == (State.OPEN, 2)
    assert given.prediction is not None
    assert given.prediction["missing"][0]["candidates"] == ["carol", "dave"]
    assert house.events()[-1] == "transfer.rejected"


def test_the_rejection_after_which_the_seats_cannot_be_filled_ends_the_transfer(house: House) -> None:
    transfer = house.proposed()
    states = [house.reject(transfer, name).state for name in ("bob", "carol", "dave")]
    assert states == [State.OPEN, State.OPEN, State.REJECTED]
    row = house.row(transfer)
    assert (row.state, row.version) == (State.REJECTED, 4)
    assert row.reason == "the people who remain cannot fill the seats"


def test_the_initiators_rejection_is_a_withdrawal(house: House) -> None:
    transfer = house.proposed()
    given = house.reject(transfer, "alice")
    assert (given.kind, given.state, given.version) == ("rejection", State.REJECTED, 2)
    assert house.row(transfer).reason == "withdrawn by alice: not agreed"
    assert house.events()[-1] == "transfer.withdrawn"


def test_one_guardians_veto_ends_the_transfer(house: House) -> None:
    transfer = house.proposed()
    before = house.counts()
    given = house.veto(transfer)
    assert changes_between(before, house.counts()) == STATEMENT_TABLES
    assert (given.state, given.version, given.not_stopped) == (State.VETOED, 2, ())
    assert house.row(transfer).reason == "vetoed by erin: not ours"
    assert house.events()[-1] == "transfer.vetoed"
    assert house.messages()[-1]["type"] in ("transfer.proposed", "transfer.vetoed")


def test_a_freeze_holds_the_prediction_and_moves_no_transfer(house: House) -> None:
    transfer = house.proposed()
    house.approve(transfer, "bob")
    before = house.counts()
    given = house.freeze(kind=ScopeKind.VAULT)
    assert changes_between(before, house.counts()) == STATEMENT_TABLES
    assert (given.kind, given.transfer_id, given.state, given.version) == ("freeze", None, None, None)
    shown = house.showing.show_transfer(transfer_id_of(transfer))
    assert (shown["state"], shown["version"], shown["prediction"]["status"]) == ("open", 1, "held")
    assert [reason["code"] for reason in shown["prediction"]["reasons"]] == ["decision.frozen"]


def test_an_unfreeze_is_stored_and_has_open_transfers_carried_to_the_signers(house: House) -> None:
    transfer = house.proposed()
    house.freeze()
    house.clock.advance(60)
    given = house.unfreeze("frank")
    assert (given.kind, given.transfer_id) == ("unfreeze", None)
    assert house.events()[-1] == "unfreeze.stored"
    assert due_of(house, transfer) == house.clock.wall - 60


def test_a_freeze_is_told_with_its_scope_and_reason(house: House) -> None:
    house.service.freeze(house.people.freeze(make_scope(ScopeKind.PERSON)), asked(key=None))
    (told,) = house.messages()
    assert told["data"]["scope"] == {
        "id": digest_of("freeze 1"),
        "kind": "person",
        "chain_id": "0",
        "account": "0x0000000000000000000000000000000000000000",
        "person": "alice",
    }
    assert told["data"]["reason"] == "stop"


def test_every_event_has_one_message_under_an_id_of_its_own(house: House) -> None:
    transfer = house.proposed()
    house.approve(transfer, "bob")
    house.veto(transfer)
    house.freeze()
    assert sorted(told["type"] for told in house.messages()) == sorted(house.events()[1:])
    table = SQLModel.metadata.tables["outbox"]
    with house.store.database.begin() as connection:
        assert len(set(connection.execute(select(table.c.id)).scalars())) == 4


def test_two_groups_are_filled_by_two_people(house_of: Any) -> None:
    house = house_of(rules=(make_rule(approvals=to_approvals(finance=1, security=1)),))
    transfer = house.proposed()
    first, second = house.approve(transfer, "dave"), house.approve(transfer, "erin")
    assert first.prediction["status"] == "held"
    assert second.prediction["status"] == "releasable"
