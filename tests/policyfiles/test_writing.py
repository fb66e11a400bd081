import resource
import tomllib
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from guard.core.ids import Address, SignerId
from guard.errors import AdapterError, GuardError
from guard.policyfiles.loading import load_draft, load_policy
from guard.policyfiles.problems import PolicyFileError
from guard.policyfiles.writing import write_person, write_signer, write_vault_address
from tests.factories import address_of, make_key, make_person, make_signer
from tests.policyfiles.directories import copy_sample, replace_in

ADDRESS_LINE = 'address = "0xBeCd35651da4CFc612fa24870a1181cc7Fd8A270"\n'


def snapshot(directory: Path) -> dict[str, bytes]:
    """Every file of the directory, hidden ones too: a refused edit leaves nothing behind."""
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_a_person_is_appended_and_nothing_else_changes(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    before = (directory / "people.toml").read_bytes()
    second = make_key("grace-second")
    person = make_person("grace", "finance", "guardians", keys=(make_key("grace"), second))
    person = replace(person, name='Grace "G" \\ Ü')
    write_person(directory, person, {person.keys[0].address: b"\x01\x02"})
    after = (directory / "people.toml").read_bytes()
    assert after.startswith(before)
    loaded = load_policy(directory)
    read = loaded.policy.roster.person(person.id)
    assert read is not None and replace(read, keys=person.keys) == person and set(read.keys) == set(person.keys)
    assert loaded.proofs == ((person.keys[0].address, b"\x01\x02"),)


def test_a_machine_is_written_without_groups(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    machine = make_person("payroll", machine=True)
    write_person(directory, machine)
    assert load_policy(directory).policy.roster.person(machine.id) == machine


def test_a_signer_is_appended_and_nothing_else_changes(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    before = (directory / "treasury.toml").read_bytes()
    signer = make_signer("signer-e", stop_address="127.0.0.1:7500")
    write_signer(directory, signer)
    assert (directory / "treasury.toml").read_bytes().startswith(before)
    assert load_policy(directory).policy.signer(SignerId("signer-e")) == signer


def test_a_file_without_a_last_line_end_or_with_windows_line_ends_keeps_them(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    path = directory / "people.toml"
    before = path.read_bytes().replace(b"\n", b"\r\n").removesuffix(b"\r\n")
    path.write_bytes(before)
    write_person(directory, make_person("grace", "finance"))
    after = path.read_bytes()
    assert after.startswith(before + b"\r\n") and after.count(b"\n") == after.count(b"\r\n")
    assert len(load_policy(directory).policy.roster.people) == 7


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"id": "alice"}, "policy.duplicate"),
        ({"keys": (make_key("grace", address="0x5F0D58296BE3bF8B176E8e99a87Ff761bf079Dc4"),)}, "policy.duplicate"),
        ({"groups": ("finanse",)}, "policy.group-unknown"),
        ({"name": "Gra\u202ece"}, "text.characters"),
        ({"name": ""}, "policy.empty"),
        ({"keys": ()}, "policy.empty"),
        ({"keys": (make_key("grace", address=address_of("grace").lower()),)}, "address.checksum"),
    ],
)
def test_a_person_that_would_not_load_is_not_written(tmp_path: Path, changes: dict[str, Any], code: str) -> None:
    directory = copy_sample(tmp_path)
    before = snapshot(directory)
    with pytest.raises(PolicyFileError) as caught:
        write_person(directory, replace(make_person("grace", "finance"), **changes))
    assert caught.value.code == code
    assert snapshot(directory) == before


