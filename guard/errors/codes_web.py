"""Codes of the HTTP API: what is wrong with a request before anybody has read what it says, and with the server itself."""

from __future__ import annotations

from guard.errors.code import Code

CODES: dict[str, Code] = {
    "request.malformed": Code("what was sent is not a request of HTTP/1.1", "compare the address and the port"),
    "request.path": Code("the API has nothing at this address", "compare the address with /openapi.json"),
    "request.method": Code("the address does not know this method", "use a method that the header Allow names"),
    "request.too-large": Code("the body has more than 256 KiB", "check that this is the right file"),
    "request.content-type": Code(
        "the body is not declared as JSON; a web page of another site could send anything else unasked",
        "send the header Content-Type: application/json",
    ),
    "request.slow": Code("the body did not arrive in time", "send the request again"),
    "request.source-rate": Code("too many requests from one source in a short time", "wait a moment and send it again"),
    "request.header": Code(
        "a header that may stand once stands twice, or its value is none that it can have", "correct the header"
    ),
    "request.query": Code(
        "the query has a parameter that is not known here, stands twice or has a value that it cannot have",
        "compare the parameters with /openapi.json",
    ),
    "request.transfer-id": Code(
        "the address names no transfer: an id is 0x and 64 lower-case hexadecimal figures",
        "copy the whole id; reading takes its first 8 figures or more, too",
    ),
    "request.ambiguous": Code("several transfers have ids that begin so", "give more figures of the id"),
    "request.digest": Code(
        "the address names no digest: 0x and 64 lower-case hexadecimal figures", "copy the whole digest"
    ),
    "request.statement-kind": Code(
        "the statement is of another kind than is taken at this address", "send it to the address for its kind"
    ),
    "request.idempotency-key-missing": Code(
        "the request could be sent twice by accident, and has no Idempotency-Key by which that would be noticed",
        "send the header Idempotency-Key with something drawn at random, the same one when you try again",
    ),
    "request.idempotency-key": Code(
        "the Idempotency-Key is not 1 to 128 visible ASCII characters", "send something drawn at random, such as a UUID"
    ),
    "request.if-match": Code(
        "the header If-Match is not one ETag as the API gives it", 'send back the ETag of the transfer, such as "v3"'
    ),
    "request.evidence-missing": Code(
        "there is no evidence file, since no release of the transfer is known to have landed",
        "wait until the transfer is confirmed; show it to see how far it is",
    ),
    "request.bundle-unknown": Code("no bundle of this digest is known here", "compare the digest with the treasury's"),
    "server.internal": Code(
        "the server met an error of its own", "look at what became of the request before sending it again; report it"
    ),
    "server.busy": Code("more requests are waiting than the server lets wait", "wait a moment and send it again"),
    "server.not-ready": Code(
        "the server runs but cannot serve: the message names what is missing", "have the operator look at its log"
    ),
}
