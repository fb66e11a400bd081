"""Statements over HTTP: what is good is taken in once, what is not is a problem and leaves no row in any table of the state."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from guard.core.transfer import Transfer
from guard.statements.signed import SignedStatement, to_json
from guard.statements.signing import sign
from guard.statements.values import Proposal
from tests.factories import TREASURY, address_of, digest_of, private_key_of
from tests.team import transfer_id_of
from tests.web.asking import Asker, require_problem
from tests.web.treasury import VAULT_SCOPE, ServedTreasury, to_path

STATE_TABLES = frozenset(
    {"transfer", "statement", "replay", "errand", "certificate", "evidence", "executor_transaction"}
)


def test_a_proposal_is_taken_in_and_acknowledged(served: ServedTreasury, asker: Asker) -> None:
    transfer = served.people.transfer()
    response = served.send(asker, "/v1/transfers", served.people.propose(transfer))
    assert response.status_code == 201
    assert response.headers["etag"] == '"v1"'
    told = response.json()
    assert (told["kind"], told["person"], told["transfer_id"]) == ("proposal", "alice", transfer_id_of(transfer))
    assert (told["state"], told["version"], told["prediction"]["status"]) == ("open", 1, "held")
    assert told["prediction"]["prediction"] is True
    head = asker.get("/v1/log/head", headers=served.log_in("bob")).json()
    assert (told["index"] + 1, told["head"]) == (head["size"], head["head"])


def test_every_kind_of_statement_is_taken_in_without_a_log_in(served: ServedTreasury, asker: Asker) -> None:
    people = served.people
    transfer, other, third = (served.propose(asker) for _ in range(3))
    assert served.approve(asker, transfer, "bob").status_code == 201
    rejected = served.send(asker, to_path(transfer, "rejections"), people.reject(transfer, "carol"))
    assert rejected.status_code == 201 and rejected.headers["etag"] == '"v2"'
    assert asker.post(to_path(other, "vetoes"), to_json(people.veto(other))).json()["state"] == "vetoed"
    withdrawn = asker.post(to_path(third, "rejections"), to_json(people.reject(third, "alice")))
    assert withdrawn.json()["state"] == "rejected"
    frozen = asker.post("/v1/freezes", to_json(people.freeze(VAULT_SCOPE)))
    assert frozen.status_code == 201 and "etag" not in frozen.headers
    assert served.send(asker, "/v1/unfreezes", people.unfreeze("frank", "freeze 1")).status_code == 201


def test_the_same_request_again_under_its_key_gets_the_same_answer(served: ServedTreasury, asker: Asker) -> None:
    signed = served.people.propose(served.people.transfer())
    first, again = (served.send(asker, "/v1/transfers", signed, idempotency_key="k-1") for _ in range(2))
    quoted = served.send(asker, "/v1/transfers", signed, idempotency_key='"k-1"')
    assert first.content == again.content == quoted.content
    assert {first.status_code, again.status_code} == {201}
    assert first.headers["etag"] == again.headers["etag"]


def _transfer_of(served: ServedTreasury, asker: Asker) -> Transfer:
    return served.propose(asker)


Make = Callable[[ServedTreasury, Transfer], tuple[str, Any, dict[str, str]]]


def _approval(served: ServedTreasury, transfer: Transfer, name: str = "bob") -> dict[str, Any]:
    return to_json(served.people.approve(transfer, name))


def _changed(content: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**content, **changes}


def _forged(signed: SignedStatement, name: str) -> dict[str, Any]:
    """What mallory signed, with somebody else's key named as the one that did."""
    content = to_json(sign(private_key_of("mallory").secret, signed.statement, TREASURY))
    content["signature"]["key"] = address_of(name)
    return content


SEEN = {"if_match": '"v1"', "idempotency_key": "k"}
KEY = {"idempotency_key": "k"}

