"""Codes of what the composition root runs: listeners, the API's and the worker's process."""

from __future__ import annotations

from guard.errors.code import Code

CODES: dict[str, Code] = {
    "listen.address": Code(
        "the address of a listener is not unix:PATH or HOST:PORT", "correct it; an IPv6 host stands in brackets"
    ),
    "listen.plaintext": Code(
        "a listener that other machines can reach has no certificate",
        "give it a certificate and its key, or listen on loopback or a Unix socket",
    ),
    "listen.certificate": Code(
        "the certificate or its key cannot be used", "name both files in PEM form, the key without a password"
    ),
    "listen.failed": Code("nothing can listen at that address", "see whether something listens there already"),
    "worker.ending": Code(
        "the worker was told to end before it was done", "nothing: another worker, or its next start, goes on"
    ),
    "outbox.message": Code("there is no dead message of that id", "see guard server outbox for those that there are"),
    "health.unwell": Code("a part that should run here is not well", "see its log"),
}
