"""Both listeners of real signers over real sockets: what they take, what they refuse, and that a fault tells and releases nothing."""

from __future__ import annotations

import json
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.clients.signer_client import SignerError, ask, load_pending, send_stop
from guard.core.policy import SignerIdentity
from guard.errors import AdapterError, GuardError, Refusal
from guard.formats.canonical import to_canonical
from guard.signer.limiting import SourceLimit
from guard.signer.listeners import MAX_BODY_BYTES, open_listener, serve_in_background
from guard.signer.requests import COMMAND_VERBS, STOP_VERBS, Verb
from guard.signer.verifier import ReleaseCase, ReleaseCheck
from guard.statements.digests import compute_digest, compute_transfer_id
from guard.statements.signed import to_json, transfer_to_json
from guard.statements.testimony import journal_key_of
from tests.factories import CHAIN_ID, TREASURY, VAULT_ADDRESS, digest_of, make_scope, usdc
from tests.signer.ablation import with_check
from tests.signer.attacker import Attacker
from tests.signer.teams import A, B, C, found_team
from tests.team import Team, journal_key

CHALLENGE = {"challenge": digest_of("challenge")}


@contextmanager
def listening(
    team: Team,
    name: str = A,
    verbs: Mapping[str, Verb] = STOP_VERBS,
    *,
    address: str = "127.0.0.1:0",
    burst: int = 10_000,
) -> Iterator[str]:
    """A listener of one signer, at an address that the system chooses. No time passes that a test does not let pass."""
    limit = SourceLimit(team.clock, per_second=1, burst=burst)
    listener = open_listener(address, team.signers[name], verbs, limit)
    serve_in_background(listener)
    try:
        yield address if address.startswith("unix:") else f"127.0.0.1:{listener.server_address[1]}"
    finally:
        listener.shutdown()
        listener.server_close()


@pytest.fixture
def attacker(folder: Path) -> Attacker:
    """A worker in front of three signers."""
    return Attacker(found_team(folder, owners=3))


