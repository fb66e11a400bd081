import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.bundles.bundle import (
    MAX_BUNDLE_BYTES,
    Bundle,
    compute_bundle_digest,
    compute_roster_digest,
    parse_bundle,
    require_pinned,
    to_bytes,
    to_edition,
)
from guard.core.ids import NO_DIGEST
from guard.errors import GuardError
from guard.formats.canonical import compute_sha256, to_canonical
from tests.factories import (
    EXPIRES_AT,
    NOW,
    digest_of,
    make_book_entry,
    make_person,
    make_policy,
    make_roster,
    make_rule,
)


def make_bundle(**changes: Any) -> Bundle:
    return replace(Bundle(version=1, previous=NO_DIGEST, expires_at=EXPIRES_AT, policy=make_policy()), **changes)


def fields_of(bundle: Bundle) -> Any:
    return json.loads(to_bytes(bundle))


def refusal_of(raw: bytes, read: Callable[[bytes], Bundle] = parse_bundle) -> str:
    with pytest.raises(GuardError) as caught:
        read(raw)
    return caught.value.code


def test_a_bundle_survives_its_bytes_whole() -> None:
    bundle = make_bundle()
    assert parse_bundle(to_bytes(bundle)) == bundle


def test_the_digest_is_of_the_canonical_form_without_signatures() -> None:
    bundle = make_bundle()
    fields = fields_of(bundle)
    assert fields.pop("signatures") == []
    assert compute_bundle_digest(bundle) == compute_sha256(fields)


def test_everything_but_the_signatures_is_under_the_digest() -> None:
    digests = {
        compute_bundle_digest(bundle)
        for bundle in (
            make_bundle(),
            make_bundle(expires_at=EXPIRES_AT + 1),
            make_bundle(version=2, previous=digest_of("first")),
            make_bundle(version=3, previous=digest_of("first")),
            make_bundle(policy=make_policy(rules=(make_rule("other"),))),
        )
    }
    assert len(digests) == 5


def test_the_roster_digest_is_of_people_keys_and_groups_alone() -> None:
    policy = make_policy()
    roster = fields_of(make_bundle())["policy"]["roster"]
    assert set(roster) == {"groups", "people"}
    assert compute_roster_digest(policy) == compute_sha256(roster)
    assert compute_roster_digest(make_policy(rules=(make_rule("other"),))) == compute_roster_digest(policy)
    assert compute_roster_digest(make_policy(roster=make_roster(make_person("zoe")))) != compute_roster_digest(policy)


def test_a_pinned_bundle_is_the_first_one_with_exactly_that_digest() -> None:
    bundle = make_bundle()
    assert require_pinned(to_bytes(bundle), compute_bundle_digest(bundle)) == bundle


def test_a_bundle_with_another_digest_is_not_pinned() -> None:
    raw = to_bytes(make_bundle())
    assert refusal_of(raw, lambda raw: require_pinned(raw, digest_of("another"))) == "bundle.digest"


def test_a_later_bundle_is_not_pinned_even_with_its_digest() -> None:
    later = make_bundle(version=2, previous=digest_of("first"))
    digest = compute_bundle_digest(later)
    assert refusal_of(to_bytes(later), lambda raw: require_pinned(raw, digest)) == "bundle.version"


def test_only_the_first_version_has_no_previous_bundle() -> None:
    for version, previous in [(1, digest_of("first")), (2, NO_DIGEST)]:
        with pytest.raises(GuardError) as caught:
            make_bundle(version=version, previous=previous)
        assert caught.value.code == "bundle.version"
        fields = fields_of(make_bundle()) | {"version": version, "previous": previous}
        assert refusal_of(to_canonical(fields)) == "bundle.version"


def test_a_bundle_with_signatures_is_refused_until_succession_is_known() -> None:
    for signatures in ([{"kind": "eip712"}], ["0x00"], [""]):
        fields = fields_of(make_bundle()) | {"signatures": signatures}
        assert refusal_of(to_canonical(fields)) == "bundle.signatures"


def test_a_bundle_that_cannot_be_is_not_made() -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"format": 2}, "bundle.format"),
        ({"signatures": ("0x00",)}, "bundle.signatures"),
        ({"expires_at": 0}, "value.invalid"),
        ({"version": 0}, "value.invalid"),
        ({"previous": "0x00"}, "value.invalid"),
    ]
    for changes, code in cases:
        with pytest.raises(GuardError) as caught:
            make_bundle(**changes)
        assert caught.value.code == code


def test_a_bundle_of_another_format_is_refused() -> None:
    for number in (0, 2):
        assert refusal_of(to_canonical(fields_of(make_bundle()) | {"format": number})) == "bundle.format"
    assert refusal_of(to_canonical(fields_of(make_bundle()) | {"format": True})) == "json.field-type"


def test_only_the_canonical_bytes_are_a_bundle() -> None:
    raw = to_bytes(make_bundle())
    for other in (
        raw + b"\n",
        b" " + raw,
        json.dumps(json.loads(raw)).encode(),
        raw.replace(b'"format":1', b'"format":1.0'),
    ):
        assert refusal_of(other) in ("json.not-canonical", "json.number")


def test_a_field_that_stands_twice_is_refused() -> None:
    raw = to_bytes(make_bundle())
    assert refusal_of(raw.replace(b'"format":1', b'"format":1,"format":1')) == "json.duplicate-key"


@given(st.lists(st.tuples(st.integers(0, 10**5), st.integers(0, 9), st.binary(max_size=3)), min_size=1, max_size=3))
def test_changed_bytes_are_refused_or_are_the_bytes_of_what_was_read(changes: list[tuple[int, int, bytes]]) -> None:
    raw = to_bytes(make_bundle())
    for place, length, piece in changes:
        start = place % len(raw)
        raw = raw[:start] + piece + raw[start + length :]
    try:
        bundle = parse_bundle(raw)
    except GuardError:
        return
    assert to_bytes(bundle) == raw


def test_a_bundle_ends_at_its_size_limit() -> None:
    assert refusal_of(b"[" * (MAX_BUNDLE_BYTES + 1)) == "json.too-large"
    entries = tuple(make_book_entry(f"label-{place:05}") for place in range(2000))
    with pytest.raises(GuardError) as caught:
        to_bytes(make_bundle(policy=make_policy(book=entries)))
    assert caught.value.code == "json.too-large"


def test_whatever_reads_a_bundle_refuses_an_unsound_policy() -> None:
    unsound = make_bundle(policy=make_policy(book=(make_book_entry("exchange", chains=("nowhere",)),)))
    raw = to_canonical(fields_of(unsound))
    assert refusal_of(raw) == "policy.chain-unknown"
    assert refusal_of(raw, lambda raw: require_pinned(raw, compute_bundle_digest(unsound))) == "policy.chain-unknown"


def test_an_edition_enrols_every_key_at_its_activation() -> None:
    bundle = make_bundle()
    edition = to_edition(bundle, NOW)
    keys = {key.address for person in bundle.policy.roster.people for key in person.keys}
    assert edition.enrolled_at == dict.fromkeys(keys, NOW)
    assert edition.activated_at == NOW
    assert edition.digest == compute_bundle_digest(bundle)
    assert edition.roster_digest == compute_roster_digest(bundle.policy)
    assert (edition.version, edition.expires_at, edition.policy) == (1, EXPIRES_AT, bundle.policy)
