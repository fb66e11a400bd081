"""An attack as a value: what it is called, what it is refused with, what stops it, and how it goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.attacks.scene import Scene

Run = Callable[[Scene], None]
"""Returns once the attacker has what they came for, and raises what the signer refuses them with."""


@dataclass(frozen=True, slots=True)
class Attack:
    """An attack that named checks of the verifier stop, each of them alone.

    With all of `stopped_by` taken out it succeeds; with any one of them left in it fails. `code` is what the whole verifier says.
    """

    run: Run
    code: str
    stopped_by: tuple[str, ...]
    holds: str = "P1"

    @property
    def name(self) -> str:
        """The attack in words, as the docs name it."""
        return self.run.__name__


@dataclass(frozen=True, slots=True)
class StructuralAttack:
    """An attack that fails by how the signer is made, so that no check can be taken out to let it through.

    `structure` names what stops it. `beside` are the checks that say no as well: with all of them out it fails still.
    """

    run: Run
    code: str
    structure: str
    beside: tuple[str, ...] = ()
    holds: str = "P1"

    @property
    def name(self) -> str:
        """The attack in words, as the docs name it."""
        return self.run.__name__
