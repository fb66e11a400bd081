"""The demo's own policy, as its author would have written it: two assets, three tiers, a freeze that two lift, delays of seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """The policy's times, in seconds. A real policy says ten minutes and hours."""

    settle: int = 2
    delay: int = 5
    unfreeze_delay: int = 2


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody of the demo's treasury."""

    id: str
    name: str
    groups: tuple[str, ...]


MEMBERS = (
    Member("alice", "Alice, CFO", ("finance", "policy-admins")),
    Member("bob", "Bob, treasurer", ("finance",)),
    Member("carol", "Carol, controller", ("finance",)),
    Member("dave", "Dave, head of security", ("guardians", "security")),
    Member("erin", "Erin, counsel", ("guardians", "policy-admins")),
    Member("frank", "Frank, operations", ("guardians", "policy-admins")),
)
SIGNERS = ("signer-a", "signer-b", "signer-c", "signer-d")
THRESHOLD = 3


def render_treasury(treasury: str, token: str, chain_id: int, pace: Pace) -> str:
    """treasury.toml before signers and the vault's address are added by commands."""
    signers = ", ".join(f'"{name}"' for name in SIGNERS)
    return f"""format = 1
treasury = "{treasury}"
version = 1
expires_at = "2099-12-31"

[numbers]
max_transfer_age = "7d"
settle = "{pace.settle}s"     # ten minutes is usual; here nobody wants to wait
withstands = 1

[unfreeze]
approvals = {{ policy-admins = 2 }}
delay = "{pace.unfreeze_delay}s"

[change]
approvals = {{ policy-admins = 2 }}
loosening_delay = "48h"

[[chain]]
name = "local"
chain_id = {chain_id}

[[asset]]
id = "ETH"
chain = "local"
address = "0x0000000000000000000000000000000000000000"
decimals = 18

[[asset]]
id = "USDC"
chain = "local"
address = "{token}"
decimals = 6

[[vault]]
id = "operations"
kind = "safe"
chain = "local"
threshold = {THRESHOLD}
signers = [{signers}]
"""


PEOPLE = """format = 1
groups = ["finance", "guardians", "policy-admins", "security"]
"""


def render_addresses(entries: Mapping[str, str]) -> str:
    """addresses.toml."""
    parts = [
        f'[[address]]\nlabel = "{label}"\naddress = "{address}"\nchains = ["local"]\n'
        for label, address in entries.items()
    ]
    return "format = 1\n\n" + "\n".join(parts)


def render_rules(pace: Pace) -> str:
    """rules.toml: three tiers by amount, and caps."""
    return f"""format = 1

[[rule]]
id = "operations-outflow"
why = "Day-to-day payments to known counterparties; more people and more time as the amount grows."
owner = "treasury"
review_by = "2099-03-31"
match.vault = ["operations"]
match.asset = ["USDC"]
match.action = ["transfer"]
match.destination.listed = true
allow = true
tiers = [
  {{ up_to = "10000 USDC",  approvals = {{ finance = 1 }} }},
  {{ up_to = "100000 USDC", approvals = {{ finance = 2 }}, delay = "{pace.delay}s" }},
  {{ up_to = "250000 USDC", approvals = {{ finance = 2, security = 1 }}, delay = "24h" }},
]

[[rule]]
id = "caps"
why = "No day takes more than this, whoever agrees."
owner = "treasury"
review_by = "2099-03-31"
match.vault = ["operations"]
limits = [
  {{ amount = "300000 USDC", window = "24h", per = ["vault"] }},
  {{ amount = "10 ETH", window = "24h", per = ["vault"] }},
]
"""
