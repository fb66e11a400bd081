"""Founding a treasury: its files, its people, its bundle (DESIGN §6)."""

from __future__ import annotations

import secrets
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from guard.bundles.bundle import compute_bundle_digest, compute_roster_digest, to_bytes
from guard.cli.exits import ExitStatus
from guard.cli.settings import FILE, Settings
from guard.cli.storing import keep_file, load_file, replace_file
from guard.cli.voice import Voice
from guard.cli.words import to_groups
from guard.core.ids import Digest, GroupId, PersonId
from guard.core.roster import Key, Person
from guard.errors import GuardError
from guard.formats.canonical import parse_json
from guard.formats.keccak import require_digest, to_digest
from guard.policyfiles.loading import LoadedPolicy, check_policy, load_policy, to_bundle
from guard.policyfiles.starting import write_starting_policy
from guard.policyfiles.writing import write_person
from guard.statements.signed import EIP712, FILE_BYTES, Signature, SignedStatement, from_json
from guard.statements.signing import recover
from guard.statements.values import Enrolment

TREASURY_BYTES = 1024 * 1024

_CONFIGURATION = """\
# Where things are. Flags and GUARD_* variables come before what stands here; `guard config show` tells which is in force.
format = 1

policies = "policies"
bundle = "bundle.json"
#executor = "executor.json"   # keystore of the account that pays gas and owns nothing
#server = "https://..."       # the API, for everybody's commands; without it transfers are folders that people carry
#pin = "0x..."                # refuse every bundle but the one of this digest

# Command listeners of the signers: unix:PATH or HOST:PORT.
[signers]
#signer-a = "unix:/run/guard/signer-a.sock"

# JSON-RPC endpoints by the names that treasury.toml gives the chains.
[chains]
#ethereum = "http://127.0.0.1:8545"
"""


def found_treasury(voice: Voice, directory: Path, *, expires_on: str) -> None:
    """Write commented policy files with a new treasury id, and a configuration."""
    if (directory / FILE).exists():
        raise GuardError("cli.file-differs", f"{directory / FILE} is there already; a treasury is founded once")
    treasury = to_digest(secrets.token_bytes(32))
    write_starting_policy(directory / "policies", treasury, expires_on=expires_on)
    keep_file(directory / FILE, _CONFIGURATION.encode())
    voice.tell(
        {"treasury": treasury, "policies": str(directory / "policies"), "configuration": str(directory / FILE)},
        f"treasury {treasury}",
        f"policies in {directory / 'policies'}, configuration in {directory / FILE}",
        "next: each person runs guard key new, then guard key show --enrol; guard people add takes their lines",
    )


def load_treasury_id(policies: Path) -> Digest:
    """The treasury's id, from a directory that need not be complete yet."""
    raw = load_file(policies / "treasury.toml", max_bytes=TREASURY_BYTES)
    try:
        said = tomllib.loads(raw.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        raise GuardError("policy.syntax", "treasury.toml is not TOML") from None
    treasury = said.get("treasury")
    return require_digest(treasury if isinstance(treasury, str) else "")


def find_treasury_id(named: str) -> Digest:
    """The treasury id itself, or that of the folder in which `guard init` put the files."""
    if named.startswith("0x"):
        return require_digest(named)
    folder = Path(named)
    return load_treasury_id(folder / "policies" if (folder / "policies").is_dir() else folder)


def read_line(line: str) -> bytes:
    """A line that somebody handed over: the text itself, or the name of a file that holds it."""
    if line.lstrip().startswith("{"):
        return line.encode("utf-8")
    return load_file(Path(line), max_bytes=FILE_BYTES)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """What the treasury says of a person besides what their own line says."""

    name: str
    organisation: str
    groups: Sequence[str]
    machine: bool


def add_person(voice: Voice, policies: Path, line: str, person_id: str, about: NewPerson) -> None:
    """Check the proof of control and append the person to people.toml."""
    signed = from_json(parse_json(read_line(line), max_bytes=FILE_BYTES))
    enrolment = require_enrolment(signed, load_treasury_id(policies), person_id)
    key = Key(address=signed.signature.key, kind=enrolment.kind, device=enrolment.device)
    person = Person(
        id=PersonId(person_id),
        name=about.name,
        organisation=about.organisation,
        groups=tuple(GroupId(group) for group in sorted(about.groups)),
        keys=(key,),
        machine=about.machine,
    )
    write_person(policies, person, {key.address: signed.signature.value})
    voice.tell(
        {"person": person_id, "key": key.address, "groups": list(person.groups)},
        f"{person_id} added with key {key.address}, groups: {', '.join(person.groups) or 'none'}",
    )


def require_enrolment(signed: SignedStatement, treasury: Digest, person_id: str) -> Enrolment:
    """The enrolment, refused unless that key made it for this treasury and this person."""
    enrolment = signed.statement
    if not isinstance(enrolment, Enrolment):
        raise GuardError("cli.enrolment", "the line holds another statement than an enrolment")
    if signed.treasury != treasury:
        raise GuardError("cli.enrolment", "the line was made for another treasury")
    if enrolment.person != person_id:
        raise GuardError("cli.enrolment", f"the line enrols {enrolment.person}, not {person_id[:64]}")
    recover(signed)
    return enrolment


def build_policy(voice: Voice, settings: Settings, out: Path | None) -> None:
    """Write the bundle and show its digest, which people compare by voice before it is pinned."""
    loaded = load_policy(settings.require_path("policies"))
    bundle = to_bundle(loaded)
    unproven = find_unproven(loaded)
    path = out or settings.require_path("bundle")
    replace_file(path, to_bytes(bundle))
    digest = compute_bundle_digest(bundle)
    voice.tell(
        {
            "digest": digest,
            "roster": compute_roster_digest(bundle.policy),
            "version": bundle.version,
            "bundle": str(path),
            "keys_without_proof": unproven,
        },
        f"bundle {path}, version {bundle.version}",
        f"digest {to_groups(digest)}",
        *(f"no proof of control is on file for key {key}" for key in unproven),
        "next: read the digest aloud, then run guard signer pin on each signer's host with it",
    )


def find_unproven(loaded: LoadedPolicy) -> list[str]:
    """Keys without an enrolment proof. A proof that is there and wrong is refused: `cli.enrolment`."""
    proofs = dict(loaded.proofs)
    unproven: list[str] = []
    for person in loaded.policy.roster.people:
        for key in person.keys:
            if key.address not in proofs:
                unproven.append(key.address)
                continue
            statement = Enrolment(person=person.id, device=key.device, kind=key.kind)
            signature = Signature(EIP712, key.address, proofs[key.address])
            try:
                recover(SignedStatement(statement, loaded.policy.treasury, signature))
            except GuardError as error:
                message = f"the proof of key {key.address} of {person.id} is not right: {error.message}"
                raise GuardError("cli.enrolment", message) from None
    return unproven


def check(voice: Voice, policies: Path) -> ExitStatus:
    """Everything that is wrong with the policy files, by file and line."""
    problems = check_policy(policies)
    if not problems:
        find_unproven(load_policy(policies))
    lines = [
        f"{each.file}:{each.line}: {each.message} [{each.code}]" + (f"; {each.suggestion}" if each.suggestion else "")
        for each in problems
    ]
    voice.tell(
        {"sound": not problems, "problems": [each.to_json() for each in problems]},
        *(lines or [f"{policies} is sound"]),
    )
    return ExitStatus.REFUSED if problems else ExitStatus.DONE
