"""A counter on another volume that shows when a journal was put back to an earlier state (TRUST §8).

It is written after the journal's commit and before the answer leaves. A journal ahead of its counter is normal after a crash; one
behind it holds.
"""

from __future__ import annotations

import os
from pathlib import Path

from guard.errors import AdapterError

FORMAT = "guard-counter-v1"


class FileCounter:
    """The counter in a small file of one line: format, journal id, value."""

    def __init__(self, path: Path):
        self._path = path

    def create(self, journal_id: str) -> None:
        """Begin at zero. Refused where a counter already is."""
        try:
            with self._path.open("x", encoding="ascii") as file:
                file.write(f"{FORMAT} {journal_id} 0\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as trouble:
            raise AdapterError("signer.counter", f"the counter cannot be made: {trouble.strerror}") from trouble
        _sync_directory(self._path.parent)

    def load(self, journal_id: str) -> int:
        """The value last written for this journal."""
        try:
            words = self._path.read_text(encoding="ascii").split()
        except (OSError, UnicodeDecodeError) as trouble:
            raise AdapterError("signer.counter", "the counter cannot be read") from trouble
        if len(words) != 3 or words[0] != FORMAT or not words[2].isdigit():
            raise AdapterError("signer.counter", "the counter's file is not a counter")
        if words[1] != journal_id:
            raise AdapterError("signer.counter", "the counter belongs to another journal")
        return int(words[2])

    def store(self, journal_id: str, value: int) -> None:
        """Write the value, durably, before returning."""
        beside = self._path.with_name(f"{self._path.name}.new")
        try:
            with beside.open("w", encoding="ascii") as file:
                file.write(f"{FORMAT} {journal_id} {value}\n")
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
        except OSError as trouble:
            raise AdapterError("signer.counter", f"the counter cannot be written: {trouble.strerror}") from trouble
        _sync_directory(self._path.parent)


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
