"""Brings certificates to the chain: the executor's account makes Safes and executes what their owners have signed.

It decides nothing. A certificate is a bearer instrument that anybody may execute, so whatever goes wrong here costs
time or gas; what must not happen is that a certificate is reported as spent or lost on a guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from guard.chain import fragments
from guard.chain.account import PATIENCE, Fees, GasAccount, GasCaps, Message, Prepared, Pushed
from guard.chain.answers import Receipt
from guard.chain.deployments import SafeDeployment, require_genuine
from guard.chain.outcome import find_execution
from guard.chain.reading import Chain
from guard.chain.safes import (
    SafeRequest,
    compute_safe_address,
    require_created,
    require_executor_apart,
    require_setup,
    to_creation_call,
)
from guard.core.ids import NATIVE, is_count
from guard.errors import AdapterError, GuardError
from guard.formats.keccak import require_address, require_digest

_SIGNATURE_LENGTH = 65


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecCall:
    """A certificate as the Safe takes it: the SafeTx with its hash, and the owners' signatures, packed.

    Its gas fields are zero, always: they would be a payment. `from_block` is a block before which it cannot have been
    executed; the search for its event begins there.
    """

    safe_tx_hash: str
    nonce: int
    to: str
    native_units: int
    call_data: bytes
    signatures: bytes
    operation: int = 0
    from_block: int = 0

    def __post_init__(self) -> None:
        require_digest(self.safe_tx_hash)
        require_address(self.to)
        if not all(is_count(one) for one in (self.nonce, self.native_units, self.from_block)):
            raise GuardError("value.invalid", "nonce, native units and block of a certificate are whole numbers")
        if self.operation not in (0, 1):
            raise GuardError("value.invalid", "the operation of a certificate is 0 or 1")
        if not self.signatures or len(self.signatures) % _SIGNATURE_LENGTH:
            raise GuardError("value.invalid", "the signatures of a certificate are packed, 65 bytes each")

    def to_call(self) -> bytes:
        """The call data of `execTransaction`."""
        gas_fields = (0, 0, 0, NATIVE, NATIVE)
        return fragments.SAFE_EXECUTE.to_call(
            self.to, self.native_units, self.call_data, self.operation, *gas_fields, self.signatures
        )


class Executor:
    """The gas-only account at work. `submit` and `deploy_safe` can be repeated after a crash, the others act again.

    One process at a time may use one key: two would take each other's nonces, which loses time and no money.
    """

    def __init__(
        self,
        chain: Chain,
        private_key: bytes,
        *,
        chain_id: int,
        caps: GasCaps | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._chain = chain
        self._account = GasAccount(chain, private_key, chain_id=chain_id, caps=caps, patience=patience)

    @property
    def address(self) -> str:
        """The account that pays the gas."""
        return self._account.address

    def submit(self, safe: str, call: ExecCall) -> str:
        """Execute a certificate unless it is executed already. Returns the hash of the transaction that carries it.

        The transaction may still be waiting, and another one may come first: what became of the certificate says
        `read_outcome` alone. Raises `chain.safe-nonce-ahead`, `chain.safe-nonce-passed`, `chain.executor-is-owner`,
        `chain.reverted` (a signature that the Safe does not accept, or an inner call that fails) and what the node
        causes.
        """
        executed = find_execution(self._chain, safe, call.safe_tx_hash, from_block=call.from_block)
        if executed is not None:
            return executed.transaction_hash
        # After a crash the transaction of the first attempt may wait in the pool: what it does must be seen before
        # anything is sent.
        self._account.wait_settled()
        executed = find_execution(self._chain, safe, call.safe_tx_hash, from_block=call.from_block)
        if executed is not None:
            return executed.transaction_hash
        self._require_turn(safe, call.nonce)
        require_executor_apart(self._chain.safe_owners(safe), self.address)
        return self._account.send(Message(safe, call.to_call()))

    def count_mined(self) -> int:
        """How many transactions of the executor are mined: the nonce that its next one has."""
        return self._account.count_mined()

    def prepare(self, safe: str, call: ExecCall, nonce: int, *, above: Fees | None = None) -> Prepared:
        """Sign the transaction that executes a certificate, without sending it. For callers who write it down first.

        `nonce` is the executor's own; `above` is what the transaction offers that this one replaces. Raises
        `chain.safe-nonce-ahead`, `chain.safe-nonce-passed`, `chain.executor-is-owner`, `chain.fee-cap`, `chain.reverted`.
        """
        self._require_turn(safe, call.nonce)
        require_executor_apart(self._chain.safe_owners(safe), self.address)
        return self._account.prepare(nonce, Message(safe, call.to_call()), above=above)

    def push(self, transaction_hash: str, raw: bytes) -> Pushed:
        """Hand a prepared transaction to the node; again, if need be: it is the same one."""
        return self._account.push(transaction_hash, raw)

    def load_fate(self, transaction_hash: str) -> bool | None:
        """Whether a transaction was mined and did not revert; None while the node knows it in no block.

        Of the certificate it says nothing: ask `read_outcome`.
        """
        return self._account.load_fate(transaction_hash)

    def wait_mined(self, transaction_hash: str) -> Receipt:
        """The receipt of a transaction that succeeded. Raises `chain.not-mined` or `chain.transaction-reverted`.

        A certificate whose transaction reverted may still have been executed by another one: ask `read_outcome`.
        """
        return self._account.wait_mined(transaction_hash)

    def _require_turn(self, safe: str, nonce: int) -> None:
        standing = self._chain.safe_nonce(safe)
        if standing < nonce:
            raise AdapterError(
                "chain.safe-nonce-ahead", f"safe {safe} stands at nonce {standing}, the certificate is for {nonce}"
            )
        if standing > nonce:
            raise AdapterError(
                "chain.safe-nonce-passed", f"safe {safe} stands at nonce {standing}, past the certificate's {nonce}"
            )

    def deploy_safe(self, deployment: SafeDeployment, request: SafeRequest) -> str:
        """Make a Safe and return its address once it is mined and found to be exactly what was asked for.

        The code at the deployment's addresses is checked first. The address depends on the request alone: where this
        Safe stands already, made by an earlier attempt or by anybody else, it is checked and returned.
        """
        require_executor_apart(request.owners, self.address)
        require_genuine(self._chain, deployment)
        expected = compute_safe_address(self._chain, deployment, request)
        if not self._chain.code(expected):
            self._account.wait_settled()
        if not self._chain.code(expected):
            self._make_safe(deployment, request, expected)
        require_setup(self._chain, expected, deployment, request)
        return expected

    def _make_safe(self, deployment: SafeDeployment, request: SafeRequest, expected: str) -> None:
        sent = self._account.send(Message(deployment.factory, to_creation_call(deployment, request)))
        created = require_created(self._account.wait_mined(sent), deployment.factory)
        if created != expected:
            raise AdapterError("chain.deployment-mismatch", f"the factory made {created}, not {expected}")

    def deploy_contracts(self, creation_codes: Sequence[bytes]) -> tuple[str, ...]:
        """Create contracts that do not build on each other; returns their addresses. Repeating it creates them anew."""
        sent = self._account.send_all([Message(None, code) for code in creation_codes])
        return tuple(self._require_contract(transaction_hash) for transaction_hash in sent)

    def _require_contract(self, transaction_hash: str) -> str:
        created = self._account.wait_mined(transaction_hash).created
        if created is None or not self._chain.code(created):
            raise AdapterError("chain.no-contract", f"transaction {transaction_hash} created no contract")
        return created

    def send_native(self, to: str, native_units: int) -> str:
        """Send the executor's own coins and wait until that is mined. Repeating it sends them again."""
        return self.send_call(to, b"", native_units)

    def send_call(self, to: str, call_data: bytes, native_units: int = 0) -> str:
        """Call a contract from the executor's account and wait until that is mined. Repeating it calls again."""
        sent = self._account.send(Message(require_address(to), call_data, native_units))
        return self._account.wait_mined(sent).transaction_hash
