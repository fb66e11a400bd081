"""How a Safe is set up, read whole from the chain, and how the transaction that makes one is built.

Nothing here sends. A Safe that differs in anything from what was asked for is refused, since its owners, its modules
or its code could move what it holds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from guard.chain import fragments
from guard.chain.answers import Receipt, to_account
from guard.chain.deployments import CODE_HASHES, SafeDeployment, require_code
from guard.chain.reading import Chain
from guard.core.ids import NATIVE, is_count
from guard.errors import AdapterError, GuardError
from guard.formats.keccak import keccak256, require_address, to_address

_SENTINEL = "0x0000000000000000000000000000000000000001"
_GUARD_SLOT = int.from_bytes(keccak256(b"guard_manager.guard.address"), "big")
_MODULE_GUARD_SLOT = int.from_bytes(keccak256(b"module_manager.module_guard.address"), "big")
_HANDLER_SLOT = int.from_bytes(keccak256(b"fallback_manager.handler.address"), "big")
_MODULE_PAGE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeSetup:
    """Everything of a Safe that decides who can move what it holds. Addresses that are not set are the zero address."""

    version: str
    singleton: str
    owners: tuple[str, ...]
    threshold: int
    nonce: int
    modules: tuple[str, ...]
    transaction_guard: str
    module_guard: str
    fallback_handler: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeRequest:
    """A Safe to be made: its owners in order, how many must sign, and the salt that gives it its own address."""

    owners: tuple[str, ...]
    threshold: int
    salt_nonce: int

    def __post_init__(self) -> None:
        for owner in self.owners:
            require_address(owner)
        if not self.owners or len(set(self.owners)) != len(self.owners) or {NATIVE, _SENTINEL} & set(self.owners):
            raise GuardError("chain.deployment-invalid", "the owners of a safe are distinct accounts, at least one")
        if not is_count(self.threshold, least=1, end=len(self.owners) + 1):
            raise GuardError(
                "chain.deployment-invalid", f"a threshold for {len(self.owners)} owners is from 1 to {len(self.owners)}"
            )
        if not is_count(self.salt_nonce):
            raise GuardError("chain.deployment-invalid", "the salt is a whole number below 2^256")

    def to_initializer(self, fallback_handler: str) -> bytes:
        """The call that the new proxy makes to itself: owners, threshold and handler; no module, no payment."""
        return fragments.SAFE_SETUP.to_call(
            self.owners, self.threshold, NATIVE, b"", require_address(fallback_handler), NATIVE, 0, NATIVE
        )


def load_setup(chain: Chain, safe: str) -> SafeSetup:
    """Read how a Safe is set up now. Raises `AdapterError` where there is none or the node does not answer."""
    modules, following = chain.call(safe, fragments.SAFE_MODULES, (_SENTINEL, _MODULE_PAGE))
    if to_account(following, "module") not in (_SENTINEL, NATIVE):
        raise AdapterError("chain.deployment-mismatch", f"the safe has more than {_MODULE_PAGE} modules")
    return SafeSetup(
        version=chain.safe_version(safe),
        singleton=_load_address(chain, safe, 0),
        owners=chain.safe_owners(safe),
        threshold=chain.safe_threshold(safe),
        nonce=chain.safe_nonce(safe),
        modules=tuple(to_account(module, "module") for module in modules),
        transaction_guard=_load_address(chain, safe, _GUARD_SLOT),
        module_guard=_load_address(chain, safe, _MODULE_GUARD_SLOT),
        fallback_handler=_load_address(chain, safe, _HANDLER_SLOT),
    )


def _load_address(chain: Chain, safe: str, slot: int) -> str:
    word = chain.storage_at(safe, slot)
    if word >= 1 << 160:
        raise AdapterError("chain.unexpected-answer", "a storage word of the safe holds no address")
    return to_address(word.to_bytes(20, "big"))


def require_setup(chain: Chain, safe: str, deployment: SafeDeployment, request: SafeRequest) -> SafeSetup:
    """The setup of a Safe that is exactly what was asked for, at any nonce. Raises `chain.deployment-mismatch`."""
    require_code(chain, safe, (CODE_HASHES[deployment.version].proxy,))
    found = load_setup(chain, safe)
    asked = SafeSetup(
        version=deployment.version,
        singleton=deployment.singleton,
        owners=request.owners,
        threshold=request.threshold,
        nonce=found.nonce,
        modules=(),
        transaction_guard=NATIVE,
        module_guard=NATIVE,
        fallback_handler=deployment.fallback_handler,
    )
    if found != asked:
        wrong = [name for name in SafeSetup.__slots__ if getattr(found, name) != getattr(asked, name)]
        raise AdapterError(
            "chain.deployment-mismatch", f"safe {safe} differs from what was asked for in: {', '.join(wrong)}"
        )
    return found


def compute_safe_address(chain: Chain, deployment: SafeDeployment, request: SafeRequest) -> str:
    """Where the factory will put this Safe (EIP-1014), whoever sends the transaction."""
    code = bytes(chain.call(deployment.factory, fragments.FACTORY_CREATION_CODE)[0])
    initializer = request.to_initializer(deployment.fallback_handler)
    salt = keccak256(keccak256(initializer) + request.salt_nonce.to_bytes(32, "big"))
    creation = code + bytes(12) + bytes.fromhex(deployment.singleton[2:])
    factory = bytes.fromhex(deployment.factory[2:])
    return to_address(keccak256(b"\xff" + factory + salt + keccak256(creation))[12:])


def to_creation_call(deployment: SafeDeployment, request: SafeRequest) -> bytes:
    """The call to the factory that makes this Safe."""
    initializer = request.to_initializer(deployment.fallback_handler)
    return fragments.FACTORY_CREATE.to_call(deployment.singleton, initializer, request.salt_nonce)


def require_created(receipt: Receipt, factory: str) -> str:
    """The proxy that the factory says it made; its address is a topic since Safe 1.4, a word of the payload before."""
    events = [log for log in receipt.logs if log.address == factory and log.topics[:1] == (fragments.PROXY_CREATION,)]
    if len(events) != 1:
        raise AdapterError("chain.deployment-mismatch", "the transaction did not make exactly one proxy")
    words = (*events[0].topics[1:], *(events[0].payload[at : at + 32] for at in range(0, len(events[0].payload), 32)))
    return to_account("0x" + words[0][12:].hex() if words else None, "proxy address")


def require_executor_apart(owners: Sequence[str], executor: str) -> None:
    """Raise where the executor is an owner: a Safe counts an owner who sends as one who approves (signature type 1)."""
    if executor in owners:
        raise GuardError("chain.executor-is-owner", f"executor {executor} is an owner of the safe")
