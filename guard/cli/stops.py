"""Sending a stop to every signer's own stop listener, and counting verified receipts: the server has no part in it (TRUST §6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from guard.cli.desk import Desk
from guard.cli.voice import to_visible_line
from guard.clients.signer_client import TIMEOUT, ask, send_stop
from guard.clients.within import do_each_within
from guard.core.ids import SignerId, TransferId
from guard.core.policy import OwnerEntry, Policy, Vault
from guard.errors import AdapterError, GuardError
from guard.statements.digests import compute_digest
from guard.statements.signed import SignedStatement, to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """Which signers stored the stop, by verified receipts, and whether that is enough to say that it is accepted.

    `signed` are the transfers in the stop's scope that a signer had signed and not seen final.
    """

    asked: tuple[SignerId, ...]
    receipts: Mapping[SignerId, Mapping[str, Any]]
    troubles: Mapping[SignerId, GuardError | AdapterError]
    needed: int
    is_accepted: bool
    endangered: tuple[TransferId, ...]
    cancels: Mapping[SignerId, str]

    def to_json(self) -> dict[str, Any]:
        """The form for machines."""
        return {
            "accepted": self.is_accepted,
            "receipts": {signer: dict(fields) for signer, fields in self.receipts.items()},
            "troubles": {signer: error.to_json() for signer, error in self.troubles.items()},
            "needed": self.needed,
            "signers": len(self.asked),
            "not_stopped": list(self.endangered),
            "cancels": dict(self.cancels),
        }


def compute_needed(policy: Policy, entry: OwnerEntry) -> int:
    """Receipts that make a stop accepted: N-M+1+f, so that the rest and the stolen ones together stay below M."""
    return len(entry.signers) - entry.threshold + 1 + policy.numbers.withstands


def send_stop_everywhere(
    desk: Desk, signed: SignedStatement, vaults: Sequence[Vault], *, cancel: TransferId | None
) -> Stopped:
    """Send the stop to every signer of the policy at once; where some had signed already, ask them to cancel."""
    digest, statement = compute_digest(signed.statement, signed.treasury), to_json(signed)
    sent = {each.id: partial(send_stop, each, desk.treasury, statement, digest) for each in desk.policy.signers}
    receipts, troubles = do_each_within(TIMEOUT, sent)
    endangered = tuple(sorted({each["transfer"] for fields in receipts.values() for each in _signed_in(fields)}))
    judged = [_judge(desk.policy, entry, receipts) for vault in vaults for entry in vault.owners]
    is_accepted = all(judged) and bool(judged)
    cancels = {} if cancel is None else _ask_cancels(desk, receipts, cancel)
    return Stopped(
        asked=tuple(identity.id for identity in desk.policy.signers),
        receipts=receipts,
        troubles=troubles,
        needed=max((compute_needed(desk.policy, entry) for vault in vaults for entry in vault.owners), default=0),
        is_accepted=is_accepted,
        endangered=endangered,
        cancels=cancels,
    )


def _signed_in(receipt: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    signed = receipt.get("signed")
    entries = signed if isinstance(signed, list) else []
    return [each for each in entries if isinstance(each, dict) and isinstance(each.get("transfer"), str)]


def _judge(policy: Policy, entry: OwnerEntry, receipts: Mapping[SignerId, Mapping[str, Any]]) -> bool:
    """Whether enough owners stored it that had signed nothing in its scope."""
    counted = [signer for signer in entry.signers if signer in receipts and not _signed_in(receipts[signer])]
    return len(counted) >= compute_needed(policy, entry)


def _ask_cancels(
    desk: Desk, receipts: Mapping[SignerId, Mapping[str, Any]], transfer_id: TransferId
) -> dict[SignerId, str]:
    """Ask every signer that had signed the transfer for its cancel; what came of it, by signer."""
    late = [each for each in desk.policy.signers if each.id in receipts and _signed_in(receipts[each.id])]
    body = {"transfer": transfer_id}
    said, troubles = do_each_within(
        TIMEOUT, {each.id: partial(ask, each.stop_address, "cancel", body) for each in late}
    )
    told = {name: f"cancelled at nonce {answer.get('nonce')}" for name, answer in said.items()}
    return {**told, **{name: error.message for name, error in troubles.items()}}


def describe_stopped(stopped: Stopped) -> list[str]:
    """The same for people. Only an accepted stop is called one."""
    count, asked = len(stopped.receipts), len(stopped.asked)
    # Whoever answers at a signer's address may say anything, and must not write over what is counted here.
    lines = [f"  {name}: {to_visible_line(error.message)} [{error.code}]" for name, error in stopped.troubles.items()]
    lines += [f"  {name}: {to_visible_line(said)}" for name, said in stopped.cancels.items()]
    if not stopped.needed:
        head = (
            f"stop attempted: {count} of {asked} signers have stored it; how many are needed this bundle does not say"
        )
    elif stopped.is_accepted:
        head = f"accepted: {count} of {asked} signers have stored it, {stopped.needed} are needed"
    else:
        head = f"stop attempted: {count} of {asked} signers have stored it, {stopped.needed} that had not signed are needed"
    tail = [f"  already signed somewhere: {to_visible_line(each)}" for each in stopped.endangered]
    if tail and not stopped.is_accepted:
        tail.append("next: guard cancel VAULT NONCE, which out-races what was signed; tell everybody now")
    return [head, *lines, *tail]
