"""What the log-in's operations take and answer, for the API's document. Shapes only: nothing here checks anything."""

from __future__ import annotations

from collections.abc import Mapping

from guard.web.schemas import ADDRESS, TEXT, TIME, Schema, to_list, to_nullable, to_object

_FIGURES: Schema = {"type": "string", "pattern": "^[0-9]{6}$"}
_RECOVERY: Schema = {"type": "string", "maxLength": 64}

LOGIN_SCHEMAS: Mapping[str, Schema] = {
    "ChallengeRequest": to_object({"address": ADDRESS}, closed=True),
    "Challenge": to_object(
        {
            "message": {"type": "string", "description": "EIP-4361, to be signed as it is"},
            "nonce": TEXT,
            "expires_at": TIME,
        }
    ),
    "LoginRequest": to_object(
        {
            "message": TEXT,
            "signature": {"type": "string", "pattern": "^0x[0-9a-f]{130}$", "description": "EIP-191 personal_sign"},
            "code": to_nullable(_FIGURES),
            "recovery_code": to_nullable(_RECOVERY),
            "browser": {"type": "boolean", "description": "whether the token is wanted in a cookie"},
        },
        closed=True,
        optional=("code", "recovery_code", "browser"),
    ),
    "LoggedIn": to_object(
        {
            "token": to_nullable(TEXT),
            "person": TEXT,
            "expires_at": TIME,
            "second_factor": {"type": "string", "enum": ["done", "enrol"]},
        }
    ),
    "Session": to_object(
        {
            "person": TEXT,
            "name": TEXT,
            "organisation": TEXT,
            "groups": to_list(TEXT),
            "key": ADDRESS,
            "chain_id": {"type": "integer", "minimum": 1},
            "browser": {"type": "boolean"},
            "expires_at": TIME,
        }
    ),
    "EnrolRequest": to_object(
        {"code": to_nullable(_FIGURES), "recovery_code": to_nullable(_RECOVERY)},
        closed=True,
        optional=("code", "recovery_code"),
    ),
    "Enrolment": to_object({"secret": TEXT, "uri": TEXT, "recovery_codes": to_list(TEXT)}),
    "ConfirmRequest": to_object({"code": _FIGURES}, closed=True),
}
"""JSON Schema of what these operations take and answer."""
