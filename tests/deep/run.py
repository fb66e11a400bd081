"""Runs the long profiles of the same tests and records a run that passed in docs/DEEP.md.

A run that failed records nothing: it prints its seed, with which it can be repeated (`TEST_SEED=... make deep`).
Figures come from the tests themselves, by pytest's `record_property(name, value)`.
"""

import os
import platform
import random
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "build" / "deep.xml"
RECORD = ROOT / "docs" / "DEEP.md"
WORKERS = os.environ.get("WORKERS", "2")

INTRODUCTION = """# The long run

`make deep` runs the same tests as `make test` with the profile `deep`: thousands of examples for each property, state
searches and crash points without gaps, and a seed chosen anew. It takes long, so it is run by hand before a release.
That command writes this page, which shows the last run that passed; `TEST_SEED=<seed> make deep` repeats one.
"""


@dataclass(frozen=True, slots=True)
class Case:
    """One test as the run reports it."""

    room: str
    name: str
    seconds: float
    outcome: str
    figures: tuple[tuple[str, str], ...]


def main() -> int:
    """Runs, and records when everything passed; the exit status is pytest's."""
    seed = os.environ.get("TEST_SEED") or str(random.SystemRandom().randrange(2**32))
    print(f"deep: seed {seed}", flush=True)
    began = time.monotonic()
    status = run_tests(seed)
    took = time.monotonic() - began
    if status != 0:
        print(f"deep: failed after {took:.0f} s; repeat with TEST_SEED={seed} make deep; docs/DEEP.md is unchanged")
        return status
    cases = tuple(load_cases(RESULTS))
    RECORD.write_text("\n".join(render_record(cases, seed, took)) + "\n", encoding="utf-8")
    print(f"deep: passed in {took:.0f} s, recorded in docs/DEEP.md")
    return 0


def run_tests(seed: str) -> int:
    RESULTS.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "pytest", "-n", WORKERS, "--dist", "worksteal", f"--junitxml={RESULTS}"]
    command += [f"--hypothesis-seed={seed}", "-o", "faulthandler_timeout=0", *sys.argv[1:]]
    return subprocess.run(command, cwd=ROOT, env=os.environ | {"TEST_PROFILE": "deep"}, check=False).returncode


def load_cases(results: Path) -> Iterator[Case]:
    """Reads what pytest wrote. The file is our own, so that the standard library's parser may read it."""
    for case in ET.parse(results).getroot().iter("testcase"):  # noqa: S314
        parts = case.get("classname", "").split(".")
        figures = tuple((each.get("name", ""), each.get("value", "")) for each in case.iter("property"))
        outcome = next((kind for kind in ("failure", "error", "skipped") if case.find(kind) is not None), "passed")
        room = parts[1] if len(parts) > 2 else "tests"
        yield Case(room, case.get("name", ""), float(case.get("time", "0")), outcome, figures)


def render_record(cases: tuple[Case, ...], seed: str, took: float) -> Iterator[str]:
    count: dict[str, int] = defaultdict(int)
    for case in cases:
        count[case.outcome] += 1
    yield INTRODUCTION
    yield "| the last run | |"
    yield "| --- | --- |"
    yield f"| date | {datetime.now(UTC):%Y-%m-%d %H:%M} UTC |"
    yield f"| commit | {describe_commit()} |"
    yield f"| seed | {seed} |"
    yield f"| Python | {platform.python_version()}, {platform.system()}, {os.cpu_count()} cores, {WORKERS} workers |"
    yield f"| which | {' '.join(sys.argv[1:]) or 'all of them'} |"
    yield f"| tests | {count['passed']} passed, {count['skipped']} not run |"
    yield f"| took | {took:.0f} s |"
    yield from render_rooms(cases)
    yield from render_figures(cases)
    yield from render_skipped(cases)


def describe_commit() -> str:
    def ask(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()

    commit = ask("rev-parse", "--short=12", "HEAD") or "none yet"
    changed = ask("status", "--porcelain", "--", ".", ":(exclude)docs/DEEP.md")
    return f"{commit}, with changes that were not committed" if changed else commit


def render_rooms(cases: tuple[Case, ...]) -> Iterator[str]:
    rooms: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        rooms[case.room].append(case)
    yield "\n## By room\n"
    yield "| room | tests | seconds | longest test | its seconds |"
    yield "| --- | ---: | ---: | --- | ---: |"
    for room, own in sorted(rooms.items()):
        longest = max(own, key=lambda case: case.seconds)
        total = sum(case.seconds for case in own)
        yield f"| {room} | {len(own)} | {total:.1f} | `{to_cell(longest.name)}` | {longest.seconds:.1f} |"


def render_figures(cases: tuple[Case, ...]) -> Iterator[str]:
    figures = [(case, name, value) for case in cases for name, value in case.figures]
    if not figures:
        return
    yield "\n## Figures\n"
    yield "| test | figure | value |"
    yield "| --- | --- | ---: |"
    for case, name, value in sorted(figures, key=lambda figure: (figure[0].name, figure[1])):
        yield f"| `{to_cell(case.name)}` | {to_cell(name)} | {to_cell(value)} |"


def render_skipped(cases: tuple[Case, ...]) -> Iterator[str]:
    skipped = [case for case in cases if case.outcome == "skipped"]
    if skipped:
        yield "\n## Not run\n"
        yield from (f"* `{to_cell(case.name)}`" for case in skipped)


def to_cell(text: str) -> str:
    shown = text.replace("|", "\\|").replace("\n", " ")
    return shown if len(shown) <= 120 else shown[:119] + "…"


if __name__ == "__main__":
    sys.exit(main())
