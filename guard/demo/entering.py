"""Logging people in, as each would at their own machine: a context, a signed message, a second factor and its first code."""

from __future__ import annotations

from dataclasses import dataclass

import pyotp

from guard.demo.clock import read_now
from guard.demo.commands import Said
from guard.demo.stage import Stage

CONTEXT = "play"
STEP = 30
"""Seconds for which a code is good. Each is good once."""


@dataclass(frozen=True, slots=True)
class Entered:
    """What came of somebody's first log-in: the message that was signed, and the secret of the authenticator."""

    message: str
    secret: str
    recovery_codes: tuple[str, ...]

    def to_code(self, *, steps: int = 0) -> str:
        """The code that the authenticator shows now, or so many steps from now."""
        return pyotp.TOTP(self.secret, interval=STEP).at(read_now() + steps * STEP)


def enter(stage: Stage, person: str) -> Entered:
    """Somebody's first log-in, from their context to the first code, which makes it a whole one."""
    own = stage.commands_of(person)
    own.require("context", "add", CONTEXT, "--server", stage.server, "--config", str(stage.grounds.config))
    message = log_in(stage, person).notes
    factor = own.require("totp", "enrol").result
    entered = Entered(message.strip(), str(factor["secret"]), tuple(map(str, factor["recovery_codes"])))
    own.require("totp", "confirm", entered.to_code())
    return entered


def log_in(stage: Stage, person: str, *more: str) -> Said:
    """A log-in with the person's own key, whatever comes of it."""
    key = ("--key", stage.grounds.key_of(person), "--password-file", stage.grounds.password_file)
    return stage.commands_of(person).run("login", *key, *more)
