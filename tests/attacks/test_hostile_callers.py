"""Callers who flood, drip, hold connections open or lie about where things are: stops still get through, and nothing is misread."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from guard.errors import AdapterError, GuardError
from guard.formats.canonical import to_canonical
from guard.signer import requests
from guard.signer.counter import FileCounter
from guard.signer.journal import Journal
from guard.signer.limiting import MOST_OPEN, SourceLimit
from guard.signer.listeners import DeadlineReader, open_listener, serve_in_background
from guard.signer.requests import COMMAND_VERBS, STOP_VERBS, Verb
from guard.signer.signer import STOPS_AT_ONCE, Keys, Signer
from guard.statements.signed import to_json
from tests.attacks.scene import VICTIM, Scene
from tests.factories import CHAIN_ID, VAULT_ADDRESS, address_of, digest_of, make_scope
from tests.team import HandClock, Team, journal_key

PENDING = {"challenge": digest_of("challenge")}


@pytest.fixture
def team(folder: Path) -> Iterator[Team]:
    """One signer of four."""
    scene = Scene(folder)
    yield scene.team()
    scene.close()


@contextmanager
def _listening(team: Team, verbs: dict[str, Verb], *, per_second: int = 1000) -> Iterator[tuple[str, int]]:
    limit = SourceLimit(team.clock, per_second=per_second, burst=per_second)
    listener = open_listener("127.0.0.1:0", team.signers[VICTIM], verbs, limit)
    serve_in_background(listener)
    try:
        yield ("127.0.0.1", listener.server_address[1])
    finally:
        listener.shutdown()
        listener.server_close()


def _post(verb: str, body: object) -> bytes:
    raw = to_canonical(body)
    return f"POST /v1/{verb} HTTP/1.1\r\nContent-Length: {len(raw)}\r\n\r\n".encode() + raw


def _exchange(address: tuple[str, int], sent: bytes) -> bytes:
    """Everything that comes back until the other side closes."""
    with closing(socket.create_connection(address, timeout=10)) as connection:
        connection.sendall(sent)
        came = b""
        try:
            while part := connection.recv(65536):
                came += part
        except ConnectionResetError:
            return came  # What was sent and not read by the other side resets the connection once it is closed.
        return came


def _answer(came: bytes) -> dict[str, object]:
    said = json.loads(came.partition(b"\r\n\r\n")[2])
    assert isinstance(said, dict)
    return said


# Listeners.


def test_a_stop_is_stored_and_receipted_over_the_stop_listener(team: Team) -> None:
    veto = team.veto(team.transfer())
    with _listening(team, STOP_VERBS) as address:
        said = _answer(_exchange(address, _post("stop", {"statement": to_json(veto)})))
    assert "receipt" in said


@pytest.mark.parametrize("verb", sorted(COMMAND_VERBS.keys() - STOP_VERBS.keys()))
def test_the_stop_listener_takes_no_verb_that_moves_money(verb: str, team: Team) -> None:
    with _listening(team, STOP_VERBS) as address:
        said = _answer(_exchange(address, _post(verb, {})))
    assert "signer.request" in str(said["error"])


def test_what_a_refused_request_leaves_unread_is_no_request(team: Team) -> None:
    """A body that looks like a request, behind a head that is refused before any body is read."""
    inner = _post("pending", PENDING)
    with _listening(team, STOP_VERBS) as address:
        came = _exchange(address, b"POST /v1/pending HTTP/1.1\r\n\r\n" + inner)
    assert came.count(b"HTTP/1.1 ") == 1


def test_one_connection_has_one_request(team: Team) -> None:
    with _listening(team, STOP_VERBS) as address:
        came = _exchange(address, _post("pending", PENDING) * 2)
    assert came.count(b"HTTP/1.1 ") == 1


def test_a_source_that_asks_too_often_is_refused_before_its_body_is_read(team: Team) -> None:
    with _listening(team, STOP_VERBS, per_second=1) as address:
        assert b" 200 " in _exchange(address, _post("pending", PENDING))
        assert "signer.rate" in str(_answer(_exchange(address, _post("pending", PENDING))))
        team.clock.advance(1)
        assert b" 200 " in _exchange(address, _post("pending", PENDING))


def test_a_source_cannot_hold_more_than_its_share_of_connections_open(team: Team) -> None:
    with _listening(team, STOP_VERBS) as address:
        held = [socket.create_connection(address, timeout=10) for _ in range(MOST_OPEN)]
        with closing(socket.create_connection(address, timeout=10)) as one_more:
            assert one_more.recv(1) == b""
        for connection in held:
            connection.close()
        _await_answer(address)


def _await_answer(address: tuple[str, int]) -> None:
    """The places come back as soon as the listener notices that the connections are gone."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            if b" 200 " in _exchange(address, _post("pending", PENDING)):
                return
        except OSError:
            continue
    raise AssertionError("no place came back")


