"""Holds what the repository carries besides code: its locks, and words that do not belong to the product."""

import json
import re
import subprocess
import tomllib
from functools import cache

import pytest

from tests.architecture.sources import ROOT

LOCKS = sorted((ROOT / "requirements").glob("*.lock"))

# Character classes keep these patterns from finding themselves.
FOREIGN_WORDS = {
    "left for later": re.compile(r"\b(T[O]DO|F[I]XME|X[X]X)\b"),
    "a path of one machine": re.compile(r"(?<![\w.~])/(wor[k]|roo[t]|hom[e]/\w+)/"),
    "the host of a registry": re.compile(r"pypi\.or[g]|pythonhosted\.or[g]|registry\.npmj[s]|deb\.debian\.or[g]"),
}
EXACT_TEXTS = frozenset(["LICENSE", "tests/node/package-lock.json"])


@cache
def load_texts() -> tuple[tuple[str, str], ...]:
    """Every text that is tracked, or would be with the next commit."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("optional part missing: git, or this is no clone")
    paths = [ROOT / name for name in listed.decode().split("\0") if name and name not in EXACT_TEXTS]
    files = [path for path in paths if path.is_file()]
    return tuple((path.relative_to(ROOT).as_posix(), path.read_text("utf-8", errors="replace")) for path in files)


@pytest.mark.parametrize("meaning", FOREIGN_WORDS)
def test_no_file_carries_foreign_words(meaning: str) -> None:
    pattern = FOREIGN_WORDS[meaning]
    found = [
        f"{name}:{number}: {line.strip()[:80]}"
        for name, text in load_texts()
        for number, line in enumerate(text.splitlines(), start=1)
        if pattern.search(line)
    ]
    assert found == []


def test_the_locks_are_there() -> None:
    assert {lock.stem for lock in LOCKS} == {"artifacts", "bootstrap", "demo", "dev", "runtime", "server"}
    assert not (ROOT / "uv.lock").exists()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_a_lock_names_hashes_and_no_address(lock: object) -> None:
    text = (ROOT / "requirements" / str(lock)).read_text()
    requirements = re.findall(
        r"^[A-Za-z0-9][^\n]*\\\n(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+", text, re.MULTILINE
    )
    assert requirements
    assert len(requirements) == len(re.findall(r"^[A-Za-z0-9]", text, re.MULTILINE))
    assert "://" not in text


def test_the_narrow_locks_hold_the_same_versions_as_the_wide_one() -> None:
    wide = load_versions("dev")
    for narrow in ("runtime", "server", "demo"):
        assert load_versions(narrow).items() <= wide.items()


def read_asked(name: str) -> list[str]:
    lines = (ROOT / "requirements" / f"{name}.in").read_text().splitlines()
    asked = [line.partition("#")[0].strip() for line in lines]
    return [line for line in asked if line and not line.startswith("-r ")]


def test_the_package_asks_for_what_the_locks_are_made_from() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["dependencies"] == read_asked("runtime")
    assert project["optional-dependencies"] == {"server": read_asked("server")}


def test_the_npm_lock_names_hashes_and_no_address() -> None:
    text = (ROOT / "tests" / "node" / "package-lock.json").read_text()
    packages = {name: entry for name, entry in json.loads(text)["packages"].items() if name}
    assert all(entry["integrity"].startswith("sha512-") for entry in packages.values())
    assert not any("resolved" in entry for entry in packages.values())
    assert "://" not in text


def load_versions(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / f"{name}.lock").read_text()
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", text, re.MULTILINE))
