"""Files of the desk: read whole up to a size, written in one step, never written over by something else."""

from __future__ import annotations

from pathlib import Path

from guard.errors import AdapterError, GuardError
from guard.policyfiles.writing import write_durably


def load_file(path: Path, *, max_bytes: int) -> bytes:
    """The file's bytes. Raises `cli.file-missing`, `json.too-large`, or `cli.file-unreadable` where the disk fails."""
    try:
        if not path.is_file():
            raise GuardError("cli.file-missing", f"there is no file {path}")
        with path.open("rb") as file:
            raw = file.read(max_bytes + 1)
    except OSError as trouble:
        raise AdapterError("cli.file-unreadable", f"{path} cannot be read: {trouble.strerror}") from trouble
    if len(raw) > max_bytes:
        raise GuardError("json.too-large", f"{path.name} has more than the {max_bytes} bytes that are accepted")
    return raw


def keep_file(path: Path, raw: bytes) -> bool:
    """Write a new file in one step. Tells whether it is new; raises `cli.file-differs` where other content is there."""
    if path.exists():
        if _load_some(path, len(raw) + 1) != raw:
            raise GuardError("cli.file-differs", f"{path} is there with other content")
        return False
    replace_file(path, raw)
    return True


def replace_file(path: Path, raw: bytes, *, mode: int = 0o644) -> None:
    """Put content in a file's place in one step; for what follows from other files and may be made anew."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_durably(path, raw, mode=mode)
    except OSError as trouble:
        raise AdapterError("cli.file-unwritable", f"{path} cannot be written: {trouble.strerror}") from trouble


def _load_some(path: Path, count: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(count)
    except OSError as trouble:
        raise AdapterError("cli.file-unreadable", f"{path} cannot be read: {trouble.strerror}") from trouble
