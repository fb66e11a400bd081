"""Freezes by each scope, and what lifts one: stopping takes one person and is instant, lifting takes seats and time (P6)."""

from dataclasses import replace
from typing import Any

import pytest

from guard.core.decide import decide
from guard.core.decision import Status
from guard.core.facts import Scope, ScopeKind, SeenUnfreeze
from guard.core.ids import NATIVE, Address, PersonId
from guard.core.policy import Edition, SlowPath
from guard.core.stops import is_lifted
from guard.errors import GuardError
from tests.factories import (
    CHAIN_ID,
    HOUR,
    MINUTE,
    NOW,
    UNLISTED,
    USDC_ADDRESS,
    VAULT_ADDRESS,
    address_of,
    digest_of,
    make_approval,
    make_edition,
    make_facts,
    make_freeze,
    make_outage,
    make_passkey,
    make_person,
    make_policies,
    make_roster,
    make_scope,
    make_transfer,
    make_unfreeze,
    to_approvals,
)

ON_CHAIN = (ScopeKind.VAULT, ScopeKind.ASSET, ScopeKind.DESTINATION)


def is_held_by(scope: Scope, **changes: Any) -> bool:
    facts = make_facts(make_approval("bob"), freezes=(make_freeze(scope=scope),))
    decision = decide(make_transfer(**changes), make_policies(), facts)
    assert [reason.code for reason in decision.reasons] in ([], ["decision.frozen"])
    return decision.status is Status.HELD


# --- Scopes ---


@pytest.mark.parametrize("kind", ScopeKind)
def test_p6_a_freeze_holds_what_is_in_its_scope(kind: ScopeKind) -> None:
    assert is_held_by(make_scope(kind))


@pytest.mark.parametrize("kind", ON_CHAIN)
def test_a_freeze_of_one_account_holds_no_other(kind: ScopeKind) -> None:
    assert not is_held_by(make_scope(kind, account=address_of("another account")))


@pytest.mark.parametrize("kind", ON_CHAIN)
def test_a_freeze_of_an_account_on_one_chain_holds_none_on_another(kind: ScopeKind) -> None:
    assert not is_held_by(make_scope(kind, chain_id=CHAIN_ID + 1))


@pytest.mark.parametrize("kind", ON_CHAIN)
@pytest.mark.parametrize("account", [VAULT_ADDRESS, USDC_ADDRESS, UNLISTED])
def test_a_freeze_looks_at_the_role_that_it_names(kind: ScopeKind, account: Address) -> None:
    role = {VAULT_ADDRESS: ScopeKind.VAULT, USDC_ADDRESS: ScopeKind.ASSET, UNLISTED: ScopeKind.DESTINATION}
    assert is_held_by(make_scope(kind, account=account), destination=UNLISTED) is (role[account] is kind)


def test_p6_the_coin_of_the_chain_is_frozen_as_any_asset() -> None:
    ether = make_scope(ScopeKind.ASSET, account=NATIVE)
    assert is_held_by(ether, asset=NATIVE, amount_units=1)
    assert not is_held_by(ether)


@pytest.mark.parametrize(("person", "held"), [("alice", True), ("bob", True), ("carol", False)])
def test_p6_a_freeze_of_a_person_holds_what_they_initiated_or_approved(person: str, held: bool) -> None:
    assert is_held_by(make_scope(ScopeKind.PERSON, person=person)) is held


def test_p6_an_approval_that_counts_no_more_still_tells_what_a_frozen_person_approved() -> None:
    freeze = make_freeze(scope=make_scope(ScopeKind.PERSON, person="carol"))
    facts = make_facts(make_approval("bob"), make_approval("carol", expires_at=NOW), freezes=(freeze,))
    assert decide(make_transfer(), make_policies(), facts).status is Status.HELD


def test_p6_each_freeze_is_named_with_who_made_it() -> None:
    freezes = (make_freeze("freeze 1"), make_freeze("freeze 2", person="grace"))
    decision = decide(make_transfer(), make_policies(), make_facts(freezes=freezes))
    assert [reason.message for reason in decision.reasons] == [
        f"frozen by {freeze.person} (everything, {freeze.id[:10]})" for freeze in freezes
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": ScopeKind.EVERYTHING, "chain_id": 1},
        {"kind": ScopeKind.EVERYTHING, "account": VAULT_ADDRESS},
        {"kind": ScopeKind.EVERYTHING, "person": "alice"},
        {"kind": ScopeKind.VAULT, "account": VAULT_ADDRESS},
        {"kind": ScopeKind.VAULT, "account": VAULT_ADDRESS, "chain_id": 1, "person": "alice"},
        {"kind": ScopeKind.PERSON},
        {"kind": ScopeKind.PERSON, "person": "alice", "chain_id": 1},
        {"kind": ScopeKind.PERSON, "person": "alice", "account": VAULT_ADDRESS},
    ],
    ids=str,
)
def test_a_scope_names_exactly_what_its_kind_has(fields: dict[str, Any]) -> None:
    with pytest.raises(GuardError, match="scope"):
        Scope(**fields)


# --- Unfreeze: two guardians and an hour, by default ---

FROZEN_AT = NOW - 3 * HOUR
ERIN, FRANK, GRACE = (make_unfreeze(person) for person in ("erin", "frank", "grace"))


def lifts(*unfreezes: SeenUnfreeze, edition: Edition | None = None, **changes: Any) -> bool:
    facts: dict[str, Any] = {"now": NOW, "outages": (), "frozen_at": FROZEN_AT} | changes
    return is_lifted(digest_of("freeze 1"), unfreezes, edition or make_edition(), **facts)


def test_two_guardians_and_an_hour_lift_a_freeze() -> None:
    assert lifts(ERIN, FRANK)


