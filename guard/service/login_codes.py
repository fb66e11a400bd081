"""Codes of the second factor: TOTP (RFC 6238: SHA-1, 6 figures, 30 s) and recovery codes. Keeps nothing.

A code shows possession of a device and nothing more. It is never evidence of an approval.
"""

from __future__ import annotations

import hashlib
import re
import secrets

import pyotp

STEP = 30
FIGURES = 6
ISSUER = "Treasury Guard"
RECOVERY_CODES = 10
_RECOVERY_LENGTH = 20
# Base32 as Crockford writes it: no letter that looks like a figure, five bits each, so 100 bits a code.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_CODE = re.compile(r"[0-9]{6}\Z", re.ASCII)
_RECOVERY = re.compile(rf"[{_ALPHABET}]{{{_RECOVERY_LENGTH}}}\Z", re.ASCII)


def draw_secret() -> str:
    """A new TOTP secret: 160 random bits in base32."""
    return pyotp.random_base32()


def to_uri(secret: str, person: str) -> str:
    """What an authenticator takes as a QR code."""
    return _to_totp(secret).provisioning_uri(name=person, issuer_name=ISSUER)


def find_step(secret: str, code: str, now: int) -> int | None:
    """The time step whose code this is, or None. Only the step of `now` counts, not the one before or after."""
    # The library takes figures of other scripts for the same code: one code has one spelling here.
    if _CODE.match(code) is None:
        return None
    try:
        return _to_totp(secret).verify_and_get_timecode(code, for_time=now, valid_window=0)
    except pyotp.OTPVerificationError:
        return None


def draw_recovery_codes() -> tuple[str, ...]:
    """Ten new recovery codes, each of 100 random bits, in groups of five."""
    return tuple(_draw_recovery_code() for _ in range(RECOVERY_CODES))


def _draw_recovery_code() -> str:
    drawn = "".join(secrets.choice(_ALPHABET) for _ in range(_RECOVERY_LENGTH))
    return "-".join(drawn[at : at + 5] for at in range(0, _RECOVERY_LENGTH, 5))


def hash_recovery(factor_id: str, code: str) -> str | None:
    """What is kept of a recovery code; None where the text is none. Hyphens, spaces and the case of letters do not matter.

    A plain hash is enough for 100 random bits; the factor's id keeps it from being moved to another factor.
    """
    plain = code.replace("-", "").replace(" ", "").upper()
    if _RECOVERY.match(plain) is None:
        return None
    return hashlib.sha256(f"guard-recovery-v1\n{factor_id}\n{plain}".encode("ascii")).hexdigest()


def _to_totp(secret: str) -> pyotp.TOTP:
    return pyotp.TOTP(secret, digits=FIGURES, interval=STEP)
