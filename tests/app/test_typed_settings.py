"""Each kind of setting: what it takes from a flag, a variable and guard.toml, and that a message names the setting and where it stood."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from guard.cli.flags import Flags, split_flags
from guard.cli.known_settings import KNOWN, Kind
from guard.cli.settings import Chosen, load_settings
from guard.errors import GuardError
from tests.app.processes import run_here

DIGEST = "0x" + "ab" * 32
PIN = "#sha256=" + "cd" * 32

GOOD: list[tuple[str, str, Any]] = [
    ("policies", "elsewhere", "elsewhere"),
    ("pin", DIGEST, DIGEST),
    ("workers", "4", 4),
    ("round_every", "5s", 5),
    ("round_every", "2m", 120),
    ("behind_proxy", "true", True),
    ("behind_proxy", "false", False),
    ("listen", "0.0.0.0:8080", "0.0.0.0:8080"),
    ("listen", "[::1]:0", "[::1]:0"),
    ("listen", "unix:/run/api.sock", "unix:/run/api.sock"),
    ("server", "https://guard.example.org", "https://guard.example.org"),
    ("server", "https://10.0.0.1:8443" + PIN, "https://10.0.0.1:8443" + PIN),
    ("public_url", "https://guard.example.org/", "https://guard.example.org"),
    ("webhook_url", "https://hooks.example.org/guard?x=1", "https://hooks.example.org/guard?x=1"),
    ("database", "sqlite:////var/lib/guard.db", "sqlite:////var/lib/guard.db"),
    ("database", "postgresql+psycopg://guard@/guard?host=/run", "postgresql+psycopg://guard@/guard?host=/run"),
    ("log_format", "json", "json"),
    (
        "signers",
        "signer-a=unix:/a.sock,signer-b=https://b:1" + PIN,
        {"signer-a": "unix:/a.sock", "signer-b": "https://b:1" + PIN},
    ),
    ("chains", "local=http://127.0.0.1:8545", {"local": "http://127.0.0.1:8545"}),
]
BAD: list[tuple[str, str]] = [
    *(("workers", text) for text in ("", "0", "-1", "1.5", "+1", "two", "1_0", "٣", "9" * 16)),
    *(("round_every", text) for text in ("5", "0s", "5 s", "1.5s", "5w")),
    *(("behind_proxy", text) for text in ("yes", "1", "True", "")),
    *(("listen", text) for text in ("8080", "127.0.0.1", "127.0.0.1:99999", "unix:", "http://127.0.0.1:80")),
    *(("server", text) for text in ("ftp://a:1", "https://user@a:1", "https://a:1/path", "https://a:1#sha256=ab")),
    *(("public_url", text) for text in ("guard.example.org", "https://a/b", "https://a?b", "https://u:p@a")),
    *(("webhook_url", text) for text in ("hooks", "https://user:word@a/", "file:///etc/passwd", "https://a b")),
    *(("database", text) for text in ("mysql://a/b", "sqlite:///", "sqlite:memory", "postgresql://u@h/d")),
    *(("pin", text) for text in ("0x12", "ab" * 32)),
    ("log_format", "xml"),
    *(("signers", text) for text in ("signer-a", "=unix:x", "A=unix:x", "a=nowhere", "a=unix:x,a=unix:y")),
]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("name", "text", "value"), GOOD)
def test_a_value_of_its_kind_is_taken_from_a_variable_and_from_a_flag(name: str, text: str, value: Any) -> None:
    variable = f"GUARD_{name.upper()}"
    found = load_settings(Flags(), {variable: text}).settings[name]
    assert (found.value, found.origin) == (value, variable)
    if not isinstance(value, dict):
        flags, rest = split_flags([f"--{name.replace('_', '-')}={text}", "version"])
        assert rest == ["version"]
        assert load_settings(flags, {}).settings[name].value == value
        assert load_settings(flags, {}).settings[name].origin == "flag"


@pytest.mark.parametrize(("name", "text"), BAD)
def test_another_value_is_refused_by_name_and_origin(name: str, text: str) -> None:
    variable = f"GUARD_{name.upper()}"
    with pytest.raises(GuardError) as refused:
        load_settings(Flags(), {variable: text})
    assert refused.value.code == "cli.setting-value"
    assert refused.value.message.startswith(f"{name} from {variable} ")


WRITTEN: list[tuple[str, str, Any]] = [
    ("workers", "3", 3),
    ("behind_proxy", "true", True),
    ("round_every", '"1m"', 60),
    ("master_key", '"keys/master"', "{here}/keys/master"),
    ("database", '"sqlite:///guard.db"', "sqlite:///{here}/guard.db"),
    ("database", '"sqlite:////guard.db"', "sqlite:////guard.db"),
    ("listen", '"unix:api.sock"', "unix:{here}/api.sock"),
    ("server", '"unix:api.sock"', "unix:{here}/api.sock"),
    ("server", '"127.0.0.1:80"', "127.0.0.1:80"),
]


@pytest.mark.parametrize(("name", "written", "value"), WRITTEN)
def test_what_stands_in_guard_toml_has_its_own_type_and_its_paths_begin_there(
    name: str, written: str, value: Any, tmp_path: Path
) -> None:
    file = tmp_path / "folder" / "guard.toml"
    file.parent.mkdir()
    file.write_text(f"format = 1\n{name} = {written}\n")
    found = load_settings(Flags(config=file), {}).settings[name]
    expected = value.format(here=file.parent) if isinstance(value, str) else value
    assert (found.value, found.origin) == (expected, str(file))


@pytest.mark.parametrize(
    ("name", "written"),
    [
        *(("workers", each) for each in ('"3"', "true", "0", "1.0", "-1")),
        *(("behind_proxy", each) for each in ('"true"', "1")),
        *(("round_every", each) for each in ("5", '""')),
        *(("policies", each) for each in ("3", '""', "[]")),
        *(("signers", each) for each in ("[]", '"x"', '{ a = "" }', "{ a = 1 }")),
    ],
)
def test_a_wrong_type_in_guard_toml_is_refused(name: str, written: str, tmp_path: Path) -> None:
    (tmp_path / "guard.toml").write_text(f"format = 1\n{name} = {written}\n")
    with pytest.raises(GuardError) as refused:
        load_settings(Flags(), {})
    assert refused.value.code == "cli.setting-value"
    assert refused.value.message.startswith(f"{name} from guard.toml ")


def test_an_unknown_name_is_refused_with_the_one_that_may_be_meant(tmp_path: Path) -> None:
    with pytest.raises(GuardError) as refused:
        load_settings(Flags(), {"GUARD_DATABSE": "x"})
    assert (refused.value.code, refused.value.hint) == ("cli.setting-unknown", "did you mean database?")
    (tmp_path / "guard.toml").write_text("format = 1\nmaster-key = 'x'\n")
    with pytest.raises(GuardError) as refused:
        load_settings(Flags(), {})
    assert refused.value.hint == "did you mean master_key?"


def test_what_says_where_things_lie_is_no_setting_and_no_error() -> None:
    elsewhere = {"GUARD_HOME": "/h", "GUARD_CONTEXT": "main"}
    assert set(load_settings(Flags(), elsewhere).settings) == {known.name for known in KNOWN}


def test_a_context_stands_between_variables_and_guard_toml(tmp_path: Path) -> None:
    named = tmp_path / "other.toml"
    named.write_text('format = 1\nserver = "https://written"\npolicies = "p"\n')
    context = Chosen("main", config=named, texts={"server": "https://chosen"})
    settings = load_settings(Flags(), {}, context)
    assert (settings.settings["server"].value, settings.settings["server"].origin) == ("https://chosen", "context main")
    assert settings.settings["policies"].value == str(tmp_path / "p")
    assert load_settings(Flags(), {"GUARD_SERVER": "https://said"}, context).text("server") == "https://said"
    flags, _ = split_flags(["--server", "https://flagged", "--context", "main"])
    assert flags.context == "main"
    assert load_settings(flags, {"GUARD_SERVER": "https://said"}, context).text("server") == "https://flagged"


def test_a_flag_that_is_true_takes_no_value() -> None:
    flags, rest = split_flags(["--listen-plaintext-on-private-network", "serve"])
    assert rest == ["serve"]
    assert load_settings(flags, {}).is_set("listen_plaintext_on_private_network")
    assert not load_settings(Flags(), {}).is_set("listen_plaintext_on_private_network")


def test_every_secret_is_named_by_the_path_of_its_file() -> None:
    secret = [known for known in KNOWN if any(word in known.name for word in ("password", "secret", "key", "token"))]
    assert {known.name for known in secret} == {
        *("executor_password_file", "database_password_file", "master_key", "certificate_key", "webhook_secret"),
    }
    assert all(known.kind is Kind.PATH for known in secret)


def test_what_is_dangerous_says_so_and_is_off() -> None:
    dangerous = [known for known in KNOWN if known.about.startswith("dangerous")]
    assert [known.name for known in dangerous] == ["listen_plaintext_on_private_network"]
    assert all(known.default is False for known in KNOWN if known.kind is Kind.FLAG)


def test_config_show_tells_value_and_origin_of_every_setting() -> None:
    told = run_here("config", "show", settings={"round_every": "90s", "behind_proxy": "true"}).json
    assert list(told) == [known.name for known in KNOWN]
    assert told["round_every"] == {"value": "90s", "origin": "GUARD_ROUND_EVERY"}
    assert told["behind_proxy"] == {"value": True, "origin": "GUARD_BEHIND_PROXY"}
    assert told["master_key"] == {"value": None, "origin": "not given"}
    assert told["listen"] == {"value": "127.0.0.1:8080", "origin": "default"}


def test_a_setting_that_is_missing_is_asked_for_by_name() -> None:
    settings = load_settings(Flags(), {})
    for ask in (settings.require_path, settings.require_text):
        with pytest.raises(GuardError, match="setting master_key is not given") as refused:
            ask("master_key")
        assert refused.value.code == "cli.setting-missing"


def test_options_of_a_command_come_before_everything() -> None:
    flags = split_flags(["--listen", "127.0.0.1:1"])[0].having(listen="127.0.0.1:2", workers=None)
    assert load_settings(flags, {}).text("listen") == "127.0.0.1:2"
