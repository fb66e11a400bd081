"""`guard serve`: what it refuses before it listens, and, as a process, that it serves, ends cleanly and logs what it was asked."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from typing import Any

import pytest

from guard.app.databases import to_database_url
from guard.bundles.bundle import Bundle, to_bytes
from guard.cli.flags import Flags
from guard.cli.settings import load_settings
from guard.clients.connecting import connect
from guard.core.ids import NO_DIGEST
from guard.errors import GuardError
from guard.signer.certificate import create_certificate
from tests.app.conftest import FAR, ServerFolder
from tests.app.processes import Told, children_of, is_running, run_here, running, wait_until
from tests.factories import NOW, make_policy


def get(address: str, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, dict[str, Any], str | None]:
    """One GET: status, body, and the request id of the answer."""
    with closing(connect(address, 10)) as connection:
        connection.request("GET", path, headers=dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()), answer.getheader("X-Request-Id")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_end_and_an_open_connection_does_not_hold_it_up(
    server_of_each: ServerFolder, number: int
) -> None:
    server = server_of_each
    with running(["serve", "--json"], server.settings, server.path / "log", server.path) as process:
        address = process.read_ready()["listening"]
        status, ready, request_id = get(address, "/readyz", {"X-Request-Id": "from-the-caller"})
        assert (status, ready["policy"], ready["log"]["size"]) == (200, server.digest, 1)
        assert request_id == "from-the-caller"
        healthy = {**server.settings, "listen": address}
        assert run_here("health", "api", settings=healthy).json == {"well": True}
        host, _, port = address.rpartition(":")
        with closing(socket.create_connection((host, int(port)), timeout=10)) as idle:
            idle.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            assert idle.recv(100).startswith(b"HTTP/1.1 200")
            assert process.end(number) == 0
    assert [line["route"] for line in process.lines() if line.get("request_id") == "from-the-caller"] == ["/readyz"]
    assert run_here("health", "api", settings=healthy).error == (3, "health.unwell")


def refuse(server: ServerFolder, **changes: object) -> Told:
    """What `serve` says when it does not begin."""
    return run_here("serve", settings={**server.settings, **changes})


def test_without_tables_it_does_not_begin_and_says_how_they_are_made(server: ServerFolder) -> None:
    url = f"sqlite:///{server.path}/empty.db"
    (server.path / "empty.db").touch()
    told = refuse(server, database=url)
    assert told.error == (3, "store.schema")
    assert "guard db upgrade" in told.json["error"]["next"]


def test_the_database_is_brought_up_looked_at_and_taken_down(server: ServerFolder) -> None:
    settings = {"database": f"sqlite:///{server.path}/new.db"}
    assert run_here("db", "check", settings=settings).error == (3, "store.schema")
    revision = run_here("db", "upgrade", settings=settings).json["revision"]
    assert run_here("db", "check", settings=settings).json == {"revision": revision, "sound": True}
    assert run_here("db", "current", settings=settings).json == {"revision": revision}
    assert run_here("db", "downgrade", "base", settings=settings).error == (2, "cli.usage")
    assert run_here("db", "downgrade", "base", "--lose-what-the-tables-hold", settings=settings).status == 0
    assert run_here("db", "current", settings=settings).json == {"revision": None}


def test_what_is_wrong_is_refused_before_anything_listens(server: ServerFolder) -> None:
    assert refuse(server, pin="0x" + "ab" * 32).error == (1, "cli.pin")
    assert refuse(server, bundle=server.path / "nowhere.json").error == (1, "cli.not-built")
    assert refuse(server, master_key=server.path / "nowhere").error == (3, "keyfile.unreadable")
    assert refuse(server, listen="0.0.0.0:0").error == (1, "listen.plaintext")
    assert refuse(server, certificate=server.path / "bundle.json").error == (1, "listen.certificate")
    assert refuse(server, database=f"sqlite:///{server.path}/none.db").error == (3, "store.schema")
    del server.settings["public_url"]
    assert refuse(server).error == (1, "cli.setting-missing")


def test_another_policy_than_the_books_have_begun_with_is_refused(server: ServerFolder) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        in_use = f"127.0.0.1:{taken.getsockname()[1]}"
        # The books begin with the bundle of the first start, whatever becomes of that start afterwards.
        assert refuse(server, listen=in_use).error == (3, "listen.failed")
        other = Bundle(version=1, previous=NO_DIGEST, expires_at=FAR + 1, policy=make_policy())
        (server.path / "other.json").write_bytes(to_bytes(other))
        assert refuse(server, bundle=server.path / "other.json", listen=in_use).error == (1, "service.bundle-differs")
        assert refuse(server, listen=in_use).error == (3, "listen.failed")


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
        assert run_here("health", "api", settings={**settings, "listen": address}).status == 0
        assert process.end() == 0


def test_on_a_socket_that_goes_with_it_and_may_be_left_behind(server: ServerFolder) -> None:
    path = server.path / "api.sock"
    settings = {**server.settings, "listen": f"unix:{path}"}
    with running(["serve", "--json"], settings, server.path / "log", server.path) as process:
        process.read_ready()
        assert get(f"unix:{path}", "/livez")[0] == 200
        assert run_here("serve", settings=settings).error == (3, "listen.failed")
        process.popen.kill()
        process.wait()
    assert path.is_socket()
    with running(["serve", "--json"], settings, server.path / "log", server.path) as process:
        process.read_ready()
        assert get(f"unix:{path}", "/livez")[0] == 200
        assert process.end() == 0
    assert not path.exists()


def test_two_processes_share_the_port_and_end_together(server: ServerFolder) -> None:
    with running(["serve", "--workers", "2", "--json"], server.settings, server.path / "log", server.path) as process:
        address = process.read_ready()["listening"]
        wait_until(lambda: len(children_of(process.pid)) == 2, "two processes serve")
        assert get(address, "/readyz")[0] == 200
        children = children_of(process.pid)
        assert process.end() == 0
        assert not any(is_running(pid) for pid in children)


@pytest.mark.parametrize("password", ["plain-word", "with space & / @ : % # ? é"])
def test_the_databases_password_comes_from_its_file_and_is_shown_nowhere(server: ServerFolder, password: str) -> None:
    from sqlalchemy.engine import make_url

    file = server.path / "database-password"
    file.write_text(password + "\nanother line\n")
    settings = {"database": "postgresql+psycopg://guard@postgres/guard", "database_password_file": file}
    environment = {f"GUARD_{name.upper()}": str(value) for name, value in settings.items()}
    assert make_url(to_database_url(load_settings(Flags(), environment))).password == password
    assert password not in run_here("config", "show", settings=settings).out


def test_a_password_in_the_databases_address_is_refused() -> None:
    for address in ("postgresql+psycopg://guard:word@postgres/guard", "postgresql+psycopg://g@h/d?password=word"):
        with pytest.raises(GuardError) as refused:
            load_settings(Flags(), {"GUARD_DATABASE": address})
        assert refused.value.code == "cli.setting-value"
        assert "word@" not in refused.value.message and "=word" not in refused.value.message


PROBE = """
import sys
import guard.app.main
print(sorted({"fastapi", "sqlalchemy", "uvicorn", "structlog", "httpx", "web3", "alembic"} & sys.modules.keys()))
"""


def test_the_command_line_does_without_the_servers_libraries() -> None:
    told = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
