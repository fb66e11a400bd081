"""The exit statuses of every command, in one table. They are permanent, as error codes are."""

from __future__ import annotations

from enum import IntEnum

from guard.errors import AdapterError, GuardError


class ExitStatus(IntEnum):
    """What a script may rely on."""

    DONE = 0
    """It was done, or the answer is yes."""
    REFUSED = 1
    """The request was refused, or the answer is no."""
    USAGE = 2
    """The command was not written as it must be; nothing was tried."""
    TROUBLE = 3
    """Something in the world failed (disk, signer, node); the same command may be run again."""
    HELD = 4
    """Not now: approvals are missing, or time must pass. The same command may be run again."""
    FAULT = 70
    """A fault in this program."""
    INTERRUPTED = 130
    """Stopped from the keyboard."""


def to_status(error: GuardError | AdapterError) -> ExitStatus:
    """The status of an error: a refusal is the request's fault, trouble is the world's."""
    if isinstance(error, AdapterError):
        return ExitStatus.TROUBLE
    return ExitStatus.USAGE if error.code == "cli.usage" else ExitStatus.REFUSED
