"""What is wrong with a policy file: file, line, code, why, and what to write instead."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

from guard.errors import CATALOGUE, GuardError

T = TypeVar("T")

# Above this many names a guess costs more time than it saves its reader.
KNOWN_NAMES_END = 2000
SUGGESTIONS_END = 100


class PolicyFileError(GuardError):
    """A policy file is refused. Carries where, and what to write instead where that is known."""

    def __init__(self, code: str, message: str, *, file: str, line: int, suggestion: str = ""):
        self.file = file
        self.line = line
        self.suggestion = suggestion or CATALOGUE[code].remedy
        details = {"file": file, "line": str(line), "suggestion": self.suggestion}
        super().__init__(code, message, hint=self.suggestion, details=details)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message} [{self.code}]; {self.suggestion}"


@dataclass(frozen=True, slots=True, order=True)
class FileProblem:
    """One thing that is wrong with the policy files, as a value; sorts by file and line."""

    file: str
    line: int
    code: str
    message: str
    suggestion: str

    def to_error(self) -> PolicyFileError:
        """The problem as the error that refuses the load."""
        return PolicyFileError(self.code, self.message, file=self.file, line=self.line, suggestion=self.suggestion)

    def to_json(self) -> dict[str, object]:
        """The problem for machines."""
        return {
            "code": self.code,
            "file": self.file,
            "line": self.line,
            "message": self.message,
            "suggestion": self.suggestion,
        }


class Collector:
    """Gathers what is wrong, so that one run tells an author all of it. Nothing is loaded while it holds anything."""

    def __init__(self) -> None:
        self._problems: list[FileProblem] = []

    @property
    def problems(self) -> tuple[FileProblem, ...]:
        """Everything that was gathered, by file and line, each once."""
        return tuple(sorted(set(self._problems)))

    def add(self, error: PolicyFileError) -> None:
        """Keep a refusal as a problem."""
        self._problems.append(FileProblem(error.file, error.line, error.code, error.message, error.suggestion))

    def attempt(self, read: Callable[[], T]) -> T | None:
        """What `read` returns, or None after its refusal has been kept."""
        try:
            return read()
        except PolicyFileError as error:
            self.add(error)
            return None


def compute_suggestion(name: str, known: Collection[str]) -> str:
    """`did you mean "finance"?` where one of the known names is close to this one, else nothing."""
    if len(known) > KNOWN_NAMES_END or len(name) > 100:
        return ""
    folded = {each.lower(): each for each in sorted(known)}
    close = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    return f'did you mean "{folded[close[0]]}"?' if close else ""
