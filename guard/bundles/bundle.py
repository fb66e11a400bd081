"""The bundle: a policy with its version, its predecessor and its end, as the bytes that people compare and signers pin.

The form is final: succession adds signatures and later versions and changes no byte of it. This module reads no
clock; whether a bundle has expired is for `decide` to say.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any

from guard.bundles import policy_json, roster_json
from guard.bundles.soundness import require_sound
from guard.core.ids import NO_DIGEST, Digest, is_count, is_digest
from guard.core.policy import Edition, Policy
from guard.core.refusing import require
from guard.errors import GuardError
from guard.formats.canonical import SAFE_INTEGER_END, compute_sha256, parse_canonical, to_canonical
from guard.formats.fields import require_fields, take_count, take_digest, take_list

FORMAT = 1
# The stop listener must be able to take a tightening (TRUST §6), and no listener takes a body of more than 256 KiB
# (DESIGN §7). 180 KiB leave room for base64 and an envelope. A later version may raise this and may not lower it.
MAX_BUNDLE_BYTES = 180 * 1024

_BUNDLE = ("expires_at", "format", "policy", "previous", "signatures", "version")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """One version of the treasury's policy. `previous` is the digest of the one before, `NO_DIGEST` for the first.

    `signatures` are those of the policy admins of the previous bundle. The first bundle has none: it is pinned by its
    digest. Until succession is known a bundle with signatures cannot be.
    """

    version: int
    previous: Digest
    expires_at: int
    policy: Policy
    signatures: tuple[()] = ()
    format: int = FORMAT

    def __post_init__(self) -> None:
        if self.format != FORMAT:
            raise GuardError("bundle.format", f"format {self.format} of a bundle is not known")
        require(is_count(self.version, least=1, end=SAFE_INTEGER_END), "version of a bundle is not a positive number")
        require(is_digest(self.previous), "previous of a bundle is not 32 bytes in hexadecimal")
        require(is_count(self.expires_at, least=1, end=SAFE_INTEGER_END), "expiry of a bundle is not a time")
        if (self.version == 1) != (self.previous == NO_DIGEST):
            raise GuardError("bundle.version", "the first bundle has no previous one, and every later one has")
        if self.signatures:
            raise GuardError("bundle.signatures", "signatures of a bundle are not known to this version")


def to_json(bundle: Bundle) -> dict[str, Any]:
    """The bundle as an object."""
    return {**_to_unsigned(bundle), "signatures": list(bundle.signatures)}


def _to_unsigned(bundle: Bundle) -> dict[str, Any]:
    return {
        "expires_at": bundle.expires_at,
        "format": bundle.format,
        "policy": policy_json.to_json(bundle.policy),
        "previous": bundle.previous,
        "version": bundle.version,
    }


def to_bytes(bundle: Bundle) -> bytes:
    """The bundle as canonical JSON (RFC 8785). Raises `json.too-large` where no reader would take it back."""
    raw = to_canonical(to_json(bundle))
    if len(raw) > MAX_BUNDLE_BYTES:
        raise GuardError(
            "json.too-large", f"the bundle has {len(raw)} bytes, more than the {MAX_BUNDLE_BYTES} that are accepted"
        )
    return raw


def parse_bundle(raw: bytes) -> Bundle:
    """The bundle of these bytes: strict, canonical and sound, so that whatever reads a bundle refuses an unsound one.

    Raises the codes of `json.*`, `value.invalid`, `bundle.*` and of the soundness of a policy.
    """
    fields = require_fields(parse_canonical(raw, max_bytes=MAX_BUNDLE_BYTES), _BUNDLE, what="bundle")
    if take_count(fields, "format") != FORMAT:
        raise GuardError("bundle.format", f"format {fields['format']} of a bundle is not known")
    if take_list(fields, "signatures"):
        raise GuardError("bundle.signatures", "signatures of a bundle are not known to this version")
    bundle = Bundle(
        version=take_count(fields, "version", least=1),
        previous=take_digest(fields, "previous"),
        expires_at=take_count(fields, "expires_at", least=1),
        policy=policy_json.from_json(fields["policy"]),
    )
    require_sound(bundle.policy)
    return bundle


def compute_bundle_digest(bundle: Bundle) -> Digest:
    """What people compare by voice and transfers name: SHA-256 of the canonical form without `signatures`."""
    return compute_sha256(_to_unsigned(bundle))


def compute_roster_digest(policy: Policy) -> Digest:
    """What approvals name: SHA-256 of the canonical form of people, keys and groups (TRUST §2)."""
    return compute_sha256(roster_json.to_json(policy.roster))


def require_pinned(raw: bytes, digest: Digest) -> Bundle:
    """The first bundle of a treasury, refused unless it is exactly the one whose digest was compared and pinned.

    Raises `bundle.version`, `bundle.digest` and everything that `parse_bundle` raises.
    """
    bundle = parse_bundle(raw)
    if bundle.version != 1 or bundle.previous != NO_DIGEST or bundle.signatures:
        raise GuardError(
            "bundle.version", f"version {bundle.version} is not a treasury's first bundle, and only that is pinned"
        )
    found = compute_bundle_digest(bundle)
    if not hmac.compare_digest(found, digest):
        raise GuardError("bundle.digest", "the bundle has another digest than the pinned one", details={"found": found})
    return bundle


def to_edition(bundle: Bundle, activated_at: int) -> Edition:
    """The bundle as `decide` reads it, active since then by the reader's own clock; keys count from there (TRUST §3).

    For a first bundle only: later ones keep the enrolment of keys that were there before.
    """
    policy = bundle.policy
    keys = [key.address for person in policy.roster.people for key in person.keys]
    return Edition(
        policy=policy,
        digest=compute_bundle_digest(bundle),
        roster_digest=compute_roster_digest(policy),
        version=bundle.version,
        expires_at=bundle.expires_at,
        activated_at=activated_at,
        enrolled_at=dict.fromkeys(keys, activated_at),
    )