def test_a_name_with_a_line_break_cannot_smuggle_in_another_table(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    before = snapshot(directory)
    for name in ('x"\n[[person]]\nid = "mallory', 'x"\ngroups = ["guardians"]\n#', "x\r\n"):
        with pytest.raises(GuardError):
            write_person(directory, replace(make_person("grace", "finance"), name=name))
    assert snapshot(directory) == before


def test_a_signer_that_is_there_already_is_not_written(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    there = load_policy(directory).policy.signers[0]
    fresh = make_signer("signer-e")
    before = snapshot(directory)
    for twin in (there, replace(fresh, id=there.id), replace(fresh, owner=there.owner)):
        with pytest.raises(PolicyFileError) as caught:
            write_signer(directory, twin)
        assert caught.value.code == "policy.duplicate"
    with pytest.raises(PolicyFileError):
        write_signer(directory, replace(fresh, journal_key=there.journal_key))
    assert snapshot(directory) == before


def test_what_was_wrong_before_does_not_stop_an_edit(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    replace_in(directory, "people.toml", 'groups = ["finance"]', 'groups = ["finanse"]')
    write_person(directory, make_person("grace", "finance"))
    with pytest.raises(PolicyFileError) as caught:
        load_policy(directory)
    assert caught.value.code == "policy.group-unknown"


def test_a_vault_gets_its_address_and_nothing_else_changes(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    replace_in(directory, "treasury.toml", ADDRESS_LINE, "")
    other = (
        '\n[[vault]]\nid = "cold"\nkind = "safe"\nchain = "ethereum" # said\nthreshold = 1\nsigners = ["signer-a"]\n'
    )
    path = directory / "treasury.toml"
    path.write_text(path.read_text() + other)
    before = tomllib.loads(path.read_text())
    comments = [line for line in path.read_text().split("\n") if "#" in line]
    write_vault_address(directory, "cold", address_of("vault cold"))
    after = tomllib.loads(path.read_text())
    assert after["vault"][1].pop("address") == address_of("vault cold")
    assert after == before
    assert [line for line in path.read_text().split("\n") if "#" in line] == comments
    assert f'# said\naddress = "{address_of("vault cold")}"\nthreshold = 1' in path.read_text()


def test_an_address_that_is_there_is_never_replaced(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    before = snapshot(directory)
    with pytest.raises(PolicyFileError) as caught:
        write_vault_address(directory, "operations", address_of("another"))
    assert caught.value.code == "policy.vault-deployed"
    write_vault_address(directory, "operations", Address("0xBeCd35651da4CFc612fa24870a1181cc7Fd8A270"))
    assert snapshot(directory) == before


def test_a_vault_that_is_not_there_is_named_with_a_guess(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    with pytest.raises(PolicyFileError) as caught:
        write_vault_address(directory, "operation", address_of("another"))
    assert (caught.value.code, caught.value.suggestion) == ("policy.vault-unknown", 'did you mean "operations"?')


def test_a_vault_written_inline_is_left_to_its_author(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    path = directory / "treasury.toml"
    head, _, _ = path.read_text().partition("[[vault]]")
    vault = (
        'vault = [{ id = "operations", kind = "safe", chain = "ethereum", threshold = 1, signers = ["signer-a"] }]\n'
    )
    path.write_text(head.replace("version = 1\n", "version = 1\n" + vault))
    before = path.read_bytes()
    with pytest.raises(GuardError) as caught:
        write_vault_address(directory, "operations", address_of("vault operations"))
    assert caught.value.code in ("policy.edit-refused", "policy.key-unknown")
    assert path.read_bytes() == before


def test_a_file_that_is_no_policy_file_is_not_edited(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    for text in ("person = 5\n", "format = 1\nperson = 5\n", "format = 1\n[person]\n", "format = 1\nperson = []\n"):
        (directory / "people.toml").write_text(text)
        with pytest.raises(PolicyFileError):
            write_person(directory, make_person("grace"))
        assert (directory / "people.toml").read_text() == text


def test_the_files_mode_is_kept_and_no_other_file_is_left(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    (directory / "people.toml").chmod(0o640)
    write_person(directory, make_person("grace", "finance"))
    assert (directory / "people.toml").stat().st_mode & 0o777 == 0o640
    assert sorted(snapshot(directory)) == ["addresses.toml", "people.toml", "rules.toml", "treasury.toml"]


def test_a_link_to_the_file_stays_a_link(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    kept = tmp_path / "kept.toml"
    (directory / "people.toml").rename(kept)
    (directory / "people.toml").symlink_to(kept)
    write_person(directory, make_person("grace", "finance"))
    assert (directory / "people.toml").is_symlink()
    assert b"grace" in kept.read_bytes()


def test_of_many_writers_at_once_none_loses_what_another_wrote(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    people = [make_person(f"person-{place}", "finance") for place in range(8)]
    writers = [Thread(target=write_person, args=(directory, person)) for person in people]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert {person.id for person in people} <= {person.id for person in load_policy(directory).policy.roster.people}


def test_a_missing_directory_is_trouble(tmp_path: Path) -> None:
    with pytest.raises(AdapterError) as caught:
        write_person(tmp_path / "nowhere", make_person("grace"))
    assert caught.value.code == "policy.file-unreadable"


def test_a_disk_that_takes_no_more_leaves_the_old_file_whole(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    before = snapshot(directory)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(AdapterError) as caught:
            write_person(directory, make_person("grace", "finance"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.code == "policy.file-unwritable"
    assert snapshot(directory) == before


def test_a_deployed_draft_loads(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    replace_in(directory, "treasury.toml", ADDRESS_LINE, "")
    (vault,) = load_draft(directory).vaults
    write_vault_address(directory, vault.id, address_of("vault operations"))
    assert load_policy(directory).policy.vaults == (vault.to_vault(address_of("vault operations")),)
