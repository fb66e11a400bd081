"""`guard worker`: it goes round, says what it did, shows that it lives, and ends in the middle of anything."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event

import pytest

from guard.app.edges import END_WITHIN, Pulse
from guard.app.health import STALE_AFTER, require_worker_well
from guard.app.working import Course, compose_worker, draw_holder, load_secrets
from guard.cli.flags import Flags
from guard.cli.settings import load_settings
from guard.core.ids import PersonId
from guard.errors import AdapterError, GuardError
from guard.ports.books import Message
from guard.service.adopting import adopt_bundle
from guard.store.database import Database
from guard.store.store import Store
from guard.worker.rounds import Done, Worker
from tests.app.conftest import ServerFolder
from tests.app.processes import run_here, running, wait_until
from tests.factories import NOW, digest_of


@contextmanager
def opened(server: ServerFolder, *, adopted: bool = True) -> Iterator[Store]:
    """The server's database, with its policy in it."""
    store = Store(Database(str(server.settings["database"])))
    try:
        if adopted:
            adopt_bundle(store, (server.path / "bundle.json").read_bytes(), server.digest, NOW)  # type: ignore[arg-type]
        yield store
    finally:
        store.close()


def to_environment(server: ServerFolder, **more: object) -> dict[str, str]:
    """The folder's settings as variables."""
    return {f"GUARD_{name.upper()}": str(value) for name, value in {**server.settings, **more}.items()}


def composed(server: ServerFolder, store: Store, **more: object) -> Worker:
    """The worker of these settings."""
    return compose_worker(load_settings(Flags(), to_environment(server, **more)), store, Pulse())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_goes_round_until_it_is_told_to_end_and_shows_that_it_lives(server: ServerFolder, number: int) -> None:
    heartbeat = server.path / "heartbeat"
    settings = {**server.settings, "heartbeat": heartbeat}
    with opened(server):
        pass
    assert run_here("health", "worker", settings=settings).error == (3, "health.unwell")
    with running(["worker", "--json"], settings, server.path / "log", server.path) as process:
        assert process.read_ready()["ready"] is True
        wait_until(heartbeat.exists, "a sign of life")
        assert run_here("health", "worker", settings=settings).json == {"well": True}
        assert process.end(number) == 0


def test_it_ends_in_the_middle_of_a_question_that_nobody_answers(server: ServerFolder) -> None:
    with opened(server), closing(socket.create_server(("127.0.0.1", 0))) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        signers = ",".join(f"signer-{each}={address}" for each in "abcd")
        with running(
            ["worker", "--json"], {**server.settings, "signers": signers}, server.path / "log", server.path
        ) as process:
            process.read_ready()
            # It has asked, and waits for an answer.
            asked, _ = silent.accept()
            with asked:
                asked.settimeout(10)
                assert asked.recv(100).startswith(b"POST /v1/status ")
                process.popen.terminate()
                assert process.popen.poll() is None
            silent.close()
            assert process.wait() == 0


def test_before_the_server_has_begun_the_books_it_waits(server: ServerFolder) -> None:
    told = run_here("worker", "--once", settings=server.settings)
    assert told.status == 3
    with running(["worker", "--json"], server.settings, server.path / "log", server.path) as process:
        process.read_ready()
        wait_until(lambda: len(process.lines()) > 0, "it says why")
        assert process.end() == 0
    (line, *_) = process.lines()
    assert (line["level"], line["code"]) == ("warning", "service.no-bundle")
    assert len(line["request_id"]) == 16


@pytest.mark.parametrize("missing", ["executor", "executor_password_file"])
def test_without_an_executor_it_does_not_begin(server: ServerFolder, missing: str) -> None:
    del server.settings[missing]
    assert run_here("worker", "--once", settings=server.settings).error == (1, "cli.setting-missing")


def test_two_workers_of_one_host_have_different_names() -> None:
    assert len({draw_holder() for _ in range(100)}) == 100


def test_after_the_end_was_asked_for_there_is_a_while_and_then_no_further_question() -> None:
    now = [100.0]
    pulse = Pulse(clock=lambda: now[0])
    pulse.beat()
    pulse.end()
    for later in (0.0, END_WITHIN):
        now[0] = 100.0 + later
        pulse.beat()
    now[0] = 100.0 + END_WITHIN + 0.1
    with pytest.raises(AdapterError) as refused:
        pulse.beat()
    assert refused.value.code == "worker.ending"


def test_a_heartbeat_that_cannot_be_left_costs_no_work(tmp_path: Path) -> None:
    Pulse(tmp_path / "nowhere" / "heartbeat").beat()


@pytest.mark.parametrize(("age", "is_well"), [(STALE_AFTER - 1, True), (STALE_AFTER, True), (STALE_AFTER + 1, False)])
def test_a_worker_is_well_while_its_heartbeat_is_young(tmp_path: Path, age: int, is_well: bool) -> None:
    heartbeat = tmp_path / "heartbeat"
    heartbeat.touch()
    os.utime(heartbeat, (NOW, NOW))
    if is_well:
        require_worker_well(heartbeat, now=NOW + age)
        return
    with pytest.raises(AdapterError) as refused:
        require_worker_well(heartbeat, now=NOW + age)
    assert refused.value.code == "health.unwell"


