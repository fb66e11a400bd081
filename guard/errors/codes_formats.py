"""Codes of the exact byte formats: JSON, addresses, numbers, texts."""

from __future__ import annotations

from guard.errors.code import Code

CODES: dict[str, Code] = {
    "json.malformed": Code(
        "the text is not JSON of the strict kind that is accepted here",
        "write the file anew with the command that made it",
    ),
    "json.duplicate-key": Code(
        "an object names the same key twice, so two readers could read two things", "remove one of the two"
    ),
    "json.number": Code(
        "a number is a float, has an exponent or is beyond 2^53",
        "write amounts as decimal strings and counts as plain integers",
    ),
    "json.too-large": Code("the text is larger or nested deeper than is accepted", "check that this is the right file"),
    "json.not-canonical": Code(
        "the text is not its own canonical form (RFC 8785), so its digest would not be unique",
        "write it anew with the command that made it",
    ),
    "json.field-missing": Code(
        "a field that must be there is missing", "add the field, or write the file anew with the command that made it"
    ),
    "json.field-unknown": Code(
        "a field is there that this format does not know", "remove it, or upgrade to the version that knows it"
    ),
    "json.field-type": Code("a field holds another type of value than its format says", "correct the value"),
    "address.malformed": Code("the text is not an address of 20 bytes in hexadecimal", "copy the whole address"),
    "address.checksum": Code(
        "the address does not carry its EIP-55 checksum, so a typing error would pass",
        "copy it from its source again; do not retype it",
    ),
    "hex.malformed": Code(
        "the text is not 0x-prefixed lower-case hexadecimal of the length that is needed", "copy the whole value"
    ),
    "text.characters": Code(
        "the text holds control, direction or invisible characters, with which one thing can look like another",
        "retype it in plain letters",
    ),
    "amount.malformed": Code(
        "the amount is not a plain decimal number",
        "write digits, at most one point, no sign, no separators, no exponent",
    ),
    "amount.unit": Code(
        "the amount has no unit, or one that is not an asset of the policy", "write for instance 9000 USDC"
    ),
    "amount.precision": Code(
        "the amount has more decimal places than the asset", "shorten the fraction to the asset's decimals"
    ),
    "amount.range": Code("the amount is zero where it may not be, negative, or beyond 2^256", "check the amount"),
    "duration.malformed": Code("the duration is not a whole number with one unit", "write for instance 30m, 24h or 7d"),
}
