"""Policy directories to break: copies of the committed sample with one thing changed."""

import shutil
from pathlib import Path

from guard.policyfiles.loading import check_policy, load_policy
from guard.policyfiles.problems import FileProblem, PolicyFileError

SAMPLE = Path(__file__).parents[2] / "policies"


def copy_sample(directory: Path) -> Path:
    """A copy of the sample that a test may change."""
    copied = directory / "policies"
    shutil.copytree(SAMPLE, copied)
    return copied


def replace_in(directory: Path, file: str, old: str, new: str) -> range:
    """Change the first `old` of a file, which must be there, to `new`: the lines on which the new text stands."""
    path = directory / file
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {file}"
    path.write_bytes(text.replace(old, new, 1).encode("utf-8"))
    first = text.count("\n", 0, text.index(old)) + 1
    return range(first, first + new.count("\n") + 1)


def problem_of(directory: Path) -> FileProblem:
    """The one problem of a directory, which `load_policy` must raise just as `check_policy` lists it."""
    problems = check_policy(directory)
    assert len(problems) == 1, problems
    try:
        load_policy(directory)
    except PolicyFileError as error:
        raised = FileProblem(error.file, error.line, error.code, error.message, error.suggestion)
        assert raised == problems[0]
        return raised
    raise AssertionError("a directory with a problem was loaded")


def line_of(directory: Path, file: str, part: str) -> int:
    """The line on which a part begins."""
    text = (directory / file).read_text(encoding="utf-8")
    return text.count("\n", 0, text.index(part)) + 1


def header_above(directory: Path, file: str, line: int) -> int:
    """The line of the header under which a line stands; 1 where there is none."""
    lines = (directory / file).read_text(encoding="utf-8").split("\n")
    return max((place for place in range(1, line + 1) if lines[place - 1].startswith("[")), default=1)