class OurBug(Exception):
    """Something that nobody thought of."""


def test_trouble_and_bugs_of_one_piece_keep_no_other_from_its_turn(server: ServerFolder) -> None:
    with opened(server) as store:
        course = Course(composed(server, store), Event(), Pulse())
        assert course.attempt(_raise_bug) == 0
        assert course.is_troubled
        assert course.attempt(_raise_trouble) == 0
        assert course.attempt(lambda: (Done(name=digest_of("a transfer")),)) == 1
        assert course.attempt(lambda: (Done(name="signers"),)) == 0
        assert course.attempt(lambda: (Done(name="signers", events=("signer.silent",)),)) == 1
        assert course.go_round() == 0
        assert not course.is_troubled


def _raise_bug() -> tuple[Done, ...]:
    raise OurBug("in a chore")


def _raise_trouble() -> tuple[Done, ...]:
    raise AdapterError("store.unavailable", "the database did not do what it was asked")


def test_once_told_to_end_it_begins_nothing_more(server: ServerFolder) -> None:
    over = Event()
    begun = []

    def piece() -> tuple[Done, ...]:
        begun.append(1)
        over.set()
        return (Done(name=digest_of("a transfer")),)

    with opened(server) as store:
        course = Course(composed(server, store), over, Pulse())
        assert course.repeat(piece, 20) == 1
        assert course.go_round() == 0
    assert len(begun) == 1


def test_a_dead_message_is_shown_and_delivered_again_when_it_is_asked_for(server: ServerFolder) -> None:
    with opened(server) as store:
        with store.writing() as writing:
            writing.append("transfer.vetoed", actor="dave", at=NOW, body={})
            writing.post([Message(id="msg-1", event="transfer.vetoed", body="{}", created_at=NOW)])
        with store.brief() as brief:
            (row,) = brief.claim_messages("worker", now=NOW, until=NOW + 60, limit=1)
            assert brief.settle_message(row, state="dead", due_at=NOW, attempts=10, last_error="gone")
    told = run_here("server", "outbox", settings=server.settings).json
    assert told == {"waiting": 0, "dead": [{"id": "msg-1", "event": "transfer.vetoed", "last_error": "gone"}]}
    assert run_here("server", "outbox", "--retry", "msg-1", settings=server.settings).status == 0
    assert run_here("server", "outbox", settings=server.settings).json == {"waiting": 1, "dead": []}
    assert run_here("server", "outbox", "--retry", "msg-1", settings=server.settings).error == (1, "outbox.message")
    assert run_here("server", "outbox", "--retry", "nothing", settings=server.settings).error == (1, "outbox.message")


def test_the_operators_keys_and_factors(server: ServerFolder) -> None:
    settings = {**server.settings, "master_key": server.path / "another"}
    first = run_here("server", "create-master-key", settings=settings).json["key"]
    assert run_here("server", "create-master-key", settings=settings).error == (1, "keyfile.exists")
    with opened(server):
        pass
    second = run_here("server", "rotate-master-key", settings=settings).json["key"]
    assert first != second
    assert run_here("server", "rotate-master-key", "--remove", first, settings=settings).json == {"removed": first}
    assert run_here("server", "rotate-master-key", "--remove", second, settings=settings).status == 1
    person = PersonId("alice")
    assert run_here("server", "reset-factor", person, settings=settings).json == {"person": person}
    assert run_here("server", "reset-factor", "nobody", settings=settings).error == (1, "login.person-unknown")
    assert run_here("server", "reset-factor", "No Body", settings=settings).status == 1


def test_a_webhooks_secret_is_drawn_into_a_file_that_its_owner_alone_reads(server: ServerFolder) -> None:
    settings = {**server.settings, "webhook_secret": server.path / "webhook-secret"}
    told = run_here("server", "create-webhook-secret", settings=settings)
    path = server.path / "webhook-secret"
    assert told.status == 0 and path.read_text().strip() not in told.out
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(load_secrets(path)) == 1
    assert run_here("server", "create-webhook-secret", settings=settings).error == (1, "cli.file-differs")


def test_a_webhook_needs_its_secret(server: ServerFolder) -> None:
    with opened(server) as store:
        with pytest.raises(GuardError) as refused:
            composed(server, store, webhook_url="https://hooks.example.org/guard")
        assert refused.value.code == "cli.setting-missing"
        secret = server.path / "webhook-secret"
        secret.write_text("not a secret\n")
        with pytest.raises(GuardError) as refused:
            composed(server, store, webhook_url="https://hooks.example.org/guard", webhook_secret=secret)
        assert refused.value.code == "webhook.secret"
        assert composed(server, store).webhook is None