@pytest.mark.parametrize(("unfreezes"), [(), (ERIN,), (ERIN, ERIN)], ids=["nobody", "one guardian", "one twice"])
def test_p6_fewer_people_lift_nothing(unfreezes: tuple[SeenUnfreeze, ...]) -> None:
    assert not lifts(*unfreezes)


@pytest.mark.parametrize(("early", "lifted"), [(1, False), (0, True), (-1, True)])
def test_p6_the_delay_of_an_unfreeze_is_over_after_exactly_its_seconds(early: int, lifted: bool) -> None:
    assert lifts(ERIN, FRANK, now=NOW - HOUR - early) is lifted


def test_p6_the_delay_runs_from_the_last_seat() -> None:
    late = replace(FRANK, first_seen_at=NOW - HOUR + 1)
    assert not lifts(ERIN, late)
    assert lifts(ERIN, late, GRACE)


@pytest.mark.parametrize(("early", "lifted"), [(1, False), (0, True), (-1, True)])
def test_p6_an_unfreeze_that_was_brought_before_the_freeze_waits_from_the_freeze_on(early: int, lifted: bool) -> None:
    assert lifts(ERIN, FRANK, frozen_at=NOW - HOUR + early) is lifted


def test_p6_a_freeze_that_lies_ahead_of_the_clock_is_not_lifted() -> None:
    no_delay = make_edition(unfreeze=SlowPath(approvals=to_approvals(guardians=2), delay=0))
    assert not lifts(ERIN, FRANK, edition=no_delay, frozen_at=NOW + 1)
    assert lifts(ERIN, FRANK, edition=no_delay, frozen_at=NOW)


def test_p6_time_in_which_the_signer_did_not_run_lifts_nothing() -> None:
    assert not lifts(
        ERIN, FRANK, outages=(make_outage(NOW - HOUR, HOUR - MINUTE), make_outage(NOW - 110 * MINUTE, 2 * MINUTE))
    )
    assert lifts(ERIN, FRANK, outages=(make_outage(NOW - HOUR, HOUR),))


PASSKEY_FRANK = make_edition(roster=make_roster(make_person("frank", keys=(make_passkey("frank"),))))
MACHINE_FRANK = make_edition(roster=make_roster(replace(make_person("frank"), groups=(), machine=True)))
NEW_FRANK = make_edition(enrolled_at=make_edition().enrolled_at | {address_of("frank"): NOW - 2 * HOUR + 1})

UNCOUNTED = {
    "lifts another freeze": (make_unfreeze("frank", "freeze 2"), make_edition()),
    "names another roster": (make_unfreeze("frank", roster=digest_of("roster 0")), make_edition()),
    "has expired": (make_unfreeze("frank", expires_at=NOW), make_edition()),
    "is by a key that nobody has": (make_unfreeze("frank", key=address_of("nobody")), make_edition()),
    "is by the key of somebody else": (make_unfreeze("frank", key=address_of("grace")), make_edition()),
    "is by somebody outside the group": (make_unfreeze("bob"), make_edition()),
    "is by a machine": (FRANK, MACHINE_FRANK),
    "is by a key without a display": (FRANK, PASSKEY_FRANK),
    "is dated before its key counted": (make_unfreeze("frank", first_seen_at=NOW - HOUR), NEW_FRANK),
    "was seen before its key counted": (make_unfreeze("frank", signed_at=NOW - HOUR), NEW_FRANK),
    "has a key without a date of enrolment": (FRANK, make_edition(enrolled_at={address_of("erin"): 0})),
}


@pytest.mark.parametrize("why", UNCOUNTED)
def test_p6_an_unfreeze_fills_no_seat_when_it(why: str) -> None:
    unfreeze, edition = UNCOUNTED[why]
    assert not lifts(ERIN, unfreeze, edition=edition)


@pytest.mark.parametrize(("late", "lifted"), [(-1, True), (0, False), (1, False)])
def test_p6_an_unfreeze_has_expired_in_its_last_second(late: int, lifted: bool) -> None:
    assert lifts(ERIN, replace(FRANK, expires_at=NOW - late)) is lifted


@pytest.mark.parametrize(("late", "lifted"), [(-1, False), (0, True), (1, True)])
@pytest.mark.parametrize("field", ["signed_at", "first_seen_at"])
def test_p6_a_key_lifts_from_the_second_of_its_enrolment(field: str, late: int, lifted: bool) -> None:
    enrolled_at = NOW - 2 * HOUR - MINUTE
    edition = make_edition(enrolled_at=make_edition().enrolled_at | {address_of("frank"): enrolled_at})
    assert lifts(ERIN, make_unfreeze("frank", **{field: enrolled_at + late}), edition=edition) is lifted


def test_one_unfreeze_lifts_every_freeze_that_it_lists_and_no_other() -> None:
    both = [make_unfreeze(person, "freeze 1", "freeze 2") for person in ("erin", "frank")]
    edition = make_edition()
    lifted = [
        name
        for name in ("freeze 1", "freeze 2", "freeze 3")
        if is_lifted(digest_of(name), both, edition, NOW, (), frozen_at=FROZEN_AT)
    ]
    assert lifted == ["freeze 1", "freeze 2"]


def test_p11_two_seats_of_an_unfreeze_are_two_people() -> None:
    asks_both = make_edition(unfreeze=SlowPath(approvals=to_approvals(guardians=1, security=1), delay=0))
    assert not lifts(ERIN, edition=asks_both)
    assert lifts(ERIN, FRANK, edition=asks_both)


def test_a_guardian_may_help_to_lift_the_own_freeze_but_not_alone() -> None:
    assert make_freeze().person == PersonId("erin")
    assert not lifts(ERIN)
    assert lifts(ERIN, GRACE)
