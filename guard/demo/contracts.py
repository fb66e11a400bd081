"""The real contracts of the demo and the tests, as their authors compiled them: three versions of Safe, an ERC-20.

They are read as files out of the installed distribution safe-eth-py, which is never imported: importing it costs
seconds and a hundred megabytes. Its singleton of each version is the variant that also emits
`SafeMultiSigTransaction` (called L2).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from eth_abi import encode

from guard.errors import AdapterError

DISTRIBUTION = "safe-eth-py"
_FOLDER = "safe_eth/eth/contracts/abis"
_SINGLETONS = {"1.3.0": "GnosisSafe_V1_3_0", "1.4.1": "Safe_V1_4_1", "1.5.0": "Safe_V1_5_0"}
_TOKEN = "ERC20TestToken"
TOKEN_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled contract: its interface, the code that creates it and the code that then stands on chain."""

    name: str
    abi: tuple[dict[str, Any], ...]
    creation_code: bytes
    runtime_code: bytes

    def to_creation_code(self, *arguments: object) -> bytes:
        """The creation code with the constructor's arguments behind it."""
        types = [one["type"] for part in self.abi if part["type"] == "constructor" for one in part["inputs"]]
        return self.creation_code + encode(types, arguments)


@dataclass(frozen=True, slots=True)
class SafeArtifacts:
    """What one version of Safe needs on a chain before a proxy can be made."""

    version: str
    singleton: Artifact
    factory: Artifact
    fallback_handler: Artifact
    proxy: Artifact


def load_safe(version: str) -> SafeArtifacts:
    """The contracts of one version: 1.3.0, 1.4.1 or 1.5.0."""
    if version not in _SINGLETONS:
        raise AdapterError(
            "chain.artifact", f"there are no artifacts of safe {version[:20]}, only of {', '.join(_SINGLETONS)}"
        )
    suffix = "V" + version.replace(".", "_")
    return SafeArtifacts(
        version=version,
        singleton=load_artifact(_SINGLETONS[version]),
        factory=load_artifact(f"ProxyFactory_{suffix}"),
        fallback_handler=load_artifact(f"CompatibilityFallbackHandler_{suffix}"),
        proxy=load_artifact(f"Proxy_{suffix}"),
    )


def to_token_code(holder: str, supply_units: int, *, symbol: str = "USDC", decimals: int = TOKEN_DECIMALS) -> bytes:
    """Creation code of an ERC-20 token (OpenZeppelin 3) whose whole supply is `holder`'s; nobody can mint more."""
    return load_artifact(_TOKEN).to_creation_code(f"Test {symbol}", symbol, decimals, holder, supply_units)


@lru_cache(maxsize=32)
def load_artifact(name: str) -> Artifact:
    """One artifact by its file's name. Raises `AdapterError` where the distribution or the file is missing."""
    path = _find_folder() / f"{name}.json"
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
        return Artifact(name, tuple(read["abi"]), _to_code(read["bytecode"]), _to_code(read["deployedBytecode"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AdapterError("chain.artifact", f"artifact {name} cannot be read from {DISTRIBUTION}") from error


def _find_folder() -> Path:
    try:
        return Path(str(distribution(DISTRIBUTION).locate_file(_FOLDER)))
    except PackageNotFoundError as error:
        raise AdapterError(
            "chain.artifact",
            f"{DISTRIBUTION} is not installed",
            hint="install requirements/artifacts.lock without dependencies",
        ) from error


def _to_code(text: str) -> bytes:
    code = bytes.fromhex(text.removeprefix("0x"))
    if not code:
        raise ValueError("the artifact has no code")
    return code
