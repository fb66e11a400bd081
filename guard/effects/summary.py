"""The canonical summary of a transfer: what an approver reads and signs, rendered again by everybody who checks it.

Derived from the transfer and the policy alone and never taken from a caller (P3). Old renderers stay as long as the
longest lifetime of an approval, so that what was signed under one can still be checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from guard.core.policy import Policy
from guard.core.transfer import Transfer
from guard.effects.summary_v1 import render_summary_v1
from guard.errors import GuardError

Renderer = Callable[[Transfer, Policy], str]

SUMMARY_VERSION = 1
"""The version that new approvals carry."""
RENDERERS: Mapping[int, Renderer] = MappingProxyType({1: render_summary_v1})
"""Every renderer whose summaries are still accepted, by version."""


def render_summary(transfer: Transfer, policy: Policy) -> str:
    """The summary in the current version. Raises `summary.action`, `summary.vault` or `summary.asset`."""
    return render_summary_as(SUMMARY_VERSION, transfer, policy)


def render_summary_as(version: int, transfer: Transfer, policy: Policy) -> str:
    """The summary in a given version. Raises `summary.version` where no renderer of that version is kept."""
    renderer = RENDERERS.get(version)
    if renderer is None:
        raise GuardError("summary.version", f"summaries of version {version} are not known")
    return renderer(transfer, policy)
