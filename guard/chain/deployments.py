"""The contracts of each Safe version: where they stand on public chains, and by which code they are known anywhere.

Addresses choose nothing by themselves: before a Safe is made the code at each of them must be the version's own, so
that a wrong address, or a chain on which somebody else stands there, is refused. Source: safe-deployments 1.37
(addresses, code hashes); the hash of the proxy is that of the authors' artifact. EraVM chains have other code and are
not supported.
"""

from __future__ import annotations

from dataclasses import dataclass

from guard.chain.reading import Chain
from guard.errors import AdapterError, GuardError
from guard.formats.keccak import keccak256, require_address


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeDeployment:
    """The addresses from which a Safe of one version is made on one chain."""

    version: str
    singleton: str
    factory: str
    fallback_handler: str

    def __post_init__(self) -> None:
        if self.version not in CODE_HASHES:
            raise GuardError("value.invalid", f"safe {self.version[:20]} is none of {', '.join(sorted(CODE_HASHES))}")
        for address in (self.singleton, self.factory, self.fallback_handler):
            require_address(address)


@dataclass(frozen=True, slots=True)
class CodeHashes:
    """Keccak-256 of the code of one version's contracts; `singletons` has the plain one and the one called L2."""

    singletons: tuple[str, str]
    factory: str
    fallback_handler: str
    proxy: str


CODE_HASHES: dict[str, CodeHashes] = {
    "1.3.0": CodeHashes(
        singletons=(
            "0xbba688fbdb21ad2bb58bc320638b43d94e7d100f6f3ebaab0a4e4de6304b1c2e",
            "0x21842597390c4c6e3c1239e434a682b054bd9548eee5e9b1d6a4482731023c0f",
        ),
        factory="0x337d7f54be11b6ed55fef7b667ea5488db53db8320a05d1146aa4bd169a39a9b",
        fallback_handler="0x03e69f7ce809e81687c69b19a7d7cca45b6d551ffdec73d9bb87178476de1abf",
        proxy="0xb89c1b3bdf2cf8827818646bce9a8f6e372885f8c55e5c07acbd307cb133b000",
    ),
    "1.4.1": CodeHashes(
        singletons=(
            "0x1fe2df852ba3299d6534ef416eefa406e56ced995bca886ab7a553e6d0c5e1c4",
            "0xb1f926978a0f44a2c0ec8fe822418ae969bd8c3f18d61e5103100339894f81ff",
        ),
        factory="0x50c3cdc4074750a7a974204a716c999edd37482f907608d960b2b025ee0b3317",
        fallback_handler="0x7c6007a5d711cea8dfd5d91f5940ec29c7f200fe511eb1fc1397b367af3c42f9",
        proxy="0xd7d408ebcd99b2b70be43e20253d6d92a8ea8fab29bd3be7f55b10032331fb4c",
    ),
    "1.5.0": CodeHashes(
        singletons=(
            "0xdda019cbd7c867a533a2a86e5c53434fdc50b13122b5a5ddb4a8df61b31c20f2",
            "0x180193227186ccb85316c94db1f0d156ed932b14712cfaac78901899178572dc",
        ),
        factory="0x967dae4cda22b0c9ef7f31b010bdc1ceb0af9904b0c3dc060b5302e4c18a4529",
        fallback_handler="0x3c6a85bcf7b563daa624b884b4e9a1b9fa5371edde7be945d998071a48f28bbc",
        proxy="0x4e381985ca68b3e5d27b4425fa581c19cf33146d3f887a3cfca96f55528ea46f",
    ),
}

CANONICAL: dict[str, SafeDeployment] = {
    "1.3.0": SafeDeployment(
        version="1.3.0",
        singleton="0x3E5c63644E683549055b9Be8653de26E0B4CD36E",
        factory="0xa6B71E26C5e0845f74c812102Ca7114b6a896AB2",
        fallback_handler="0xf48f2B2d2a534e402487b3ee7C18c33Aec0Fe5e4",
    ),
    "1.4.1": SafeDeployment(
        version="1.4.1",
        singleton="0x29fcB43b46531BcA003ddC8FCB67FFE91900C762",
        factory="0x4e1DCf7AD4e460CfD30791CCC4F9c8a4f820ec67",
        fallback_handler="0xfd0732Dc9E303f09fCEf3a7388Ad10A83459Ec99",
    ),
    "1.5.0": SafeDeployment(
        version="1.5.0",
        singleton="0xEdd160fEBBD92E350D4D398fb636302fccd67C7e",
        factory="0x14F2982D601c9458F93bd70B218933A6f8165e7b",
        fallback_handler="0x3EfCBb83A4A7AfcB4F68D501E2c2203a38be77f4",
    ),
}
"""The canonical addresses, with the L2 singleton: its events let everybody follow the Safe without tracing."""

CANONICAL_EIP155: dict[str, SafeDeployment] = {
    "1.3.0": SafeDeployment(
        version="1.3.0",
        singleton="0xfb1bffC9d739B8D520DaF37dF666da4C687191EA",
        factory="0xC22834581EbC8527d974F8a1c97E1bEA4EF910BC",
        fallback_handler="0x017062a1dE2FE6b99BE3d9d37841FeD19F573804",
    ),
}
"""Version 1.3.0 stands elsewhere on chains that accept only transactions with a chain id (EIP-155)."""


def load_canonical(chain: Chain, version: str) -> SafeDeployment:
    """The public deployment of a version that stands on this chain. Raises `chain.no-contract` where there is none."""
    if version not in CANONICAL:
        raise GuardError("value.invalid", f"safe {version[:20]} is none of {', '.join(sorted(CANONICAL))}")
    candidates = [table[version] for table in (CANONICAL, CANONICAL_EIP155) if version in table]
    for candidate in candidates:
        if chain.code(candidate.factory):
            return candidate
    raise AdapterError("chain.no-contract", f"no canonical deployment of safe {version} stands on this chain")


def require_genuine(chain: Chain, deployment: SafeDeployment) -> None:
    """Raise unless the code at each address is that of the version: `chain.no-contract` or `chain.unknown-code`."""
    known = CODE_HASHES[deployment.version]
    require_code(chain, deployment.singleton, known.singletons)
    require_code(chain, deployment.factory, (known.factory,))
    require_code(chain, deployment.fallback_handler, (known.fallback_handler,))


def require_code(chain: Chain, address: str, known: tuple[str, ...]) -> None:
    """Raise unless the code at the address has one of these Keccak-256 hashes."""
    code = chain.code(address)
    if not code:
        raise AdapterError("chain.no-contract", f"there is no contract at {address}")
    found = "0x" + keccak256(code).hex()
    if found not in known:
        raise AdapterError(
            "chain.unknown-code", f"the code at {address} is not the one expected", details={"found": found}
        )
