"""Codes of the command line, of its clients and of the worker that carries transfers."""

from __future__ import annotations

from guard.errors.code import Code

_CLIENT: dict[str, Code] = {
    "client.no-answer": Code(
        "a signer or the server gave no usable answer",
        "see that it runs and that its address is right; of signers ask the others",
    ),
    "client.address": Code(
        "an address is not unix:PATH, HOST:PORT, http://HOST:PORT or https://HOST:PORT[#sha256=HEX]",
        "correct the address",
    ),
}

_WORKER: dict[str, Code] = {
    "worker.answer": Code(
        "a signer's answer is not about what it was asked", "do not use it; find out who answers at that address"
    ),
    "worker.not-booked": Code(
        "too few signers took the certificate, so that it might be lost after its execution",
        "see that the signers run and run the same command again; nothing was broadcast",
    ),
    "worker.transfer-unknown": Code(
        "a cancel names a transfer whose text nobody here has",
        "run it where that transfer's folder is, or name the folder with --transfer",
    ),
}

_CLI: dict[str, Code] = {
    "cli.usage": Code("the command was not written as it must be", "read its --help"),
    "cli.aborted": Code("nobody said yes, so nothing was done", "run it again when you are sure"),
    "cli.no-terminal": Code(
        "there is no terminal to ask on", "give --password-file, and --yes where you have read what is signed"
    ),
    "cli.password-mismatch": Code("the two passwords differ", "type the same password twice"),
    "cli.setting-unknown": Code(
        "guard.toml or the environment names a setting that there is not",
        "see guard config show for all that there are",
    ),
    "cli.setting-value": Code(
        "a setting has a value that it cannot have", "correct it where guard config show says it is"
    ),
    "cli.setting-missing": Code("this command needs a setting that is nowhere given", "add it to guard.toml"),
    "cli.file-missing": Code("a file or folder is not there", "check the path"),
    "cli.file-unreadable": Code("a file cannot be read", "check the path and its permissions"),
    "cli.file-unwritable": Code("a file cannot be written", "check the path and the space on the disk"),
    "cli.file-differs": Code(
        "a file of that name is there with other content, and nothing is ever written over", "choose another folder"
    ),
    "cli.file-mixed": Code(
        "a file in the transfer's folder belongs to another transfer or is of an unknown kind",
        "move it out of the folder",
    ),
    "cli.not-built": Code("there is no bundle yet", "run guard policy build first"),
    "cli.pin": Code(
        "the bundle is not the one that guard.toml pins", "compare the digest by voice and correct one of them"
    ),
    "cli.key-unknown": Code(
        "the key belongs to nobody of the policy's people", "use an enrolled key, or enrol this one"
    ),
    "cli.vault-unknown": Code("the policy names no vault of that name", "see guard policy check and treasury.toml"),
    "cli.asset-elsewhere": Code("the asset is not on the vault's chain", "name an asset of that chain"),
    "cli.destination-unknown": Code(
        "the destination is neither a label of the address book on that chain nor an address",
        "write a label of addresses.toml, or a whole address with its checksum",
    ),
    "cli.scope": Code(
        "the scope is not everything, vault:ID, asset:ID, destination:LABEL or person:ID",
        "write for instance vault:operations",
    ),
    "cli.enrolment": Code(
        "the line is not a valid proof of control over a key for this treasury", "have it made again"
    ),
    "cli.unknown-code": Code("there is no error code of that name", "see docs/ERRORS.md for all of them"),
    "cli.unknown-kind": Code("the file is nothing that this command can show", "check the path"),
    "cli.wrong-chain": Code(
        "there is no endpoint for that chain in the settings", "add it under [chains] in guard.toml"
    ),
    "cli.internal": Code("a fault in this program; nothing further was done", "report it with the traceback"),
    "watch.too-few": Code(
        "fewer signers answer than must be reached to stop a transfer",
        "find out at once why the others are silent; a stop sent now may not be accepted",
    ),
    "watch.policy": Code("a signer stands on another policy than this desk", "find out which of the two is right"),
}

CODES: dict[str, Code] = {**_CLIENT, **_WORKER, **_CLI}
