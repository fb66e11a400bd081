"""The guard's own source, parsed, for the tests that hold its shape. Reads files; runs none of them."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PURE_ROOMS = frozenset(
    ["errors", "core", "formats", "effects", "transactions", "statements", "regions", "bundles", "log", "evidence"]
)


@dataclass(frozen=True, slots=True)
class Source:
    """One module of the guard; `name` is its path from the top, such as `guard/core/decide.py`."""

    name: str
    text: str

    @property
    def room(self) -> str:
        parts = Path(self.name).parts
        return parts[1] if len(parts) > 2 else ""

    @property
    def tree(self) -> ast.Module:
        return _parse(self.text)

    def at(self, node: ast.AST, what: str) -> str:
        return f"{self.name}:{getattr(node, 'lineno', 1)}: {what}"


@cache
def _parse(text: str) -> ast.Module:
    return ast.parse(text)


@cache
def load_sources(folder: str = "guard") -> tuple[Source, ...]:
    """Every module below the folder, in order."""
    paths = sorted(path for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts)
    return tuple(Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths)


def to_dotted(node: ast.AST) -> str:
    """`datetime.now` for an attribute chain of plain names, empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = to_dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def iter_calls(source: Source) -> Iterator[tuple[ast.Call, str]]:
    """Each call with the dotted name of what is called."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call):
            yield node, to_dotted(node.func)


def iter_imports(source: Source) -> Iterator[tuple[ast.AST, str]]:
    """Each imported module in full; of `from a import b` both `a` and `a.b`, since b may be a module."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node, node.module
            for alias in node.names:
                yield node, f"{node.module}.{alias.name}"


def iter_functions(source: Source) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