REFUSED: dict[str, tuple[int, str, Make]] = {
    "not JSON": (400, "json.malformed", lambda s, t: ("/v1/transfers", b"{", KEY)),
    "not UTF-8": (400, "json.malformed", lambda s, t: ("/v1/transfers", b'{"format": "\xff"}', KEY)),
    "a key twice": (400, "json.duplicate-key", lambda s, t: ("/v1/transfers", b'{"format":1,"format":1}', KEY)),
    "NaN": (400, "json.number", lambda s, t: ("/v1/transfers", b'{"format":NaN}', KEY)),
    "a float": (400, "json.number", lambda s, t: ("/v1/transfers", b'{"format":1.0}', KEY)),
    "deep nesting": (413, "json.too-large", lambda s, t: ("/v1/transfers", b"[" * 9999 + b"]" * 9999, KEY)),
    "65 KiB": (413, "json.too-large", lambda s, t: ("/v1/transfers", b'"' + b"x" * 65536 + b'"', KEY)),
    "257 KiB": (413, "request.too-large", lambda s, t: ("/v1/transfers", b'"' + b"x" * 263_000 + b'"', KEY)),
    "no object": (400, "json.field-type", lambda s, t: ("/v1/transfers", [], KEY)),
    "no fields": (400, "json.field-missing", lambda s, t: ("/v1/transfers", {}, KEY)),
    "an unknown field": (
        400,
        "json.field-unknown",
        lambda s, t: (to_path(t, "approvals"), _changed(_approval(s, t), note="x"), SEEN),
    ),
    "another format": (
        400,
        "statement.format",
        lambda s, t: (to_path(t, "approvals"), _changed(_approval(s, t), format=2), SEEN),
    ),
    "an unknown kind": (
        400,
        "statement.kind",
        lambda s, t: (to_path(t, "approvals"), _changed(_approval(s, t), kind="blessing"), SEEN),
    ),
    "a proposal where approvals are taken": (
        400,
        "request.statement-kind",
        lambda s, t: (to_path(t, "approvals"), to_json(s.people.propose(t)), SEEN),
    ),
    "a veto where rejections are taken": (
        400,
        "request.statement-kind",
        lambda s, t: (to_path(t, "rejections"), to_json(s.people.veto(t)), {}),
    ),
    "an approval where freezes are taken": (
        400,
        "request.statement-kind",
        lambda s, t: ("/v1/freezes", _approval(s, t), {}),
    ),
    "another treasury": (
        400,
        "statement.treasury",
        lambda s, t: (to_path(t, "approvals"), _changed(_approval(s, t), treasury=digest_of("other")), SEEN),
    ),
    "a forged signature": (
        403,
        "signature.key",
        lambda s, t: ("/v1/transfers", _forged(s.people.propose(s.people.transfer()), "alice"), KEY),
    ),
    "a stranger": (
        403,
        "statement.key-unknown",
        lambda s, t: ("/v1/freezes", to_json(s.people.freeze(VAULT_SCOPE, "mallory")), {}),
    ),
    "somebody else's proposal": (
        403,
        "proposal.initiator",
        lambda s, t: ("/v1/transfers", to_json(s.people.propose(s.people.transfer(), by="bob")), KEY),
    ),
    "the initiator's own approval": (
        403,
        "approval.initiator",
        lambda s, t: (to_path(t, "approvals"), _approval(s, t, "alice"), SEEN),
    ),
    "a veto by no guardian": (
        403,
        "statement.guardian",
        lambda s, t: (to_path(t, "vetoes"), to_json(s.people.veto(t, "bob")), {}),
    ),
    "no key for a proposal": (
        400,
        "request.idempotency-key-missing",
        lambda s, t: ("/v1/transfers", to_json(s.people.propose(s.people.transfer())), {}),
    ),
    "no key for an approval": (
        400,
        "request.idempotency-key-missing",
        lambda s, t: (to_path(t, "approvals"), _approval(s, t), {"if_match": '"v1"'}),
    ),
    "no key for an unfreeze": (
        400,
        "request.idempotency-key-missing",
        lambda s, t: ("/v1/unfreezes", to_json(s.people.unfreeze("frank", "freeze 1")), {}),
    ),
    "a key that is none": (
        400,
        "request.idempotency-key",
        lambda s, t: (to_path(t, "vetoes"), to_json(s.people.veto(t)), {"idempotency_key": "a b"}),
    ),
    "no version": (
        428,
        "request.version-missing",
        lambda s, t: (to_path(t, "approvals"), _approval(s, t), KEY),
    ),
    "an older version": (
        412,
        "transfer.stale",
        lambda s, t: (to_path(t, "approvals"), _approval(s, t), {**KEY, "if_match": '"v0"'}),
    ),
    "a newer version": (
        412,
        "transfer.stale",
        lambda s, t: (to_path(t, "approvals"), _approval(s, t), {**KEY, "if_match": '"v2"'}),
    ),
    "a version that is none": (
        400,
        "request.if-match",
        lambda s, t: (to_path(t, "approvals"), _approval(s, t), {**KEY, "if_match": "*"}),
    ),
    "an id that is none": (
        400,
        "request.transfer-id",
        lambda s, t: ("/v1/transfers/0x1234/approvals", _approval(s, t), SEEN),
    ),
    "a transfer that is not known": (
        404,
        "transfer.unknown",
        lambda s, t: _to_unknown(s),
    ),
    "another transfer": (
        409,
        "transfer.mismatch",
        lambda s, t: (f"/v1/transfers/{digest_of('other')}/approvals", _approval(s, t), SEEN),
    ),
    "a freeze that is not known": (
        409,
        "stop.unseen",
        lambda s, t: ("/v1/unfreezes", to_json(s.people.unfreeze("frank", "freeze 9")), KEY),
    ),
    "an old roster": (
        409,
        "statement.roster",
        lambda s, t: (
            to_path(t, "approvals"),
            to_json(s.people.approve(t, "bob", roster=digest_of("old roster"))),
            SEEN,
        ),
    ),
    "a summary of something else": (
        409,
        "approval.summary",
        lambda s, t: (to_path(t, "approvals"), to_json(s.people.approve(t, "bob", summary="Pay 1 ETH")), SEEN),
    ),
    "a query": (
        400,
        "request.query",
        lambda s, t: ("/v1/transfers?force=1", to_json(s.people.propose(s.people.transfer())), KEY),
    ),
}


