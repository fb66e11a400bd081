"""What signers answer is not believed by the worker where it can be checked: wrong signatures, wrong statements, made-up certificates."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from guard.clients.signer_client import SignerError
from guard.core.ids import SignerId
from guard.core.policy import Policy, SignerIdentity
from guard.core.transfer import Transfer
from guard.errors import GuardError
from guard.statements import testimony
from guard.statements.certificates import TransferCertificate, require_signers
from guard.statements.digests import compute_transfer_id
from guard.statements.testimony import RELEASE, journal_key_of
from guard.transactions.safe_tx import build_safe_tx, compute_safe_tx_hash
from guard.transactions.signatures import sign_hash
from guard.worker.asking import MOST_REASONS
from guard.worker.carrying import Errand, OwnerSignature, compose, register, require_signature
from guard.worker.sharing import Place, compute_lowest, is_complete
from guard.worker.world import Contact, World
from tests.factories import CHAIN_ID, SIGNERS, make_policy, make_signer, make_transfer, private_key_of


def journal_key(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(name.encode().ljust(32, b"."))


def make_identity(name: str) -> SignerIdentity:
    return make_signer(name, journal_key=journal_key_of(journal_key(name)))


POLICY: Policy = make_policy(signers=tuple(make_identity(name) for name in SIGNERS))
PLACE = Place(policy=POLICY, vault=POLICY.vaults[0], chain_id=CHAIN_ID)
TRANSFER: Transfer = make_transfer()
CONTACTS = tuple(Contact(identity=each, command="unix:nowhere") for each in POLICY.signers)
ERRAND = Errand(transfer=TRANSFER, statements=(), place=PLACE, contacts=CONTACTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """How a signer answers a release request; by default as an honest one does."""

    name: str = "signer-a"
    key_of: str = "signer-a"
    transfer: Transfer = TRANSFER
    nonce: int = 4
    said_nonce: int = 4
    journal_of: str = "signer-a"

    def to_answer(self) -> dict[str, Any]:
        digest = compute_safe_tx_hash(build_safe_tx(self.transfer, self.nonce)).digest
        fields: Mapping[str, Any] = {
            "treasury": POLICY.treasury,
            "signer": self.name,
            "transfer": compute_transfer_id(self.transfer),
            "chain_id": str(CHAIN_ID),
            "vault": self.transfer.vault,
            "nonce": self.said_nonce,
            "safe_tx_hash": digest,
            "policy": self.transfer.policy,
            "quorum_since": 1,
            "signed_at": 2,
        }
        return {
            "nonce": self.said_nonce,
            "signature": "0x" + sign_hash(private_key_of(self.key_of).secret, digest).hex(),
            "statement": testimony.testify(journal_key(self.journal_of), RELEASE, fields).to_json(),
        }


def test_an_honest_answer_is_taken() -> None:
    signed = require_signature(ERRAND, CONTACTS[0], Answering().to_answer())
    assert (signed.owner, signed.nonce) == (POLICY.signers[0].owner, 4)


@pytest.mark.parametrize(
    ("answering", "code"),
    [
        (Answering(key_of="signer-b"), "certificate.signature"),
        (Answering(transfer=make_transfer(purpose="another", amount_units=1)), "certificate.signature"),
        (Answering(said_nonce=5), "certificate.signature"),
        (Answering(journal_of="signer-b"), "testimony.signature"),
        (Answering(name="signer-b"), "worker.answer"),
    ],
)
def test_a_signature_that_is_not_on_the_rebuilt_transaction_is_refused(answering: Answering, code: str) -> None:
    with pytest.raises(GuardError) as refused:
        require_signature(ERRAND, CONTACTS[0], answering.to_answer())
    assert refused.value.code == code


@pytest.mark.parametrize("nonce", [None, "4", -1, True, 2.5])
def test_an_answer_without_a_nonce_is_refused(nonce: object) -> None:
    with pytest.raises(GuardError) as refused:
        require_signature(ERRAND, CONTACTS[0], Answering().to_answer() | {"nonce": nonce})
    assert refused.value.code == "worker.answer"


def signatures_of(names: tuple[str, ...], nonce: int = 4) -> list[OwnerSignature]:
    contacts = {each.id: each for each in CONTACTS}
    return [
        require_signature(
            ERRAND,
            contacts[SignerId(name)],
            Answering(name=name, key_of=name, journal_of=name, nonce=nonce, said_nonce=nonce).to_answer(),
        )
        for name in names
    ]


@pytest.mark.parametrize("count", [2, 3, 4])
def test_a_certificate_takes_the_threshold_of_distinct_owners_and_no_more(count: int) -> None:
    certificate = compose(ERRAND, signatures_of(SIGNERS[:count]))
    assert (certificate is None) == (count < 3)
    if certificate is not None:
        assert len(require_signers(certificate)) == 3


def test_signatures_at_two_nonces_or_by_one_owner_twice_make_no_certificate() -> None:
    split = [*signatures_of(SIGNERS[:2], nonce=4), *signatures_of(SIGNERS[2:], nonce=5)]
    assert compose(ERRAND, split) is None
    assert compose(ERRAND, signatures_of(("signer-a", "signer-a", "signer-b"))) is None


def make_certificate(names: tuple[str, ...]) -> TransferCertificate:
    return TransferCertificate(
        transfer=TRANSFER, nonce=4, signatures={each.owner: each.signature for each in signatures_of(names)}
    )


def test_a_made_up_certificate_is_not_gathered() -> None:
    whole = make_certificate(SIGNERS[:3])
    assert is_complete(PLACE, whole)
    assert not is_complete(PLACE, make_certificate(SIGNERS[:2]))
    assert not is_complete(PLACE, replace(whole, nonce=5))
    assert not is_complete(PLACE, replace(whole, transfer=make_transfer(amount_units=1)))
    assert not is_complete(replace(PLACE, chain_id=1), whole)


@pytest.mark.parametrize(
    "said",
    [None, {}, {"vaults": 3}, {"vaults": [3]}, {"vaults": [{"chain_id": str(CHAIN_ID), "vault": PLACE.vault.address}]}],
)
def test_a_status_that_says_nothing_usable_begins_at_the_first_nonce(said: dict[str, Any] | None) -> None:
    standing = PLACE.read_status(said)
    assert (standing.open_nonce, dict(standing.signed)) == (0, {})
    assert compute_lowest(PLACE, {SignerId("signer-a"): standing}) == 0


def test_a_status_that_names_something_else_than_transfers_is_not_kept() -> None:
    transfer_id = compute_transfer_id(TRANSFER)
    signed = {"0": transfer_id, "1": "x" * 100_000, "2": {"deep": 1}, "3": None, "4": 7, "5" * 9999: transfer_id}
    at = {"chain_id": str(CHAIN_ID), "vault": PLACE.vault.address, "open_nonce": 0, "signed": signed}
    assert dict(PLACE.read_status({"vaults": [at]}).signed) == {"0": transfer_id}


def test_what_a_signer_says_is_taken_as_short_lines_and_not_more_of_them_than_there_can_be() -> None:
    loud: dict[str, Any] = {"code": "x" * 1000, "message": "one\ntwo\u202e" + "y" * 10_000, "final": True}
    said: dict[str, Any] = {
        "decision": {"status": "denied", "reasons": [loud] * 1000, "earliest_at": "soon"},
        "refused": 7,
    }
    refused: dict[str, Any] = {"refusals": [{**loud, "held": False}] * 1000}

    def ask(address: str, verb: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if address == "unix:refusing":
            raise SignerError("signer.request", "no", refused)
        return said

    world = World(ask=ask, chain=lambda _: None, keep=lambda *_: None, now=lambda: 0, pause=lambda _: None)  # type: ignore[arg-type, return-value]
    contacts = (CONTACTS[0], replace(CONTACTS[1], command="unix:refusing"))
    for word in register(world, replace(ERRAND, contacts=contacts)):
        assert len(word.reasons) == MOST_REASONS
        assert all(len(each.code) <= 100 and len(each.message) <= 500 for each in word.reasons)
        assert all(each.message.isprintable() for each in word.reasons)
        assert word.earliest_at is None
