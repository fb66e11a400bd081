"""The folder of one person on one machine: contexts, log-ins, remembered heads. Only its owner may read or change what lies there."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from guard.cli.storing import replace_file
from guard.errors import AdapterError, GuardError
from guard.formats.canonical import parse_json

FORMAT = 1
MAX_BYTES = 1024 * 1024
_OTHERS = 0o077


def find_home(environment: Mapping[str, str]) -> Path:
    """Where it is: GUARD_HOME, or .config/guard in the person's own directory."""
    named = environment.get("GUARD_HOME")
    return Path(named).absolute() if named else Path("~/.config/guard").expanduser()


def load_private(path: Path) -> dict[str, Any] | None:
    """The content of a private file; None where there is none. Raises `cli.private-file` and `cli.private-content`."""
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & _OTHERS:
                raise GuardError("cli.private-file", f"others may read or change {path}")
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as trouble:
        raise AdapterError("cli.file-unreadable", f"{path} cannot be read: {trouble.strerror}") from trouble
    try:
        content = parse_json(raw, max_bytes=MAX_BYTES)
    except GuardError as trouble:
        raise refuse_content(path, trouble.message) from trouble
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise refuse_content(path, f"it does not begin with format {FORMAT}")
    return content


def refuse_content(path: Path, why: str) -> GuardError:
    """The file does not hold what this program wrote there."""
    return GuardError("cli.private-content", f"{path} is not as this program writes it: {why}")


def keep_private(path: Path, content: Mapping[str, Any]) -> None:
    """Put the content in the file's place in one step, for its owner alone."""
    _make_private(path.parent)
    raw = json.dumps({"format": FORMAT, **content}, indent=2, ensure_ascii=True, sort_keys=True)
    replace_file(path, raw.encode("ascii") + b"\n", mode=0o600)


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as trouble:
        raise AdapterError("cli.file-unwritable", f"{folder} cannot be made: {trouble.strerror}") from trouble


@contextmanager
def holding(home: Path) -> Iterator[None]:
    """Of two commands at once neither loses what the other writes."""
    _make_private(home)
    try:
        folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as trouble:
        raise AdapterError("cli.file-unreadable", f"{home} cannot be opened: {trouble.strerror}") from trouble
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
