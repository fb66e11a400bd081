"""The flags in front of a command's name, which say where things are for one run.

They are taken off here and not by typer: it would load its whole validation library before a mere `approve --help`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from guard.cli.known_settings import BY_OPTION, Kind
from guard.errors import GuardError

_CONFIG, _CONTEXT = "--config", "--context"

HELP = """\
Before the command: --context NAME, --config FILE, and a flag for every setting, as --server URL, --bundle FILE or --database
URL; --signer ID=ADDRESS and --chain NAME=URL may be repeated. They come before GUARD_* variables, the context in use and
guard.toml; see guard config show.

Exit status: 0 done, 1 refused or the answer is no, 2 wrong usage, 3 trouble in the world, 4 held for now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What the command line itself says, before the command's name."""

    config: Path | None = None
    context: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def having(self, **texts: str | None) -> Flags:
        """The same with settings that a command takes as options of its own."""
        given = {name: text for name, text in texts.items() if text is not None}
        return replace(self, texts={**self.texts, **given})


def split_flags(arguments: Sequence[str]) -> tuple[Flags, list[str]]:
    """The flags in front, and the rest of the line from the first thing on that is none of them. Raises `cli.usage`."""
    once: dict[str, str] = {}
    tables: dict[str, tuple[str, ...]] = {}
    rest = list(arguments)
    while rest and _is_flag(rest[0].partition("=")[0]):
        option, value = _take_flag(rest)
        if option in once:
            raise GuardError("cli.usage", f"{option} is given twice")
        known = BY_OPTION.get(option)
        if known is not None and known.kind is Kind.TABLE:
            tables[known.name] = (*tables.get(known.name, ()), value)
        else:
            once[option] = value
    config, context = once.pop(_CONFIG, None), once.pop(_CONTEXT, None)
    texts = {BY_OPTION[option].name: value for option, value in once.items()}
    return Flags(config=None if config is None else Path(config), context=context, texts=texts, tables=tables), rest


def _is_flag(option: str) -> bool:
    return option in BY_OPTION or option in (_CONFIG, _CONTEXT)


def _take_flag(rest: list[str]) -> tuple[str, str]:
    """The next flag and its value, taken off the line."""
    option, mark, value = rest.pop(0).partition("=")
    known = BY_OPTION.get(option)
    if mark:
        return option, value
    if known is not None and known.kind is Kind.FLAG:
        return option, "true"
    if not rest:
        raise GuardError("cli.usage", f"{option} needs a value")
    return option, rest.pop(0)
