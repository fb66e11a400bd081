"""A scan of one policy file: the line of every key path, and no TOML that some reader might read differently.

Accepted is the part of TOML 1.0 that policies need: bare keys, headers of one word, texts on one line, plain decimal
integers, true, false, lists, inline tables on one line. Python's tomllib still reads the values; both must find the
same paths (`source`).
"""

from __future__ import annotations

import re
from typing import NoReturn

from guard.policyfiles.problems import PolicyFileError

Path = tuple[str | int, ...]
"""A key path in a file: ("rule", 0, "match", "vault", 1)."""

DEPTH_END = 8
# More than any policy whose bundle is small enough to be accepted.
PATHS_END = 20_000
INTEGER_LENGTH = 15
TEXT_LENGTH = 10_000

_BLANK = re.compile(r"[ \t]*")
_COMMENT = re.compile(r"#[^\n]*")
_LINES = re.compile(r"(?:[ \t]*(?:#[^\n]*)?\n)*[ \t]*(?:#[^\n]*)?")
_KEY = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_BASIC = re.compile(r'"((?:[^"\\\n]|\\[^\n])*)"')
_LITERAL = re.compile(r"'[^'\n]*'")
_ESCAPE = re.compile(r"\\(.)")
_WORD = re.compile(r"[^ \t\n,\[\]{}#=\"']+")
_INTEGER = re.compile(r"(0|[1-9][0-9]*)\Z", re.ASCII)
_NUMERIC = re.compile(r"[+-]?[0-9.]|[+-]?(inf|nan)\Z", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{2}:[0-9]{2}", re.ASCII)


def scan_lines(file: str, text: str) -> dict[Path, int]:
    """The line of every key path of the text, whose line ends are plain newlines. Raises `PolicyFileError`."""
    scan = _Scan(file, text)
    scan.read()
    return scan.lines


class _Scan:
    """Reads one text from its beginning to its end."""

    def __init__(self, file: str, text: str):
        self.lines: dict[Path, int] = {}
        self._file = file
        self._text = text
        self._at = 0
        self._line = 1
        self._whole: set[Path] = set()
        self._arrays: dict[str, int] = {}

    def read(self) -> None:
        table: Path = ()
        while True:
            self._skip_lines()
            if self._at == len(self._text):
                return
            if self._peek() == "[":
                table = self._header()
            else:
                self._pair(table, 1)
            self._end_of_line()

    def _refuse(self, code: str, message: str, suggestion: str = "") -> NoReturn:
        raise PolicyFileError(code, message, file=self._file, line=self._line, suggestion=suggestion)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, pattern: re.Pattern[str]) -> str | None:
        found = pattern.match(self._text, self._at)
        if found is None:
            return None
        self._at = found.end()
        return found.group()

    def _has_taken(self, mark: str) -> bool:
        if not self._text.startswith(mark, self._at):
            return False
        self._at += len(mark)
        return True

    def _skip_blank(self) -> None:
        self._take(_BLANK)

    def _skip_lines(self) -> None:
        self._line += (self._take(_LINES) or "").count("\n")

    def _end_of_line(self) -> None:
        self._skip_blank()
        self._take(_COMMENT)
        if self._peek() not in ("", "\n"):
            rest = self._text[self._at : self._at + 20].split("\n")[0]
            self._refuse("policy.syntax", f"{rest!r} stands after the end of the line", "texts go in quotes")

    def _require_room(self, path: Path) -> None:
        if len(path) > DEPTH_END or len(self.lines) >= PATHS_END:
            self._refuse("policy.file-too-large", "the file is nested too deeply or has too many entries")

    def _define(self, path: Path, root: int) -> None:
        """Note where a path is; a path that is there already, or leads through a finished value, is written twice."""
        self._require_room(path)
        for end in range(root + 1, len(path)):
            if path[:end] in self._whole:
                self._refuse_twice(path[:end])
            self.lines.setdefault(path[:end], self._line)
        if path in self.lines:
            self._refuse_twice(path)
        self.lines[path] = self._line

    def _refuse_twice(self, path: Path) -> NoReturn:
        name = ".".join(str(part) for part in path)
        self._refuse(
            "policy.duplicate-key",
            f"{name} is written twice",
            f"it stands first on line {self.lines[path]}; remove one",
        )

    def _header(self) -> Path:
        marks = ("[[", "]]") if self._has_taken("[[") else ("[", "]")
        if marks == ("[", "]"):
            self._at += 1
        self._skip_blank()
        name = self._key()
        self._skip_blank()
        if self._peek() == ".":
            self._refuse(
                "policy.toml-form",
                "headers have one word; there are no sub-tables",
                f"write its keys inside [[{name}]]",
            )
        if not self._has_taken(marks[1]):
            self._refuse("policy.syntax", f"the header {marks[0]}{name} is not closed with {marks[1]}")
        return self._open_array(name) if marks == ("[[", "]]") else self._open_table(name)

    def _open_table(self, name: str) -> Path:
        self._define((name,), 0)
        return (name,)

    def _open_array(self, name: str) -> Path:
        if name not in self._arrays:
            self._define((name,), 0)
        place = self._arrays.get(name, 0)
        self._arrays[name] = place + 1
        self._define((name, place), 1)
        return (name, place)

    def _key(self) -> str:
        name = self._take(_KEY)
        if name is not None:
            return name
        if self._peek() in ("'", '"'):
            self._refuse("policy.toml-form", "keys are written without quotes", "write the bare word")
        self._refuse("policy.syntax", f"{self._peek()!r} stands where a key was expected")

    def _pair(self, table: Path, depth: int) -> None:
        path = table
        while True:
            path = (*path, self._key())
            self._require_room(path)
            self._skip_blank()
            if not self._has_taken("."):
                break
            self._skip_blank()
        if not self._has_taken("="):
            self._refuse("policy.syntax", f"there is no = after the key {path[-1]}")
        self._define(path, len(table))
        self._whole.add(path)
        self._skip_blank()
        self._value(path, depth)

    def _value(self, path: Path, depth: int) -> None:
        if depth > DEPTH_END:
            self._refuse("policy.file-too-large", "the file is nested too deeply")
        match self._peek():
            case '"':
                self._basic()
            case "'":
                self._literal()
            case "[":
                self._list(path, depth)
            case "{":
                self._inline(path, depth)
            case _:
                self._word()

    def _basic(self) -> None:
        if self._text.startswith('"""', self._at):
            self._refuse("policy.toml-form", "texts stand on one line", 'write it between two "')
        found = _BASIC.match(self._text, self._at)
        if found is None:
            self._refuse("policy.syntax", 'a text is not closed with " on its line')
        self._require_short(found)
        for escape in sorted(set(_ESCAPE.findall(found.group(1)))):
            if escape in "ex":
                self._refuse(
                    "policy.newer-toml", f"the escape \\{escape} is not read everywhere", "write \\u and four figures"
                )
            if escape not in 'btnfr"\\uU':
                self._refuse("policy.syntax", f"the escape \\{escape!r} is not TOML", "write \\\\ for a backslash")
        self._at = found.end()

    def _literal(self) -> None:
        if self._text.startswith("'''", self._at):
            self._refuse("policy.toml-form", "texts stand on one line", "write it between two '")
        found = _LITERAL.match(self._text, self._at)
        if found is None:
            self._refuse("policy.syntax", "a text is not closed with ' on its line")
        self._require_short(found)
        self._at = found.end()

    def _require_short(self, found: re.Match[str]) -> None:
        if found.end() - found.start() > TEXT_LENGTH:
            self._refuse("policy.file-too-large", f"a text has more than {TEXT_LENGTH} characters")

    def _list(self, path: Path, depth: int) -> None:
        self._at += 1
        place = 0
        while True:
            self._skip_lines()
            if self._has_taken("]"):
                return
            self._define((*path, place), len(path))
            self._value((*path, place), depth + 1)
            place += 1
            self._skip_lines()
            if not self._has_taken(",") and self._peek() != "]":
                self._refuse(
                    "policy.syntax", "a list is not closed, or a comma is missing", "texts go in quotes, commas between"
                )

    def _inline(self, path: Path, depth: int) -> None:
        self._at += 1
        self._skip_blank()
        if self._has_taken("}"):
            return
        while True:
            self._refuse_newer()
            self._pair(path, depth + 1)
            self._skip_blank()
            if self._has_taken("}"):
                return
            self._refuse_newer()
            if not self._has_taken(","):
                self._refuse("policy.syntax", "an inline table is not closed, or a comma is missing")
            self._skip_blank()
            if self._peek() == "}":
                self._refuse(
                    "policy.newer-toml", "a comma stands before the end of an inline table", "remove the comma"
                )

    def _refuse_newer(self) -> None:
        if self._peek() in ("\n", "#"):
            self._refuse("policy.newer-toml", "an inline table runs over several lines", "write it on one line")

    def _word(self) -> None:
        word = self._take(_WORD) or ""
        if word in ("true", "false"):
            return
        if _INTEGER.match(word) and len(word) <= INTEGER_LENGTH:
            return
        if _DATE.match(word):
            self._refuse("policy.date", f"{word[:40]} is a date or time without quotes", f'write "{word[:40]}"')
        if _NUMERIC.match(word):
            plain = "write plain decimal figures, and amounts as text, for instance 9000 USDC in quotes"
            self._refuse(
                "policy.number", f"{word[:40]!r} is not a plain whole number of at most {INTEGER_LENGTH} figures", plain
            )
        if not word:
            self._refuse("policy.syntax", "there is no value", "write one, or leave the line out")
        self._refuse("policy.syntax", f"{word[:40]!r} is not a value", "texts go in quotes")
