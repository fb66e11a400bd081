"""The flags in front of a command's name, which say where things are for one run.

They are taken off here and not by typer: it would load its whole validation library before a mere `approve --help`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from guard.errors import GuardError

ONCE = ("config", "policies", "bundle", "executor", "pin")
REPEATED = ("signers", "chains")
_OPTIONS = {"--signer": "signers", "--chain": "chains", **{f"--{name}": name for name in ONCE}}

HELP = """\
Before the command: --config FILE, --policies DIR, --bundle FILE, --executor FILE, --pin DIGEST, and --signer ID=ADDRESS
and --chain NAME=URL, which may be repeated. They come before GUARD_* variables and guard.toml; see guard config show.

Exit status: 0 done, 1 refused or the answer is no, 2 wrong usage, 3 trouble in the world, 4 held for now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What the command line itself says, before the command's name."""

    config: Path | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def split_flags(arguments: Sequence[str]) -> tuple[Flags, list[str]]:
    """The flags in front, and the rest of the line from the first thing on that is none of them. Raises `cli.usage`."""
    texts: dict[str, str] = {}
    tables: dict[str, tuple[str, ...]] = {}
    rest = list(arguments)
    while rest and rest[0].partition("=")[0] in _OPTIONS:
        option, mark, value = rest.pop(0).partition("=")
        if not mark:
            if not rest:
                raise GuardError("cli.usage", f"{option} needs a value")
            value = rest.pop(0)
        name = _OPTIONS[option]
        if name in texts:
            raise GuardError("cli.usage", f"{option} is given twice")
        if name in REPEATED:
            tables[name] = (*tables.get(name, ()), value)
        else:
            texts[name] = value
    config = texts.pop("config", None)
    return Flags(config=None if config is None else Path(config), texts=texts, tables=tables), rest
