"""What people who logged in are shown: each answer from the books alone, exact, and never more than the books say."""

from collections.abc import Callable

import pytest
from sqlmodel import SQLModel

from guard.bundles.bundle import to_bytes
from guard.core.lifecycle import State
from guard.effects.summary import render_summary
from guard.errors import AdapterError
from guard.ports.books import TransferQuery
from guard.service.stored_transfers import NOT_OF_ITS_ID
from guard.statements.digests import compute_transfer_id
from guard.statements.signed import from_json, transfer_from_json
from tests.factories import DAY, digest_of, make_rule, make_scope, to_approvals
from tests.service.house import House, asked, code_of
from tests.team import transfer_id_of


def ids(rows: list[dict[str, object]]) -> list[object]:
    return [row["id"] for row in rows]


def inboxes(house: House, *names: str) -> dict[str, bool]:
    return {name: bool(house.showing.show_inbox(name)) for name in names}  # type: ignore[arg-type]


def test_a_transfer_is_shown_with_everything_from_which_a_client_computes_it_anew(house: House) -> None:
    transfer = house.proposed()
    house.approve(transfer, "bob")
    house.reject(transfer, "carol")
    shown = house.showing.show_transfer(transfer_id_of(transfer))
    assert transfer_from_json(shown["transfer"]) == transfer
    assert compute_transfer_id(transfer_from_json(shown["transfer"])) == shown["id"]
    assert shown["summary"] == render_summary(transfer, house.people.policy)
    said = [from_json(each) for each in shown["statements"]]
    assert [type(each.statement).__name__ for each in said] == ["Proposal", "Approval", "Rejection"]
    assert said[1] == house.people.approve(transfer, "bob")
    assert (shown["state"], shown["version"], shown["reason"]) == ("open", 2, "")


@pytest.mark.parametrize("cut", [10, 18, 65, 66])
@pytest.mark.parametrize("begin", ["0x", ""])
def test_a_transfer_is_found_by_eight_or_more_figures_of_its_id(house: House, cut: int, begin: str) -> None:
    transfer = house.proposed()
    name = begin + transfer_id_of(transfer)[2:cut]
    assert house.showing.show_transfer(name)["id"] == transfer_id_of(transfer)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("0x1234567", "request.transfer-id"),
        ("", "request.transfer-id"),
        ("0x", "request.transfer-id"),
        ("0X12345678", "request.transfer-id"),
        ("0x1234567G", "request.transfer-id"),
        ("0xABCDEF00", "request.transfer-id"),
        ("0x" + "1" * 65, "request.transfer-id"),
        ("12345678%", "request.transfer-id"),
        ("0x" + "1" * 64, "transfer.unknown"),
        ("12345678", "transfer.unknown"),
    ],
)
def test_a_name_that_names_nothing_is_refused(house: House, name: str, code: str) -> None:
    house.proposed()
    assert code_of(lambda: house.showing.show_transfer(name)) == code


def test_two_transfers_that_begin_alike_are_told_apart_by_more_figures(house: House) -> None:
    house.proposed()
    transfer_table = SQLModel.metadata.tables["transfer"]
    with house.store.database.begin(write=True) as connection:
        row = connection.execute(transfer_table.select()).mappings().one()
        for end in ("a", "b"):
            connection.execute(transfer_table.insert().values({**row, "id": "0x" + "12" * 31 + "3" + end}))
    assert code_of(lambda: house.showing.show_transfer("12121212")) == "request.ambiguous"
    with pytest.raises(AdapterError, match="another id"):
        house.showing.show_transfer("12" * 31 + "3a")


def test_a_row_that_is_not_the_transfer_of_its_id_is_shown_as_that_and_waits_for_nobody(house: House) -> None:
    transfer = house.proposed()
    table = SQLModel.metadata.tables["transfer"]
    with house.store.database.begin(write=True) as connection:
        row = connection.execute(table.select()).mappings().one()
        connection.execute(table.insert().values({**row, "id": digest_of("edited by hand")}))
    rows = {row["id"]: row for row in house.showing.list_transfers(TransferQuery())}
    assert rows[digest_of("edited by hand")]["reason"] == NOT_OF_ITS_ID
    assert rows[transfer_id_of(transfer)]["reason"] == ""
    assert ids(house.showing.show_inbox("bob")) == [transfer_id_of(transfer)]  # type: ignore[arg-type]


def test_a_row_of_the_list_has_exact_addresses_and_amounts_as_text(house: House) -> None:
    transfer = house.proposed(amount_units=2**256 - 1)
    (row,) = house.showing.list_transfers(TransferQuery())
    assert row["amount_units"] == str(2**256 - 1)
    assert (row["vault"], row["asset"], row["destination"]) == (transfer.vault, transfer.asset, transfer.destination)
    assert (row["initiator"], row["purpose"], row["chain_id"]) == ("alice", "invoice 1001", "31337")