def test_a_share_of_connections_is_counted_for_each_source_alone() -> None:
    limit = SourceLimit(HandClock(), per_second=1, burst=1)
    assert [limit.enter("one") for _ in range(MOST_OPEN + 1)] == [True] * MOST_OPEN + [False]
    assert limit.enter("another")
    limit.leave("one")
    assert limit.enter("one")


def test_a_request_that_drips_in_is_cut_off() -> None:
    here, there = socket.socketpair()
    with closing(here), closing(there):
        there.sendall(b"POST")
        reader = DeadlineReader(here, time.monotonic() + 60)
        assert reader.read(4) == b"POST"
        with pytest.raises(TimeoutError):
            DeadlineReader(here, time.monotonic() + 0.01).read(1)
        there.sendall(b"more")
        with pytest.raises(TimeoutError):
            DeadlineReader(here, time.monotonic() - 1).read(1)


def test_a_socket_path_that_is_a_file_is_left_alone(team: Team, folder: Path) -> None:
    journal = folder / VICTIM / "journal.sqlite"
    before = journal.stat().st_ino
    limit = SourceLimit(team.clock, per_second=1, burst=1)
    with pytest.raises(AdapterError, match="cannot listen"):
        open_listener(f"unix:{journal}", team.signers[VICTIM], COMMAND_VERBS, limit)
    assert journal.stat().st_ino == before


@pytest.mark.parametrize("address", ["0.0.0.0:1", "example.org:1", "127.0.0.1:", "127.0.0.1:+1", ":1"])
def test_nothing_but_loopback_is_listened_on(address: str, team: Team) -> None:
    limit = SourceLimit(team.clock, per_second=1, burst=1)
    with pytest.raises(GuardError, match=r"not unix:PATH or HOST:PORT|has no certificate"):
        open_listener(address, team.signers[VICTIM], STOP_VERBS, limit)


@pytest.mark.parametrize("chain_id", [2**63, 2**200, 2**256 - 1])
def test_a_chain_id_that_the_journal_cannot_hold_is_refused_and_is_no_fault(chain_id: int, team: Team) -> None:
    body = {"chain_id": str(chain_id), "vault": VAULT_ADDRESS, "from_nonce": 0}
    with pytest.raises(GuardError, match="too large"):
        requests.hand_certificates(team.signers[VICTIM], body)


# Stops.


def test_one_key_cannot_flood_the_journal_with_stops_and_locks_nobody_else_out(team: Team) -> None:
    for _ in range(STOPS_AT_ONCE - 1):
        team.signers[VICTIM].stops_by_key.require(address_of("erin"))
    team.stop(team.freeze(make_scope()))
    with pytest.raises(GuardError, match="too many requests"):
        team.stop(team.freeze(make_scope(), freeze="one more"))
    assert team.stop(team.freeze(make_scope(), "frank", freeze="another guardian's"))
    team.clock.advance(1)
    assert team.stop(team.freeze(make_scope(), freeze="one more"))


def test_forged_stops_use_up_nobodys_share(team: Team) -> None:
    forged = team.veto(team.transfer(), "mallory")
    for _ in range(STOPS_AT_ONCE + 1):
        with pytest.raises(GuardError, match="belongs to nobody"):
            team.stop(forged)
    assert team.stop(team.veto(team.transfer()))


# A signer's own folder.


def test_counters_in_one_folder_never_share_a_file(folder: Path) -> None:
    one, other = FileCounter(folder / "signer.a"), FileCounter(folder / "signer.b")
    one.create("journal-a")
    other.create("journal-b")
    (folder / "signer.a.new").mkdir()
    other.store("journal-b", 7)
    assert other.load("journal-b") == 7
    with pytest.raises(AdapterError, match="cannot be written"):
        one.store("journal-a", 1)


def test_a_journal_key_that_is_not_the_journals_own_never_signs(team: Team, folder: Path) -> None:
    home = folder / VICTIM
    keys = Keys(team.keys_of(VICTIM).vault, journal_key("signer-b"))
    journal = Journal.load(home / "journal.sqlite", FileCounter(home / "counter"))
    with closing(journal), pytest.raises(GuardError, match="journal key is not the one"):
        Signer(journal=journal, keys=keys, verifier=team.verifier, clock=team.clock, endpoints={})


def test_asking_for_the_certificates_of_a_known_chain_is_answered(team: Team) -> None:
    body = {"chain_id": str(CHAIN_ID), "vault": VAULT_ADDRESS, "from_nonce": 0}
    assert requests.hand_certificates(team.signers[VICTIM], body) == {"certificates": []}
