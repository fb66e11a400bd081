"""The operations that take signed statements. The signature is the authority: nobody needs to be logged in, and a log-in helps nobody.

Here is only read what was sent and for which address; whether it counts is asked of the service.
"""

from __future__ import annotations

from collections.abc import Callable

from guard.core.ids import TransferId, is_digest
from guard.errors import GuardError
from guard.service.acknowledgement import Acknowledgement, Asked
from guard.service.service import Service
from guard.statements.signed import SignedStatement, parse_signed_statement
from guard.statements.values import Approval, Freeze, Proposal, Rejection, Statement, Unfreeze, Veto, kind_of
from guard.web.conditions import require_key, require_version, take_key, to_etag
from guard.web.exchange import Call, Reply, to_reply
from guard.web.operation import Access, Operation, Parameter
from guard.web.schemas import DIGEST, name_of

Answer = Callable[[Call], Acknowledgement]

TRANSFER_ID = Parameter(name="transfer_id", place="path", says="the transfer's id", schema=DIGEST, required=True)
_KEY = {"type": "string", "minLength": 1, "maxLength": 128}
_KEY_SAYS = "something drawn at random, the same when the request is sent again: the first answer is given again"
KEY = Parameter(name="Idempotency-Key", place="header", says=_KEY_SAYS, schema=_KEY, required=True)
OPTIONAL_KEY = Parameter(name="Idempotency-Key", place="header", says=_KEY_SAYS, schema=_KEY)
SEEN = Parameter(
    name="If-Match",
    place="header",
    says="the ETag of the transfer that was read",
    schema={"type": "string", "pattern": '^"v(0|[1-9][0-9]{0,8})"$'},
    required=True,
)


def require_transfer_id(call: Call) -> TransferId:
    """The transfer that the address names. Raises `request.transfer-id`."""
    text = call.places["transfer_id"]
    if not is_digest(text):
        raise GuardError("request.transfer-id", "the address does not name a transfer's whole id")
    return TransferId(text)


def build_submitting(service: Service) -> tuple[Operation, ...]:
    """Every operation that takes a statement, over the service."""

    def propose(call: Call) -> Acknowledgement:
        return service.propose(_take(call, Proposal), _to_asked(call, key=require_key(call)))

    def approve(call: Call) -> Acknowledgement:
        asked = _to_asked(call, key=require_key(call), version=require_version(call))
        return service.approve(require_transfer_id(call), _take(call, Approval), asked)

    def reject(call: Call) -> Acknowledgement:
        return service.reject(require_transfer_id(call), _take(call, Rejection), _to_asked(call, key=take_key(call)))

    def veto(call: Call) -> Acknowledgement:
        return service.veto(require_transfer_id(call), _take(call, Veto), _to_asked(call, key=take_key(call)))

    def freeze(call: Call) -> Acknowledgement:
        return service.freeze(_take(call, Freeze), _to_asked(call, key=take_key(call)))

    def unfreeze(call: Call) -> Acknowledgement:
        return service.unfreeze(_take(call, Unfreeze), _to_asked(call, key=require_key(call)))

    return (
        _to_operation("propose", Proposal, "/v1/transfers", propose),
        _to_operation("approve", Approval, "/v1/transfers/{transfer_id}/approvals", approve),
        _to_operation("reject", Rejection, "/v1/transfers/{transfer_id}/rejections", reject),
        _to_operation("veto", Veto, "/v1/transfers/{transfer_id}/vetoes", veto),
        _to_operation("freeze", Freeze, "/v1/freezes", freeze),
        _to_operation("unfreeze", Unfreeze, "/v1/unfreezes", unfreeze),
    )


_SAYS = {
    "propose": "propose a transfer",
    "approve": "approve a transfer as it was read",
    "reject": "reject a transfer; the initiator's own rejection withdraws it",
    "veto": "end a transfer, as a guardian",
    "freeze": "hold everything in a scope, as a guardian",
    "unfreeze": "agree to lift freezes",
}
_STOPS = (Rejection, Veto, Freeze)


def _to_operation(name: str, cls: type[Statement], path: str, answer: Answer) -> Operation:
    is_stop, is_of_transfer = cls in _STOPS, "{transfer_id}" in path
    parameters = [TRANSFER_ID] if is_of_transfer else []
    parameters.append(OPTIONAL_KEY if is_stop else KEY)
    return Operation(
        id=name,
        method="POST",
        path=path,
        says=_SAYS[name],
        handle=lambda call: _acknowledge(answer(call)),
        access=Access.SIGNATURE,
        answers={201: "Acknowledgement"},
        refusals=(422, *((404,) if is_of_transfer else ()), *((412, 428) if cls is Approval else ())),
        parameters=(*parameters, *((SEEN,) if cls is Approval else ())),
        body=name_of(cls),
        has_etag=cls is Proposal or is_of_transfer,
        is_stop=is_stop,
    )


def _take(call: Call, cls: type[Statement]) -> SignedStatement:
    """The signed statement in the body, of the kind that is taken at this address. Raises `request.statement-kind`."""
    signed = parse_signed_statement(call.body)
    if not isinstance(signed.statement, cls):
        raise GuardError(
            "request.statement-kind", f"a {kind_of(signed.statement)} was sent where a {kind_of(cls)} is taken"
        )
    return signed


def _to_asked(call: Call, *, key: str | None, version: int | None = None) -> Asked:
    return Asked(source=call.source, idempotency_key=key, version=version, fingerprint=call.fingerprint)


def _acknowledge(given: Acknowledgement) -> Reply:
    headers = () if given.version is None else (to_etag(given.version),)
    return to_reply(given.to_json(), status=201, headers=headers)
