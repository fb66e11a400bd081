"""Amounts and durations as people write them: `9000 USDC`, `0.5 ETH`, `24h`. A number without a unit is no amount."""

from __future__ import annotations

import re

from guard.errors import GuardError

_NUMBER = re.compile(r"(0|[1-9][0-9]*)(?:\.([0-9]+))?\Z", re.ASCII)
_DURATION = re.compile(r"([1-9][0-9]{0,5})([smhd])\Z", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
AMOUNT_LENGTH = 120


def parse_amount(text: str, decimals_of: dict[str, int]) -> tuple[str, int]:
    """`9000 USDC` as (USDC, units). `decimals_of` maps each known unit to its decimals. Exact, or refused."""
    parts = text.split(" ")
    if len(text) > AMOUNT_LENGTH or len(parts) != 2:
        raise GuardError("amount.unit", f"amount {text[:40]!r} is not a number, one space and a unit")
    if parts[1] not in decimals_of:
        raise GuardError(
            "amount.unit",
            f"unit {parts[1][:20]!r} is not a known asset",
            details={"known": ", ".join(sorted(decimals_of))},
        )
    return parts[1], to_units(parts[0], decimals_of[parts[1]])


def to_units(number: str, decimals: int) -> int:
    """A plain decimal number as a count of the smallest unit."""
    # Python turns no text of some thousand figures into a number, and no amount needs so many.
    found = _NUMBER.match(number) if len(number) <= AMOUNT_LENGTH else None
    if found is None:
        raise GuardError("amount.malformed", f"{number[:40]!r} is not a plain decimal number")
    whole, fraction = found.group(1), found.group(2) or ""
    if len(fraction) > decimals:
        raise GuardError("amount.precision", f"{number[:40]} has more than {decimals} decimal places")
    units = int(whole + fraction.ljust(decimals, "0"))
    if units >= 2**256:
        raise GuardError("amount.range", "the amount is 2^256 units or more")
    return units


def from_units(units: int, decimals: int) -> str:
    """A count of the smallest unit as a plain decimal number, exact, without zeros at the end of a fraction."""
    figures = str(units).rjust(decimals + 1, "0")
    whole, fraction = (figures[:-decimals], figures[-decimals:].rstrip("0")) if decimals else (figures, "")
    return f"{whole}.{fraction}" if fraction else whole


def to_grouped(number: str) -> str:
    """A plain decimal number with its whole part in groups of three, as in 1,250,000.5."""
    whole, _, fraction = number.partition(".")
    grouped = f"{int(whole):,}"
    return f"{grouped}.{fraction}" if fraction else grouped


def parse_duration(text: str) -> int:
    """`30m`, `24h` or `7d` as seconds: one whole number from 1 on and one unit of s, m, h, d."""
    found = _DURATION.match(text)
    if found is None:
        raise GuardError("duration.malformed", f"{text[:20]!r} is not a duration such as 30m, 24h or 7d")
    return int(found.group(1)) * _SECONDS[found.group(2)]


def to_duration(seconds: int) -> str:
    """Seconds as the shortest exact duration, as in 24h; zero is 0s."""
    for unit in ("d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"
