"""Codes of the signer: its clock, journal, keys, release chain, certificates and stops."""

from __future__ import annotations

from guard.errors.code import Code

_PROPOSE = "propose the payment again, naming this one in `again`"
_CERTIFICATES = "bring this signer the certificates that the others hold"
_CLOCK = "set the machine's clock right and see that every endpoint answers; stops are stored meanwhile"
_JOURNAL = "take this signer out of use and swap that owner on the Safe; never run a key without its own journal"

CODES: dict[str, Code] = {
    "signer.not-pinned": Code(
        "no policy is pinned", "compare the digest by voice and run guard signer pin on this host"
    ),
    "signer.pinned": Code("a policy is pinned already", "later policies follow from it by the admins' signatures"),
    "signer.journal-missing": Code("the key's journal is not there", _JOURNAL),
    "signer.journal-exists": Code("a journal is there already", "use another folder"),
    "signer.journal-foreign": Code("the journal belongs to another key, treasury or format", _JOURNAL),
    "signer.journal-behind": Code(
        "the journal was put back to an earlier state and has forgotten what it signed", _JOURNAL
    ),
    "signer.journal-broken": Code("the journal cannot be read or contradicts itself", _JOURNAL),
    "signer.counter": Code(
        "the journal's counter cannot be read or written, or is another journal's", "mend the volume it is on"
    ),
    "signer.running": Code(
        "another process holds this signer's key", "stop the other process; one key lives in one signer"
    ),
    "signer.unsettled": Code("the signer has started too lately to sign", "wait; stops sent meanwhile reach it first"),
    "signer.endpoint": Code("an endpoint's address is not one", "write it as http://host:port"),
    "signer.endpoint-silent": Code(
        "an endpoint gave no usable answer, which is never agreement", "mend the endpoint, then ask again"
    ),
    "signer.statement-kind": Code("a statement of that kind is not taken here", "bring it where its kind is taken"),
    "signer.not-a-stop": Code(
        "the stop listener takes vetoes, rejections and freezes", "bring it to the command listener"
    ),
    "signer.not-stopped": Code(
        "the transfer is not stopped here, so strangers may not ask for its cancel", "send the veto first"
    ),
    "signer.nothing-to-cancel": Code(
        "nothing of that transfer that was signed here can still be cancelled", "ask the other signers"
    ),
    "signer.request": Code("the request is not one that this listener takes", "see the manual for what it takes"),
    "signer.too-large": Code("the request is larger than 256 KiB", "send less at once"),
    "signer.rate": Code("too many requests from one source or key", "wait a moment and send it again"),
    "signer.config": Code(
        "the configuration is missing, not TOML, or names something unknown", "write it as guard signer new does"
    ),
    "signer.address": Code(
        "a listener's address is not unix:PATH or HOST:PORT", "correct it; an IPv6 host stands in brackets"
    ),
    "clock.behind-mark": Code("the clock is behind a time that this signer has seen", _CLOCK),
    "clock.stepped": Code("the clock was set while the signer ran", _CLOCK),
    "clock.endpoint-silent": Code("an endpoint gave no block time, so the clock cannot be compared", _CLOCK),
    "clock.block-time": Code("the clock is more than five minutes away from the latest block", _CLOCK),
    "clock.look-too-old": Code("the endpoints answered too slowly to sign by", _CLOCK),
    "chain.not-an-owner": Code("this signer's key is not an owner at that nonce", "ask the owners"),
    "chain.nonce-taken": Code(
        "this signer signed another transfer at the open nonce", "complete it, or cancel that nonce"
    ),
    "chain.nonce-cancelled": Code(
        "this signer signed the cancel of the open nonce", "complete the cancel, then ask again"
    ),
    "chain.dead": Code(
        "a cancel names the transfer, which this signer signed there; it never signs it again", _PROPOSE
    ),
    "chain.dead-before-owner": Code("a cancel from before this key was an owner names the transfer", _PROPOSE),
    "chain.still-executable": Code(
        "the transfer was signed at another nonce, where it may still be executed", _CERTIFICATES
    ),
    "chain.cancelled-here": Code(
        "this signer signed the cancel of a nonce at which it had signed the transfer", _PROPOSE
    ),
    "chain.certified": Code("the transfer has its certificate already; it is signed once", "broadcast the certificate"),
    "chain.unmined": Code(
        "too many certificates of the vault are not final", "wait for finality, or broadcast what is not mined"
    ),
    "chain.cancel-ahead": Code("a nonce above the open one cannot be cancelled yet", _CERTIFICATES),
    "chain.cancel-before-first": Code("the nonce lies before the first one of the policy", "check the nonce"),
    "chain.nonce-unexplained": Code(
        "a node reports a nonce that no certificate explains", f"{_CERTIFICATES}; if none can, freeze"
    ),
    "chain.paid-before": Code(
        "the same payment is under way or was made lately", "name it in `again` if it is really meant twice"
    ),
    "certificate.malformed": Code("the certificate cannot be read", "take it from a signer that holds it"),
    "certificate.signature": Code(
        "a signature in the certificate is not that owner's on that transaction", "take it from a signer"
    ),
    "certificate.too-few": Code(
        "the certificate has fewer owner signatures or statements than the threshold", "collect more"
    ),
    "certificate.treasury": Code(
        "the certificate carries another treasury's transfer", "use this treasury's certificates"
    ),
    "certificate.transfers": Code(
        "a cancel came without exactly the transfers that it names", "send the named transfers with it"
    ),
    "certificate.proposal": Code(
        "a cancel came with a transfer that its initiator has not proposed", "send the signed proposal"
    ),
    "certificate.statement": Code("a statement in the cancel is not a signer's about that nonce", "collect it anew"),
    "testimony.unknown": Code("a journal key signs no text of that name", "check versions on both sides"),
    "testimony.text": Code("it is another text than the expected one", "check what was sent"),
    "testimony.treasury": Code("the text is of another treasury", "check which signer answered"),
    "testimony.signature": Code(
        "the text is not signed by that signer's journal key", "do not believe it; find out who answered"
    ),
    "stop.spent": Code("a quorum has lifted this freeze; its id never works again", "freeze under a new id"),
    "stop.barred": Code(
        "a quorum lately lifted a freeze of this guardian", "ask another guardian, or veto the transfer"
    ),
    "stop.unseen": Code("the unfreeze names a freeze that was never seen here", "bring the freeze first"),
    "key.exists": Code("a file is there already, and a key is never written over", "choose another name"),
    "key.password": Code("the keystore does not open with this password", "try again"),
    "key.password-short": Code("the password is too short", "use at least 8 characters"),
    "key.password-file": Code("the password file can be read by others", "chmod 600 it"),
    "key.unreadable": Code("a key's file cannot be read or written", "check the path and its permissions"),
}
