"""Codes of the worker that goes round over the database. Those of carrying itself stand with the command line's."""

from __future__ import annotations

from guard.errors.code import Code

CODES: dict[str, Code] = {
    "worker.no-place": Code(
        "the active policy does not name the transfer's vault, or no signer of it has a command address",
        "see the policy and the setting signers",
    ),
    "worker.no-endpoint": Code("no endpoint is configured for a chain", "name one in the setting chains"),
    "worker.certificate-lost": Code(
        "a transfer was broadcast, and neither database nor signers hand out its certificate",
        "bring the signers up; what the chain holds is not changed by it",
    ),
    "webhook.url": Code(
        "the webhook's address is none that messages may be sent to",
        "use https, or http to a loopback address, without user, password or fragment",
    ),
    "webhook.secret": Code(
        "a webhook secret is not whsec_ and 24 to 64 bytes in base64, or there are more than two",
        "make one with guard server create-webhook-secret, or see the receiver's manual",
    ),
    "webhook.target": Code(
        "the webhook's host name leads to an address inside of a private network",
        "name a public host, or a loopback address",
    ),
    "webhook.failed": Code(
        "the webhook's receiver did not take a message", "see that it runs; the message is sent again"
    ),
    "webhook.gone": Code(
        "the webhook's receiver answered 410, so that the message is not sent again",
        "see that the address is still right",
    ),
}
