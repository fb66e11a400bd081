"""Codes of the room `chain`, and of the contracts that the demo and the tests deploy."""

from __future__ import annotations

from guard.errors.code import Code

CODES: dict[str, Code] = {
    "chain.unreachable": Code(
        "a node did not answer in time, or not with JSON-RPC",
        "check the endpoint and ask again; nothing is assumed meanwhile",
    ),
    "chain.refused": Code("a node answered a request with an error", "read the node's message in the details"),
    "chain.unexpected-answer": Code(
        "a node answered in a shape that it must not have", "compare with another endpoint; the answer was not used"
    ),
    "chain.reverted": Code(
        "a call would revert on chain, so it was not sent", "read the contract's reason in the details"
    ),
    "chain.wrong-chain": Code(
        "a node serves another chain than the configured one", "correct the endpoint or the chain id"
    ),
    "chain.no-contract": Code(
        "there is no contract at an address that should have one", "check the address and the chain"
    ),
    "chain.unknown-code": Code(
        "the code at an address is not the code of the Safe version that was asked for",
        "use the canonical addresses of that version",
    ),
    "chain.deployment-invalid": Code(
        "owners or threshold of a Safe to deploy cannot be",
        "give distinct owners, none of them the executor, and a threshold within them",
    ),
    "chain.deployment-mismatch": Code(
        "a deployed Safe is not set up as it was asked for", "do not fund it; deploy again with another salt"
    ),
    "chain.executor-is-owner": Code(
        "the executor is an owner of the Safe, so that its sending alone would count as an approval",
        "use an executor account that owns nothing",
    ),
    "chain.safe-nonce-ahead": Code(
        "the Safe has not reached the nonce of this certificate", "execute the certificates of the lower nonces first"
    ),
    "chain.safe-nonce-passed": Code(
        "the Safe has used the nonce of this certificate for something else",
        "bring the certificate that was executed at this nonce to the signers",
    ),
    "chain.fee-cap": Code(
        "the chain asks for more gas or higher fees than the executor may pay", "wait, or raise the executor's caps"
    ),
    "chain.not-mined": Code(
        "a transaction was sent and not mined in time",
        "ask again; the same command finds it or replaces it, and never pays twice",
    ),
    "chain.transaction-reverted": Code("a transaction was mined and reverted", "read why on chain, then try again"),
    "chain.artifact": Code(
        "the compiled contracts for the demo and the tests cannot be read",
        "install requirements/artifacts.lock without dependencies",
    ),
}
