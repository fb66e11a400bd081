"""Small edits of policy files by commands: a person or signer is appended, a vault gets its address.

Everything else in the file stays byte for byte, comments included. The edited text is read again before it is
written: unless it says exactly what was meant and nothing more, nothing is written. Writing is atomic and durable,
one writer at a time.
"""

from __future__ import annotations

import copy
import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path as FilePath
from typing import Any

from guard.core.ids import Address
from guard.core.policy import SignerIdentity
from guard.core.roster import Person
from guard.errors import AdapterError, GuardError
from guard.formats.keccak import require_address
from guard.policyfiles.people_file import read_people
from guard.policyfiles.places import PEOPLE, TREASURY
from guard.policyfiles.problems import Collector, FileProblem, compute_suggestion
from guard.policyfiles.section import to_sections
from guard.policyfiles.source import Source, load_bytes, parse_source
from guard.policyfiles.treasury_file import read_treasury

Read = Callable[[Source, Collector], object]


def write_person(directory: FilePath, person: Person, proofs: Mapping[Address, bytes] | None = None) -> None:
    """Append a person to `people.toml`, each key with its enrolment proof where there is one.

    Raises `PolicyFileError` where the file would not load with that person, as `policy.duplicate` for an id or key
    that is there.
    """
    entry: dict[str, Any] = {"id": person.id, "name": person.name, "organisation": person.organisation}
    if person.groups:
        entry["groups"] = list(person.groups)
    if person.machine:
        entry["machine"] = True
    entry["keys"] = [
        {
            "address": key.address,
            "kind": key.kind.value,
            "device": key.device,
            "display": key.display,
            **({"proof": "0x" + proofs[key.address].hex()} if proofs and key.address in proofs else {}),
        }
        for key in person.keys
    ]
    _append(directory / PEOPLE, "person", entry, read_people)


def write_signer(directory: FilePath, signer: SignerIdentity) -> None:
    """Append a signer to `treasury.toml`. Raises `PolicyFileError` as `write_person` does."""
    entry = {
        "id": signer.id,
        "owner": signer.owner,
        "journal_key": signer.journal_key,
        "stop_address": signer.stop_address,
    }
    _append(directory / TREASURY, "signer", entry, read_treasury)


def write_vault_address(directory: FilePath, vault_id: str, address: Address) -> None:
    """Give a vault of `treasury.toml` the address at which it was deployed. One that it has already is never replaced.

    Raises `policy.vault-unknown`, and `policy.vault-deployed` where another address is there.
    """
    require_address(address)

    def edit(source: Source, raw: bytes) -> tuple[bytes, dict[str, Any]]:
        place = _require_vault(source, vault_id)
        if "address" in source.values["vault"][place]:
            path = ("vault", place, "address")
            raise source.refusal(path, "policy.vault-deployed", f"vault {vault_id} has an address already")
        lines = raw.split(b"\n")
        lines.insert(source.line(("vault", place, "chain")), f'address = "{address}"'.encode() + _line_end(raw)[:-1])
        expected = copy.deepcopy(source.values)
        expected["vault"][place]["address"] = address
        return b"\n".join(lines), expected

    path = directory / TREASURY
    with _holding(path):
        source = parse_source(path.name, load_bytes(path))
        place = _require_vault(source, vault_id)
        if source.values["vault"][place].get("address") == address:
            return
        _rewrite(path, edit, read_treasury)


def _require_vault(source: Source, vault_id: str) -> int:
    sections = to_sections(source, "vault")
    for place, section in enumerate(sections):
        if section.values.get("id") == vault_id:
            return place
    known = [str(section.values.get("id")) for section in sections]
    message = f"vault {vault_id[:60]!r} is not in {source.file}"
    raise source.refusal(("vault",), "policy.vault-unknown", message, compute_suggestion(vault_id, known))


def _append(path: FilePath, name: str, entry: dict[str, Any], read: Read) -> None:
    def edit(source: Source, raw: bytes) -> tuple[bytes, dict[str, Any]]:
        end = _line_end(raw)
        lines = ["", f"[[{name}]]", *(f"{key} = {_to_toml(value)}" for key, value in entry.items()), ""]
        gap = b"" if not raw or raw.endswith(b"\n") else end
        block = "\n".join(lines).encode("utf-8").replace(b"\n", end)
        expected = copy.deepcopy(source.values)
        expected[name] = [*(section.values for section in to_sections(source, name)), entry]
        return raw + gap + block, expected

    with _holding(path):
        _rewrite(path, edit, read)


def _to_toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        tables = any(isinstance(each, dict) for each in value)
        inner = [_to_toml(each) for each in value]
        return "[\n" + "".join(f"  {each},\n" for each in inner) + "]" if tables else f"[{', '.join(inner)}]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_to_toml(each)}" for key, each in value.items()) + " }"
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _line_end(raw: bytes) -> bytes:
    return b"\r\n" if b"\r\n" in raw else b"\n"


def _rewrite(path: FilePath, edit: Callable[[Source, bytes], tuple[bytes, dict[str, Any]]], read: Read) -> None:
    raw = load_bytes(path)
    source = parse_source(path.name, raw)
    edited, expected = edit(source, raw)
    again = parse_source(path.name, edited)
    if again.values != expected:
        raise GuardError("policy.edit-refused", f"the edited {path.name} would say something else than was meant")
    _require_no_new_problem(source, again, read)
    try:
        target = path.resolve()
        write_durably(target, edited, mode=target.stat().st_mode & 0o777)
    except OSError as trouble:
        raise AdapterError("policy.file-unwritable", f"cannot write {path}: {trouble.strerror}") from trouble


def _require_no_new_problem(before: Source, after: Source, read: Read) -> None:
    """What was wrong before may stay, since a policy is written step by step; the edit may add nothing to it."""
    known = {(problem.code, problem.message) for problem in _problems_of(before, read)}
    for problem in _problems_of(after, read):
        if (problem.code, problem.message) not in known:
            raise problem.to_error()


def _problems_of(source: Source, read: Read) -> tuple[FileProblem, ...]:
    collector = Collector()
    read(source, collector)
    return collector.problems


def write_durably(path: FilePath, content: bytes, *, mode: int) -> None:
    """Put the content in the file's place in one step: after a crash there is the old file or the new one, whole."""
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".new", dir=path.parent)
    fresh = FilePath(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


@contextmanager
def _holding(path: FilePath) -> Iterator[None]:
    """Hold the directory, so that of two commands at once neither loses what the other wrote."""
    try:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as trouble:
        raise AdapterError("policy.file-unreadable", f"cannot read {path.parent}: {trouble.strerror}") from trouble
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)
