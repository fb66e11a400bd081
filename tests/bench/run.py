"""Runs every measurement, prints a table, and writes `build/bench.json`: a list of `{name, value, unit, peer, ratio}`."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from guard.bundles.bundle import Bundle, compute_bundle_digest, to_bytes  # noqa: E402
from guard.core.decide import decide  # noqa: E402
from guard.core.ids import NO_DIGEST, SignerId  # noqa: E402
from guard.signer.clock import SystemClock  # noqa: E402
from guard.signer.home import SignerConfig, SignerHome, create_home, pin_bundle  # noqa: E402
from guard.signer.keystore import LIGHT_SCRYPT  # noqa: E402
from guard.statements.digests import compute_digest, to_typed_data  # noqa: E402
from guard.statements.signing import recover, sign  # noqa: E402
from guard.statements.values import Proposal  # noqa: E402
from tests.bench.http_statements import PEERS_RATE, measure_all  # noqa: E402
from tests.factories import TREASURY, make_facts, make_policies, make_policy, make_transfer, private_key_of  # noqa: E402
from tests.team import Team  # noqa: E402

OUT = ROOT / "build" / "bench.json"
START_RUNS = 10


@dataclass(frozen=True, slots=True)
class Figure:
    """One measurement. `peer` is the same by another implementation in the same run, `ratio` how much better ours is."""

    name: str
    value: float
    unit: str
    peer: float | None = None
    ratio: float | None = None


def compute_rate(work: Callable[[], object], *, seconds: float = 1.0) -> float:
    """How often the work is done in a second, over about `seconds`."""
    work()
    done, begun = 0, time.perf_counter()
    while time.perf_counter() - begun < seconds:
        for _ in range(10):
            work()
        done += 10
    return done / (time.perf_counter() - begun)


def against(name: str, unit: str, ours: float, peer: float) -> Figure:
    """A rate beside its peer's."""
    return Figure(name, round(ours, 1), unit, round(peer, 1), round(ours / peer, 2))


def measure_start(*arguments: str) -> float:
    """Median time of a whole command in milliseconds."""
    times = []
    for _ in range(START_RUNS):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-m", "guard", *arguments], check=True, capture_output=True, cwd=ROOT)
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


def measure_cli() -> Iterator[Figure]:
    """How long help takes, which everybody waits for."""
    yield Figure("cli.help", round(measure_start("--help")), "ms")
    yield Figure("cli.approve_help", round(measure_start("approve", "--help")), "ms")


def measure_statements() -> Iterator[Figure]:
    """The encoder and recovery, beside eth-account."""
    from eth_account import Account
    from eth_account.messages import encode_typed_data

    statement = Proposal(make_transfer())
    signed = sign(private_key_of("alice").secret, statement, TREASURY)
    typed = to_typed_data(statement, TREASURY)
    encoded = encode_typed_data(full_message=typed)
    ours = compute_rate(lambda: compute_digest(statement, TREASURY))
    peer = compute_rate(lambda: encode_typed_data(full_message=typed))
    yield against("statements.digest", "1/s", ours, peer)
    peer = compute_rate(lambda: Account.recover_message(encoded, signature=signed.signature.value))
    yield against("statements.recover", "1/s", compute_rate(lambda: recover(signed)), peer)


def measure_decisions() -> Iterator[Figure]:
    """A decision over the default policy, and a release by one signer with its journal on this disk."""
    transfer, policies, facts = make_transfer(), make_policies(), make_facts()
    yield Figure("decide.one_rule", round(compute_rate(lambda: decide(transfer, policies, facts))), "1/s")
    with tempfile.TemporaryDirectory() as folder:
        team = Team(Path(folder))
        given = [team.transfer(amount_units=1000 + number) for number in range(1)]
        statements = team.approved(given[0])
        team.release("signer-a", given[0], statements)
        again = compute_rate(lambda: team.release("signer-a", given[0], statements))
        yield Figure("signer.release_again", round(again), "1/s")
        team.close()


@contextmanager
def running_signer(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A signer process of its own, pinned and idle."""
    home, password = SignerHome(folder / "signer"), folder / "password"
    password.write_text("a password of the bench\n")
    password.chmod(0o600)
    config = SignerConfig(
        id=SignerId("signer-a"),
        treasury=TREASURY,
        command=f"unix:{folder}/command",
        stop="127.0.0.1:0",
        counter=folder / "counter",
        endpoints={},
    )
    create_home(home, config, b"a password of the bench", scrypt=LIGHT_SCRYPT)
    bundle = Bundle(version=1, previous=NO_DIGEST, expires_at=2**40, policy=make_policy())
    pin_bundle(home, to_bytes(bundle), compute_bundle_digest(bundle), SystemClock())
    command = [sys.executable, "-m", "guard", "signer", "run", str(home.path), "--password-file", str(password)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        while not (folder / "command").exists():
            if process.poll() is not None:
                raise RuntimeError("the signer ended")
            time.sleep(0.1)
        time.sleep(2)
        yield process
    finally:
        process.terminate()
        process.wait(10)


def measure_signer() -> Iterator[Figure]:
    """What an idle signer keeps in memory."""
    with tempfile.TemporaryDirectory() as folder, running_signer(Path(folder)) as process:
        status = Path(f"/proc/{process.pid}/status").read_text()
        kilobytes = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        yield Figure("signer.idle_memory", round(kilobytes / 1024, 1), "MB")


def measure_server() -> Iterator[Figure]:
    """Statements over HTTP on both databases; the peer is the database alone, and for one process of SQLite's also a known service."""
    for rates in measure_all():
        for processes, over_http in rates.over_http.items():
            name = f"server.{rates.database}.{processes}_process"
            yield against(f"{name}.of_raw", "1/s", over_http, rates.raw)
            yield against(f"{name}.of_peer", "1/s", over_http, PEERS_RATE)


MEASUREMENTS: tuple[Callable[[], Iterator[Figure]], ...] = (
    measure_cli,
    measure_statements,
    measure_decisions,
    measure_signer,
    measure_server,
)


def main() -> int:
    """Measure, print, write."""
    figures = [figure for measure in MEASUREMENTS for figure in measure()]
    print(f"{'name':28} {'value':>12} {'unit':6} {'peer':>12} {'ratio':>8}")
    for figure in figures:
        peer, ratio = (
            ("" if figure.peer is None else f"{figure.peer}"),
            ("" if figure.ratio is None else f"{figure.ratio}x"),
        )
        print(f"{figure.name:28} {figure.value:>12} {figure.unit:6} {peer:>12} {ratio:>8}")
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps([asdict(figure) for figure in figures], indent=2) + "\n")
    print(f"written to {os.path.relpath(OUT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
