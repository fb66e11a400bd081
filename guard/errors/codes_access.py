"""Codes of logging in: messages, second factors, sessions, and the key file under which secrets are sealed."""

from __future__ import annotations

from guard.errors.code import Code

_LOGIN: dict[str, Code] = {
    "siwe.malformed": Code(
        "the text is not a log-in message of EIP-4361 in its one exact form", "sign the message that the server gave"
    ),
    "login.refused": Code(
        "the log-in is refused; which part of it was wrong is not told",
        "ask for a new message, sign it with an enrolled key, and give the next code; after ten wrong codes in a row the operator "
        "must reset the second factor",
    ),
    "login.code-needed": Code(
        "a code of the second factor is needed",
        "send the same again with the code that is shown now, or a recovery code",
    ),
    "login.code": Code(
        "the code is not good: wrong, used before, or refused after ten wrong ones",
        "give the next code; if that is refused as well have the operator reset the second factor",
    ),
    "login.session": Code("there is no such log-in, or it has ended", "log in again"),
    "login.enrol-only": Code(
        "this log-in may only enrol a second factor", "enrol one and confirm it, which makes the log-in whole"
    ),
    "login.no-enrolment": Code(
        "no second factor waits to be confirmed, or it waited for too long", "begin the enrolment again"
    ),
    "login.cross-site": Code(
        "a browser sent the request from another site, or does not say from which",
        "use the server's own pages; programs send the token in the header Authorization",
    ),
    "login.challenges": Code(
        "too many log-in messages were asked for and not used", "wait five minutes, or use one of those that were given"
    ),
    "login.person-unknown": Code(
        "there is nobody of that id in the active policy, and no second factor of theirs", "check the id"
    ),
}

_KEYFILE: dict[str, Code] = {
    "keyfile.exists": Code(
        "a file is already there, and a key file is never written over", "choose another path, or rotate the key"
    ),
    "keyfile.unreadable": Code(
        "the key file for sealed secrets cannot be read or written", "check the path master_key and its permissions"
    ),
    "keyfile.permissions": Code("others may read the key file", "chmod 600 it"),
    "keyfile.malformed": Code("the key file is not in its form", "put the right file back from its copy"),
    "keyfile.unknown": Code(
        "a secret is sealed under a key that the key file does not hold", "put the right file back from its copy"
    ),
    "keyfile.in-use": Code(
        "secrets are still sealed under the key, or it is the newest one", "rotate first; that seals them all anew"
    ),
    "keyfile.sealed": Code(
        "a sealed secret does not open: it was changed, or it is somebody else's",
        "find out who can write to the database; reset the person's second factor",
    ),
}

CODES: dict[str, Code] = {**_LOGIN, **_KEYFILE}
