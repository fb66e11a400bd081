"""The free texts and dates of a policy: how long they may be, and that nothing in them hides or reorders anything."""

from __future__ import annotations

import re
from datetime import date

from guard.errors import GuardError
from guard.formats.texts import require_plain_text

WHY_LENGTH = 400
PERSON_NAME_LENGTH = 100
OWNER_LENGTH = 100
STOP_ADDRESS_LENGTH = 200

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z", re.ASCII)
_STOP_ADDRESS = re.compile(r"[!-~]+\Z", re.ASCII)


def is_date(text: str) -> bool:
    """Whether the text is a day of the calendar, as in 2027-11-30."""
    if _DATE.match(text) is None:
        return False
    try:
        date(int(text[:4]), int(text[5:7]), int(text[8:]))
    except ValueError:
        return False
    return True


def require_text(text: str, what: str, *, longest: int) -> str:
    """The text, refused where it is blank or holds what people cannot see."""
    if not text.strip() or text != text.strip():
        raise GuardError("policy.empty", f"{what} is empty, or has space at its ends")
    return require_plain_text(text, what, longest=longest)


def require_stop_address(text: str, what: str) -> str:
    """The text, refused unless it is printable ASCII without spaces. It is not tried whether anybody answers there."""
    if len(text) > STOP_ADDRESS_LENGTH or _STOP_ADDRESS.match(text) is None:
        raise GuardError(
            "text.characters",
            f"{what} is not printable ASCII without spaces of at most {STOP_ADDRESS_LENGTH} characters",
        )
    return text


def require_date_or_nothing(text: str, what: str) -> str:
    """The text, refused unless it is empty or a day of the calendar."""
    if text and not is_date(text):
        raise GuardError("policy.time", f"{what} is not a day such as 2027-11-30")
    return text
