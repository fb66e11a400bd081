"""Freezing a scope at once, and taking part in lifting a freeze."""

from __future__ import annotations

import secrets
from pathlib import Path

from guard.cli.asking import load_key, require_yes
from guard.cli.clock import read_now
from guard.cli.desk import Desk
from guard.cli.exits import ExitStatus
from guard.cli.folder import keep_statement
from guard.cli.stating import Signing, keep_stop
from guard.cli.stops import describe_stopped, send_stop_everywhere
from guard.cli.submitting import hand_over
from guard.cli.voice import Voice, to_visible_line
from guard.cli.words import compute_close
from guard.clients.signer_client import ask
from guard.core.facts import Scope, ScopeKind
from guard.core.ids import Address, ChainName, PersonId
from guard.core.policy import Vault
from guard.errors import AdapterError, GuardError
from guard.formats.amounts import parse_duration
from guard.formats.keccak import require_address, require_digest, to_digest
from guard.statements.digests import compute_digest
from guard.statements.signed import SignedStatement, to_json
from guard.statements.signing import sign
from guard.statements.values import Freeze, Statement, Unfreeze


def freeze(voice: Voice, desk: Desk, scope: str, reason: str, signing: Signing, *, out: Path) -> ExitStatus:
    """Sign a freeze, send it to every signer's stop listener, then to the server, and write it."""
    found = read_scope(desk, scope)
    statement = Freeze(id=to_digest(secrets.token_bytes(32)), scope=found, reason=reason, signed_at=read_now())
    signed, person = _sign(
        voice, desk, statement, signing, [f"Freeze: {scope}", f'Reason: "{reason}"', f"Id: {statement.id}"]
    )
    stopped = send_stop_everywhere(desk, signed, _touched(desk, found), cancel=None)
    # Signers first: nothing that follows can hold the stop up any more.
    handed = hand_over(desk, signed)
    file, trouble = keep_stop(out, signed, person)
    voice.tell(
        {
            "kind": "freeze",
            "id": statement.id,
            "scope": scope,
            "person": person,
            "file": file,
            **stopped.to_json(),
            "server": None if handed is None else handed.to_json(),
        },
        f"freeze {statement.id} by {person}: {file or 'in no file'}",
        *describe_stopped(stopped),
        *([] if handed is None else [handed.to_line()]),
        *trouble,
    )
    return ExitStatus.DONE if stopped.is_accepted else ExitStatus.REFUSED


def unfreeze(voice: Voice, desk: Desk, ids: list[str], signing: Signing, *, valid_for: str, out: Path) -> ExitStatus:
    """Sign an unfreeze of exactly these freezes, write it, and bring it to the server and to every signer that is configured."""
    now = read_now()
    statement = Unfreeze(
        ids=tuple(sorted({require_digest(each) for each in ids})),
        roster=desk.edition.roster_digest,
        signed_at=now,
        expires_at=now + parse_duration(valid_for),
    )
    lines = [f"Unfreeze: {each}" for each in statement.ids]
    signed, person = _sign(voice, desk, statement, signing, lines)
    file = keep_statement(out, signed, person)
    handed = hand_over(desk, signed)
    told = _bring(desk, signed)
    voice.tell(
        {
            "kind": "unfreeze",
            "ids": list(statement.ids),
            "person": person,
            "file": str(file),
            "signers": told,
            "server": None if handed is None else handed.to_json(),
        },
        f"unfreeze by {person}: {file}",
        *([] if handed is None else [handed.to_line()]),
        *(f"  {name}: {_describe(said, statement)}" for name, said in told.items()),
    )
    is_stored = any("error" not in said for said in told.values()) or (handed is not None and handed.is_stored)
    return ExitStatus.DONE if is_stored or (handed is None and not told) else ExitStatus.TROUBLE


def _describe(said: dict[str, object], statement: Unfreeze) -> str:
    if "error" in said:
        return to_visible_line(str(said["error"]))
    refused = said.get("refused")
    if isinstance(refused, list) and refused:
        first = refused[0] if isinstance(refused[0], dict) else {}
        return to_visible_line(f"refused: {first.get('message')} [{first.get('code')}]")
    in_force = said.get("in_force")
    left = [each for each in statement.ids if isinstance(in_force, list) and each in in_force]
    return "stored; still in force until others agree and the delay has passed" if left else "lifted"


