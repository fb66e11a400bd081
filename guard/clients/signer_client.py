"""One signer over HTTP: the command listener for whoever carries transfers, the stop listener for people."""

from __future__ import annotations

import http.client
import secrets
from collections.abc import Mapping
from typing import Any

from guard.clients.connecting import connect
from guard.clients.tracing import to_trace
from guard.core.ids import Digest
from guard.core.policy import SignerIdentity
from guard.errors import CATALOGUE, AdapterError, GuardError
from guard.formats.canonical import parse_json, to_canonical
from guard.formats.fields import require_fields
from guard.formats.keccak import to_digest
from guard.statements.testimony import PENDING, RECEIPT, require_testimony, testimony_from_json

TIMEOUT = 30
MAX_ANSWER_BYTES = 8 * 1024 * 1024


class SignerError(GuardError):
    """A signer's refusal, with all of its reasons as the signer gave them."""

    def __init__(self, code: str, message: str, answer: Mapping[str, Any]):
        super().__init__(code, message)
        self.answer = dict(answer)

    @property
    def refusals(self) -> list[dict[str, Any]]:
        """Every check that said no: check, code, message, held."""
        said = self.answer.get("refusals", [])
        return [each for each in said if isinstance(each, dict)] if isinstance(said, list) else []


def ask(address: str, verb: str, body: Mapping[str, Any], *, timeout: float = TIMEOUT) -> dict[str, Any]:
    """One verb of one listener. Raises `SignerError` for a refusal and `AdapterError` when there is no usable answer."""
    connection = connect(address, timeout)
    try:
        headers = {"Content-Type": "application/json", **to_trace()}
        connection.request("POST", f"/v1/{verb}", to_canonical(dict(body)), headers)
        response = connection.getresponse()
        said = parse_json(response.read(MAX_ANSWER_BYTES + 1), max_bytes=MAX_ANSWER_BYTES)
    except (OSError, http.client.HTTPException, GuardError) as trouble:
        raise AdapterError("client.no-answer", f"no usable answer from {address} to {verb}") from trouble
    finally:
        connection.close()
    if not isinstance(said, dict):
        raise AdapterError("client.no-answer", f"{address} answered {verb} with something else than an object")
    if response.status != 200:
        _raise_refusal(address, verb, said)
    return said


def _raise_refusal(address: str, verb: str, said: Mapping[str, Any]) -> None:
    error = said.get("error")
    code, message = (error.get("code"), error.get("message")) if isinstance(error, dict) else (None, None)
    if (
        not isinstance(error, dict)
        or not isinstance(code, str)
        or not isinstance(message, str)
        or code not in CATALOGUE
    ):
        raise AdapterError("client.no-answer", f"{address} failed at {verb}")
    raise SignerError(code, message, error)


def send_stop(
    identity: SignerIdentity, treasury: Digest, statement: Mapping[str, Any], digest: Digest
) -> dict[str, Any]:
    """Send a stop to a signer's stop listener and verify its receipt: by that signer's journal key, for exactly this statement."""
    answer = require_fields(
        ask(identity.stop_address, "stop", {"statement": dict(statement)}), ("receipt",), what="answer"
    )
    receipt = testimony_from_json(answer["receipt"])
    fields = require_testimony(receipt, RECEIPT, identity.journal_key, treasury)
    if fields["signer"] != identity.id or fields["statement"] != digest:
        raise AdapterError("client.no-answer", f"the receipt of {identity.id} is for something else")
    return dict(fields)


def load_pending(identity: SignerIdentity, treasury: Digest) -> dict[str, Any]:
    """What a signer says could still leave, verified by its journal key and bound to this question."""
    challenge = to_digest(secrets.token_bytes(32))
    answer = require_fields(
        ask(identity.stop_address, "pending", {"challenge": challenge}), ("pending",), what="answer"
    )
    fields = require_testimony(testimony_from_json(answer["pending"]), PENDING, identity.journal_key, treasury)
    if fields["signer"] != identity.id or fields["challenge"] != challenge:
        raise AdapterError("client.no-answer", f"the answer of {identity.id} is to another question")
    return dict(fields)