def test_transfers_are_listed_by_state_and_initiator_newest_first(house: House) -> None:
    transfers = []
    for initiator in ("alice", "payroll", "alice"):
        house.clock.advance(1)
        transfers.append(house.proposed(initiator=initiator))
    house.veto(transfers[2])
    first, second, third = (transfer_id_of(each) for each in transfers)
    listing = house.showing.list_transfers
    assert ids(listing(TransferQuery())) == [third, second, first]
    assert ids(listing(TransferQuery(states=(State.OPEN,)))) == [second, first]
    assert ids(listing(TransferQuery(initiator=transfers[0].initiator))) == [third, first]
    assert ids(listing(TransferQuery(before=third, limit=1))) == [second]


def test_the_inbox_holds_what_a_persons_approval_could_still_fill(house: House) -> None:
    house.proposed()
    assert inboxes(house, "bob", "carol", "dave", "alice", "erin", "payroll") == {
        "bob": True,
        "carol": True,
        "dave": True,
        "alice": False,
        "erin": False,
        "payroll": False,
    }


def test_the_inbox_is_empty_for_everybody_once_the_quorum_stands(house: House) -> None:
    house.approve(house.proposed(), "bob")
    assert not any(inboxes(house, "bob", "carol", "dave").values())


def test_the_inbox_leaves_out_whoever_approved_or_rejected_already(house_of: Callable[..., House]) -> None:
    house = house_of(rules=(make_rule(approvals=to_approvals(finance=2)),))
    transfer = house.proposed()
    house.approve(transfer, "bob")
    assert inboxes(house, "bob", "carol", "dave") == {"bob": False, "carol": True, "dave": True}
    house.reject(transfer, "carol")
    assert inboxes(house, "bob", "carol", "dave") == {"bob": False, "carol": False, "dave": True}


def test_an_approval_that_has_expired_brings_the_transfer_back_into_the_inbox(house_of: Callable[..., House]) -> None:
    house = house_of(rules=(make_rule(approvals=to_approvals(finance=2)),))
    transfer = house.proposed()
    house.approve(transfer, "bob")
    house.clock.advance(DAY)
    assert inboxes(house, "bob", "carol") == {"bob": True, "carol": True}


def test_whoever_can_free_another_from_sitting_twice_finds_the_transfer_in_the_inbox(
    house_of: Callable[..., House],
) -> None:
    house = house_of(rules=(make_rule(approvals=to_approvals(finance=1, security=1)),))
    transfer = house.proposed()
    house.approve(transfer, "dave")
    assert inboxes(house, "dave", "bob", "erin", "alice", "frank") == {
        "dave": False,
        "bob": True,
        "erin": True,
        "alice": False,
        "frank": False,
    }


def test_the_inbox_holds_nothing_that_has_ended_or_is_denied(house: House) -> None:
    house.veto(house.proposed())
    house.proposed(amount_units=0)
    house.carry(house.proposed(), State.SIGNING)
    assert house.showing.show_inbox("bob") == []  # type: ignore[arg-type]


def test_the_inbox_goes_on_beyond_one_page(house: House) -> None:
    transfers = [house.proposed() for _ in range(103)]
    assert len(house.showing.show_inbox("bob")) == len(transfers)  # type: ignore[arg-type]


def test_a_release_request_is_the_transfer_and_its_statements_as_they_came(house: House) -> None:
    transfer = house.proposed()
    house.approve(transfer, "bob")
    request = house.showing.show_release_request(transfer_id_of(transfer))
    assert transfer_from_json(request["transfer"]) == transfer
    assert [from_json(each) for each in request["statements"]] == list(house.people.approved(transfer, "bob"))


def test_the_log_is_shown_entry_by_entry_with_the_heads_that_prove_it(house: House) -> None:
    given = house.veto(house.proposed())
    shown = house.showing.show_log(start=1, limit=2)
    assert [each["entry"]["event"] for each in shown] == ["transfer.proposed", "transfer.vetoed"]
    assert shown[1]["head"] == given.head
    assert shown[1]["entry"]["previous"] == shown[0]["head"]
    assert house.showing.show_head() == {"size": 3, "head": given.head}


def test_the_treasury_is_shown_with_its_active_policy(house: House) -> None:
    shown = house.showing.show_treasury()
    assert shown["treasury"] == house.people.policy.treasury
    assert shown["policy"]["digest"] == house.people.digest
    assert shown["log"]["size"] == 1


def test_a_bundle_is_shown_byte_for_byte(house: House) -> None:
    assert house.showing.show_bundle(house.people.digest) == to_bytes(house.people.bundle)
    assert code_of(lambda: house.showing.show_bundle(digest_of("no bundle"))) == "request.bundle-unknown"


def test_a_freeze_is_shown_with_its_words_and_by_whom(house: House) -> None:
    house.service.freeze(house.people.freeze(make_scope()), asked(key=None))
    (shown,) = house.showing.show_freezes()
    assert (shown["id"], shown["person"], shown["reason"]) == (digest_of("freeze 1"), "erin", "stop")
    assert (shown["is_in_force"], shown["prediction"]) == (True, True)
