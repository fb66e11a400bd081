"""The commented files with which a treasury begins. They are written all together or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from importlib import resources
from pathlib import Path as FilePath

from guard.bundles.texts import is_date
from guard.core.ids import Digest, is_digest
from guard.core.refusing import require
from guard.errors import AdapterError, GuardError
from guard.policyfiles.loading import FILES
from guard.policyfiles.writing import write_durably


def write_starting_policy(directory: FilePath, treasury_id: Digest, *, expires_on: str = "") -> None:
    """Write the four starting files into a directory that is new or empty.

    Without `expires_on` (a day such as 2027-11-30) the policy does not load before its author has chosen one. Raises
    `policy.directory-in-use` where something is there already, `AdapterError` where the disk fails.
    """
    require(is_digest(treasury_id), "treasury id is not 32 bytes in hexadecimal")
    require(not expires_on or is_date(expires_on), "the day on which the policy expires is not a day")
    expiry = f'expires_at = "{expires_on}"' if expires_on else '#expires_at = "2027-11-30"'
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        fresh = FilePath(tempfile.mkdtemp(prefix=".starting-", dir=directory.parent))
    except OSError as trouble:
        raise _unwritable(directory, trouble) from trouble
    try:
        for name in FILES:
            text = _load_template(name).replace("@TREASURY@", treasury_id).replace("@EXPIRES@", expiry)
            write_durably(fresh / name, text.encode("utf-8"), mode=0o644)
        fresh.chmod(0o755)
        _move(fresh, directory)
    except OSError as trouble:
        raise _unwritable(directory, trouble) from trouble
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _move(fresh: FilePath, directory: FilePath) -> None:
    # A rename takes the place of an empty directory only, so nothing that is there is ever lost.
    if directory.is_symlink() or (directory.exists() and (not directory.is_dir() or any(directory.iterdir()))):
        raise GuardError("policy.directory-in-use", f"{directory} is there already and not an empty directory")
    os.rename(fresh, directory)  # noqa: PTH104 - the rename of POSIX, which replaces an empty directory


def _load_template(name: str) -> str:
    return resources.files("guard.policyfiles").joinpath("templates", name).read_text(encoding="utf-8")


def _unwritable(directory: FilePath, trouble: OSError) -> AdapterError:
    return AdapterError("policy.file-unwritable", f"cannot write {directory}: {trouble.strerror}")
