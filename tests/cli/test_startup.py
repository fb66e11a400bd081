"""Help comes quickly: it loads neither what signs nor what talks to anybody."""

import subprocess
import sys

import pytest

HEAVY = [
    "http.client",
    "ssl",
    "segno",
    "coincurve",
    "cryptography",
    "Crypto",
    "fastapi",
    "pydantic",
    "sqlalchemy",
    "web3",
]
LOOK = """
import sys
from guard.app.main import build_whole_app
from guard.cli.root import run
status = run(build_whole_app(), sys.argv[1:])
print("loaded:", ",".join(sorted(set({heavy!r}) & set(sys.modules))))
sys.exit(status)
"""


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["approve", "--help"],
        ["status", "--help"],
        ["context", "add", "--help"],
        ["totp", "enrol", "--help"],
    ],
)
def test_help_loads_nothing_that_is_slow(words: list[str]) -> None:
    command = [sys.executable, "-c", LOOK.format(heavy=HEAVY), *words]
    told = subprocess.run(command, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    assert told.stdout.splitlines()[-1] == "loaded: "
    assert "Usage: guard" in told.stdout


def test_every_command_is_told_by_the_help_of_all() -> None:
    told = subprocess.run([sys.executable, "-m", "guard", "--help"], capture_output=True, text=True, check=False)
    for name in ("context", "login", "totp", "inbox", "list", "show", "status", "log", "evidence", "withdraw", "serve"):
        assert f"\n  {name} " in told.stdout, name
