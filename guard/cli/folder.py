"""A transfer's folder: transfer.json and one file for each statement and certificate. What people carry between machines.

Whatever is in it is read strictly before anything is done with any of it; nothing in it is ever written over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from guard.cli.storing import keep_file, load_file
from guard.core.ids import Digest, PersonId, TransferId
from guard.core.transfer import Transfer
from guard.errors import GuardError
from guard.formats.canonical import parse_json, to_canonical
from guard.formats.fields import require_fields, take_count
from guard.statements.certificates import Certificate, certificate_from_json
from guard.statements.digests import compute_digest, compute_transfer_id
from guard.statements.signed import (
    FILE_BYTES,
    SignedStatement,
    parse_signed_statement,
    to_json,
    transfer_from_json,
    transfer_to_json,
)
from guard.statements.values import kind_of, transfer_of

T = TypeVar("T")

FORMAT = 1
TRANSFER_FILE = "transfer.json"
EVIDENCE_FILE = "evidence.json"
CERTIFICATE_PREFIX = "certificate-"
CERTIFICATE_BYTES = 256 * 1024
MOST_FILES = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferFolder:
    """A folder that was read: its transfer, statements and certificates."""

    path: Path
    transfer: Transfer
    statements: tuple[SignedStatement, ...]
    certificates: tuple[Certificate, ...]

    @property
    def transfer_id(self) -> TransferId:
        """The transfer's id."""
        return compute_transfer_id(self.transfer)

    def keep(self, name: str, raw: bytes) -> None:
        """Write a file of the folder."""
        keep_file(self.path / name, raw)


def create_folder(path: Path, transfer: Transfer) -> TransferFolder:
    """A new folder with its transfer. The same transfer may be written again."""
    keep_file(path / TRANSFER_FILE, render_transfer(transfer))
    return TransferFolder(path=path, transfer=transfer, statements=(), certificates=())


def render_transfer(transfer: Transfer) -> bytes:
    """The content of transfer.json."""
    content = {"format": FORMAT, "transfer": transfer_to_json(transfer)}
    return json.dumps(content, indent=2, ensure_ascii=False).encode("utf-8") + b"\n"


def load_folder(path: Path) -> TransferFolder:
    """Everything in the folder, or the first thing that is wrong with it, with its file's name."""
    if not path.is_dir():
        raise GuardError("cli.file-missing", f"there is no folder {path}")
    with naming(TRANSFER_FILE):
        transfer = parse_transfer(load_file(path / TRANSFER_FILE, max_bytes=FILE_BYTES))
    statements: list[SignedStatement] = []
    certificates: list[Certificate] = []
    for file in _list_files(path):
        if file.name.startswith(CERTIFICATE_PREFIX):
            certificates.append(_read(file, CERTIFICATE_BYTES, lambda raw: certificate_from_json(parse_json(raw))))
        else:
            statements.append(_read(file, FILE_BYTES, parse_signed_statement))
            _require_about(file, statements[-1], transfer)
    return TransferFolder(path=path, transfer=transfer, statements=tuple(statements), certificates=tuple(certificates))


def parse_transfer(raw: bytes) -> Transfer:
    """The transfer of a transfer.json, strict."""
    fields = require_fields(parse_json(raw, max_bytes=FILE_BYTES), ("format", "transfer"), what=TRANSFER_FILE)
    if take_count(fields, "format") != FORMAT:
        raise GuardError("statement.format", f"format {fields['format']} of a transfer file is not known")
    return transfer_from_json(fields["transfer"])


def _list_files(path: Path) -> list[Path]:
    apart = (TRANSFER_FILE, EVIDENCE_FILE)
    files = [each for each in sorted(path.iterdir()) if each.suffix == ".json" and not each.name.startswith(".")]
    files = [each for each in files if each.name not in apart]
    if len(files) > MOST_FILES:
        raise GuardError("cli.file-mixed", f"{path} holds more than {MOST_FILES} files")
    return files


def _read(file: Path, max_bytes: int, parse: Callable[[bytes], T]) -> T:
    with naming(file.name):
        return parse(load_file(file, max_bytes=max_bytes))


@contextmanager
def naming(file: str) -> Iterator[None]:
    """Says in which file it was when a refusal leaves."""
    try:
        yield
    except GuardError as error:
        details = {"file": file, **error.details}
        raise GuardError(error.code, f"{file}: {error.message}", hint=error.hint, details=details) from None


def _require_about(file: Path, signed: SignedStatement, transfer: Transfer) -> None:
    about = transfer_of(signed.statement)
    if about is None:
        raise GuardError(
            "cli.file-mixed", f"{file.name} is a statement of kind {kind_of(signed.statement)}, about no transfer"
        )
    if about != transfer:
        raise GuardError("statement.transfer", f"{file.name} is about another transfer", details={"file": file.name})


def name_statement(signed: SignedStatement, person: PersonId) -> str:
    """The file's name of a statement: kind, person, and the beginning of its digest."""
    digest: Digest = compute_digest(signed.statement, signed.treasury)
    return f"{kind_of(signed.statement)}-{person}-{digest[2:10]}.json"


def keep_statement(path: Path, signed: SignedStatement, person: PersonId) -> Path:
    """Write a statement's file into a folder and return where it is."""
    file = path / name_statement(signed, person)
    keep_file(file, to_canonical(to_json(signed)) + b"\n")
    return file
