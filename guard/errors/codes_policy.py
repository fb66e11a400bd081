"""Codes of policy files, of the soundness of a policy, and of bundles."""

from __future__ import annotations

from guard.errors.code import Code

_FILES: dict[str, Code] = {
    "policy.file-missing": Code(
        "one of the four policy files is not there, or is no plain file",
        "write the file; `guard init` writes commented ones to begin with",
    ),
    "policy.file-unknown": Code(
        "the policy directory holds a TOML file that nobody reads, so what it says would silently not apply",
        "move its content into one of the four files, or take it out of the directory",
    ),
    "policy.file-too-large": Code("a policy file is larger than is accepted", "check that this is the right file"),
    "policy.file-unreadable": Code(
        "a policy file or its directory cannot be read", "check the path and its permissions"
    ),
    "policy.file-unwritable": Code(
        "a policy file cannot be written; the old one is still in place", "check permissions and space"
    ),
    "policy.encoding": Code("a policy file is not plain UTF-8 without a byte order mark", "save it as UTF-8"),
    "policy.syntax": Code("a policy file is not TOML", "correct the line that the message names"),
    "policy.toml-form": Code(
        "a policy file uses a form of TOML that policies do without: quoted keys, long texts, nested headers",
        "write it in the plain form that the message names",
    ),
    "policy.newer-toml": Code(
        "a policy file uses TOML that only newer readers accept, so two machines could read it differently",
        "keep inline tables on one line without a comma at the end, and use no \\e or \\x escapes",
    ),
    "policy.number": Code(
        "a number is negative, a float, has an exponent, separators, or another base than ten",
        "write plain decimal figures, and amounts as text with their unit",
    ),
    "policy.date": Code("a date or time stands without quotes", "write it as text in quotes"),
    "policy.duplicate-key": Code(
        "a key or table is written twice, so two readers could read two things", "remove one of them"
    ),
}

_FIELDS: dict[str, Code] = {
    "policy.format": Code(
        "a policy file does not begin with a format that is known", "write format = 1 as its first line"
    ),
    "policy.key-unknown": Code(
        "a key is not known; an ignored line would be a rule that does not apply", "correct or remove it"
    ),
    "policy.key-missing": Code("a key that must be there is missing", "add the line"),
    "policy.not-yet": Code(
        "the policy uses a word that this version does not know yet", "leave it out, or upgrade first"
    ),
    "policy.type": Code(
        "a key holds another type of value than it must", "write the value in the form that the message names"
    ),
    "policy.empty": Code("a list, table or text is empty; empty never means all", "fill it, or leave the line out"),
    "policy.count": Code(
        "a count is zero, true or false, or out of its range",
        "write a whole number in the range that the message names",
    ),
    "policy.name": Code(
        "a name is not made of lower-case words joined by hyphens", "write for instance finance or policy-admins"
    ),
    "policy.time": Code(
        "a date or instant does not exist or is not in the form that is read",
        'write "2027-11-30" or "2027-11-30T12:00:00Z"',
    ),
    "policy.duplicate": Code("two entries share what must be each one's own", "rename or remove one of them"),
    "policy.owners-form": Code(
        "a vault says who owns it in no way, or in both ways", "write threshold and signers, or owners, but not both"
    ),
    "policy.vault-not-deployed": Code("a vault has no address yet", "run `guard vault deploy VAULT`, which writes it"),
    "policy.vault-deployed": Code(
        "the vault has an address already, and it is not replaced", "check which of the two is right"
    ),
    "policy.directory-in-use": Code(
        "the directory for the starting policy holds something already", "choose a new or empty directory"
    ),
    "policy.edit-refused": Code(
        "the edited file would not say exactly what was meant, so nothing was written", "edit the file by hand"
    ),
}

_SOUNDNESS: dict[str, Code] = {
    "policy.chain-unknown": Code(
        "a chain is named that the policy does not have", "add the chain to treasury.toml or correct the name"
    ),
    "policy.asset-unknown": Code(
        "an asset is named that the policy does not have", "add the asset to treasury.toml or correct the name"
    ),
    "policy.vault-unknown": Code(
        "a vault is named that the policy does not have", "add the vault to treasury.toml or correct the name"
    ),
    "policy.signer-unknown": Code(
        "a signer is named that the policy does not have", "run `guard signer add`, or correct the name"
    ),
    "policy.group-unknown": Code(
        "a group is named that the roster does not declare", "add it to groups in people.toml or correct the name"
    ),
    "policy.person-unknown": Code(
        "a person is named that the roster does not have", "run `guard people add`, or correct the name"
    ),
    "policy.label-unknown": Code(
        "a label is named that the address book does not have", "add it to addresses.toml or correct the name"
    ),
    "policy.nothing-named": Code(
        "the policy has no chain, asset, vault, signer, person or rule at all", "write at least one of each"
    ),
    "policy.asset-mismatch": Code(
        "tiers or an amount range are in an asset that is not the single one that their rule matches",
        "write match.asset with exactly that asset",
    ),
    "policy.limit-over-vaults": Code(
        "a limit over several vaults together is not known to this version", 'write per = ["vault"]'
    ),
    "policy.key-without-display": Code(
        "a key cannot show what it signs, and such keys are not known to this version",
        "enrol a key with a display of its own",
    ),
    "policy.guardians-too-few": Code(
        "there are fewer than three guardians, so one bad or absent one would matter too much",
        "put three or more people into guardians",
    ),
    "policy.group-too-small": Code(
        "a group has fewer people than are asked of it", "add people to the group or ask for fewer"
    ),
    "policy.every-member-needed": Code(
        "unfreezing or changing the policy needs every member of a group: one lost key would block it for ever",
        "add people to the group or ask for fewer",
    ),
    "policy.withstands": Code(
        "the owners of a vault do not bear as many stolen signers as the policy says it withstands",
        "hold 2 * threshold > owners + withstands: raise the threshold, or lower withstands knowingly",
    ),
    "policy.person-without-keys": Code(
        "a person has no key, so nothing can be signed or counted", "add a key or remove the person"
    ),
    "policy.key-is-owner": Code(
        "a person's key is also the owner key of a signer, so it could sign for the vault without the guard",
        "use separate keys",
    ),
    "policy.address-zero": Code(
        "an address is the zero address, from which nothing comes back", "write the right address"
    ),
    "policy.address-twice": Code(
        "two labels name one address on one chain, so what people read would not be unique", "keep one of them"
    ),
    "policy.native-decimals": Code("a chain's own coin has other than 18 decimals", "write decimals = 18"),
    "policy.unfreeze-missing": Code(
        "the policy does not say who lifts a freeze, so the first freeze would be for ever",
        "add the table [unfreeze] to treasury.toml",
    ),
}

_BUNDLES: dict[str, Code] = {
    "bundle.format": Code(
        "the bundle has a format that this version does not know", "upgrade, or build the bundle anew"
    ),
    "bundle.order": Code(
        "a list of the bundle is out of order or names something twice, so equal policies would not have equal digests",
        "build the bundle anew with `guard policy build`",
    ),
    "bundle.version": Code(
        "the bundle's version and its previous bundle do not fit together here", "pin the first bundle of the treasury"
    ),
    "bundle.signatures": Code(
        "the bundle carries signatures, which only later versions of a policy have", "pin the bundle as it was built"
    ),
    "bundle.digest": Code(
        "the bundle is not the one whose digest was given", "compare the digest with the others by voice again"
    ),
}

CODES: dict[str, Code] = {**_FILES, **_FIELDS, **_SOUNDNESS, **_BUNDLES}
