"""Codes of the room `evidence`: the file, and one code for each of its verifier's checks."""

from __future__ import annotations

from guard.errors.code import Code

_CHANGED = "get the file anew from whoever composed it, and believe nothing that this one says"
_PEOPLE = "ask the people that the message names what they signed"
_SIGNERS = "ask the signers themselves what they signed; freeze the vault if they did not"

CODES: dict[str, Code] = {
    "evidence.malformed": Code(
        "the file is not evidence in its one exact form; a single changed byte or a line break at the end is enough",
        _CHANGED,
    ),
    "evidence.predicate": Code("the content was changed after the file was composed", _CHANGED),
    "evidence.pin": Code(
        "the policy in the file is not the one whose digest was given",
        "compare the digest with others by voice; with another policy the file proves nothing",
    ),
    "evidence.named-bundle": Code(
        "the transfer was proposed under another policy than the one under which it was released",
        "upgrade to a version that knows how policies follow one another",
    ),
    "evidence.treasury": Code("file, policy and transfer are not of one treasury", _CHANGED),
    "evidence.transfer-id": Code("the transfer has another id than the file names", _CHANGED),
    "evidence.statements": Code(
        "a statement in the file is not the word of a person of the roster about this transfer", _PEOPLE
    ),
    "evidence.statement-once": Code("somebody's statement stands in the file twice", _CHANGED),
    "evidence.transfer": Code("the certificate carries another transfer, perhaps one that pays the same", _CHANGED),
    "evidence.safe-transaction": Code("the Safe transaction has another hash than the file names", _CHANGED),
    "evidence.owner-signatures": Code(
        "a signature is not that owner's on the Safe transaction that follows from the transfer", _SIGNERS
    ),
    "evidence.owners": Code("somebody signed who is no owner of the vault at that nonce by the policy", _SIGNERS),
    "evidence.owners-enough": Code("fewer owners signed than the threshold asks", _SIGNERS),
    "evidence.call-data": Code("the call data have another digest than the file names", _CHANGED),
    "evidence.effects": Code("the call data do something else than the transfer says", _SIGNERS),
    "evidence.release-signers": Code(
        "a signer testifies whose signature as an owner is not in the certificate", _SIGNERS
    ),
    "evidence.release-signatures": Code("a release statement is not signed by that signer's journal key", _SIGNERS),
    "evidence.release-content": Code(
        "a release statement is about another transfer, nonce, Safe transaction or policy", _SIGNERS
    ),
    "evidence.releases-enough": Code("fewer signers testify than the threshold asks", _SIGNERS),
    "evidence.delay": Code("a signer signed sooner after the quorum than the policy's delay", _SIGNERS),
    "evidence.decision": Code(
        "by a signer's own times the policy did not let the transfer go",
        f"read the reason that the message names; {_SIGNERS}",
    ),
    "evidence.broadcast": Code("the broadcast that the file names is on another chain", _CHANGED),
}
