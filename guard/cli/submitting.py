"""Handing a signed statement to the server, and keeping what it acknowledges, so that its log cannot go back unnoticed.

A stop is handed over only after every signer was sent it: what the server does then changes nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guard.cli.desk import Desk
from guard.cli.heads import load_heads, remember_head
from guard.cli.subject import STOP_PATIENCE
from guard.cli.voice import Voice, to_visible_line
from guard.clients.reported import Acknowledged, to_acknowledged
from guard.clients.server_client import Conditions
from guard.core.ids import TransferId
from guard.errors import AdapterError, GuardError
from guard.statements.digests import compute_digest, compute_transfer_id
from guard.statements.signed import SignedStatement, to_json
from guard.statements.values import kind_of, transfer_of

_PATHS: Mapping[str, str] = {
    "proposal": "/v1/transfers",
    "approval": "/v1/transfers/{}/approvals",
    "rejection": "/v1/transfers/{}/rejections",
    "veto": "/v1/transfers/{}/vetoes",
    "freeze": "/v1/freezes",
    "unfreeze": "/v1/unfreezes",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What came of handing a stop to the server: acknowledged, known already, or trouble. None of it counts as a receipt."""

    acknowledged: Acknowledged | None = None
    trouble: GuardError | AdapterError | None = None

    @property
    def is_stored(self) -> bool:
        """Whether the server says that it has it."""
        return self.acknowledged is not None or (self.trouble is not None and self.trouble.code == "statement.known")

    def to_json(self) -> dict[str, Any]:
        """The form for machines."""
        return {
            "stored": self.is_stored,
            "acknowledged": None if self.acknowledged is None else self.acknowledged.to_json(),
            "error": None if self.trouble is None else self.trouble.to_json(),
        }

    def to_line(self) -> str:
        """The same for people."""
        if self.trouble is None:
            return "  server: stored it"
        return f"  server: {to_visible_line(self.trouble.message)} [{self.trouble.code}]"


def submit(voice: Voice, desk: Desk, signed: SignedStatement, *, version: int | None = None) -> Acknowledged:
    """Post the statement and keep the head that the server acknowledges. Raises the server's refusals and `log.rolled-back`."""
    # What cannot be read would be found out only after the post, which cannot be taken back.
    load_heads(desk.reach.home, desk.treasury)
    acknowledged = _post(desk, signed, version, timeout=None)
    try:
        _remember(desk, acknowledged)
    except AdapterError as trouble:
        voice.note(f"the server stored it, but its head cannot be kept here: {trouble.message}")
    return acknowledged


def hand_over(desk: Desk, signed: SignedStatement) -> Handed | None:
    """The same for what signers are sent as well; whatever goes wrong is told and nothing more. None without a server."""
    if not desk.reach.has_server:
        return None
    acknowledged = None
    try:
        acknowledged = _post(desk, signed, None, timeout=STOP_PATIENCE)
        _remember(desk, acknowledged)
    except (GuardError, AdapterError) as trouble:
        return Handed(acknowledged=acknowledged, trouble=trouble)
    return Handed(acknowledged=acknowledged)


def _post(desk: Desk, signed: SignedStatement, version: int | None, *, timeout: float | None) -> Acknowledged:
    kind, transfer = kind_of(signed.statement), transfer_of(signed.statement)
    about: TransferId | None = None if transfer is None else compute_transfer_id(transfer)
    client = desk.reach.open_server(timeout=timeout)
    said = client.post(_PATHS[kind].format(about), to_json(signed), Conditions(version=version))
    digest = compute_digest(signed.statement, signed.treasury)
    return to_acknowledged(said, kind=kind, digest=digest, transfer_id=about)


def _remember(desk: Desk, acknowledged: Acknowledged) -> None:
    remember_head(desk.reach.home, desk.treasury, acknowledged.index, acknowledged.head)


def describe_acknowledged(acknowledged: Acknowledged) -> list[str]:
    """The acknowledgement for people; what it says of the future is a prediction."""
    lines = [f"stored by the server as entry {acknowledged.index} of its log"]
    prediction = acknowledged.prediction
    if prediction is not None:
        lines += describe_prediction(prediction)
    return lines


def describe_prediction(prediction: Mapping[str, Any]) -> list[str]:
    """What the server expects, with its reasons. It is told as what it is: the signers decide."""
    reasons = prediction.get("reasons")
    told = [each for each in reasons if isinstance(each, dict)] if isinstance(reasons, list) else []
    head = f"the server predicts, and the signers decide: {to_visible_line(str(prediction.get('status')))}"
    return [head, *(f"  {_describe_reason(each)}" for each in told)]


def _describe_reason(reason: Mapping[str, Any]) -> str:
    return f"{to_visible_line(str(reason.get('message')))} [{to_visible_line(str(reason.get('code')))}]"
