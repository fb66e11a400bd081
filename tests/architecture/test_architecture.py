"""Holds the guard to its shape, and shows of each rule that it finds what it is there to find."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture import rules
from tests.architecture.sources import ROOT, Source, iter_calls, iter_imports, load_sources

LONG_FUNCTION = "def decide():\n" + "    pass\n" * 60

BREACHES: list[tuple[rules.Rule, str, str]] = [
    (rules.find_long_modules, "guard/core/decide.py", "x = 1\n" * 401),
    (rules.find_long_functions, "guard/core/decide.py", LONG_FUNCTION),
    (rules.find_wide_signatures, "guard/core/decide.py", "def decide(a, b, c, d, e, f): ...\n"),
    (rules.find_nameless_modules, "guard/core/utils.py", ""),
    (rules.find_nameless_modules, "guard/common/money.py", ""),
    (rules.find_authorisers, "guard/signer/release.py", "proof = decide.Authorization(transfer)\n"),
    (rules.find_authorisers, "guard/signer/release.py", "proof = object.__new__(Authorization)\n"),
    (rules.find_authorisers, "guard/signer/release.py", "from guard.core.decide import Authorization as Proof\n"),
    (rules.find_verifier_composers, "guard/signer/release.py", "verifier = Verifier(checks)\n"),
    (rules.find_verifier_composers, "guard/signer/release.py", "from guard.signer.verifier import Verifier as V\n"),
    (rules.find_clock_readers, "guard/signer/release.py", "import time\nnow = time.time()\n"),
    (rules.find_clock_readers, "guard/signer/release.py", "from time import time_ns\n"),
    (rules.find_clock_readers, "guard/signer/release.py", "now = datetime.datetime.now(UTC)\n"),
    (rules.find_clock_readers, "guard/signer/release.py", "clock = datetime.now\n"),
    (rules.find_impurities, "guard/core/decide.py", "import coincurve\n"),
    (rules.find_impurities, "guard/statements/recovery.py", "import eth_account\n"),
    (rules.find_impurities, "guard/statements/recovery.py", "from http import client\n"),
    (rules.find_impurities, "guard/bundles/bundle.py", "text = open('bundle.json')\n"),
    (rules.find_inexact_numbers, "guard/core/limits.py", "half = 0.5\n"),
    (rules.find_inexact_numbers, "guard/core/limits.py", "half = amount_units / 2\n"),
    (rules.find_inexact_numbers, "guard/core/limits.py", "half = float(amount_units)\n"),
    (rules.find_prints, "guard/signer/release.py", "print('signed')\n"),
    (rules.find_environment_readers, "guard/signer/release.py", "import os\nx = os.environ['SKIP']\n"),
    (rules.find_environment_readers, "guard/signer/release.py", "from os import getenv\n"),
    (rules.find_broad_catches, "guard/signer/release.py", "try:\n    sign()\nexcept Exception:\n    pass\n"),
    (rules.find_broad_catches, "guard/signer/release.py", "try:\n    sign()\nexcept:\n    pass\n"),
    (rules.find_stubs, "guard/signer/release.py", "def sign():\n    raise NotImplementedError\n"),
]

KEPT: list[tuple[rules.Rule, str, str]] = [
    (rules.find_long_modules, "guard/core/decide.py", "x = 1\n" * 400),
    (rules.find_long_functions, "guard/core/decide.py", LONG_FUNCTION.removesuffix("    pass\n")),
    (rules.find_wide_signatures, "guard/core/decide.py", "def decide(self, a, b, c, d, e, *, f): ...\n"),
    (rules.find_authorisers, "guard/core/decide.py", "proof = Authorization(transfer)\n"),
    (rules.find_verifier_composers, "guard/app/signer.py", "verifier = Verifier(checks)\n"),
    (rules.find_clock_readers, "guard/signer/clock.py", "now = time.time()\n"),
    (rules.find_clock_readers, "guard/signer/endpoint.py", "until = time.monotonic() + 5\n"),
    (rules.find_impurities, "guard/statements/recovery.py", "import coincurve\nfrom hashlib import sha256\n"),
    (rules.find_inexact_numbers, "guard/core/limits.py", "half = amount_units // 2\nok = isinstance(x, float)\n"),
    (rules.find_prints, "guard/cli/show.py", "print('shown')\n"),
    (rules.find_environment_readers, "guard/cli/settings.py", "x = os.environ\n"),
    (
        rules.find_broad_catches,
        "guard/signer/release.py",
        "try:\n    sign()\nexcept Exception:\n    stop()\n    raise\n",
    ),
]


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_no_module_of_the_guard_breaks_the_rule(rule: rules.Rule) -> None:
    assert [breach for source in load_sources() for breach in rule(source)] == []


@pytest.mark.parametrize(("rule", "name", "text"), BREACHES)
def test_the_rule_finds_a_breach(rule: rules.Rule, name: str, text: str) -> None:
    assert list(rule(Source(name, text)))


@pytest.mark.parametrize(("rule", "name", "text"), KEPT)
def test_the_rule_leaves_alone_what_keeps_it(rule: rules.Rule, name: str, text: str) -> None:
    assert list(rule(Source(name, text))) == []


def test_every_rule_is_shown_to_find_a_breach() -> None:
    assert {rule for rule, _, _ in BREACHES} == set(rules.RULES)


def test_every_listed_process_boundary_exists() -> None:
    assert [name for name in rules.PROCESS_BOUNDARIES if not (ROOT / name).is_file()] == []


def test_rooms_import_only_inwards() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([lint, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


def test_no_test_replaces_a_part_by_a_mock() -> None:
    mocks = ("unittest.mock", "mock", "pytest_mock")
    found = [
        source.at(node, name)
        for source in load_sources("tests")
        for node, name in iter_imports(source)
        if name in mocks or name.startswith("unittest.mock.")
    ]
    patched = [
        source.at(call, called)
        for source in load_sources("tests")
        for call, called in iter_calls(source)
        if called in ("monkeypatch.setattr", "mocker.patch")
    ]
    assert found + patched == []
