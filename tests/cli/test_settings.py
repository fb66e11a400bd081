"""Settings: flags, variables, guard.toml, defaults, in this order; unknown names are errors; each value tells its origin."""

from pathlib import Path

import pytest

from guard.cli.flags import split_flags
from tests.cli.road import guard

TOML = 'format = 1\npolicies = "from-file"\n[signers]\nsigner-a = "unix:a.sock"\n'


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def show(*before: str) -> dict[str, dict[str, object]]:
    told = guard(*before, "config", "show", "--json")
    assert told.status == 0, told
    return told.json


def test_defaults_come_last() -> None:
    assert show()["policies"] == {"value": "policies", "origin": "default"}
    assert show()["executor"] == {"value": None, "origin": "not given"}


def test_guard_toml_comes_before_defaults_and_is_read_from_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "guard.toml").write_text(TOML)
    assert show()["policies"]["value"] == "from-file"
    assert show("--config", str(tmp_path / "guard.toml"))["signers"]["value"] == {"signer-a": f"unix:{tmp_path}/a.sock"}


def test_a_variable_comes_before_guard_toml_and_a_flag_before_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "guard.toml").write_text(TOML)
    monkeypatch.setenv("GUARD_POLICIES", "from-variable")
    assert show()["policies"] == {"value": "from-variable", "origin": "GUARD_POLICIES"}
    assert show("--policies", "from-flag")["policies"] == {"value": "from-flag", "origin": "flag"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "cli.setting-value"),
        ("format = 2\n", "cli.setting-value"),
        ("format = true\n", "cli.setting-value"),
        ("format = 1\npolices = 'x'\n", "cli.setting-unknown"),
        ("format = 1\npolicies = 3\n", "cli.setting-value"),
        ("format = 1\npolicies = ''\n", "cli.setting-value"),
        ("format = 1\nsigners = []\n", "cli.setting-value"),
        ("format = 1\n[signers]\nA = 'unix:x'\n", "cli.setting-value"),
        ("format = 1\npin = 'abc'\n", "cli.setting-value"),
        ("format = ", "cli.setting-value"),
    ],
)
def test_a_configuration_that_is_not_right_is_refused(tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "guard.toml").write_text(text)
    told = guard("config", "show", "--json")
    assert (told.status, told.code) == (1, code)


def test_an_unknown_variable_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GUARD_SKIP_CHECKS", "1")
    assert guard("config", "show", "--json").code == "cli.setting-unknown"


def test_a_configuration_that_is_named_must_be_there() -> None:
    assert guard("--config", "nowhere.toml", "config", "show", "--json").code == "cli.file-missing"


def test_flags_end_where_the_command_begins() -> None:
    flags, rest = split_flags(["--signer", "a=unix:x", "--signer=b=unix:y", "release", "--config", "x"])
    assert flags.tables == {"signers": ("a=unix:x", "b=unix:y")}
    assert rest == ["release", "--config", "x"]


@pytest.mark.parametrize("line", [["--config"], ["--pin", "a", "--pin", "b", "version"]])
def test_a_flag_without_a_value_or_twice_is_wrong_usage(line: list[str]) -> None:
    told = guard(*line, "--json") if len(line) > 1 else guard(*line)
    assert told.status == 2


@pytest.mark.parametrize("line", [["nope"], ["approve"], ["approve", "x", "--nope"], ["cancel", "v", "minus"], ["key"]])
def test_wrong_usage_has_a_status_of_its_own(line: list[str]) -> None:
    assert guard(*line).status == 2


def test_every_command_has_help_and_says_what_it_does() -> None:
    top = guard("--help").out
    for line in (["key", "new"], ["signer", "run"], ["policy", "check"], ["vault", "deploy"], ["release"], ["verify"]):
        assert line[0] in top
        told = guard(*line, "--help")
        assert told.status == 0
        assert f"Usage: guard {' '.join(line)} " in told.out


def test_an_error_code_is_explained_and_a_wrong_one_gets_a_suggestion() -> None:
    assert "9000 USDC" in guard("error", "amount.unit").out
    told = guard("error", "amount.units", "--json")
    assert told.status == 1
    assert told.json["error"]["next"] == "did you mean amount.unit?"


def test_without_a_bundle_the_next_step_is_named(tmp_path: Path) -> None:
    told = guard("watch", "--once", "--json")
    assert (told.status, told.code) == (1, "cli.not-built")
