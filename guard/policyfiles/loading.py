"""A policy directory as one sound policy, or every reason why it is none. Reads four files and no clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path as FilePath

from guard.bundles.bundle import Bundle
from guard.bundles.soundness import walk_problems
from guard.core.ids import NO_DIGEST, Address, Digest
from guard.core.policy import BookEntry, Chain, Policy, SignerIdentity, Vault
from guard.core.roster import Roster
from guard.core.rules import Rule
from guard.errors import AdapterError, GuardError
from guard.formats.keccak import keccak256, to_address
from guard.policyfiles.addresses_file import read_addresses
from guard.policyfiles.people_file import PeopleFile, read_people
from guard.policyfiles.places import ADDRESSES, PEOPLE, RULES, TREASURY, to_refusal
from guard.policyfiles.problems import SUGGESTIONS_END, Collector, FileProblem, PolicyFileError, compute_suggestion
from guard.policyfiles.rules_file import read_rules
from guard.policyfiles.source import Source, load_bytes, parse_source
from guard.policyfiles.treasury_file import DraftVault, TreasuryFile, read_treasury

FILES = (ADDRESSES, PEOPLE, RULES, TREASURY)
NOT_DEPLOYED = "policy.vault-not-deployed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedPolicy:
    """The policy of a directory, what its bundle says besides, and the enrolment proofs, which no bundle carries."""

    directory: FilePath
    policy: Policy
    version: int
    expires_at: int
    proofs: tuple[tuple[Address, bytes], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What deploying a vault needs of a policy that is sound but for vaults without an address."""

    treasury: Digest
    chains: tuple[Chain, ...]
    signers: tuple[SignerIdentity, ...]
    vaults: tuple[DraftVault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Files:
    """The four files, each read and right by itself."""

    sources: Mapping[str, Source]
    treasury: TreasuryFile
    people: PeopleFile
    book: tuple[BookEntry, ...]
    rules: tuple[Rule, ...]


def load_policy(directory: FilePath) -> LoadedPolicy:
    """The sound policy of a directory. Raises its first problem by file and line; `AdapterError` if the disk fails."""
    files, problems = _read(directory)
    if problems:
        raise problems[0].to_error()
    files = _require_files(files)
    vaults = tuple(vault.to_vault(vault.address) for vault in files.treasury.vaults if vault.address is not None)
    return LoadedPolicy(
        directory=directory,
        policy=_to_policy(files, vaults),
        version=files.treasury.version,
        expires_at=files.treasury.expires_at,
        proofs=files.people.proofs,
    )


def to_bundle(loaded: LoadedPolicy, previous: Digest = NO_DIGEST) -> Bundle:
    """The bundle of a loaded policy. Raises `bundle.version` where version and previous do not fit together."""
    return Bundle(version=loaded.version, previous=previous, expires_at=loaded.expires_at, policy=loaded.policy)


def check_policy(directory: FilePath) -> tuple[FileProblem, ...]:
    """Everything that is wrong with a directory, by file and line; empty where `load_policy` would load it.

    Names that lead nowhere are looked at once every file is right by itself. Raises `AdapterError` where the disk
    fails.
    """
    return _read(directory)[1]


def load_draft(directory: FilePath) -> Draft:
    """What `guard vault deploy` needs, from a directory that may lack addresses of vaults and nothing else."""
    files, problems = _read(directory)
    for problem in problems:
        if problem.code != NOT_DEPLOYED:
            raise problem.to_error()
    files = _require_files(files)
    told = files.treasury
    return Draft(treasury=told.treasury, chains=told.chains, signers=told.signers, vaults=told.vaults)


def _require_files(files: _Files | None) -> _Files:
    if files is None:
        raise AssertionError("policy files were refused without a reason")
    return files


def _read(directory: FilePath) -> tuple[_Files | None, tuple[FileProblem, ...]]:
    collector = Collector()
    files = _read_files(directory, collector)
    if files is not None:
        _collect_undeployed(files, collector)
        _collect_unsound(files, collector)
    return files, collector.problems


def _read_files(directory: FilePath, collector: Collector) -> _Files | None:
    """The four files, or None if any of them has something wrong in itself."""
    _collect_strangers(directory, collector)
    read = {name: collector.attempt(partial(_load_source, directory / name)) for name in FILES}
    sources = {name: source for name, source in read.items() if source is not None}
    treasury = read_treasury(sources[TREASURY], collector) if TREASURY in sources else None
    people = read_people(sources[PEOPLE], collector) if PEOPLE in sources else None
    book = read_addresses(sources[ADDRESSES], collector) if ADDRESSES in sources else ()
    # Amounts are read in the assets of the treasury: with those in doubt every amount would look wrong.
    has_assets = treasury is not None and all(problem.file != TREASURY for problem in collector.problems)
    decimals_of = {str(asset.id): asset.decimals for asset in treasury.assets} if treasury and has_assets else {}
    rules = read_rules(sources[RULES], collector, decimals_of) if RULES in sources and has_assets else ()
    if collector.problems or treasury is None or people is None:
        return None
    return _Files(sources=sources, treasury=treasury, people=people, book=book, rules=rules)


def _load_source(path: FilePath) -> Source:
    return parse_source(path.name, load_bytes(path))


def _collect_strangers(directory: FilePath, collector: Collector) -> None:
    """A rule in a file that nobody reads would silently not apply."""
    try:
        names = sorted(path.name.encode("ascii", "backslashreplace").decode() for path in directory.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return  # Each of the four files is then reported as missing.
    except OSError as trouble:
        raise AdapterError("policy.file-unreadable", f"cannot read {directory}: {trouble.strerror}") from trouble
    for name in names:
        if name.endswith(".toml") and not name.startswith(".") and name not in FILES:
            message = f"{name!r} is not a policy file, and nothing in it would apply"
            suggestion = compute_suggestion(name, FILES) or f"the files are {', '.join(FILES)}"
            collector.add(PolicyFileError("policy.file-unknown", message, file=name, line=1, suggestion=suggestion))


def _collect_undeployed(files: _Files, collector: Collector) -> None:
    for vault in files.treasury.vaults:
        if vault.address is None:
            source = files.sources[TREASURY]
            place = next(i for i, entry in enumerate(source.values["vault"]) if entry["id"] == vault.id)
            message = f"vault {vault.id} has no address yet"
            collector.add(source.refusal(("vault", place), NOT_DEPLOYED, message, f"run guard vault deploy {vault.id}"))


def _collect_unsound(files: _Files, collector: Collector) -> None:
    """Check what the files say together. A vault without an address gets a made-up one, which goes nowhere else."""
    vaults = tuple(
        vault.to_vault(vault.address or to_address(keccak256(f"not deployed: {vault.id}".encode())[12:]))
        for vault in files.treasury.vaults
    )
    try:
        policy = _to_policy(files, vaults)
    except GuardError as error:
        collector.add(files.sources[TREASURY].refusal((), error.code, error.message))
        return
    for problem in islice(walk_problems(policy), SUGGESTIONS_END):
        collector.add(to_refusal(problem, files.sources))


def _to_policy(files: _Files, vaults: tuple[Vault, ...]) -> Policy:
    told = files.treasury
    return Policy(
        treasury=told.treasury,
        chains=told.chains,
        assets=told.assets,
        signers=told.signers,
        vaults=vaults,
        roster=Roster(files.people.groups, files.people.people),
        book=files.book,
        rules=files.rules,
        unfreeze=told.unfreeze,
        change=told.change,
        numbers=told.numbers,
    )
