"""Settings: flags before `GUARD_*` variables before the context in use before guard.toml before defaults, each with its origin.

Unknown names are errors. Policy is never a setting: nothing here changes what anybody may sign. Secrets come from files named here or
from prompts.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from guard.cli.flags import Flags
from guard.cli.known_settings import (
    BY_NAME,
    KNOWN,
    Kind,
    Known,
    Unfit,
    read_table,
    read_text,
    read_written,
    split_pairs,
)
from guard.cli.storing import load_file
from guard.cli.words import compute_close
from guard.errors import GuardError

FORMAT = 1
FILE = "guard.toml"
MAX_BYTES = 64 * 1024
PREFIX = "GUARD_"
ELSEWHERE = ("config", "context", "home")
"""Names that say where settings and contexts lie; they are no settings themselves."""
NOT_GIVEN = "not given"


@dataclass(frozen=True, slots=True)
class Setting:
    """One value and where it comes from."""

    value: Any
    origin: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """The context in use: a server by name, and which guard.toml belongs to it."""

    name: str
    config: Path | None = None
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting by name."""

    settings: Mapping[str, Setting]

    def path(self, name: str) -> Path | None:
        """A setting that is a path."""
        value = self.settings[name].value
        return None if value is None else Path(value)

    def require_path(self, name: str) -> Path:
        """The same, refused where it is not given."""
        path = self.path(name)
        if path is None:
            raise _missing(name)
        return path

    def text(self, name: str) -> str | None:
        """A setting that is a text: an address, a digest, a format."""
        value = self.settings[name].value
        return None if value is None else str(value)

    def require_text(self, name: str) -> str:
        """The same, refused where it is not given."""
        text = self.text(name)
        if text is None:
            raise _missing(name)
        return text

    def number(self, name: str) -> int:
        """A setting that is a count, or a duration in seconds. Each of these has a default."""
        return int(self.settings[name].value)

    def is_set(self, name: str) -> bool:
        """A setting that is true or false."""
        return self.settings[name].value is True

    def table(self, name: str) -> Mapping[str, str]:
        """A setting that is a table of texts."""
        return dict(self.settings[name].value)


def _missing(name: str) -> GuardError:
    return GuardError("cli.setting-missing", f"setting {name} is not given")


def load_settings(flags: Flags, environment: Mapping[str, str], context: Chosen | None = None) -> Settings:
    """All settings. Raises `cli.setting-unknown` and `cli.setting-value`, naming the origin."""
    variables = _read_environment(environment)
    in_use = context or Chosen("")
    path = _find_file(flags, variables, in_use)
    written = {} if path is None else _read_file(path)
    sources = _Sources(flags=flags, variables=variables, context=in_use, path=path, written=written)
    return Settings({known.name: sources.choose(known) for known in KNOWN})


def _find_file(flags: Flags, variables: Mapping[str, str], context: Chosen) -> Path | None:
    """The file that is named, which must be there; or guard.toml of this folder, if it is."""
    named = flags.config or (Path(variables["config"]) if "config" in variables else None) or context.config
    if named is not None:
        return named
    return Path(FILE) if Path(FILE).is_file() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sources:
    """Where one run's settings come from, the strongest first."""

    flags: Flags
    variables: Mapping[str, str]
    context: Chosen
    path: Path | None
    written: Mapping[str, Any]

    def choose(self, known: Known) -> Setting:
        """The first of the places that names the setting. Places below it are not even read."""
        for origin, find in self._places(known):
            try:
                value = find()
            except Unfit as why:
                raise GuardError("cli.setting-value", f"{known.name} from {origin} {why}") from None
            if value is not None:
                return Setting(value, origin)
        return Setting(known.default, NOT_GIVEN if known.default is None else "default")

    def _places(self, known: Known) -> Iterable[tuple[str, Callable[[], Any]]]:
        yield "flag", lambda: self._read_flag(known)
        yield PREFIX + known.name.upper(), lambda: _read(known, self.variables.get(known.name))
        yield f"context {self.context.name}", lambda: _read(known, self.context.texts.get(known.name))
        if self.path is not None and known.name in self.written:
            folder, value = self.path.parent, self.written[known.name]
            yield str(self.path), lambda: read_written(known, value, folder)

    def _read_flag(self, known: Known) -> Any:
        if known.kind is not Kind.TABLE:
            return _read(known, self.flags.texts.get(known.name))
        pairs = self.flags.tables.get(known.name)
        return read_table(known, split_pairs(pairs)) if pairs else None


def _read(known: Known, text: str | None) -> Any:
    if text is None:
        return None
    if known.kind is not Kind.TABLE:
        return read_text(known, text)
    pairs = tuple(part for part in text.split(",") if part)
    return read_table(known, split_pairs(pairs)) if pairs else None


def _read_environment(environment: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for variable, value in environment.items():
        if variable.startswith(PREFIX):
            found[_require_known(variable.removeprefix(PREFIX).lower(), variable, *ELSEWHERE)] = value
    return found


def _require_known(name: str, shown: str, *more: str) -> str:
    if name not in BY_NAME and name not in more:
        close = compute_close(name, (*BY_NAME, *more))
        raise GuardError("cli.setting-unknown", f"there is no setting {shown[:60]}", hint=close)
    return name


def _read_file(path: Path) -> dict[str, Any]:
    try:
        said = tomllib.loads(load_file(path, max_bytes=MAX_BYTES).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as trouble:
        raise GuardError("cli.setting-value", f"{path} is not TOML: {trouble}") from None
    for name in said:
        _require_known(name, f"{name[:40]!r} ({path})", "format")
    if said.get("format") != FORMAT or isinstance(said["format"], bool):
        raise GuardError("cli.setting-value", f"{path} does not begin with format = {FORMAT}")
    return said