def _bring(desk: Desk, signed: SignedStatement) -> dict[str, dict[str, object]]:
    told: dict[str, dict[str, object]] = {}
    for name, address in sorted(desk.settings.table("signers").items()):
        try:
            told[name] = dict(ask(address, "unfreeze", {"statements": [to_json(signed)]}))
        except (GuardError, AdapterError) as error:
            told[name] = {"error": error.message}
    return told


def _sign(
    voice: Voice, desk: Desk, statement: Statement, signing: Signing, lines: list[str]
) -> tuple[SignedStatement, PersonId]:
    private_key = load_key(signing.key, signing.password_file)
    person, _ = desk.require_holder(private_key)
    signed = sign(private_key, statement, desk.treasury)
    desk.require_admitted(signed, read_now())
    voice.note(*lines, f"digest to sign {compute_digest(statement, desk.treasury)}", "")
    require_yes(f"{person.id}, sign this?", is_given=signing.is_agreed)
    return signed, person.id


def read_scope(desk: Desk, text: str) -> Scope:
    """`everything`, `vault:ID`, `asset:ID`, `destination:LABEL`, `destination:ADDRESS@CHAIN` or `person:ID`."""
    kind, _, name = text.partition(":")
    if text == "everything":
        return Scope(kind=ScopeKind.EVERYTHING)
    if not name:
        raise GuardError("cli.scope", f"{text[:60]!r} is not a scope")
    if kind == "vault":
        vault = desk.require_vault(name)
        return Scope(kind=ScopeKind.VAULT, chain_id=desk.require_chain_id(vault.chain), account=vault.address)
    if kind == "asset":
        return _read_asset(desk, name)
    if kind == "destination":
        return _read_destination(desk, name)
    if kind == "person":
        return _read_person(desk, name)
    raise GuardError("cli.scope", f"{kind[:60]!r} is no kind of scope")


def _read_asset(desk: Desk, name: str) -> Scope:
    for asset in desk.policy.assets:
        if asset.id == name:
            return Scope(kind=ScopeKind.ASSET, chain_id=desk.require_chain_id(asset.chain), account=asset.address)
    known = [str(asset.id) for asset in desk.policy.assets]
    raise GuardError("cli.scope", f"there is no asset {name[:60]!r}", hint=compute_close(name, known))


def _read_destination(desk: Desk, name: str) -> Scope:
    place, _, chain = name.partition("@")
    entry = next((each for each in desk.policy.book if each.label == place), None)
    chains = entry.chains if entry is not None else tuple(each.name for each in desk.policy.chains)
    if chain:
        chains = tuple(each for each in chains if each == chain)
    if len(chains) != 1:
        raise GuardError("cli.scope", f"say on which chain {place[:60]} is meant, as in destination:{place[:60]}@CHAIN")
    if entry is None and not place.startswith("0x"):
        known = [str(each.label) for each in desk.policy.book]
        raise GuardError(
            "cli.destination-unknown", f"there is no label {place[:60]!r}", hint=compute_close(place, known)
        )
    account: Address = entry.address if entry is not None else require_address(place)
    return Scope(kind=ScopeKind.DESTINATION, chain_id=desk.require_chain_id(ChainName(chains[0])), account=account)


def _read_person(desk: Desk, name: str) -> Scope:
    known = [str(person.id) for person in desk.policy.roster.people]
    if name not in known:
        raise GuardError("cli.scope", f"there is no person {name[:60]!r}", hint=compute_close(name, known))
    return Scope(kind=ScopeKind.PERSON, person=name)


def _touched(desk: Desk, scope: Scope) -> tuple[Vault, ...]:
    """The vaults whose transfers the freeze may hold: for one account of a chain those of that chain."""
    if scope.kind is ScopeKind.VAULT:
        return tuple(vault for vault in desk.policy.vaults if vault.address == scope.account)
    return desk.policy.vaults
