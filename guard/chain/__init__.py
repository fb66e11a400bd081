"""The chain as an adapter: what a node says, and the gas-only account that brings certificates to it.

The only room that knows web3. It is slow to import, so rooms above import it where they use it. It holds no vault key
and makes no decision; its word may hold a release back and never justifies one.
"""

from guard.chain.account import GasCaps
from guard.chain.answers import BlockHead, Log, Receipt
from guard.chain.deployments import CANONICAL, CANONICAL_EIP155, SafeDeployment, load_canonical
from guard.chain.executor import ExecCall, Executor
from guard.chain.outcome import ExpectedEffect, Outcome, OutcomeState, find_execution, read_outcome
from guard.chain.reading import Chain
from guard.chain.safes import SafeRequest, SafeSetup, compute_safe_address, load_setup, require_setup

__all__ = [
    "CANONICAL",
    "CANONICAL_EIP155",
    "BlockHead",
    "Chain",
    "ExecCall",
    "Executor",
    "ExpectedEffect",
    "GasCaps",
    "Log",
    "Outcome",
    "OutcomeState",
    "Receipt",
    "SafeDeployment",
    "SafeRequest",
    "SafeSetup",
    "compute_safe_address",
    "find_execution",
    "load_canonical",
    "load_setup",
    "read_outcome",
    "require_setup",
]
