"""Settings: flags before `GUARD_*` variables before guard.toml before defaults, each with its origin. Unknown names are errors.

Policy is never a setting: nothing here changes what anybody may sign. Secrets come from files named here or from prompts.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from guard.cli.flags import Flags
from guard.cli.storing import load_file
from guard.core.ids import is_digest, is_name
from guard.errors import GuardError

FORMAT = 1
FILE = "guard.toml"
MAX_BYTES = 64 * 1024
PREFIX = "GUARD_"

TEXTS: dict[str, str | None] = {"policies": "policies", "bundle": "bundle.json", "executor": None, "pin": None}
TABLES = ("signers", "chains")
_PATHS = ("policies", "bundle", "executor")


@dataclass(frozen=True, slots=True)
class Setting:
    """One value and where it comes from."""

    value: Any
    origin: str


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
            raise GuardError("cli.setting-missing", f"setting {name} is not given")
        return path

    def text(self, name: str) -> str | None:
        """A setting that is a text."""
        value = self.settings[name].value
        return None if value is None else str(value)

    def table(self, name: str) -> Mapping[str, str]:
        """A setting that is a table of texts."""
        return dict(self.settings[name].value)


def load_settings(flags: Flags, environment: Mapping[str, str]) -> Settings:
    """All settings. Raises `cli.setting-unknown` and `cli.setting-value`, naming the origin."""
    variables = _read_environment(environment)
    named = flags.config or (Path(variables["config"]) if "config" in variables else None)
    path = named or Path(FILE)
    written = _read_file(path) if named is not None or path.is_file() else {}
    found: dict[str, Setting] = {}
    for name, default in TEXTS.items():
        found[name] = _choose(
            name,
            [
                ("flag", flags.texts.get(name)),
                (PREFIX + name.upper(), variables.get(name)),
                (str(path), _in_place(name, written.get(name), path)),
                ("default", default),
            ],
        )
    for name in TABLES:
        found[name] = _choose(
            name,
            [
                ("flag", _to_table("flag", flags.tables.get(name))),
                (PREFIX + name.upper(), _to_table(PREFIX + name.upper(), _split(variables.get(name)))),
                (str(path), _sockets_in_place(written.get(name), path)),
                ("default", {}),
            ],
        )
    return Settings({name: _require_value(name, setting) for name, setting in found.items()})


def _choose(name: str, candidates: list[tuple[str, Any]]) -> Setting:
    for origin, value in candidates:
        if value is not None:
            return Setting(value, origin)
    return Setting(None, "not given")


def _require_value(name: str, setting: Setting) -> Setting:
    if name == "pin" and setting.value is not None and not is_digest(setting.value):
        raise GuardError("cli.setting-value", f"pin from {setting.origin} is not a digest")
    if name in TABLES and not all(is_name(key) for key in setting.value):
        raise GuardError("cli.setting-value", f"a name in {name} from {setting.origin} is not one")
    return setting


def _read_environment(environment: Mapping[str, str]) -> dict[str, str]:
    found = {}
    for variable, value in environment.items():
        if not variable.startswith(PREFIX):
            continue
        name = variable.removeprefix(PREFIX).lower()
        if name not in (*TEXTS, *TABLES, "config"):
            raise GuardError("cli.setting-unknown", f"there is no setting {variable}")
        found[name] = value
    return found


def _read_file(path: Path) -> dict[str, Any]:
    try:
        said = tomllib.loads(load_file(path, max_bytes=MAX_BYTES).decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as trouble:
        raise GuardError("cli.setting-value", f"{path} is not TOML: {trouble}") from None
    for name in said:
        if name not in ("format", *TEXTS, *TABLES):
            raise GuardError("cli.setting-unknown", f"there is no setting {name[:40]!r} ({path})")
    if said.get("format") != FORMAT or isinstance(said["format"], bool):
        raise GuardError("cli.setting-value", f"{path} does not begin with format = {FORMAT}")
    for name in TEXTS:
        if name in said and (not isinstance(said[name], str) or not said[name]):
            raise GuardError("cli.setting-value", f"{name} in {path} is not a text")
    for name in TABLES:
        table = said.get(name, {})
        if not isinstance(table, dict) or not all(isinstance(value, str) and value for value in table.values()):
            raise GuardError("cli.setting-value", f"{name} in {path} is not a table of texts")
    return said


def _in_place(name: str, value: str | None, path: Path) -> str | None:
    """A path in guard.toml is meant from where guard.toml is."""
    return value if value is None or name not in _PATHS else str(path.parent / value)


def _sockets_in_place(table: Mapping[str, str] | None, path: Path) -> dict[str, str] | None:
    if table is None:
        return None
    return {
        name: f"unix:{path.parent / address.removeprefix('unix:')}" if address.startswith("unix:") else address
        for name, address in table.items()
    }


def _split(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part for part in text.split(",") if part)


def _to_table(origin: str, pairs: tuple[str, ...] | None) -> dict[str, str] | None:
    if not pairs:
        return None
    table: dict[str, str] = {}
    for pair in pairs:
        name, mark, value = pair.partition("=")
        if not mark or not value or name in table:
            raise GuardError("cli.setting-value", f"{pair[:60]!r} from {origin} is not NAME=ADDRESS, once")
        table[name] = value
    return table
