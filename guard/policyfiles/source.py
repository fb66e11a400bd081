"""One policy file: its bytes read once, its values by tomllib, its lines by our own scan, which must agree.

Reading is bounded: what is too large, no plain file, not UTF-8 or holds characters that hide or reorder text is
refused first.
"""

from __future__ import annotations

import re
import stat
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any

from guard.errors import AdapterError
from guard.policyfiles.problems import PolicyFileError
from guard.policyfiles.scan import Path, scan_lines

MAX_FILE_BYTES = 1024 * 1024
FORMAT = 1

_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_AT_LINE = re.compile(r" ?\(at (?:line (\d+), column \d+|end of document)\)\Z")


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was read: its values, and the line of every path in it."""

    file: str
    text: str
    values: dict[str, Any]
    lines: dict[Path, int]

    def line(self, path: Path) -> int:
        """The line of a path, or of the nearest thing around it that is there."""
        return next((self.lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self.lines), 1)

    def refusal(self, path: Path, code: str, message: str, suggestion: str = "") -> PolicyFileError:
        """The refusal of what stands at a path."""
        return PolicyFileError(code, message, file=self.file, line=self.line(path), suggestion=suggestion)


def load_bytes(path: FilePath) -> bytes:
    """The bytes of a policy file. Raises `PolicyFileError`, or `AdapterError` where the disk fails."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise PolicyFileError("policy.file-missing", f"{path.name} is no plain file", file=path.name, line=1)
        if status.st_size > MAX_FILE_BYTES:
            raise _too_large(path.name)
        with path.open("rb") as stream:
            raw = stream.read(MAX_FILE_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        raise PolicyFileError("policy.file-missing", f"there is no {path.name}", file=path.name, line=1) from None
    except OSError as trouble:
        raise AdapterError("policy.file-unreadable", f"cannot read {path}: {trouble.strerror}") from trouble
    if len(raw) > MAX_FILE_BYTES:
        raise _too_large(path.name)
    return raw


def _too_large(file: str) -> PolicyFileError:
    return PolicyFileError("policy.file-too-large", f"{file} has more than {MAX_FILE_BYTES} bytes", file=file, line=1)


def parse_source(file: str, raw: bytes) -> Source:
    """The file of these bytes, in the form that every reader reads alike. Raises `PolicyFileError`."""
    text = _to_text(file, raw)
    lines = scan_lines(file, text)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as trouble:
        raise _from_decode_error(file, str(trouble)) from None
    if set(_paths(values, ())) != lines.keys():
        # Two readers of one file found two things; which one is right does not matter, since nothing may rest on it.
        raise PolicyFileError("policy.syntax", f"{file} is not read alike by all readers", file=file, line=1)
    source = Source(file, text, values, lines)
    found = values.get("format")
    if type(found) is not int or found != FORMAT:
        raise source.refusal(
            ("format",), "policy.format", "the format of this file is not known", "write format = 1 first"
        )
    return source


def _to_text(file: str, raw: bytes) -> str:
    if raw.startswith(b"\xef\xbb\xbf"):
        raise PolicyFileError("policy.encoding", "the file begins with a byte order mark", file=file, line=1)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as trouble:
        line = raw.count(b"\n", 0, trouble.start) + 1
        raise PolicyFileError("policy.encoding", "the file is not UTF-8", file=file, line=line) from None
    text = text.replace("\r\n", "\n")
    hidden = {each for each in set(text) - {"\n", "\t"} if unicodedata.category(each) in _HIDDEN}
    if hidden:
        place = min(text.index(each) for each in hidden)
        message = f"the line holds the character U+{ord(text[place]):04X}, which cannot be seen"
        raise PolicyFileError(
            "text.characters", message, file=file, line=text.count("\n", 0, place) + 1, suggestion="retype it"
        )
    return text


def _from_decode_error(file: str, message: str) -> PolicyFileError:
    found = _AT_LINE.search(message)
    line = int(found.group(1)) if found and found.group(1) else 1
    reason = _AT_LINE.sub("", message)[:120].lower()
    return PolicyFileError("policy.syntax", f"not TOML: {reason}", file=file, line=line)


def _paths(value: Any, path: Path) -> Iterator[Path]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in entries:
        yield (*path, name)
        yield from _paths(inner, (*path, name))
