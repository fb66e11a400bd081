"""The id that one request keeps through API, worker and signers, so that their log lines can be laid side by side."""

from __future__ import annotations

import re

HEADER = "X-Request-Id"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z", re.ASCII)


def is_request_id(text: str | None) -> bool:
    """Whether the text may stand in a log line as somebody's request id."""
    return text is not None and _REQUEST_ID.match(text) is not None