def post(address: str, verb: str, body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    """One request with exactly these bytes: the status and what the answer says."""
    lines = [f"POST /v1/{verb} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if "Content-Length" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    return exchange(address, "\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def exchange(address: str, sent: bytes, source: str = "127.0.0.1") -> tuple[int, dict[str, Any]]:
    """Send the bytes from that source and read the answer."""
    host, port = address.split(":")
    with closing(socket.create_connection((host, int(port)), timeout=10, source_address=(source, 0))) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        came = b""
        while more := connection.recv(65536):
            came += more
    head, _, body = came.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def code_of(answer: tuple[int, dict[str, Any]]) -> str:
    """The code of an answer that refuses."""
    return str(answer[1]["error"]["code"])


BAD_BODIES: list[tuple[bytes, str]] = [
    (b"", "json.malformed"),
    (b"{", "json.malformed"),
    (b"{'challenge': 1}", "json.malformed"),
    (b'{"challenge": "\xff"}', "json.malformed"),
    (b'{"challenge": "\\ud800"}', "json.malformed"),
    (b'{"challenge": "a", "challenge": "b"}', "json.duplicate-key"),
    (b'{"challenge": 1.0}', "json.number"),
    (b'{"challenge": 1e9}', "json.number"),
    (b'{"challenge": NaN}', "json.number"),
    (b'{"challenge": 9007199254740992}', "json.number"),
    (b"[" * 200 + b"]" * 200, "json.too-large"),
    (b"[" * 100_000, "json.too-large"),
    (b"[]", "json.field-type"),
    (b"null", "json.field-type"),
    (b"{}", "json.field-missing"),
    (b'{"challenge": "0x12"}', "hex.malformed"),
    (b'{"challenge": null}', "json.field-type"),
    (to_canonical({**CHALLENGE, "nonce": 1}), "json.field-unknown"),
]


def test_a_body_that_is_not_what_the_verb_takes_is_refused_with_its_code(attacker: Attacker) -> None:
    with listening(attacker.team) as address:
        assert [code_of(post(address, "pending", body)) for body, _ in BAD_BODIES] == [code for _, code in BAD_BODIES]
        assert post(address, "pending", to_canonical(CHALLENGE))[0] == 200


NESTED = """
import sys
import eth_keyfile
from guard.errors import GuardError
from guard.formats.canonical import parse_json
assert sys.getrecursionlimit() > 10_000
for opening in (b"[", b'{"a":', b'{"a":['):
    try:
        parse_json(opening * 40_000)
    except GuardError as refused:
        print(refused.code)
"""


def test_deep_nesting_does_not_end_a_process_in_which_a_library_has_raised_the_recursion_limit() -> None:
    """The library that opens keystores raises it, and then JSON's parser would run off the end of its stack."""
    root = Path(__file__).parents[2]
    run = subprocess.run([sys.executable, "-c", NESTED], capture_output=True, text=True, cwd=root, check=False)
    assert (run.returncode, run.stdout.split()) == (0, ["json.too-large"] * 3)


@pytest.mark.parametrize(("more", "status"), [(-1, 400), (0, 400), (1, 413)])
def test_a_body_has_at_most_256_kib(attacker: Attacker, more: int, status: int) -> None:
    assert MAX_BODY_BYTES == 256 * 1024
    body = b'{"challenge": "' + b"a" * (MAX_BODY_BYTES - 17 + more) + b'"}'
    assert len(body) == MAX_BODY_BYTES + more
    with listening(attacker.team) as address:
        sent = body if status == 400 else b""
        answer = post(address, "pending", sent, **{"Content-Length": str(len(body))})
    assert answer[0] == status
    assert code_of(answer) == ("hex.malformed" if status == 400 else "signer.too-large")


@pytest.mark.parametrize("length", ["", "-1", "+5", "1e3", "0x10", "٣", "9" * 10, "12, 12"])
def test_a_request_says_how_long_it_is(attacker: Attacker, length: str) -> None:
    with listening(attacker.team) as address:
        assert code_of(post(address, "pending", b"", **{"Content-Length": length})) == "signer.request"


def test_a_request_in_chunks_or_cut_off_is_refused(attacker: Attacker) -> None:
    body = to_canonical(CHALLENGE)
    with listening(attacker.team) as address:
        chunked = b"POST /v1/pending HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        assert code_of(exchange(address, chunked)) == "signer.request"
        assert code_of(post(address, "pending", body, **{"Content-Length": str(len(body) + 1)})) == "signer.request"


@pytest.mark.parametrize(
    "path", ["", "/", "/v1/", "/v1/nothing", "/v1/sign", "/v2/pending", "/v1/pending/", "/v1/../v1/pending"]
)
def test_what_is_no_verb_is_refused(attacker: Attacker, path: str) -> None:
    body = to_canonical(CHALLENGE)
    head = f"POST {path or 'x'} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with listening(attacker.team) as address:
        assert code_of(exchange(address, head + body)) == "signer.request"


def test_no_verb_signs_a_hash_and_the_stop_listener_has_none_that_moves(attacker: Attacker) -> None:
    assert set(COMMAND_VERBS) == {"register", "release", "certificates", "book", "cancel", "unfreeze", "status"}
    assert set(STOP_VERBS) == {"stop", "pending", "cancel", "certificates"}
    assert set(STOP_VERBS) & set(COMMAND_VERBS) == {"cancel", "certificates"}
    assert STOP_VERBS["cancel"] is not COMMAND_VERBS["cancel"]
    for verb in (*COMMAND_VERBS.values(), *STOP_VERBS.values()):
        for name in ("hash", "digest", "safe_tx_hash", "safe_tx", "to"):
            with pytest.raises(GuardError) as refused:
                verb(attacker.team.signers[A], {name: digest_of("any transaction")})
            assert refused.value.code in ("json.field-missing", "json.field-unknown")


def test_a_slow_client_holds_nobody_up(attacker: Attacker) -> None:
    with listening(attacker.team) as address, ExitStack() as slow:
        host, port = address.split(":")
        for sent in (b"", b"POST /v1/stop HTTP/1.1\r\n", b"POST /v1/stop HTTP/1.1\r\nContent-Length: 100\r\n\r\n{"):
            connection = slow.enter_context(closing(socket.create_connection((host, int(port)), timeout=10)))
            connection.sendall(sent)
        assert ask(address, "pending", CHALLENGE, timeout=5)["pending"]["fields"]["signer"] == A


def test_one_source_that_asks_too_often_locks_no_other_source_out(attacker: Attacker) -> None:
    body = to_canonical(CHALLENGE)
    request = f"POST /v1/pending HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    with listening(attacker.team, burst=3) as address:
        statuses = [exchange(address, request)[0] for _ in range(4)]
        assert statuses == [200, 200, 200, 400]
        assert code_of(exchange(address, request)) == "signer.rate"
        assert exchange(address, request, source="127.0.0.2")[0] == 200
        attacker.team.clock.advance(1)
        assert [exchange(address, request)[0] for _ in range(2)] == [200, 400]


class OurBug(Exception):
    """Something that nobody thought of."""


def fail(case: ReleaseCase) -> tuple[Refusal, ...]:
    """A check with a bug in it."""
    raise OurBug(f"a text that nobody outside should read: {case.owner}")


def request_of(attacker: Attacker, amount: int | None = None) -> dict[str, Any]:
    """What register and release take."""
    transfer = attacker.propose(amount)
    statements = attacker.statements[compute_transfer_id(transfer)]
    return {"transfer": transfer_to_json(transfer), "statements": [to_json(each) for each in statements]}


def test_a_fault_answers_500_without_a_word_of_it_and_releases_nothing(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    attacker = Attacker(found_team(folder, owners=3, verifier=with_check(ReleaseCheck("broken", fail))))
    body = to_canonical(request_of(attacker))
    with listening(attacker.team, verbs=COMMAND_VERBS) as address:
        status, answer = post(address, "release", body)
        assert (status, set(answer), answer["error"]["code"]) == (500, {"error"}, "internal")
        assert "nobody outside" not in json.dumps(answer)
        assert "signature" not in json.dumps(answer)
        with pytest.raises(AdapterError):
            ask(address, "release", json.loads(body))
        # It goes on serving, and what the operator reads says what happened.
        assert post(address, "status", b"{}")[0] == 200
    assert "nobody outside" in capfd.readouterr().err
    with attacker.team.signers[A].journal.reading() as db:
        assert db.execute("SELECT count(*) FROM signed").fetchone()[0] == 0


def test_trouble_in_the_world_answers_503(attacker: Attacker) -> None:
    (attacker.team.folder / A / "counter.new").mkdir()
    with listening(attacker.team, verbs=COMMAND_VERBS) as address:
        status, answer = post(address, "release", to_canonical(request_of(attacker)))
    assert (status, answer["error"]["code"]) == (503, "signer.counter")


def identity_of(team: Team, name: str, address: str) -> SignerIdentity:
    """The signer as the bundle knows it, at the address at which it listens here."""
    return replace(next(each for each in team.policy.signers if each.id == name), stop_address=address)


def test_a_release_over_the_command_socket(attacker: Attacker, folder: Path) -> None:
    team = attacker.team
    with ExitStack() as open_now:
        sockets = {
            name: open_now.enter_context(listening(team, name, COMMAND_VERBS, address=f"unix:{folder / name}.sock"))
            for name in (A, B, C)
        }
        assert stat.S_IMODE((folder / f"{A}.sock").stat().st_mode) == 0o600
        request = request_of(attacker)
        assert [ask(sockets[name], "register", request)["decision"]["status"] for name in sockets] == ["releasable"] * 3
        answers = {name: ask(sockets[name], "release", request) for name in (A, B)}
        signatures = [{"owner": each["owner"], "signature": each["signature"]} for each in answers.values()]
        certificate = {
            "format": 1,
            "kind": "transfer",
            "nonce": 0,
            "transfer": request["transfer"],
            "signatures": sorted(signatures, key=lambda each: each["owner"]),
        }
        bad = {**certificate, "nonce": 1}
        for address in sockets.values():
            answer = ask(address, "book", {"certificates": [bad, certificate, certificate]})
            assert (answer["booked"], [each["code"] for each in answer["refused"]]) == (1, ["certificate.signature"])
        place = {"chain_id": str(CHAIN_ID), "vault": VAULT_ADDRESS}
        assert ask(sockets[C], "certificates", {**place, "from_nonce": 0})["certificates"] == [certificate]
        assert ask(sockets[C], "certificates", {**place, "from_nonce": 1})["certificates"] == []
        assert ask(sockets[C], "status", {})["vaults"][0]["open_nonce"] == 1
        assert ask(sockets[C], "cancel", {**place, "nonce": 1})["statement"]["fields"]["transfer"] is None


def test_a_refused_release_names_every_check_that_said_no(attacker: Attacker) -> None:
    request = request_of(attacker, usdc(20_000))
    attacker.team.stop(attacker.team.freeze(make_scope()))
    with listening(attacker.team, verbs=COMMAND_VERBS) as address:
        with pytest.raises(SignerError) as refused:
            ask(address, "release", {**request, "statements": request["statements"][:1]})
        assert post(address, "release", to_canonical(request))[0] == 409
    assert [(each["check"], each["code"], each["held"]) for each in refused.value.refusals] == [
        ("the-policy-releases-it/D6", "decision.frozen", True),
        ("the-policy-releases-it/D9", "decision.limit", False),
        ("the-policy-releases-it/D10", "decision.quorum-missing", True),
    ]
    assert refused.value.code == "decision.limit"


def test_a_stop_over_the_stop_listener_gives_a_receipt_that_its_sender_verifies(attacker: Attacker) -> None:
    team, transfer = attacker.team, attacker.propose()
    attacker.ask(transfer, A)
    stop = team.veto(transfer)
    digest = compute_digest(stop.statement, TREASURY)
    for name in (A, B):
        with listening(team, name) as address:
            receipt = send_stop(identity_of(team, name, address), TREASURY, to_json(stop), digest)
            assert (receipt["signer"], receipt["statement"], receipt["kind"]) == (name, digest, "veto")
            assert [each["transfer"] for each in receipt["signed"]] == (
                [compute_transfer_id(transfer)] if name == A else []
            )
            assert attacker.ask(transfer, name) == ["decision.vetoed"]


def test_what_another_key_or_another_signer_says_is_no_receipt(attacker: Attacker) -> None:
    team, transfer = attacker.team, attacker.propose()
    stop = team.veto(transfer)
    body, digest = to_json(stop), compute_digest(stop.statement, TREASURY)
    with listening(team, B) as address:
        with pytest.raises(GuardError) as refused:
            send_stop(identity_of(team, A, address), TREASURY, body, digest)
        assert refused.value.code == "testimony.signature"
        # B's key under A's name: a bundle that lists it so would be wrong, the receipt still says who wrote it.
        crossed = replace(identity_of(team, A, address), journal_key=journal_key_of(journal_key(B)))
        with pytest.raises(AdapterError):
            send_stop(crossed, TREASURY, body, digest)
        with pytest.raises(AdapterError):
            send_stop(identity_of(team, B, address), TREASURY, body, digest_of("another stop"))
        with pytest.raises(GuardError) as refused:
            send_stop(identity_of(team, B, address), digest_of("another treasury"), body, digest)
        assert refused.value.code == "testimony.treasury"


def test_pending_lists_what_could_leave_signed_and_bound_to_the_question(attacker: Attacker) -> None:
    team, transfer = attacker.team, attacker.propose()
    team.signers[A].register(transfer, attacker.statements[compute_transfer_id(transfer)])
    team.stop(team.freeze(make_scope(), freeze="freeze 7"), A)
    with listening(team) as address:
        said = load_pending(identity_of(team, A, address), TREASURY)
    assert [(each["id"], each["status"], each["reasons"]) for each in said["transfers"]] == [
        (compute_transfer_id(transfer), "held", ["decision.frozen"])
    ]
    assert said["transfers"][0]["quorum_since"] == said["at"] == team.clock.wall
    assert [each["id"] for each in said["freezes"]] == [digest_of("freeze 7")]


def test_an_answer_of_yesterday_is_no_answer_to_todays_question(attacker: Attacker) -> None:
    team = attacker.team
    with listening(team) as address:
        old = ask(address, "pending", CHALLENGE)
    with (
        listening(team, verbs={"pending": lambda signer, body: old}) as address,
        pytest.raises(AdapterError) as refused,
    ):
        load_pending(identity_of(team, A, address), TREASURY)
    assert refused.value.code == "client.no-answer"


def test_an_answer_of_another_kind_is_no_pending_list(attacker: Attacker) -> None:
    team = attacker.team
    receipt = team.stop(team.freeze(make_scope()), A)[0]
    answers: list[Any] = [receipt, {}, {"text": "guard-other-v1", "fields": {}, "signature": "0x"}, None]
    for answer in answers:
        verbs: dict[str, Verb] = {"pending": lambda signer, body, answer=answer: {"pending": answer}}  # type: ignore[misc]
        with listening(team, verbs=verbs) as address, pytest.raises((GuardError, AdapterError)):
            load_pending(identity_of(team, A, address), TREASURY)


def test_a_clock_that_runs_ahead_hides_nothing_from_those_who_watch(attacker: Attacker) -> None:
    team, transfer = attacker.team, attacker.propose()
    team.signers[A].register(transfer, attacker.statements[compute_transfer_id(transfer)])
    team.clock.wall += 365 * 86400
    with listening(team) as address:
        said = load_pending(identity_of(team, A, address), TREASURY)
    assert [each["id"] for each in said["transfers"]] == [compute_transfer_id(transfer)]


def test_what_has_ended_or_is_final_is_not_listed_and_what_is_signed_is_until_it_is_final(attacker: Attacker) -> None:
    team = attacker.team
    ended, signed = attacker.propose(), attacker.propose()
    team.signers[A].register(ended, attacker.statements[compute_transfer_id(ended)])
    attacker.ask(signed, A, B)
    attacker.bring(attacker.certificate(signed, 0))
    team.clock.advance(3 * 86400)
    team.signers[A].tick()
    with listening(team) as address:
        identity = identity_of(team, A, address)
        assert [each["signed_at_nonces"] for each in load_pending(identity, TREASURY)["transfers"]] == [[0]]
        attacker.execute(signed)
        attacker.finalise()
        assert load_pending(identity, TREASURY)["transfers"] == []


def test_nobody_who_answers_nothing_usable_is_believed(attacker: Attacker) -> None:
    team = attacker.team
    with listening(team) as address:
        gone = identity_of(team, A, address)
    with pytest.raises(AdapterError) as refused:
        load_pending(gone, TREASURY)
    assert refused.value.code == "client.no-answer"
    with pytest.raises(AdapterError):
        load_pending(identity_of(team, A, "unix:/nonexistent/socket"), TREASURY)
    with pytest.raises(GuardError) as wrong:
        load_pending(identity_of(team, A, "nowhere"), TREASURY)
    assert wrong.value.code == "client.address"


# No request, however odd, is a fault: the verbs take any JSON and refuse it by code.

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def standing(lasting_folder: Path) -> tuple[Attacker, dict[str, dict[str, Any]]]:
    """A team with something signed, certified, cancelled and frozen, and a valid request for each verb."""
    attacker = Attacker(found_team(lasting_folder, owners=3))
    team, request = attacker.team, request_of(attacker)
    one = next(iter(attacker.transfers.values()))
    attacker.ask(one, A, B)
    certificate = attacker.certificate(one, 0)
    attacker.bring(certificate)
    attacker.cancel(0, A, B)
    cancel = attacker.cancel_certificate(0, A, B)
    team.stop(team.freeze(make_scope()))
    place = {"chain_id": str(CHAIN_ID), "vault": VAULT_ADDRESS}
    return attacker, {
        "register": request,
        "release": request,
        "certificates": {**place, "from_nonce": 0},
        "book": {"certificates": [certificate.to_json(), cancel.to_json()]},
        "cancel": {**place, "nonce": 0},
        "unfreeze": {"statements": [to_json(team.unfreeze("erin", "freeze 1"))]},
        "stop": {"statement": to_json(team.veto(one))},
        "pending": dict(CHALLENGE),
    }


def paths_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every part of a JSON value."""
    yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield from paths_in(inner, (*path, key))


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The value with another part in one place."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(copy[path[0]], path[1:], new)
    return copy


@given(st.data())
def test_no_changed_request_is_a_fault(
    standing: tuple[Attacker, dict[str, dict[str, Any]]], data: st.DataObject
) -> None:
    attacker, requests = standing
    name = data.draw(st.sampled_from(sorted(requests)))
    verb = {**STOP_VERBS, **COMMAND_VERBS}[name]
    path = data.draw(st.sampled_from(sorted(paths_in(requests[name]), key=str)))
    changed = put(requests[name], path, data.draw(JSON | st.sampled_from(["0", "1", str(2**64), str(2**256 - 1)])))
    try:
        to_canonical(verb(attacker.team.signers[A], changed))
    except (GuardError, AdapterError):
        return


NUMBERS = st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2**53, 2**63, 2**64 - 1])
ADDRESSES = st.sampled_from([VAULT_ADDRESS, make_scope().account, "0x" + "0" * 39 + "1"])


@settings(max_examples=max(20, settings().max_examples // 10))
@given(
    chain_id=st.integers(1, 2**256 - 1) | st.just(CHAIN_ID),
    amount_units=st.integers(0, 2**256 - 1),
    asset=ADDRESSES,
    destination=ADDRESSES,
    proposed_at=NUMBERS,
    expires_at=NUMBERS,
)
def test_no_stop_of_any_transfer_blinds_the_signer(
    standing: tuple[Attacker, dict[str, dict[str, Any]]], **changes: Any
) -> None:
    """Whoever may stop may name any transfer; what is stored must not break what is asked later."""
    attacker, _ = standing
    attacker.team.clock.advance(1)
    signer, transfer = attacker.team.signers[A], attacker.team.transfer(**changes)
    STOP_VERBS["stop"](signer, {"statement": to_json(attacker.team.veto(transfer))})
    to_canonical(STOP_VERBS["pending"](signer, dict(CHALLENGE)))
    to_canonical(COMMAND_VERBS["status"](signer, {}))
