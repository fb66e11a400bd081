"""Statements per second over HTTP (verified, decided, logged, durable) by the real `guard serve`, beside the raw transaction.

Only approvals are timed; the proposals that they are about are posted before.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from guard.bundles.bundle import Bundle, compute_bundle_digest, compute_roster_digest, to_bytes
from guard.core.ids import NO_DIGEST, Digest, PersonId
from guard.core.transfer import Transfer
from guard.effects.summary import SUMMARY_VERSION, render_summary
from guard.formats.canonical import to_canonical
from guard.formats.keccak import to_digest
from guard.ports.books import Message, StatementRow
from guard.service.adopting import adopt_bundle
from guard.service.login_keys import create_master_key
from guard.statements.digests import compute_digest, compute_transfer_id
from guard.statements.signed import SignedStatement, to_json
from guard.statements.signing import sign
from guard.statements.values import Approval, Proposal
from guard.store.migrating import upgrade
from guard.store.store import open_store
from tests.bench.posting import Prepared, post_all, prepare
from tests.databases import load_postgres, new_postgres_database
from tests.factories import DAY, FINANCE, TREASURY, make_person, make_policy, make_roster, make_transfer, private_key_of

ROOT = Path(__file__).resolve().parents[2]
TRANSFERS = 200
APPROVERS = 30
EACH = 8
"""Approvals of each transfer, by different people."""
CONNECTIONS = 32
RAW = 600
PEERS_RATE = 20.0
"""Confirmations per second of a Safe Transaction Service with one worker on a machine of this size, as reported to us."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What one database gave: statements per second over HTTP by number of processes, and raw transactions per second."""

    database: str
    over_http: dict[int, float]
    raw: float


def measure_all(*, processes: Sequence[int] = (1, 2)) -> Iterator[Rates]:
    """SQLite, then Postgres where there is one."""
    with tempfile.TemporaryDirectory(prefix="guard-bench-") as folder:
        for name in ("sqlite", "postgres"):
            if name == "postgres" and load_postgres() is None:
                print("postgres is not installed and was not measured")
                continue
            over_http = {count: _measure(Path(folder) / f"{name}-{count}", name, count) for count in processes}
            yield Rates(name, over_http, _measure_raw(Path(folder) / f"{name}-raw", name))


def _make_bundle() -> Bundle:
    approvers = [make_person(f"approver-{number}", FINANCE) for number in range(APPROVERS)]
    policy = make_policy()
    roster = make_roster(*policy.roster.people, *approvers)
    return Bundle(
        version=1,
        previous=NO_DIGEST,
        expires_at=int(time.time()) + 365 * DAY,
        policy=make_policy(roster=roster),
    )


def _open(folder: Path, name: str, bundle: Bundle) -> str:
    """A new database that has begun with the bundle, a while ago."""
    folder.mkdir()
    url = f"sqlite:///{folder}/guard.sqlite" if name == "sqlite" else new_postgres_database()
    if name == "sqlite":
        upgrade(url)
    (folder / "bundle.json").write_bytes(to_bytes(bundle))
    create_master_key(folder / "master-key")
    store = open_store(url)
    adopt_bundle(store, to_bytes(bundle), compute_bundle_digest(bundle), int(time.time()) - 60)
    store.close()
    return url


def _measure(folder: Path, name: str, processes: int) -> float:
    bundle = _make_bundle()
    url = _open(folder, name, bundle)
    proposals, approvals = _prepare(bundle)
    with _serving(folder, url, processes) as port, ProcessPoolExecutor(1) as clients:
        post = partial(post_all, port, connections=CONNECTIONS)
        _, statuses = clients.submit(post, proposals).result()
        _require_accepted(statuses, len(proposals))
        took, statuses = clients.submit(post, approvals).result()
        _require_accepted(statuses, len(approvals))
    return len(approvals) / took


def _require_accepted(statuses: dict[int, int], count: int) -> None:
    if statuses.get(201) != count or statuses.keys() - {201, 503}:
        raise RuntimeError(f"{count} statements were answered {statuses}")
    if statuses.get(503):
        print(f"{statuses[503]} of {count} had to be posted again", file=sys.stderr)


