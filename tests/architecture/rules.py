"""The rules of shape, each a function from one module to the places that break it.

They are apart from the tests so that each can be shown to find what it is there to find.
"""

import ast
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.architecture.sources import PURE_ROOMS, Source, iter_calls, iter_functions, iter_imports, to_dotted

MODULE_LINES = 400
FUNCTION_LINES = 60
POSITIONAL_PARAMETERS = 5

NAMELESS = frozenset(["util", "utils", "helper", "helpers", "common", "manager", "managers", "base", "misc"])

ONLY_AUTHORISER = "guard/core/decide.py"
VERIFIER_ROOM = "app"
CLOCKS = frozenset(
    [
        "guard/signer/clock.py",
        "guard/cli/clock.py",
        "guard/demo/clock.py",
        "guard/demo/embedded_chain.py",
    ]
)
CLOCK_READINGS = frozenset(
    ["time", "time_ns", "now", "utcnow", "today", "localtime", "gmtime", "ctime", "clock_gettime", "clock_gettime_ns"]
)
CLOCK_OWNERS = frozenset(["time", "datetime", "date"])

PURE_THIRD_PARTY = frozenset(["coincurve", "Crypto", "cryptography"])
IMPURE_STANDARD = frozenset(
    [
        *["asyncio", "http", "logging", "multiprocessing", "os", "pathlib", "random", "secrets", "select", "shutil"],
        *[
            "signal",
            "socket",
            "socketserver",
            "sqlite3",
            "ssl",
            "subprocess",
            "tempfile",
            "threading",
            "time",
            "urllib",
        ],
    ]
)
SPEAKING_ROOMS = frozenset(["cli", "demo"])
SETTINGS_ROOMS = frozenset(["app", "cli", "demo"])

# Where a process must go on, or end with one line, whatever went wrong; each of these fails closed and says why.
PROCESS_BOUNDARIES = frozenset(["guard/app/working.py", "guard/demo/embedded_chain.py", "guard/signer/listeners.py"])

Rule = Callable[[Source], Iterator[str]]


def find_long_modules(source: Source) -> Iterator[str]:
    lines = source.text.count("\n")
    if lines > MODULE_LINES:
        yield f"{source.name}: {lines} lines, at most {MODULE_LINES}: a noun is missing"


def find_long_functions(source: Source) -> Iterator[str]:
    for function in iter_functions(source):
        lines = (function.end_lineno or function.lineno) - function.lineno + 1 - _count_docstring_lines(function)
        if lines > FUNCTION_LINES:
            yield source.at(function, f"{function.name} has {lines} lines, at most {FUNCTION_LINES}")


def _count_docstring_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    if ast.get_docstring(function, clean=False) is None:
        return 0
    first = function.body[0]
    return (first.end_lineno or first.lineno) - first.lineno + 1


def find_wide_signatures(source: Source) -> Iterator[str]:
    for function in iter_functions(source):
        names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
        taken = [name for name in names if name not in ("self", "cls")]
        if len(taken) > POSITIONAL_PARAMETERS:
            yield source.at(function, f"{function.name} takes {len(taken)} positional parameters")


def find_nameless_modules(source: Source) -> Iterator[str]:
    for part in Path(source.name).with_suffix("").parts:
        if part in NAMELESS:
            yield f"{source.name}: {part} is no noun of this product"


def find_authorisers(source: Source) -> Iterator[str]:
    """Only `decide` makes an Authorization: any other call of it, and any way round its constructor."""
    if source.name == ONLY_AUTHORISER:
        return
    for call, called in iter_calls(source):
        last = called.rpartition(".")[2]
        if last == "Authorization":
            yield source.at(call, "makes an Authorization")
        if last == "__new__" and not called.startswith("super"):
            yield source.at(call, "goes round a constructor")
    yield from _find_renamed(source, "Authorization")


