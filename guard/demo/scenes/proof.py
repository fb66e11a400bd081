"""What moved, and what anybody can check of it without us."""

from __future__ import annotations

from pathlib import Path

from guard.core.ids import TransferId
from guard.demo.grounds import draw_address
from guard.demo.stage import USDC, Stage
from guard.demo.telling import Teller

MOVED = {"vault": -74_000, "supplier": 9_000, "exchange": 60_000, "payroll": 5_000, "thief": 0}


def read_balances(stage: Stage) -> dict[str, int]:
    """The tokens of everybody in the story."""
    accounts = {name: stage.safe if name == "vault" else draw_address(name) for name in MOVED}
    return {name: stage.usdc_of(account) for name, account in accounts.items()}


def show_balances(teller: Teller, stage: Stage, before: dict[str, int]) -> None:
    """Before and after, from the chain: exactly what was approved has moved."""
    after = read_balances(stage)
    rows = [(name, f"{before[name] / USDC:,.0f}", f"{after[name] / USDC:,.0f}") for name in before]
    teller.show_table("USDC on chain", ("account", "before", "after"), rows)
    moved = {name: after[name] - before[name] for name in before}
    wanted = {name: amount * USDC for name, amount in MOVED.items()}
    teller.check(moved == wanted, "exactly the three approved payments have moved, and nothing else")


def fetch_evidence(teller: Teller, stage: Stage, transfer_id: TransferId) -> Path:
    """The evidence of a release, fetched while the server still runs."""
    file = stage.grounds.folder / "evidence.json"
    said = stage.commands_of("bob").run("evidence", transfer_id, "--out", str(file))
    teller.check(said.status == 0, "bob fetches the evidence of the first payment, and his machine verifies it")
    return file


def check_evidence(teller: Teller, stage: Stage, file: Path) -> None:
    """Anybody can check the first release without us; one changed byte is refused."""
    anybody = stage.operator
    verified = anybody.run("verify", str(file), "--pin", stage.digest)
    size = file.stat().st_size
    teller.check(verified.status == 0, f"guard verify accepts it with the server gone ({size} bytes, offline)")
    raw = bytearray(file.read_bytes())
    raw[raw.index(b"approval")] ^= 1
    changed = file.with_name("changed.json")
    changed.write_bytes(bytes(raw))
    refused = anybody.run("verify", str(changed), "--pin", stage.digest)
    teller.check(refused.status != 0 and bool(refused.code), f"one byte changed: refused ({refused.code})")
    elsewhere = anybody.run("verify", str(file), "--pin", "0x" + "11" * 32)
    teller.check(elsewhere.status != 0, f"another policy pinned: refused ({elsewhere.code})")