def _to_unknown(served: ServedTreasury) -> tuple[str, Any, dict[str, str]]:
    other = served.people.transfer()
    return to_path(other, "approvals"), _approval(served, other), SEEN


def test_whatever_is_refused_is_a_problem_and_leaves_no_row_in_any_state_table(
    served: ServedTreasury, asker: Asker
) -> None:
    transfer = served.propose(asker)
    before = served.count_rows()
    assert set(before) >= STATE_TABLES
    for what, (status, code, make) in REFUSED.items():
        path, content, headers = make(served, transfer)
        told = require_problem(asker.post(path, content, **headers), status, code)
        assert told["detail"], what
        after = served.count_rows()
        grown = {name for name, count in after.items() if count != before[name]}
        # An attempt by a key of the roster may stand in the log and be told outside; nothing else may have changed.
        assert grown <= {"log_entry", "outbox"}, (what, grown)
        before = after


def test_a_replay_is_refused_with_the_place_of_the_statement_and_leaves_no_row(
    served: ServedTreasury, asker: Asker
) -> None:
    transfer = served.people.transfer()
    signed = served.people.propose(transfer)
    index = served.send(asker, "/v1/transfers", signed).json()["index"]
    before = served.count_rows()
    told = require_problem(served.send(asker, "/v1/transfers", signed), 409, "statement.known")
    assert told["details"]["index"] == str(index)
    assert served.count_rows() == before


def test_a_key_that_was_used_for_something_else_is_refused(served: ServedTreasury, asker: Asker) -> None:
    first, second = (served.people.propose(served.people.transfer()) for _ in range(2))
    assert served.send(asker, "/v1/transfers", first, idempotency_key="k").status_code == 201
    before = served.count_rows()
    refused = served.send(asker, "/v1/transfers", second, idempotency_key="k")
    require_problem(refused, 422, "request.key-reused")
    assert served.count_rows() == before


def test_a_stop_needs_neither_key_nor_version_and_is_taken_in_any_state(served: ServedTreasury, asker: Asker) -> None:
    transfer = served.propose(asker)
    veto = f"{to_path(transfer)}/vetoes"
    assert asker.post(veto, to_json(served.people.veto(transfer, "erin"))).status_code == 201
    assert asker.post(veto, to_json(served.people.veto(transfer, "frank"))).status_code == 201
    rejection = asker.post(to_path(transfer, "rejections"), to_json(served.people.reject(transfer, "bob")))
    assert rejection.status_code == 201 and rejection.json()["state"] == "vetoed"
    require_problem(served.approve(asker, transfer, "bob", version=rejection.json()["version"]), 409, "transfer.ended")


def test_a_log_in_lends_a_statement_nothing(served: ServedTreasury, asker: Asker) -> None:
    transfer = served.people.transfer()
    by_mallory = sign(private_key_of("mallory").secret, Proposal(transfer), TREASURY)
    refused = asker.post("/v1/transfers", to_json(by_mallory), idempotency_key="k", **served.log_in("alice"))
    require_problem(refused, 403, "statement.key-unknown")


def test_an_amount_beyond_the_integers_of_a_database_is_kept_exactly(served: ServedTreasury, asker: Asker) -> None:
    transfer = served.propose(asker, amount_units=2**256 - 1)
    shown = asker.get(to_path(transfer), headers=served.log_in("bob")).json()
    assert shown["transfer"]["amount"] == str(2**256 - 1)


def test_the_answer_is_canonical_json(served: ServedTreasury, asker: Asker) -> None:
    raw = served.send(asker, "/v1/transfers", served.people.propose(served.people.transfer())).content
    assert raw == json.dumps(json.loads(raw), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_a_time_that_no_database_holds_is_a_problem_and_not_a_failure(served: ServedTreasury, asker: Asker) -> None:
    transfer = replace(served.people.transfer(), expires_at=2**64 - 1)
    require_problem(served.send(asker, "/v1/transfers", served.people.propose(transfer)), 400, "transfer.times")
