"""`guard serve` as a process: what it refuses before it listens, that it ends cleanly, and that nobody of it outlives the rest."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from guard.bundles.bundle import Bundle, to_bytes
from guard.clients.connecting import connect
from guard.core.ids import NO_DIGEST
from guard.signer.certificate import create_certificate
from tests.app.conftest import FAR, ServerFolder
from tests.app.processes import Process, run, running
from tests.factories import NOW, make_policy

PATIENCE = 20.0


def get(address: str, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, dict[str, Any], str | None]:
    """One GET: status, body, and the request id of the answer."""
    with closing(connect(address, 10)) as connection:
        connection.request("GET", path, headers=dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()), answer.getheader("X-Request-Id")


def children_of(process: Process) -> set[int]:
    """The ids of a process's children."""
    told = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return {int(each) for each in told.split()}


def wait_until(is_so: Any, what: str) -> None:
    """Wait for something that another process does."""
    ends_at = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < ends_at, what
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether a process is there and has not ended. Somebody else's child that ended stays as a name without a body."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_end_and_says_so_in_its_status(
    server_of_each: ServerFolder, number: int
) -> None:
    server = server_of_each
    with running(["serve", "--json"], server.settings, server.path / "log", server.path) as process:
        address = process.read_ready()["listening"]
        assert get(address, "/livez")[0] == 200
        status, ready, _ = get(address, "/readyz")
        assert (status, ready["policy"], ready["log"]["size"]) == (200, server.digest, 1)
        assert process.end(number) == 0
    with pytest.raises(OSError):
        get(address, "/livez")


def test_the_request_id_of_a_caller_is_answered_and_logged(server: ServerFolder) -> None:
    with running(["serve", "--json"], server.settings, server.path / "log", server.path) as process:
        address = process.read_ready()["listening"]
        assert get(address, "/readyz", {"X-Request-Id": "from-the-caller"})[2] == "from-the-caller"
        assert process.end() == 0
    assert [line["route"] for line in process.lines() if line.get("request_id") == "from-the-caller"] == ["/readyz"]


def test_a_second_start_finds_the_books_as_they_are(server: ServerFolder) -> None:
    for _ in range(2):
        with running(["serve", "--json"], server.settings, server.path / "log", server.path) as process:
            assert get(process.read_ready()["listening"], "/readyz")[1]["log"]["size"] == 1
            assert process.end() == 0


def test_an_open_connection_does_not_hold_the_end_up(server: ServerFolder) -> None:
    with running(["serve", "--json"], server.settings, server.path / "log", server.path) as process:
        host, _, port = process.read_ready()["listening"].rpartition(":")
        with closing(socket.create_connection((host, int(port)), timeout=10)) as idle:
            idle.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            assert idle.recv(100).startswith(b"HTTP/1.1 200")
            assert process.end() == 0


def refuse(server: ServerFolder, **changes: object) -> tuple[int, str, str]:
    """What `serve` says when it does not begin: status, code, what next."""
    told = run("serve", "--json", settings={**server.settings, **changes}, cwd=server.path)
    error = json.loads(told.stdout)["error"]
    return told.returncode, error["code"], error["next"]


def test_without_tables_it_does_not_begin_and_says_how_they_are_made(server: ServerFolder) -> None:
    url = f"sqlite:///{server.path}/empty.db"
    (server.path / "empty.db").touch()
    status, code, remedy = refuse(server, database=url)
    assert (status, code) == (3, "store.schema")
    assert "guard db upgrade" in remedy
    settings = {**server.settings, "database": url}
    assert run("db", "upgrade", settings=settings, cwd=server.path).returncode == 0
    assert run("db", "check", settings=settings, cwd=server.path).returncode == 0
    with running(["serve", "--json"], settings, server.path / "log", server.path) as process:
        assert get(process.read_ready()["listening"], "/readyz")[0] == 200


def test_what_is_wrong_is_refused_before_anything_listens(server: ServerFolder) -> None:
    assert refuse(server, pin="0x" + "ab" * 32)[:2] == (1, "cli.pin")
    assert refuse(server, bundle=server.path / "nowhere.json")[:2] == (1, "cli.not-built")
    assert refuse(server, master_key=server.path / "nowhere")[:2] == (3, "master-key.unreadable")
    assert refuse(server, listen="0.0.0.0:0")[:2] == (1, "listen.plaintext")
    assert refuse(server, certificate=server.path / "bundle.json")[:2] == (1, "listen.certificate")
    unnamed = {name: value for name, value in server.settings.items() if name != "public_url"}
    told = run("serve", "--json", settings=unnamed, cwd=server.path)
    assert json.loads(told.stdout)["error"]["code"] == "cli.setting-missing"


