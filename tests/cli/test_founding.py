"""Founding commands without any chain: what they write, and what they refuse."""

import json
from pathlib import Path

import pytest

from tests.cli.road import PASSWORD, find_free_port, guard, require_done


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A treasury that was just begun."""
    path = tmp_path / "treasury"
    require_done("init", path, "--expires-on", "2030-01-01")
    return path


@pytest.fixture
def password(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    file.chmod(0o600)
    return file


def enrol(desk: Path, password: Path, person: str = "alice") -> str:
    key = desk / f"{person}.json"
    require_done("key", "new", key, "--light-kdf", "--password-file", password)
    named = ("--person", person, "--device", "laptop", "--treasury", desk)
    told = guard("key", "show", key, "--enrol", *named, "--password-file", password)
    assert told.status == 0, told
    assert told.out.count("\n") == 1
    return told.out


def add(desk: Path, line: str, person: str = "alice", *more: str) -> tuple[int, str]:
    about = ("--id", person, "--name", "Somebody", "--organisation", "company", *more)
    told = guard("--policies", desk / "policies", "people", "add", "--from", line, *about, "--json")
    return told.status, told.code if told.status else ""


def test_a_treasury_is_founded_once(desk: Path) -> None:
    before = (desk / "policies" / "treasury.toml").read_bytes()
    assert guard("init", desk, "--json").code == "cli.file-differs"
    assert (desk / "policies" / "treasury.toml").read_bytes() == before


def test_a_person_is_added_by_their_own_proof(desk: Path, password: Path) -> None:
    assert add(desk, enrol(desk, password), "alice", "--group", "finance") == (0, "")
    assert 'id = "alice"' in (desk / "policies" / "people.toml").read_text()


def test_a_line_for_another_treasury_person_or_device_adds_nobody(desk: Path, password: Path, tmp_path: Path) -> None:
    line = enrol(desk, password)
    other = tmp_path / "other"
    require_done("init", other)
    assert add(other, line) == (1, "cli.enrolment")
    assert add(desk, line, "bob") == (1, "cli.enrolment")
    changed = json.loads(line)
    changed["statement"]["device"] = "phone"
    assert add(desk, json.dumps(changed)) == (1, "signature.key")
    assert add(desk, "{}") == (1, "json.field-missing")
    assert add(desk, line, "alice", "--group", "nobodies")[1] == "policy.group-unknown"
    assert "alice" not in (desk / "policies" / "people.toml").read_text()


def test_the_same_person_twice_is_refused(desk: Path, password: Path) -> None:
    line = enrol(desk, password)
    assert add(desk, line) == (0, "")
    assert add(desk, line) == (1, "policy.duplicate")


def test_a_key_is_never_written_over(desk: Path, password: Path) -> None:
    enrol(desk, password)
    before = (desk / "alice.json").read_bytes()
    told = guard("key", "new", desk / "alice.json", "--light-kdf", "--password-file", password, "--json")
    assert told.code == "key.exists"
    assert (desk / "alice.json").read_bytes() == before


def make_signer(desk: Path, password: Path, name: str = "signer-a") -> str:
    told = guard(
        *("signer", "new", desk / name, "--id", name, "--command", f"unix:{desk / name}.sock"),
        *("--stop", f"127.0.0.1:{find_free_port()}", "--counter", desk / "counters" / name, "--treasury", desk),
        *("--endpoint", "ethereum=http://127.0.0.1:8545", "--light-kdf", "--password-file", password),
    )
    assert told.status == 0, told
    return told.out


def test_a_signer_is_added_by_both_of_its_proofs(desk: Path, password: Path) -> None:
    line = make_signer(desk, password)
    assert guard("--policies", desk / "policies", "signer", "add", "--from", line).status == 0
    assert 'id = "signer-a"' in (desk / "policies" / "treasury.toml").read_text()


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("owner", "0x5187A53883805a36AE45E1ac0724dDFaBb832387", "testimony.signature"),
        ("stop_address", "203.0.113.7:1", "testimony.signature"),
        ("treasury", "0x" + "22" * 32, "testimony.treasury"),
    ],
)
def test_a_signers_line_that_was_changed_adds_nobody(
    desk: Path, password: Path, field: str, value: str, code: str
) -> None:
    content = json.loads(make_signer(desk, password))
    content["fields"][field] = value
    told = guard("--policies", desk / "policies", "signer", "add", "--from", json.dumps(content), "--json")
    assert (told.status, told.code) == (1, code)
    assert "signer-a" not in (desk / "policies" / "treasury.toml").read_text().replace('#signers = ["signer-a"', "")


def test_a_signers_folder_is_made_once(desk: Path, password: Path) -> None:
    make_signer(desk, password)
    told = guard(
        *(
            "signer",
            "new",
            desk / "signer-a",
            "--id",
            "signer-a",
            "--command",
            "unix:/tmp/x.sock",
            "--stop",
            "127.0.0.1:1",
        ),
        *("--counter", desk / "counters" / "other", "--treasury", desk, "--endpoint", "ethereum=http://127.0.0.1:1"),
        *("--light-kdf", "--password-file", password, "--json"),
    )
    assert told.code == "signer.journal-exists"


def test_check_tells_every_problem_by_file_and_line_with_its_code(desk: Path) -> None:
    told = guard("--policies", desk / "policies", "policy", "check", "--json")
    assert told.status == 1
    assert told.json["problems"]
    assert all(each["file"].endswith(".toml") and each["line"] >= 1 and each["code"] for each in told.json["problems"])
    plain = guard("--policies", desk / "policies", "policy", "check")
    assert plain.status == 1
    assert ".toml:" in plain.out


def test_the_sample_policy_is_sound_and_builds(tmp_path: Path) -> None:
    sample = Path(__file__).parents[2] / "policies"
    assert guard("policy", "check", sample, "--json").json["sound"] is True
    bundle = tmp_path / "bundle.json"
    told = guard("--policies", sample, "policy", "build", "--out", bundle)
    assert told.status == 0, told
    digest = require_done("--policies", sample, "policy", "build", "--out", bundle)["digest"]
    groups = " ".join(digest[2 + at : 6 + at] for at in range(0, 64, 4))
    assert groups in told.out


def test_a_bundle_is_pinned_by_exactly_its_digest_and_treasury(desk: Path, password: Path, tmp_path: Path) -> None:
    make_signer(desk, password)
    bundle = tmp_path / "bundle.json"
    sample = Path(__file__).parents[2] / "policies"
    digest = require_done("--policies", sample, "policy", "build", "--out", bundle)["digest"]
    wrong = guard("signer", "pin", desk / "signer-a", "0x" + "33" * 32, "--bundle", bundle, "--json")
    assert (wrong.status, wrong.code) == (1, "bundle.digest")
    foreign = guard("signer", "pin", desk / "signer-a", digest, "--bundle", bundle, "--json")
    assert (foreign.status, foreign.code) == (1, "bundle.digest")


def test_an_unsound_policy_builds_no_bundle(desk: Path, tmp_path: Path) -> None:
    told = guard("--policies", desk / "policies", "policy", "build", "--out", tmp_path / "bundle.json", "--json")
    assert told.status == 1
    assert told.json["error"]["details"]["line"]
    assert not (tmp_path / "bundle.json").exists()
