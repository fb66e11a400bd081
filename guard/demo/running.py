"""Starting what a treasury runs with: database, API, worker, signers. Each is the product's own command in a process of its own,
the worker at a pace that fits delays of seconds."""

from __future__ import annotations

import http.client
from typing import Any

from guard.demo.policy_texts import SIGNERS
from guard.demo.stage import Stage

API, WORKER, UPGRADE = "api", "worker", "db-upgrade"


def begin_database(stage: Stage) -> None:
    """Start making the database, which takes a while and depends on nothing; and the key under which second factors are sealed."""
    stage.processes.start(UPGRADE, "--config", str(stage.grounds.config), "db", "upgrade")
    stage.operator.require("server", "create-master-key")


def wait_for_database(stage: Stage) -> None:
    """Wait until the database has this version's tables."""
    stage.processes.wait_for_end(UPGRADE)


def start_api(stage: Stage) -> None:
    """Start the API."""
    stage.processes.start(API, "--config", str(stage.grounds.config), "serve")


def start_worker(stage: Stage) -> None:
    """Start a worker."""
    stage.processes.start_module(WORKER, "guard.demo.quick_worker", str(stage.grounds.config))


def start_signers(stage: Stage, names: tuple[str, ...] = SIGNERS) -> None:
    """Start signers."""
    for name in names:
        home = str(stage.grounds.signer(name))
        stage.processes.start(name, "signer", "run", home, "--password-file", stage.grounds.password_file)


def wait_for_api(stage: Stage) -> None:
    """Wait until the API says that it can serve."""
    stage.processes.wait_until(lambda: is_api_ready(stage), "the API does not become ready")


def wait_for_signers(stage: Stage) -> None:
    """Wait until every signer answers, its clock is good, and it has settled: before that it signs nothing."""
    stage.processes.wait_until(lambda: are_signers_ready(stage), "the signers do not become ready")


def wait_for_books(stage: Stage) -> None:
    """Wait until every signer knows by certificates what the Safe has executed: the worker brings them to who was away."""
    nonce = stage.nonce()
    wait_for_signers(stage)
    stage.processes.wait_until(
        lambda: all(vault.get("open_nonce") == nonce for vault in _load_vaults(stage)),
        "the worker does not bring every signer what it missed",
    )


def wait_for_finality(stage: Stage) -> None:
    """Wait until every signer has seen final what it signed: a receipt says of anything else that it may still leave."""
    stage.processes.wait_until(
        lambda: all(vault.get("unmined") == 0 for vault in _load_vaults(stage)),
        "the signers do not see final what they signed",
    )


def _load_vaults(stage: Stage) -> list[dict[str, Any]]:
    """What each signer says of the vault, or a place for what a signer that does not answer would say."""
    told = stage.operator.run("signer", "status").result.get("signers", {})
    return [vault for each in told.values() for vault in each.get("vaults", [{}])]


def is_api_ready(stage: Stage) -> bool:
    """Whether the API says that it can serve."""
    connection = http.client.HTTPConnection("127.0.0.1", stage.port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def are_signers_ready(stage: Stage) -> bool:
    """Whether each of the four answers and has settled."""
    said = stage.operator.run("signer", "status")
    told = said.result.get("signers", {}).values()
    return said.status == 0 and all(each.get("clock") is None and each.get("settled_in", 1) <= 0 for each in told)
