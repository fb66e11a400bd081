"""Contexts: which server is meant, who chooses it, and that what lies on the disk is for its owner alone."""

import json
from pathlib import Path

import pytest

from tests.cli.road import Told, guard

URL = "https://guard.example.com"


def context(*arguments: str | Path) -> Told:
    return guard("context", *arguments, "--json")


def server_of(*flags: str | Path) -> tuple[object, str]:
    told = guard(*flags, "config", "show", "--json")
    assert told.status == 0, told
    return told.json["server"]["value"], told.json["server"]["origin"]


def test_a_context_is_added_used_shown_and_removed(home: Path, tmp_path: Path) -> None:
    config = tmp_path / "guard.toml"
    config.write_text("format = 1\n")
    added = context("add", "main", "--server", URL, "--config", config)
    assert added.json["in_use"] is True
    assert context("add", "second", "--server", "http://127.0.0.1:8080").json["in_use"] is False
    assert [each["name"] for each in context("list").json["contexts"]] == ["main", "second"]
    assert context("show").json["config"] == str(config)
    assert context("use", "second").status == 0
    assert context("show").json["server"] == "http://127.0.0.1:8080"
    assert context("remove", "second").status == 0
    assert context("list").json["current"] is None
    assert context("show").code == "cli.context-missing"
    assert (home / "contexts.json").stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o777 == 0o700


def test_flag_variable_context_file_come_in_this_order(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "guard.toml"
    config.write_text('format = 1\nserver = "http://127.0.0.1:1"\n')
    context("add", "first", "--server", "http://127.0.0.1:2", "--config", config)
    context("add", "second", "--server", "http://127.0.0.1:3")
    assert server_of() == ("http://127.0.0.1:2", "context first")
    assert server_of("--context", "second") == ("http://127.0.0.1:3", "context second")
    monkeypatch.setenv("GUARD_CONTEXT", "second")
    assert server_of() == ("http://127.0.0.1:3", "context second")
    assert server_of("--context", "first") == ("http://127.0.0.1:2", "context first")
    monkeypatch.setenv("GUARD_SERVER", "http://127.0.0.1:4")
    assert server_of() == ("http://127.0.0.1:4", "GUARD_SERVER")
    assert server_of("--server", "http://127.0.0.1:5") == ("http://127.0.0.1:5", "flag")


def test_a_named_configuration_stands_alone(home: Path, tmp_path: Path) -> None:
    """The context in use may be of another treasury; and a broken file of contexts must not keep anybody from freezing."""
    config = tmp_path / "guard.toml"
    config.write_text('format = 1\nserver = "http://127.0.0.1:1"\n')
    context("add", "other", "--server", "http://127.0.0.1:2")
    assert server_of("--config", config) == ("http://127.0.0.1:1", str(config))
    (home / "contexts.json").write_text("{")
    assert server_of("--config", config) == ("http://127.0.0.1:1", str(config))
    assert guard("config", "show", "--json").code == "cli.private-content"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("add", "Main", "--server", URL), "value.invalid"),
        (("add", "main", "--server", "ftp://guard.example.com"), "client.address"),
        (("add", "main", "--server", "https://guard.example.com/api"), "client.address"),
        (("add", "main", "--server", "https://you@guard.example.com"), "client.address"),
        (("add", "main", "--server", "http://guard.example.com"), "client.plaintext"),
        (("add", "main", "--server", URL, "--config", "nowhere.toml"), "cli.file-missing"),
        (("add", "main", "--server", URL, "--ca", "nowhere.pem"), "cli.file-missing"),
        (("add", "main", "--server", URL, "--public-url", "nonsense"), "client.address"),
        (("use", "main"), "cli.context-unknown"),
        (("remove", "main"), "cli.context-unknown"),
        (("show", "main"), "cli.context-unknown"),
    ],
)
def test_what_cannot_be_a_context_is_refused(home: Path, words: tuple[str, ...], code: str) -> None:
    told = context(*words)
    assert (told.status, told.code) == (1, code)
    assert not (home / "contexts.json").exists()


def test_a_name_keeps_its_meaning(home: Path) -> None:
    context("add", "main", "--server", URL)
    assert context("add", "main", "--server", URL).status == 0
    assert context("add", "main", "--server", "https://other.example.com").code == "cli.context-exists"
    assert context("show", "main").json["server"] == URL


def test_a_near_name_is_suggested(home: Path) -> None:
    context("add", "main", "--server", URL)
    assert guard("--context", "mian", "inbox", "--json").json["error"]["next"] == "did you mean main?"


def test_a_file_that_others_may_read_is_not_believed(home: Path) -> None:
    context("add", "main", "--server", URL)
    (home / "contexts.json").chmod(0o644)
    assert context("list").code == "cli.private-file"
    (home / "contexts.json").chmod(0o600)
    assert context("list").status == 0


@pytest.mark.parametrize(
    "content",
    [
        [],
        {"format": 2},
        {"format": 1, "current": None},
        {"format": 1, "current": "main", "contexts": []},
        {"format": 1, "current": None, "contexts": 3},
        {"format": 1, "current": None, "contexts": [{"name": "main"}]},
        {"format": 1, "current": 7, "contexts": []},
    ],
)
def test_a_file_that_this_program_did_not_write_is_refused(home: Path, content: object) -> None:
    home.mkdir()
    (home / "contexts.json").write_text(json.dumps(content))
    (home / "contexts.json").chmod(0o600)
    assert context("list").code == "cli.private-content"