def find_verifier_composers(source: Source) -> Iterator[str]:
    if source.room == VERIFIER_ROOM:
        return
    for call, called in iter_calls(source):
        if called.rpartition(".")[2] == "Verifier":
            yield source.at(call, "composes a verifier")
    yield from _find_renamed(source, "Verifier")


def _find_renamed(source: Source, name: str) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name == name and alias.asname not in (None, name):
                    yield source.at(node, f"hides {name} behind another name")


def find_clock_readers(source: Source) -> Iterator[str]:
    """A waiting time may be measured with time.monotonic; what o'clock it is comes from one module, as `now`."""
    if source.name in CLOCKS:
        return
    for node, name in iter_imports(source):
        owner, _, reading = name.rpartition(".")
        if owner == "time" and reading in CLOCK_READINGS:
            yield source.at(node, f"reads the clock: {name}")
    for node in ast.walk(source.tree):
        owner, _, reading = to_dotted(node).rpartition(".")
        if reading in CLOCK_READINGS and owner.rpartition(".")[2] in CLOCK_OWNERS:
            yield source.at(node, f"reads the clock: {owner}.{reading}")


def find_impurities(source: Source) -> Iterator[str]:
    """Pure rooms compute: no third-party package but three, no clock, no file, no network, no chance."""
    if source.room not in PURE_ROOMS:
        return
    third_party = frozenset() if source.room in ("core", "errors") else PURE_THIRD_PARTY
    for node, name in iter_imports(source):
        top = name.partition(".")[0]
        is_known = top == "guard" or top in third_party or top in sys.stdlib_module_names
        if not is_known or top in IMPURE_STANDARD:
            yield source.at(node, f"a pure room imports {name}")
    for call, called in iter_calls(source):
        if called in ("open", "input", "print", "eval", "exec", "__import__"):
            yield source.at(call, f"a pure room calls {called}")


def find_inexact_numbers(source: Source) -> Iterator[str]:
    """Money is counted in whole units: no float is written, made or divided out in a pure room."""
    if source.room not in PURE_ROOMS:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, float | complex):
            yield source.at(node, f"the float {node.value}")
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
            yield source.at(node, "a division that makes a float")
        if isinstance(node, ast.Call) and to_dotted(node.func) == "float":
            yield source.at(node, "a call of float")


def find_prints(source: Source) -> Iterator[str]:
    if source.room in SPEAKING_ROOMS:
        return
    for call, called in iter_calls(source):
        if called == "print":
            yield source.at(call, "prints")


def find_environment_readers(source: Source) -> Iterator[str]:
    """No variable of the environment turns a check off: only the rooms that settings come in through can see one."""
    if source.room in SETTINGS_ROOMS:
        return
    for node in ast.walk(source.tree):
        if to_dotted(node) in ("os.environ", "os.environb", "os.getenv"):
            yield source.at(node, "reads the environment")
    for imported, name in iter_imports(source):
        if name in ("os.environ", "os.environb", "os.getenv"):
            yield source.at(imported, "reads the environment")


def find_broad_catches(source: Source) -> Iterator[str]:
    """Catching everything is for a few process boundaries; a handler that ends by raising is no catch."""
    if source.name in PROCESS_BOUNDARIES:
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler) and _is_broad(node) and not isinstance(node.body[-1], ast.Raise):
            yield source.at(node, "catches everything")


def _is_broad(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(to_dotted(each) in ("Exception", "BaseException") for each in caught)


def find_stubs(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        if to_dotted(node) == "NotImplementedError":
            yield source.at(node, "a stub")


RULES: tuple[Rule, ...] = (
    find_long_modules,
    find_long_functions,
    find_wide_signatures,
    find_nameless_modules,
    find_authorisers,
    find_verifier_composers,
    find_clock_readers,
    find_impurities,
    find_inexact_numbers,
    find_prints,
    find_environment_readers,
    find_broad_catches,
    find_stubs,
)
