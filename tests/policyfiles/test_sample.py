import re
import tomllib

from guard.bundles.bundle import compute_bundle_digest, compute_roster_digest, parse_bundle, to_bytes
from guard.core.roster import GUARDIANS, POLICY_ADMINS
from guard.formats.keccak import keccak256, to_address, to_digest
from guard.policyfiles.loading import check_policy, load_policy, to_bundle
from tests.policyfiles.directories import SAMPLE

GOLDEN_BUNDLE = "0xa89a336c9f61004a7cdf47e1784031d48d983ac2530cee9bb5f4d3112a3eb1d9"
GOLDEN_ROSTER = "0x5ec00d7b51e360f8e8cf56a2dcef292808d9588b9595d13a3c4e209437db4da2"
USDC_CONTRACT = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"


def example(name: str) -> bytes:
    return keccak256(f"treasury-guard example: {name}".encode())


def test_the_sample_checks_clean() -> None:
    assert check_policy(SAMPLE) == ()


def test_the_samples_digests_are_golden() -> None:
    # A digest that changes voids every pin and every approval in the world; change these lines with the sample alone.
    loaded = load_policy(SAMPLE)
    assert compute_bundle_digest(to_bundle(loaded)) == GOLDEN_BUNDLE
    assert compute_roster_digest(loaded.policy) == GOLDEN_ROSTER


def test_the_samples_bundle_survives_its_bytes_whole() -> None:
    bundle = to_bundle(load_policy(SAMPLE))
    assert parse_bundle(to_bytes(bundle)) == bundle


def test_the_sample_has_the_shape_that_the_manuals_speak_of() -> None:
    policy = load_policy(SAMPLE).policy
    assert [person.id for person in policy.roster.people] == ["alice", "bob", "carol", "dave", "erin", "frank"]
    assert len(policy.roster.members(GUARDIANS)) >= 3
    assert len(policy.roster.members(POLICY_ADMINS)) > dict(policy.change.approvals)[POLICY_ADMINS]
    assert [(asset.id, asset.decimals) for asset in policy.assets] == [("ETH", 18), ("USDC", 6)]
    assert {len(rule.tiers) for rule in policy.rules if rule.tiers} == {3}
    assert sum(len(rule.limits) for rule in policy.rules) >= 4
    (vault,) = policy.vaults
    assert (vault.owners[0].threshold, len(vault.owners[0].signers), policy.numbers.withstands) == (3, 4, 1)


def test_no_key_of_the_sample_belongs_to_anybody() -> None:
    texts = [path.read_text(encoding="utf-8") for path in SAMPLE.glob("*.toml")]
    found = {each for text in texts for each in re.findall(r"0x[0-9a-fA-F]+", text)}
    names = ["treasury", "vault operations", "second key of carol"]
    names += [f"key of {person}" for person in ("alice", "bob", "carol", "dave", "erin", "frank")]
    names += [f"owner of signer-{letter}" for letter in "abcd"] + [
        f"journal key of signer-{letter}" for letter in "abcd"
    ]
    entries = tomllib.loads((SAMPLE / "addresses.toml").read_text(encoding="utf-8"))["address"]
    names += [f"address of {entry['label']}" for entry in entries]
    made = {to_address(example(name)[12:]) for name in names} | {to_digest(example(name)) for name in names}
    assert found - made == {USDC_CONTRACT, "0x" + "00" * 20}
