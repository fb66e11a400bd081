"""Codes of the rooms `effects`, `transactions` and `statements`."""

from __future__ import annotations

from guard.errors.code import Code

_EFFECTS: dict[str, Code] = {
    "effects.action": Code(
        "the transfer is no plain payment, and no other kind can be built", "propose a plain transfer"
    ),
    "effects.nothing": Code("the call or the payment would move nothing", "check the amount"),
    "effects.destination": Code(
        "a payment to the vault itself, the zero address or the token's own contract is a mistake or a disguise",
        "check the destination",
    ),
    "effects.self-call": Code(
        "a call of the vault to itself could change its owners", "propose a payment to somebody else"
    ),
    "effects.selector": Code(
        "the call is of a function that is not known here", "only the ERC-20 function transfer is known so far"
    ),
    "effects.malformed": Code(
        "the call data are not the one exact encoding of a token transfer, so two readers could read two things",
        "have it built anew; call data from elsewhere are never signed",
    ),
    "effects.native-amount": Code(
        "a token transfer carries the chain's own coin besides", "send the two as two transfers"
    ),
    "summary.action": Code("this version of the summary cannot tell of this action", "propose a plain transfer"),
    "summary.vault": Code(
        "the policy does not name the vault, so the transfer cannot be summarised",
        "check the vault's address and chain",
    ),
    "summary.asset": Code(
        "the policy does not name the asset, so the transfer cannot be summarised", "add the asset to the policy first"
    ),
    "summary.version": Code(
        "no renderer of this version of the summary is kept", "upgrade, or sign again with this version"
    ),
}

_TRANSACTIONS: dict[str, Code] = {
    "transaction.operation": Code(
        "the Safe transaction is a delegate call, which runs foreign code as the vault", "never sign it"
    ),
    "transaction.gas": Code(
        "the Safe transaction sets a gas field, with which the vault would pay a refund", "never sign it"
    ),
    "transaction.vault": Code(
        "the Safe transaction is of another vault or chain than the transfer", "have it built anew from the transfer"
    ),
    "transaction.effects": Code(
        "the Safe transaction does something else than it should", "have it built anew from the transfer"
    ),
    "transaction.malformed": Code(
        "the bytes are not the one exact encoding of a call of execTransaction", "compare them with what was broadcast"
    ),
    "signature.length": Code("a signature has 65 bytes, no more and no less", "sign again"),
    "signature.v": Code(
        "v of the signature is neither 27 nor 28 (for statements 0 and 1 are the same)",
        "sign the typed data itself; signatures of messages, contracts and approved hashes are not accepted",
    ),
    "signature.range": Code("r or s of the signature is zero or not below the order of the curve", "sign again"),
    "signature.high-s": Code(
        "the signature is in its second spelling, with s in the upper half", "sign again; wallets write the lower half"
    ),
    "signature.recovery": Code("no key can have made the signature", "sign again"),
    "signature.key": Code(
        "the named key did not sign this statement: another key did, or something was changed since",
        "compare treasury, chain and every field with what was signed; sign again",
    ),
    "signature.webauthn": Code(
        "signatures of passkeys are not supported by this version", "sign with a key that has a display"
    ),
    "signature.private-key": Code("the bytes are no private key", "check the keystore"),
    "signature.packing": Code("the owners' signatures are missing, out of order or twice there", "pack them anew"),
}

_STATEMENTS: dict[str, Code] = {
    "statement.format": Code(
        "the statement file has a format that this version does not know", "upgrade to the version that wrote it"
    ),
    "statement.kind": Code(
        "the statement file holds a kind of statement that this version does not know", "upgrade, or check the file"
    ),
    "statement.treasury": Code("the statement or its transfer belongs to another treasury", "sign it in this treasury"),
    "statement.unsupported": Code(
        "this kind of statement has no effect in this version, and so is not taken", "freeze the person or the vault"
    ),
    "statement.key-unknown": Code(
        "the key belongs to nobody of the active roster", "sign with an enrolled key, or enrol this one"
    ),
    "statement.display": Code(
        "the key has no display of its own and may not help money to move", "sign with a key that shows what it signs"
    ),
    "statement.guardian": Code("only guardians veto and freeze", "ask a guardian; reject the transfer yourself"),
    "statement.machine": Code("a machine fills no seat", "have a person sign"),
    "statement.transfer": Code("the statement is about another transfer", "sign the transfer that is asked about"),
    "statement.policy-unknown": Code(
        "the transfer names a policy that is not in the chain of bundles", "propose it under the active policy"
    ),
    "statement.vault": Code("the transfer's vault is none of the active policy's", "check the vault's address"),
    "statement.chain": Code(
        "the transfer's vault is not on the transfer's chain", "check the chain; every chain needs its own transfer"
    ),
    "statement.roster": Code(
        "people, keys or groups have changed since this was signed", "sign again under the active policy"
    ),
    "statement.before-enrolment": Code("the statement is dated before its key was enrolled", "sign again"),
    "statement.lifetime": Code(
        "the statement expires before it was signed", "check the clock of the machine that signed; sign again"
    ),
    "statement.expired": Code("the statement has expired", "sign again"),
    "statement.ahead": Code(
        "the statement is dated more than five minutes ahead", "wait, or correct the clock of the machine that signed"
    ),
    "proposal.initiator": Code(
        "somebody else than the initiator whom the transfer names signed the proposal", "have the initiator sign it"
    ),
    "approval.initiator": Code("whoever proposes a transfer fills no seat of it", "ask somebody else to approve"),
    "approval.policy-unknown": Code(
        "the approval names a policy that is not in the chain of bundles", "approve again under the active policy"
    ),
    "approval.policy-older": Code(
        "the approval names an older policy than the transfer", "approve again under the active policy"
    ),
    "approval.summary-version": Code(
        "the approval's summary is of a version that is not known", "approve again with this version"
    ),
    "approval.summary": Code(
        "the summary that was signed is not what the transfer says under that policy", "read it again and approve again"
    ),
    "approval.pre-dated": Code(
        "the approval is dated before the transfer was proposed", "check the clock of the machine that signed"
    ),
}

CODES: dict[str, Code] = {**_EFFECTS, **_TRANSACTIONS, **_STATEMENTS}
