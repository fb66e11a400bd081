"""One operation of the API as a value: from it come its route, its place in the OpenAPI document, and who may use it.

What is not said here does not exist: a test walks these values, so that no operation can be forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from guard.web.exchange import Call, Reply

Handler = Callable[[Call], Reply]


class Access(Enum):
    """What an operation asks of whoever calls it, besides keeping to the limits of a source."""

    OPEN = "open"
    """Nothing: it shows nothing of the treasury, or it is how people log in."""
    SIGNATURE = "signature"
    """A signature over the statement that it takes. A log-in gives no power here and is not looked at."""
    SESSION = "session"
    """A log-in with both factors. It lets people see and nothing more."""
    ENROLLING = "enrolling"
    """A log-in, or a first log-in that has no second factor yet. The operation itself asks for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of the query, the path or the headers, as the document shows it. Handlers check it themselves."""

    name: str
    place: str
    says: str
    schema: Mapping[str, Any]
    required: bool = False
    example: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path.

    `handle` is plain blocking code and runs in a thread. `answers` gives the schema's name of each good status (None: no body),
    `refusals` the statuses of problems beyond those that every operation of its kind can give. `body` names the schema of the
    JSON body; None takes no body. `is_stop` marks what only stops money: such calls have a budget and threads of their own.
    """

    id: str
    method: str
    path: str
    says: str
    handle: Handler = field(repr=False)
    access: Access
    answers: Mapping[int, str | None]
    refusals: tuple[int, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: str | None = None
    has_etag: bool = False
    is_stop: bool = False
