"""What people who logged in are shown: state to read, never something to sign unseen."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from guard.bundles.bundle import to_bytes
from guard.core.ids import SignerId
from guard.ports.carriage import CertificateRow, SignerLook
from guard.statements.signed import to_json
from tests.factories import CHAIN_ID, VAULT_ADDRESS, digest_of
from tests.team import transfer_id_of
from tests.web.asking import Asker, require_problem
from tests.web.treasury import VAULT_SCOPE, ServedTreasury, to_path

SIGNER = SignerId("signer-a")


def _get(served: ServedTreasury, asker: Asker, path: str, name: str = "bob") -> Any:
    response = asker.get(path, headers=served.log_in(name))
    assert response.status_code == 200, response.text
    return response.json()


def test_the_treasury_and_its_bundle_are_shown(light: ServedTreasury, light_asker: Asker) -> None:
    told = _get(light, light_asker, "/v1/treasury")
    assert told["policy"]["digest"] == light.people.digest
    assert told["log"]["size"] == 1
    raw = light_asker.get(f"/v1/bundles/{light.people.digest}", headers=light.log_in("bob")).content
    assert raw == to_bytes(light.people.bundle)


def test_a_bundle_that_is_not_known_and_a_digest_that_is_none_are_problems(
    light: ServedTreasury, light_asker: Asker
) -> None:
    headers = light.log_in("bob")
    require_problem(light_asker.get(f"/v1/bundles/{digest_of('x')}", headers=headers), 404, "request.bundle-unknown")
    require_problem(light_asker.get("/v1/bundles/latest", headers=headers), 400, "request.digest")


def test_a_transfer_is_shown_with_everything_that_was_said(light: ServedTreasury, light_asker: Asker) -> None:
    transfer = light.propose(light_asker)
    approved = light.approve(light_asker, transfer, "bob")
    assert approved.status_code == 201
    response = light_asker.get(to_path(transfer), headers=light.log_in("carol"))
    told = response.json()
    assert response.headers["etag"] == f'"v{told["version"]}"' == approved.headers["etag"]
    assert [each["kind"] for each in told["statements"]] == ["proposal", "approval"]
    assert told["prediction"]["prediction"] is True and "signers decide" in told["prediction"]["note"]
    assert (told["signers"], told["certificates"], told["chain"], told["trouble"]) == ([], [], None, None)
    assert "5,000" in told["summary"]


def test_a_transfer_is_found_by_the_beginning_of_its_id(served: ServedTreasury, asker: Asker) -> None:
    transfer_id = transfer_id_of(served.propose(asker))
    for name in (transfer_id, transfer_id[:10], transfer_id[2:10], transfer_id[2:]):
        assert _get(served, asker, f"/v1/transfers/{name}")["id"] == transfer_id


def test_a_name_that_is_no_beginning_of_an_id_is_refused(light: ServedTreasury, light_asker: Asker) -> None:
    headers = light.log_in("bob")
    names = ("0x1234567", "1234567", "xyzxyzxyz", "0x" + "A" * 64, "0x" + "0" * 65, "%00%00%00%00", "0X12345678")
    for name in names:
        require_problem(light_asker.get(f"/v1/transfers/{name}", headers=headers), 400, "request.transfer-id")


def test_a_transfer_that_is_not_known_is_not_found(light: ServedTreasury, light_asker: Asker) -> None:
    headers = light.log_in("bob")
    require_problem(light_asker.get("/v1/transfers/12345678", headers=headers), 404, "transfer.unknown")
    require_problem(light_asker.get("/v1/transfers/12345678/evidence", headers=headers), 404, "transfer.unknown")


def test_transfers_are_listed_by_query(served: ServedTreasury, asker: Asker) -> None:
    transfers = [served.propose(asker) for _ in range(3)]
    served.send(asker, to_path(transfers[0], "vetoes"), served.people.veto(transfers[0]))
    ids = [transfer_id_of(transfer) for transfer in transfers]

    def listed(query: str = "") -> set[str]:
        return {row["id"] for row in _get(served, asker, f"/v1/transfers{query}")["transfers"]}

    assert listed() == set(ids)
    assert listed("?state=vetoed") == {ids[0]}
    assert listed(f"?state=open&vault={VAULT_ADDRESS}&initiator=alice") == set(ids[1:])
    assert listed("?initiator=bob") == set()
    first = _get(served, asker, "/v1/transfers?limit=2")["transfers"]
    rest = _get(served, asker, f"/v1/transfers?limit=2&before={first[-1]['id']}")["transfers"]
    assert [len(first), len(rest)] == [2, 1] and {row["id"] for row in first + rest} == set(ids)


def test_an_inbox_holds_what_its_person_could_still_approve(served: ServedTreasury, asker: Asker) -> None:
    transfer = served.propose(asker)
    for name, waits in (("bob", 1), ("carol", 1), ("alice", 0), ("frank", 0)):
        assert len(_get(served, asker, "/v1/inbox", name)["transfers"]) == waits, name
    served.approve(asker, transfer, "bob")
    assert _get(served, asker, "/v1/inbox", "bob") == {"transfers": []}


def test_freezes_are_shown_with_whether_they_hold(served: ServedTreasury, asker: Asker) -> None:
    asker.post("/v1/freezes", to_json(served.people.freeze(VAULT_SCOPE)))
    (freeze,) = _get(served, asker, "/v1/freezes")["freezes"]
    assert (freeze["id"], freeze["person"], freeze["is_in_force"]) == (digest_of("freeze 1"), "erin", True)


def test_the_log_is_shown_page_by_page_and_its_chain_holds(served: ServedTreasury, asker: Asker) -> None:
    for _ in range(3):
        served.propose(asker)
    entries = _get(served, asker, "/v1/log?limit=2")["entries"] + _get(served, asker, "/v1/log?start=2")["entries"]
    assert [each["entry"]["index"] for each in entries] == [0, 1, 2, 3]
    for before, after in pairwise(entries):
        assert after["entry"]["previous"] == before["head"]
    assert _get(served, asker, "/v1/log/head") == {"size": 4, "head": entries[-1]["head"]}
    assert _get(served, asker, "/v1/log?start=99")["entries"] == []


def test_what_the_worker_noted_is_shown(served: ServedTreasury, asker: Asker) -> None:
    transfer = served.propose(asker)
    transfer_id, now = transfer_id_of(transfer), served.people.clock.wall
    digest = digest_of("certificate")
    certificate = CertificateRow(
        digest=digest,
        chain_id=CHAIN_ID,
        vault=VAULT_ADDRESS,
        nonce=7,
        kind="transfer",
        transfer_id=transfer_id,
        body='{"nonce":7}',
        kept_at=now,
    )
    with served.store.brief() as carriage:
        carriage.keep_certificate(certificate)
        carriage.keep_evidence(transfer_id, '{"evidence":true}', at=now)
        carriage.keep_look(SignerLook(signer=SIGNER, asked_at=now, answered_at=now, body='{"settled_in":0}'))
        carriage.notice("signer.silent:signer-b", at=now)
    assert _get(served, asker, to_path(transfer))["certificates"] == [{"nonce": 7}]
    assert asker.get(to_path(transfer, "evidence"), headers=served.log_in("bob")).content == b'{"evidence":true}'
    told = _get(served, asker, "/v1/signers")
    assert told["signers"][0]["status"] == {"settled_in": 0}
    assert told["alarms"] == [{"name": "signer.silent:signer-b", "since": now, "raised_at": None}]
    assert _get(served, asker, "/v1/outbox") == {"waiting": 1, "dead": []}


def test_there_is_no_evidence_before_there_is_a_release(light: ServedTreasury, light_asker: Asker) -> None:
    transfer = light.propose(light_asker)
    response = light_asker.get(to_path(transfer, "evidence"), headers=light.log_in("bob"))
    require_problem(response, 404, "request.evidence-missing")


def test_whoever_is_shown_something_is_shown_the_same_as_everybody(light: ServedTreasury, light_asker: Asker) -> None:
    transfer = light.propose(light_asker)
    shown = {json.dumps(_get(light, light_asker, to_path(transfer), name)) for name in ("alice", "bob", "erin")}
    assert len(shown) == 1
