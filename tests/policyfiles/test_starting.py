import re
from pathlib import Path

import pytest

from guard.core.policy import SignerIdentity
from guard.errors import AdapterError, GuardError
from guard.policyfiles.loading import FILES, check_policy, load_draft, load_policy
from guard.policyfiles.starting import write_starting_policy
from guard.policyfiles.writing import write_person, write_signer, write_vault_address
from tests.factories import SIGNERS, TREASURY, address_of, make_person, make_signer

UNFINISHED = {"policy.nothing-named", "policy.guardians-too-few", "policy.group-too-small"}


def test_the_starting_files_lack_nothing_but_what_only_their_author_knows(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "policies"
    write_starting_policy(directory, TREASURY, expires_on="2027-11-30")
    assert {problem.code for problem in check_policy(directory)} == UNFINISHED
    assert all(TREASURY in text for text in [(directory / "treasury.toml").read_text()])


def test_without_a_day_of_expiry_the_starting_policy_asks_for_one(tmp_path: Path) -> None:
    write_starting_policy(tmp_path / "policies", TREASURY)
    (problem,) = check_policy(tmp_path / "policies")
    assert (problem.code, problem.suggestion) == ("policy.key-missing", "add the line expires_at = ...")


def test_founding_leads_from_the_starting_files_to_a_policy_that_loads(tmp_path: Path) -> None:
    directory = tmp_path / "policies"
    write_starting_policy(directory, TREASURY, expires_on="2027-11-30")
    for name in FILES:
        path = directory / name
        path.write_text(re.sub(r"(?m)^#(?! \S)", "", path.read_text()))
    for signer in SIGNERS:
        write_signer(directory, with_port(make_signer(signer)))
    for person, groups in {
        "alice": ("finance", "policy-admins"),
        "bob": ("finance", "guardians"),
        "carol": ("guardians", "policy-admins", "security"),
        "dave": ("guardians", "policy-admins", "security"),
    }.items():
        write_person(directory, make_person(person, *groups))
    assert [problem.code for problem in check_policy(directory)] == ["policy.vault-not-deployed"]
    (vault,) = load_draft(directory).vaults
    write_vault_address(directory, vault.id, address_of("vault operations"))
    assert check_policy(directory) == ()
    policy = load_policy(directory).policy
    assert policy.treasury == TREASURY
    assert len(policy.rules) == 2 and len(policy.assets) == 2 and len(policy.book) == 1


def with_port(signer: SignerIdentity) -> SignerIdentity:
    return SignerIdentity(
        id=signer.id, owner=signer.owner, journal_key=signer.journal_key, stop_address="127.0.0.1:7421"
    )


def test_an_empty_directory_is_filled_and_a_used_one_is_left_alone(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    write_starting_policy(empty, TREASURY)
    before = {path.name: path.read_bytes() for path in empty.iterdir()}
    assert sorted(before) == list(FILES)
    with pytest.raises(GuardError) as caught:
        write_starting_policy(empty, TREASURY)
    assert caught.value.code == "policy.directory-in-use"
    assert {path.name: path.read_bytes() for path in empty.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["empty"]


def test_a_file_or_link_in_the_way_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    for name in ("file", "link"):
        with pytest.raises(GuardError) as caught:
            write_starting_policy(tmp_path / name, TREASURY)
        assert caught.value.code == "policy.directory-in-use"
    assert (tmp_path / "file").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_trouble(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(AdapterError) as caught:
        write_starting_policy(tmp_path / "file" / "policies", TREASURY)
    assert caught.value.code == "policy.file-unwritable"


@pytest.mark.parametrize(("treasury", "day"), [("0x00", ""), (TREASURY, "2027-02-29"), (TREASURY, "soon")])
def test_a_wrong_id_or_day_writes_nothing(tmp_path: Path, treasury: str, day: str) -> None:
    with pytest.raises(GuardError):
        write_starting_policy(tmp_path / "policies", treasury, expires_on=day)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
