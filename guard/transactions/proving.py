"""P3: what is about to be signed does what the transfer says, and nothing else. The last look before a signature."""

from __future__ import annotations

from guard.core.ids import NATIVE, NO_DIGEST
from guard.core.transfer import Action, Transfer
from guard.effects.decoding import Effects, Payment, compute_effects
from guard.errors import GuardError
from guard.transactions.safe_tx import OPERATION_CALL, SafeTx


def require_same_effects(transfer: Transfer, safe_tx: SafeTx) -> Effects:
    """The decoded effects of the transaction, refused unless they are exactly the transfer's.

    Works from the finished transaction back to its effects, not from the transfer forward, so that a fault in what
    built it shows. Raises `transaction.operation`, `transaction.gas`, `transaction.vault`, `transaction.effects`, and
    what `compute_effects` raises.
    """
    _require_plain_call(safe_tx)
    if (safe_tx.chain_id, safe_tx.vault) != (transfer.chain_id, transfer.vault):
        raise GuardError("transaction.vault", "the transaction is of another vault or chain than the transfer")
    effects = compute_effects(safe_tx.chain_id, safe_tx.vault, safe_tx.call)
    paid = Payment(asset=transfer.asset, recipient=transfer.destination, amount_units=transfer.amount_units)
    is_plain = transfer.action is Action.TRANSFER and transfer.call_data_hash == NO_DIGEST
    if not is_plain or effects.payments != (paid,):
        raise GuardError("transaction.effects", "the transaction does something else than the transfer says")
    return effects


def require_cancel(safe_tx: SafeTx) -> Effects:
    """The effects of a cancel, which are none; whatever moves something is refused, as in `require_same_effects`."""
    _require_plain_call(safe_tx)
    effects = compute_effects(safe_tx.chain_id, safe_tx.vault, safe_tx.call)
    if not effects.is_cancel:
        raise GuardError("transaction.effects", "the transaction moves something and is no cancel")
    return effects


def _require_plain_call(safe_tx: SafeTx) -> None:
    if safe_tx.operation != OPERATION_CALL:
        raise GuardError("transaction.operation", "a delegate call runs foreign code as the vault itself")
    gas = (safe_tx.safe_tx_gas, safe_tx.base_gas, safe_tx.gas_price)
    if any(gas) or (safe_tx.gas_token, safe_tx.refund_receiver) != (NATIVE, NATIVE):
        raise GuardError("transaction.gas", "a gas field is set, with which the vault could pay a refund to anybody")