def _prepare(bundle: Bundle) -> tuple[list[Prepared], list[Prepared]]:
    transfers = [_make_transfer(bundle, number) for number in range(TRANSFERS)]
    proposals = [_to_request("/v1/transfers", sign(_key("alice"), Proposal(each), TREASURY)) for each in transfers]
    approvals = [
        _to_request(
            f"/v1/transfers/{compute_transfer_id(transfer)}/approvals",
            _approve(bundle, transfer, f"approver-{(number + place) % APPROVERS}"),
            version=1,
        )
        for place in range(EACH)
        for number, transfer in enumerate(transfers)
    ]
    return proposals, approvals


def _make_transfer(bundle: Bundle, number: int) -> Transfer:
    now = int(time.time())
    return make_transfer(
        amount_units=1_000_000 + number,
        policy=compute_bundle_digest(bundle),
        uniqueness=to_digest(secrets.token_bytes(32)),
        proposed_at=now,
        expires_at=now + DAY,
    )


def _approve(bundle: Bundle, transfer: Transfer, name: str) -> SignedStatement:
    approval = Approval(
        transfer=transfer,
        summary=render_summary(transfer, bundle.policy),
        summary_version=SUMMARY_VERSION,
        policy=transfer.policy,
        roster=compute_roster_digest(bundle.policy),
        signed_at=transfer.proposed_at,
        expires_at=transfer.expires_at,
    )
    return sign(_key(name), approval, TREASURY)


def _key(name: str) -> bytes:
    return private_key_of(name).secret


def _to_request(path: str, signed: SignedStatement, *, version: int | None = None) -> Prepared:
    headers = {"Idempotency-Key": secrets.token_hex(16), "Connection": "keep-alive"}
    if version is not None:
        headers["If-Match"] = f'"v{version}"'
    return prepare(path, to_canonical(to_json(signed)), headers)


@contextmanager
def _serving(folder: Path, url: str, processes: int) -> Iterator[int]:
    """`guard serve`, as an operator runs it."""
    settings = {
        "DATABASE": url,
        "BUNDLE": str(folder / "bundle.json"),
        "MASTER_KEY": str(folder / "master-key"),
        "LISTEN": "127.0.0.1:0",
        "PUBLIC_URL": "http://127.0.0.1:8080",
        "WORKERS": str(processes),
    }
    own = {name: value for name, value in os.environ.items() if not name.startswith("GUARD_")}
    environment = {**own, **{f"GUARD_{name}": value for name, value in settings.items()}}
    command = [sys.executable, "-m", "guard", "serve", "--json"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=log)
    try:
        line = process.stdout.readline() if process.stdout is not None else b""
        if not line:
            raise RuntimeError((folder / "log").read_text()[-1000:])
        said = json.loads(line)
        time.sleep(2)
        yield int(str(said["listening"]).rpartition(":")[2])
    finally:
        process.terminate()
        process.wait(30)


def _measure_raw(folder: Path, name: str) -> float:
    """The same rows in one transaction each, by one thread that does nothing else."""
    bundle = _make_bundle()
    url = _open(folder, name, bundle)
    transfer = _make_transfer(bundle, 0)
    transfer_id, body = compute_transfer_id(transfer), to_json(_approve(bundle, transfer, "approver-0"))
    digests = [compute_digest(Proposal(_make_transfer(bundle, number)), TREASURY) for number in range(RAW)]
    store, now = open_store(url), int(time.time())
    begun = time.perf_counter()
    for number, digest in enumerate(digests):
        with store.writing() as books:
            entry = books.append("transfer.approved", actor="approver-0", at=now, transfer_id=None, body=body)
            books.add_statement(_to_row(digest, body, now, entry.index))
            books.post([Message(id=f"message-{number}", event="transfer.approved", body="{}", created_at=now)])
    took = time.perf_counter() - begun
    store.close()
    assert transfer_id
    return RAW / took


def _to_row(digest: Digest, body: object, now: int, log_index: int) -> StatementRow:
    return StatementRow(
        person=PersonId("approver-0"),
        digest=digest,
        kind="approval",
        transfer_id=None,
        key=make_person("approver-0", FINANCE).keys[0].address,
        body=to_canonical(body).decode(),
        received_at=now,
        log_index=log_index,
    )
