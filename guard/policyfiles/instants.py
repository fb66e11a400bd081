"""Days and instants as policies write them, always UTC. Reads no clock."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from guard.bundles.texts import is_date

_INSTANT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])Z)?\Z", re.ASCII)


def parse_instant(text: str) -> int | None:
    """Seconds since 1970 of `2027-11-30`, at its first second, or of `2027-11-30T12:00:00Z`.

    None where the text is neither, or lies before 1970. The second form is the part of RFC 3339 that has one way to
    write an instant.
    """
    found = _INSTANT.match(text)
    if found is None or not is_date(found.group(1)):
        return None
    year, month, day = (int(part) for part in found.group(1).split("-"))
    hour, minute, second = (int(part) for part in found.groups("0")[1:])
    seconds = int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp())
    return seconds if seconds > 0 else None
