"""A guardian's watch: polls every signer's own stop listener, believes only what its journal key signed, and alarms."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from guard.cli.desk import Desk
from guard.cli.exits import ExitStatus
from guard.cli.stops import compute_needed
from guard.cli.voice import Voice, to_visible_line
from guard.clients.signer_client import TIMEOUT, load_pending
from guard.clients.within import do_each_within
from guard.core.ids import SignerId, TransferId, is_count
from guard.core.transfer import Transfer
from guard.effects.summary import render_summary
from guard.effects.visible import to_utc
from guard.errors import AdapterError, GuardError
from guard.statements.digests import compute_transfer_id
from guard.statements.signed import SignedStatement, from_json, transfer_from_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One poll: verified answers, troubles, and the alarms that follow."""

    answers: Mapping[SignerId, Mapping[str, Any]]
    troubles: Mapping[SignerId, GuardError | AdapterError]
    alarms: tuple[tuple[str, str], ...]

    def to_json(self) -> dict[str, Any]:
        """The form for machines."""
        return {
            "signers": {signer: dict(fields) for signer, fields in self.answers.items()},
            "troubles": {signer: error.to_json() for signer, error in self.troubles.items()},
            "alarms": [{"code": code, "message": message} for code, message in self.alarms],
        }


def watch(voice: Voice, desk: Desk, *, once: bool, every: int) -> ExitStatus:
    """Poll until interrupted, or once. With `--json` and without `--once` each round is one line."""
    while True:
        poll = poll_signers(desk)
        voice.tell(poll.to_json(), *describe(desk, poll))
        if once:
            return ExitStatus.REFUSED if poll.alarms else ExitStatus.DONE
        time.sleep(every)


def poll_signers(desk: Desk, *, patience: float = TIMEOUT) -> Round:
    """Ask every signer of the policy what could still leave, all at once."""
    asked = {each.id: partial(load_pending, each, desk.treasury) for each in desk.policy.signers}
    answers, troubles = do_each_within(patience, asked)
    return Round(answers=answers, troubles=troubles, alarms=tuple(_find_alarms(desk, answers)))


def _find_alarms(desk: Desk, answers: Mapping[SignerId, Mapping[str, Any]]) -> list[tuple[str, str]]:
    alarms = []
    for vault in desk.policy.vaults:
        for entry in vault.owners:
            count, needed = len([each for each in entry.signers if each in answers]), compute_needed(desk.policy, entry)
            if count < needed:
                alarms.append(
                    ("watch.too-few", f"{count} signers of vault {vault.id} answer, {needed} are needed to stop it")
                )
    for signer, fields in answers.items():
        if fields.get("policy") != desk.edition.digest:
            alarms.append(("watch.policy", to_visible_line(f"{signer} stands on policy {fields.get('policy')}")))
    return alarms


def _transfers_in(fields: Mapping[str, Any]) -> dict[TransferId, tuple[Transfer, Mapping[str, Any]]]:
    """What a signer lists, each under the id that its own text has; what cannot be read is left out."""
    found: dict[TransferId, tuple[Transfer, Mapping[str, Any]]] = {}
    for each in _list_in(fields, "transfers"):
        try:
            transfer = transfer_from_json(each.get("transfer")) if isinstance(each, dict) else None
        except GuardError:
            continue
        if transfer is not None:
            found[compute_transfer_id(transfer)] = (transfer, each)
    return found


def _list_in(fields: Mapping[str, Any], name: str) -> list[Any]:
    """A list of a signer's answer. Its signature says whose word it is and not that it makes sense."""
    entries = fields.get(name)
    return entries if isinstance(entries, list) else []


def load_pending_transfers(desk: Desk, *, patience: float) -> dict[TransferId, Transfer]:
    """Every transfer that any signer lists within so many seconds, under the id that its own text has."""
    answers = poll_signers(desk, patience=patience).answers.values()
    return {each: transfer for fields in answers for each, (transfer, _) in _transfers_in(fields).items()}


def load_pending_proposals(desk: Desk) -> dict[TransferId, SignedStatement]:
    """The proposal of every transfer that any signer lists. Each signer checks it again before it believes a cancel."""
    answers = poll_signers(desk).answers.values()
    listed = [(each, told) for fields in answers for each, (_, told) in _transfers_in(fields).items()]
    found = {each: _find_proposal(told) for each, told in listed}
    return {each: signed for each, signed in found.items() if signed is not None}


def _find_proposal(told: Mapping[str, Any]) -> SignedStatement | None:
    """The proposal that a signer lists. One that cannot be read is none: what the others list must not go with it."""
    try:
        return None if told.get("proposal") is None else from_json(told["proposal"])
    except GuardError:
        return None


def describe(desk: Desk, poll: Round) -> list[str]:
    """The round for people: each transfer once, with what every signer says of it."""
    lines = [f"ALARM {message} [{code}]" for code, message in poll.alarms]
    lines += [f"{signer}: {to_visible_line(error.message)} [{error.code}]" for signer, error in poll.troubles.items()]
    seen: dict[TransferId, Transfer] = {}
    said: dict[TransferId, list[str]] = {}
    for signer, fields in poll.answers.items():
        for each, (transfer, told) in _transfers_in(fields).items():
            seen[each] = transfer
            said.setdefault(each, []).append(f"  {signer}: {_describe_one(told)}")
    for each, transfer in seen.items():
        lines += ["", f"transfer {each}", *_summary_lines(desk, transfer), *said[each]]
    frozen = {
        str(each.get("id")): each
        for fields in poll.answers.values()
        for each in _list_in(fields, "freezes")
        if isinstance(each, dict)
    }
    lines += [
        f"freeze {to_visible_line(name)}: {to_visible_line(str(each.get('scope')))}" for name, each in frozen.items()
    ]
    return lines or [f"{len(poll.answers)} signers answer, nothing is pending"]


def _describe_one(told: Mapping[str, Any]) -> str:
    earliest, nonces = told.get("earliest_at"), told.get("signed_at_nonces")
    parts = [to_visible_line(str(told.get("status")))]
    parts += [f"earliest {to_utc(earliest)}"] if is_count(earliest) and isinstance(earliest, int) else []
    signed = to_visible_line(", ".join(map(str, nonces))) if isinstance(nonces, list) else ""
    parts += [f"signed at nonce {signed}"] if signed else []
    reasons = told.get("reasons")
    parts += [to_visible_line(", ".join(map(str, reasons)))] if isinstance(reasons, list) and reasons else []
    return "; ".join(parts)


def _summary_lines(desk: Desk, transfer: Transfer) -> list[str]:
    try:
        return [f"  {line}" for line in render_summary(transfer, desk.policy).split("\n")]
    except GuardError as error:
        return [f"  {error.message}"]