def test_another_policy_than_the_books_have_begun_with_is_refused(server: ServerFolder) -> None:
    with running(["serve", "--json"], server.settings, server.path / "log", server.path) as process:
        process.read_ready()
        assert process.end() == 0
    other = Bundle(version=1, previous=NO_DIGEST, expires_at=FAR + 1, policy=make_policy())
    (server.path / "other.json").write_bytes(to_bytes(other))
    assert refuse(server, bundle=server.path / "other.json")[:2] == (1, "service.bundle-differs")


def test_a_port_in_use_is_told(server: ServerFolder) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        assert refuse(server, listen=f"127.0.0.1:{taken.getsockname()[1]}")[:2] == (3, "listen.failed")


def test_over_tls_alone_once_there_is_a_certificate(server: ServerFolder) -> None:
    certificate, key = server.path / "certificate.pem", server.path / "certificate-key.pem"
    pin = create_certificate(certificate, key, name="localhost", now=NOW)
    settings = {**server.settings, "certificate": certificate, "certificate_key": key}
    with running(["serve", "--json"], settings, server.path / "log", server.path) as process:
        address = process.read_ready()["listening"]
        assert get(f"https://{address}#sha256={pin}", "/livez")[0] == 200
        with pytest.raises(ssl.SSLError):
            get(f"https://{address}#sha256={'0' * 64}", "/livez")
        with pytest.raises(OSError):
            get(address, "/livez")
        healthy = {**settings, "listen": address}
        assert run("health", "api", settings=healthy, cwd=server.path).returncode == 0
        assert process.end() == 0
    assert run("health", "api", settings=healthy, cwd=server.path).returncode == 3


def test_on_a_socket_that_goes_with_it_and_may_be_left_behind(server: ServerFolder) -> None:
    path = server.path / "api.sock"
    settings = {**server.settings, "listen": f"unix:{path}"}
    with running(["serve", "--json"], settings, server.path / "log", server.path) as process:
        process.read_ready()
        assert get(f"unix:{path}", "/livez")[0] == 200
        assert refuse(server, listen=f"unix:{path}")[:2] == (3, "listen.failed")
        process.popen.kill()
        process.wait()
    assert path.is_socket()
    with running(["serve", "--json"], settings, server.path / "log", server.path) as process:
        process.read_ready()
        assert get(f"unix:{path}", "/livez")[0] == 200
        assert process.end() == 0
    assert not path.exists()


def test_of_several_processes_one_that_dies_is_replaced(server: ServerFolder) -> None:
    with running(["serve", "--workers", "2", "--json"], server.settings, server.path / "log", server.path) as process:
        address = process.read_ready()["listening"]
        wait_until(lambda: len(children_of(process)) == 2, "two processes serve")
        assert get(address, "/readyz")[0] == 200
        before = children_of(process)
        os.kill(min(before), signal.SIGKILL)
        wait_until(lambda: len(children_of(process) - before) == 1, "another one has begun")
        assert get(address, "/readyz")[0] == 200
        alive = children_of(process)
        assert process.end() == 0
        assert not any(is_running(pid) for pid in alive)


def test_no_process_outlives_the_one_that_watches_over_it(server: ServerFolder) -> None:
    with running(["serve", "--workers", "2", "--json"], server.settings, server.path / "log", server.path) as process:
        address = process.read_ready()["listening"]
        wait_until(lambda: len(children_of(process)) == 2, "two processes serve")
        assert get(address, "/readyz")[0] == 200
        children = children_of(process)
        process.popen.kill()
        process.wait()
        wait_until(lambda: not any(is_running(pid) for pid in children), "they end by themselves")
    # Nobody holds the port any more.
    host, _, port = address.rpartition(":")
    socket.create_server((host, int(port))).close()


PROBE = """
import sys
import guard.app.main
from guard.cli.known_settings import KNOWN
print(sorted({"fastapi", "sqlalchemy", "uvicorn", "structlog", "httpx", "web3", "alembic"} & sys.modules.keys()))
"""


def test_the_command_line_does_without_the_servers_libraries() -> None:
    told = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
