"""Codes of the client of the API and of what the command line keeps for it: contexts, log-ins, remembered heads of the log."""

from __future__ import annotations

from guard.errors.code import Code

_CLIENT: dict[str, Code] = {
    "client.redirected": Code(
        "the server pointed to another address, which is never followed",
        "find out who answers at that address; correct the server in the context if it has moved",
    ),
    "client.certificate": Code(
        "the server's certificate is not one that this machine trusts for its name",
        "compare the address, and name the authority with guard context add --ca FILE if it is your own",
    ),
    "client.plaintext": Code(
        "anybody between here and the server could read the log-in and what is shown",
        "use https, or an address of this machine",
    ),
    "client.token": Code(
        "the log-in was given by another server, and no other one is shown it", "run guard login for this server"
    ),
    "client.mismatch": Code(
        "the server answered with something else than what was asked; nothing of it was used",
        "do not sign; tell whoever runs the server, and show the transfer at somebody else's",
    ),
    "client.summary-differs": Code(
        "the server shows this transfer in other words than this machine computes from it",
        "do not sign; compare the policy digests by voice, and tell whoever runs the server",
    ),
    "client.challenge": Code(
        "the text that the server wants signed for a log-in is not this server's log-in of this key",
        "do not sign it elsewhere; compare the address in guard context show with the server's own",
    ),
}

_SESSION: dict[str, Code] = {
    "cli.not-logged-in": Code("the server shows state only to people who logged in", "run guard login --key FILE"),
    "cli.private-file": Code(
        "others on this machine could read or change a file that only you may", "run chmod 600 on it, or make it again"
    ),
    "cli.private-content": Code(
        "a file of this program's own folder does not hold what it must", "move it away and run the command again"
    ),
}

_CONTEXT: dict[str, Code] = {
    "cli.context-unknown": Code("there is no context of that name", "see guard context list"),
    "cli.context-exists": Code(
        "a context of that name is there and says something else", "choose another name, or remove the old one first"
    ),
    "cli.context-missing": Code(
        "no context is in use", "run guard context add NAME --server URL, then guard context use NAME"
    ),
}

_ABOUT: dict[str, Code] = {
    "cli.transfer": Code(
        "the transfer is named neither by its folder nor by its id", "give the folder, or 8 or more figures of the id"
    ),
    "cli.transfer-ambiguous": Code("several transfers have ids that begin so", "give more figures of the id"),
    "cli.not-initiator": Code(
        "only whoever proposed a transfer withdraws it",
        "use guard reject for your own seat, or guard veto as a guardian",
    ),
}

_LOG: dict[str, Code] = {
    "log.rolled-back": Code(
        "the server's log is shorter than it was, or says something else than it said before",
        "keep the file of remembered heads as evidence and tell the others at once; sign nothing by what the server shows",
    ),
}

CODES: dict[str, Code] = {**_CLIENT, **_SESSION, **_CONTEXT, **_ABOUT, **_LOG}
