"""A refusal leaves no row in any state table: at the most an entry of the log and its message, and those only for keys of the roster."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from guard.core.ids import NO_DIGEST, TransferId
from guard.core.lifecycle import State
from guard.core.transfer import Transfer
from guard.ports.books import TransferRow
from guard.statements.signed import Signature, SignedStatement, to_json
from guard.statements.signing import sign
from guard.statements.values import Approval
from tests.factories import digest_of, private_key_of
from tests.service.house import House, asked, changes_between, code_of, refusal_of
from tests.team import transfer_id_of

Ask = Callable[[], object]
LOGGED = {"log_entry": 1, "outbox": 1}
NOTHING: dict[str, int] = {}


@dataclass(frozen=True)
class Case:
    """A refused request: what makes it, its code, and which tables grow. Everything is prepared before it is asked."""

    prepare: Callable[[House, Transfer], Ask]
    code: str
    grows: dict[str, int]


def approving(house: House, transfer: Transfer, signed: SignedStatement, **how: Any) -> Ask:
    return lambda: house.service.approve(transfer_id_of(transfer), signed, asked(**how))


def proposing(**changes: Any) -> Callable[[House, Transfer], Ask]:
    def prepare(house: House, transfer: Transfer) -> Ask:
        signed = house.people.propose(house.people.transfer(**changes))
        return lambda: house.service.propose(signed, asked())

    return prepare


def approval(*, by: str = "bob", how: dict[str, Any] | None = None, **changes: Any) -> Callable[[House, Transfer], Ask]:
    def prepare(house: House, transfer: Transfer) -> Ask:
        return approving(house, transfer, house.people.approve(transfer, by, **changes), **(how or {}))

    return prepare


def by_stranger(house: House, transfer: Transfer) -> Ask:
    statement = house.people.approve(transfer, "bob").statement
    return approving(house, transfer, house.people.sign("mallory", statement))


def claimed(house: House, transfer: Transfer) -> Ask:
    good = house.people.approve(transfer, "bob")
    value = house.people.sign("mallory", good.statement).signature.value
    return approving(house, transfer, replace(good, signature=replace(good.signature, value=value)))


def edited(house: House, transfer: Transfer) -> Ask:
    signed = house.people.approve(transfer, "bob")
    assert isinstance(signed.statement, Approval)
    later = replace(signed.statement, expires_at=signed.statement.expires_at + 1)
    return approving(house, transfer, replace(signed, statement=later))


def of_another_treasury(house: House, transfer: Transfer) -> Ask:
    statement = house.people.approve(transfer, "bob").statement
    return approving(house, transfer, sign(private_key_of("bob").secret, statement, digest_of("another treasury")))


def with_passkey(house: House, transfer: Transfer) -> Ask:
    signed = house.people.approve(transfer, "bob")
    return approving(house, transfer, replace(signed, signature=Signature("webauthn", signed.signature.key, b"x" * 70)))


def of_another_kind(house: House, transfer: Transfer) -> Ask:
    return approving(house, transfer, house.people.veto(transfer))


def at_another_address(house: House, transfer: Transfer) -> Ask:
    return approving(house, house.proposed(), house.people.approve(transfer, "bob"))


def about_unknown(verb: str) -> Callable[[House, Transfer], Ask]:
    def prepare(house: House, transfer: Transfer) -> Ask:
        unknown = house.people.transfer()
        signed = {
            "approve": house.people.approve(unknown, "bob"),
            "veto": house.people.veto(unknown),
            "reject": house.people.reject(unknown, "bob"),
        }[verb]
        return lambda: getattr(house.service, verb)(transfer_id_of(unknown), signed, asked())

    return prepare


def by_another_initiator(house: House, transfer: Transfer) -> Ask:
    signed = house.people.propose(house.people.transfer(), by="bob")
    return lambda: house.service.propose(signed, asked())


def after(*states: State) -> Callable[[House, Transfer], Ask]:
    def prepare(house: House, transfer: Transfer) -> Ask:
        version = house.carry(transfer, *states).version
        return approving(house, transfer, house.people.approve(transfer, "bob"), version=version)

    return prepare


def after_a_veto(house: House, transfer: Transfer) -> Ask:
    house.veto(transfer)
    return approving(house, transfer, house.people.approve(transfer, "bob"), version=2)


def after_a_rejection(house: House, transfer: Transfer) -> Ask:
    house.reject(transfer, "carol")
    return approving(house, transfer, house.people.approve(transfer, "bob"), version=1)


def after_its_end(house: House, transfer: Transfer) -> Ask:
    house.clock.advance(transfer.expires_at - house.clock.wall)
    return approving(house, transfer, house.people.approve(transfer, "bob"))


CASES = {
    "a stranger's key": Case(by_stranger, "statement.key-unknown", NOTHING),
    "a signature by another key": Case(claimed, "signature.key", NOTHING),
    "a statement changed after signing": Case(edited, "signature.key", NOTHING),
    "another treasury's statement": Case(of_another_treasury, "statement.treasury", NOTHING),
    "a passkey's signature": Case(with_passkey, "signature.webauthn", NOTHING),
    "a statement of another kind": Case(of_another_kind, "request.statement-kind", NOTHING),
    "no Idempotency-Key": Case(approval(how={"key": None}), "request.idempotency-key-missing", NOTHING),
    "no version": Case(approval(how={"version": None}), "request.version-missing", NOTHING),
    "a version that has passed": Case(after_a_rejection, "transfer.stale", NOTHING),
    "a version that is not there yet": Case(approval(how={"version": 2}), "transfer.stale", NOTHING),
    "the initiator's own approval": Case(approval(by="alice"), "approval.initiator", LOGGED),
    "a machine's approval": Case(approval(by="payroll"), "statement.machine", LOGGED),
    "an approval from before the proposal": Case(approval(signed_at=1, expires_at=2), "approval.pre-dated", LOGGED),
    "an approval as another roster": Case(approval(roster=NO_DIGEST), "statement.roster", LOGGED),
    "an approval of another summary": Case(approval(summary="pay nobody"), "approval.summary", LOGGED),
    "an approval read under another policy": Case(approval(policy=NO_DIGEST), "approval.policy-unknown", LOGGED),
    "an approval at another address": Case(at_another_address, "transfer.mismatch", LOGGED),
    "an approval of an unknown transfer": Case(about_unknown("approve"), "transfer.unknown", LOGGED),
    "a rejection of an unknown transfer": Case(about_unknown("reject"), "transfer.unknown", LOGGED),
    "a veto of an unknown transfer": Case(about_unknown("veto"), "transfer.unknown", LOGGED),
    "a veto by no guardian": Case(lambda h, t: lambda: h.veto(t, "bob"), "statement.guardian", LOGGED),
    "a freeze by no guardian": Case(lambda h, t: lambda: h.freeze("bob"), "statement.guardian", LOGGED),
    "an unfreeze of what never came": Case(lambda h, t: lambda: h.unfreeze("frank", "never"), "stop.unseen", LOGGED),
    "an approval after a veto": Case(after_a_veto, "transfer.ended", LOGGED),
    "an approval after the transfer's own end": Case(after_its_end, "transfer.ended", LOGGED),
    "a proposal under another policy": Case(proposing(policy=NO_DIGEST), "statement.policy-unknown", LOGGED),
    "a proposal on another chain": Case(proposing(chain_id=1), "statement.chain", LOGGED),
    "a proposal by somebody else": Case(by_another_initiator, "proposal.initiator", LOGGED),
    "a proposal that never ends": Case(proposing(expires_at=2**64 - 1), "transfer.times", LOGGED),
    "a proposal just beyond exact times": Case(proposing(expires_at=2**53), "transfer.times", LOGGED),
    "a proposal dated beyond exact times": Case(proposing(proposed_at=2**53), "transfer.times", LOGGED),
    **{
        f"an approval of a transfer that is {states[-1].value}": Case(after(*states), "transfer.ended", LOGGED)
        for states in (
            (State.BROADCAST,),
            (State.BROADCAST, State.CONFIRMED),
            (State.BROADCAST, State.CONFIRMED, State.FINALISED),
            (State.BROADCAST, State.FAILED),
            (State.REJECTED,),
            (State.EXPIRED,),
            (State.VOID,),
        )
    },
}


@pytest.mark.parametrize("name", CASES)
def test_a_refusal_leaves_no_row_in_any_state_table(house: House, name: str) -> None:
    case = CASES[name]
    ask = case.prepare(house, house.proposed())
    before = house.counts()
    assert code_of(ask) == case.code
    assert changes_between(before, house.counts()) == case.grows
    house.entries()


def test_the_latest_exact_time_is_taken(house: House) -> None:
    proposing(expires_at=2**53 - 1)(house, house.proposed())()
    assert house.events().count("transfer.proposed") == 2


def test_an_approval_just_before_the_transfers_own_end_is_taken(house: House) -> None:
    transfer = house.proposed()
    house.clock.advance(transfer.expires_at - house.clock.wall - 1)
    assert house.approve(transfer, "bob").state is State.OPEN


def test_an_approval_of_a_transfer_in_signing_is_taken(house: House) -> None:
    transfer = house.proposed()
    house.carry(transfer, State.SIGNING)
    assert house.approve(transfer, "bob").state is State.SIGNING


def test_a_transfer_that_stands_there_without_its_proposal_is_never_proposed_over(house: House) -> None:
    transfer = house.people.transfer()
    signed, row = house.people.propose(transfer), a_row(house, transfer)
    with house.store.writing() as writing:
        writing.add_transfer(row)
    assert code_of(lambda: house.service.propose(signed, asked())) == "transfer.exists"


def a_row(house: House, transfer: Transfer) -> TransferRow:
    """A row that nobody proposed, copied from one that somebody did."""
    return replace(house.row(house.proposed()), id=TransferId(transfer_id_of(transfer)))


def test_a_refused_attempt_stands_whole_in_the_log_with_its_code(house: House) -> None:
    transfer = house.proposed()
    signed = house.people.veto(transfer, "bob")
    refused = refusal_of(lambda: house.service.veto(transfer_id_of(transfer), signed, asked(key=None)))
    entry = house.entries()[-1]
    assert (entry["event"], entry["actor"], entry["transfer"]) == ("attempt.refused", "bob", transfer_id_of(transfer))
    assert entry["body"]["statement"] == to_json(signed)
    assert entry["body"]["code"] == refused.code == "statement.guardian"
    (told,) = [told for told in house.messages() if told["type"] == "attempt.refused"]
    assert told["data"]["person"] == "bob"
    assert "statement" not in told["data"]


def test_every_refusal_is_counted_by_its_code(house: House) -> None:
    transfer = house.proposed()
    for _ in range(3):
        code_of(by_stranger(house, transfer))
    code_of(lambda: house.veto(transfer, "bob"))
    assert house.service.read_refusals() == {"statement.key-unknown": 3, "statement.guardian": 1}
