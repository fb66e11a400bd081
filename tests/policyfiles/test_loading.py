import tomllib
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guard.bundles.bundle import compute_bundle_digest
from guard.core.ids import NO_DIGEST
from guard.errors import GuardError
from guard.policyfiles.loading import FILES, check_policy, load_draft, load_policy, to_bundle
from tests.policyfiles.directories import SAMPLE, copy_sample, line_of, problem_of, replace_in
from tests.policyfiles.test_sample import GOLDEN_BUNDLE
from tests.policyfiles.toml_writer import to_toml

ADDRESS_LINE = 'address = "0xBeCd35651da4CFc612fa24870a1181cc7Fd8A270"\n'


@given(st.integers(0, 2**32))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_of_tables_keys_and_sets_does_not_change_the_digest(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    for name in FILES:
        values = tomllib.loads((SAMPLE / name).read_text(encoding="utf-8"))
        (tmp_path / name).write_text(to_toml(values, random), encoding="utf-8")
    assert check_policy(tmp_path) == ()
    assert compute_bundle_digest(to_bundle(load_policy(tmp_path))) == GOLDEN_BUNDLE


def test_comments_and_space_do_not_change_the_digest(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    for path in directory.iterdir():
        path.write_text(path.read_text(encoding="utf-8").replace("\n", " # said\n\n\t"), encoding="utf-8")
    replace_in(directory, "rules.toml", "# said", "# gesagt: für jeden")
    assert compute_bundle_digest(to_bundle(load_policy(directory))) == GOLDEN_BUNDLE


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("treasury.toml", 'settle = "10m"', 'settle = "11m"'),
        ("treasury.toml", '"2027-11-30"', '"2027-11-30T00:00:01Z"'),
        ("people.toml", 'name = "Bob, treasurer"', 'name = "Bob, treasure"'),
        ("addresses.toml", 'tags = ["recurring"]', 'tags = ["recurrent"]'),
        ("rules.toml", '"10000 USDC"', '"10000.000001 USDC"'),
        ("rules.toml", "Payments to", "Payment to"),
    ],
)
def test_every_change_of_meaning_changes_the_digest(tmp_path: Path, file: str, old: str, new: str) -> None:
    directory = copy_sample(tmp_path)
    replace_in(directory, file, old, new)
    assert compute_bundle_digest(to_bundle(load_policy(directory))) != GOLDEN_BUNDLE


def test_two_ways_to_write_one_thing_have_one_digest(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    for file, old, new in [
        ("treasury.toml", '"2027-11-30"', '"2027-11-30T00:00:00Z"'),
        ("treasury.toml", '"48h"', '"2d"'),
        ("treasury.toml", "first_nonce = 0\nmax_unmined = 3\n", ""),
        ("rules.toml", '"10000 USDC"', '"10000.0 USDC"'),
        ("rules.toml", 'window = "24h" }', 'window = "1d", per = ["vault", "asset"] }'),
        ("people.toml", ', display = true },\n  { address = "0xB26', ' },\n  { address = "0xB26'),
    ]:
        replace_in(directory, file, old, new)
    assert compute_bundle_digest(to_bundle(load_policy(directory))) == GOLDEN_BUNDLE


def test_owners_may_be_written_in_their_long_form(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    signers = '["signer-d", "signer-b", "signer-c", "signer-a"]'
    entry = f"{{ from_nonce = 0, threshold = 3, signers = {signers} }}"
    short = 'threshold = 3\nsigners = ["signer-a", "signer-b", "signer-c", "signer-d"]\nfirst_nonce = 0'
    replace_in(directory, "treasury.toml", short, f"owners = [{entry}]")
    assert compute_bundle_digest(to_bundle(load_policy(directory))) == GOLDEN_BUNDLE
    later = entry.replace("from_nonce = 0, threshold = 3", "from_nonce = 7, threshold = 4")
    replace_in(directory, "treasury.toml", f"[{entry}]", f"[{entry}, {later}]")
    (vault,) = load_policy(directory).policy.vaults
    assert [(owners.from_nonce, owners.threshold) for owners in vault.owners] == [(0, 3), (7, 4)]


def test_a_date_expires_at_its_first_second() -> None:
    assert load_policy(SAMPLE).expires_at == 1_827_532_800


def test_proofs_are_read_and_never_enter_the_bundle(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    replace_in(directory, "people.toml", "display = true }", 'display = true, proof = "0x00ff" }')
    loaded = load_policy(directory)
    assert loaded.proofs == ((loaded.policy.roster.people[0].keys[0].address, b"\x00\xff"),)
    assert compute_bundle_digest(to_bundle(loaded)) == GOLDEN_BUNDLE


def test_a_vault_without_an_address_is_a_draft_only(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    replace_in(directory, "treasury.toml", ADDRESS_LINE, "")
    problem = problem_of(directory)
    assert problem.code == "policy.vault-not-deployed"
    assert problem.line == line_of(directory, "treasury.toml", "[[vault]]")
    assert problem.suggestion == "run guard vault deploy operations"
    draft = load_draft(directory)
    assert [(vault.id, vault.address) for vault in draft.vaults] == [("operations", None)]
    assert [signer.id for signer in draft.signers] == ["signer-a", "signer-b", "signer-c", "signer-d"]


def test_a_draft_with_anything_else_wrong_is_refused(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    replace_in(directory, "treasury.toml", ADDRESS_LINE, "")
    replace_in(directory, "treasury.toml", "withstands = 1", "withstands = 2")
    with pytest.raises(GuardError) as caught:
        load_draft(directory)
    assert caught.value.code == "policy.withstands"


def test_a_draft_of_a_whole_policy_has_its_addresses() -> None:
    assert [vault.address for vault in load_draft(SAMPLE).vaults] == ["0xBeCd35651da4CFc612fa24870a1181cc7Fd8A270"]


def test_a_later_version_needs_its_previous_bundle(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    replace_in(directory, "treasury.toml", "version = 1", "version = 2")
    loaded = load_policy(directory)
    with pytest.raises(GuardError) as caught:
        to_bundle(loaded)
    assert caught.value.code == "bundle.version"
    assert to_bundle(loaded, "0x" + "11" * 32).version == 2  # type: ignore[arg-type]
    assert to_bundle(load_policy(SAMPLE)).previous == NO_DIGEST


def test_an_error_says_where_what_and_what_next(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    replace_in(directory, "treasury.toml", "settle", "setle")
    with pytest.raises(GuardError) as caught:
        load_policy(directory)
    line = line_of(directory, "treasury.toml", "setle")
    said = f"treasury.toml:{line}: [numbers] has no key 'setle' [policy.key-unknown]; did you mean \"settle\"?"
    assert str(caught.value) == said
    assert caught.value.to_json()["details"] == {
        "file": "treasury.toml",
        "line": str(line),
        "suggestion": 'did you mean "settle"?',
    }
    assert check_policy(directory)[0].to_json()["line"] == line


def test_names_that_lead_nowhere_are_listed_up_to_a_hundred(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    many = ", ".join(f'"label-{place}"' for place in range(5000))
    replace_in(
        directory, "rules.toml", 'match.destination.label = ["exchange-deposit"]', f"match.destination.label = [{many}]"
    )
    assert len(check_policy(directory)) == 100
