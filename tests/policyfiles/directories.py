"""Policy directories to break: copies of the committed sample with one thing changed."""

import shutil
from pathlib import Path

from guard.policyfiles.loading import FILES, check_policy, load_policy
from guard.policyfiles.problems import FileProblem, PolicyFileError

SAMPLE = Path(__file__).parents[2] / "policies"


def copy_sample(directory: Path) -> Path:
    """A copy of the sample that a test may change."""
    copied = directory / "policies"
    shutil.copytree(SAMPLE, copied)
    return copied


def replace_in(directory: Path, file: str, old: str, new: str) -> str:
    """Change the first `old` of a file to `new`, which must be there; the new text."""
    path = directory / file
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {file}"
    text = text.replace(old, new, 1)
    path.write_bytes(text.encode("utf-8"))
    return text


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


def lines_of(text: str, part: str) -> int:
    """The line on which a part begins."""
    return text.count("\n", 0, text.index(part)) + 1


def load_texts(directory: Path) -> dict[str, str]:
    """The text of each policy file."""
    return {name: (directory / name).read_text(encoding="utf-8") for name in FILES}
