"""Once, and limits: certificates that are none, nonces out of turn, payments twice, budgets that are given back too early."""

from __future__ import annotations

from dataclasses import replace

from guard.core.ids import SignerId, TransferId
from guard.core.policy import Numbers, OwnerEntry, Vault
from guard.signer.cancelling import sign_cancel
from guard.signer.records import VaultAt
from guard.statements.certificates import TransferCertificate
from tests.attacks.scene import VICTIM, Scene, steal
from tests.factories import CHAIN_ID, SIGNERS, digest_of, make_limit, make_policy, make_rule, make_vault, usdc
from tests.team import Team

ALL = A, B, C, D = SIGNERS
CAPPED = (make_rule(limits=(make_limit(usdc(8_000)),)),)


def _certify(team: Team, amount: int, *names: str) -> TransferCertificate:
    transfer = team.transfer(amount_units=usdc(amount))
    return team.certify(transfer, team.approved(transfer), *names)


def _steal_anew(team: Team, amount: int, *, signer: str) -> None:
    transfer = team.transfer(amount_units=usdc(amount))
    steal(team, transfer, team.approved(transfer), signer=signer)


# Certificates.


def a_certificate_of_fewer_owners_than_the_threshold(scene: Scene) -> None:
    team = scene.team(*ALL)
    team.book(_certify(team, 5_000, A, B), D)


def a_cancel_of_fewer_owners_than_the_threshold(scene: Scene) -> None:
    team = scene.team(*ALL)
    team.book(team.cancel(0, A, B), D)


def a_cancel_without_the_signers_statements(scene: Scene) -> None:
    """a signed a transfer at the nonce. Without its statement others would believe the nonce empty."""
    team = scene.team(*ALL)
    _certify(team, 5_000, A)
    team.book(replace(team.cancel(0, A, B, C), statements=()), D)


# Nonces.


def a_released_transfer_at_another_nonce(scene: Scene) -> None:
    team = scene.team(*ALL)
    certificate = _certify(team, 5_000, A, B, C)
    team.book(certificate)
    steal(team, certificate.transfer, team.approved(certificate.transfer), signer=D)


def a_transfer_that_others_can_still_complete(scene: Scene) -> None:
    """a and b signed it; a cancel that names it has passed the nonce, and b may hold a hoarded certificate."""
    team = scene.team(*ALL)
    transfer = team.transfer()
    given = team.approved(transfer)
    for name in (A, B):
        team.release(name, transfer, given)
    team.book(team.cancel(0, B, C, D, transfers=(transfer,)))
    steal(team, transfer, signer=A)


def a_transfer_that_the_signer_itself_gave_up(scene: Scene) -> None:
    """b signed it and the cancel of its nonce; others believe b's statement, whatever passed the nonce in the end."""
    team = scene.team(*ALL)
    transfer = team.transfer()
    team.release(B, transfer, team.approved(transfer))
    team.cancel(0, B)
    team.book(_certify(team, 4_000, A, C, D))
    steal(team, transfer, signer=B)


def a_transfer_named_before_the_signer_was_an_owner(scene: Scene) -> None:
    team = scene.team(*ALL, vaults=(_owned(_entry(0, 2, A, B, C), _entry(1, 3, A, B, C, D)),), numbers=_bearing_none())
    transfer = team.transfer()
    team.release(A, transfer, team.approved(transfer))
    team.book(team.cancel(0, A, B, transfers=(transfer,)))
    steal(team, transfer, team.approved(transfer), signer=D)


def two_transfers_at_one_nonce(scene: Scene) -> None:
    team = scene.team(*ALL)
    _certify(team, 5_000, A)
    _steal_anew(team, 4_000, signer=A)


def a_transfer_after_the_cancel_of_its_nonce(scene: Scene) -> None:
    team = scene.team(*ALL)
    team.cancel(0, A)
    _steal_anew(team, 4_000, signer=A)


def a_cancel_ahead_of_its_nonce(scene: Scene) -> None:
    team = scene.team(*ALL)
    team.cancel(1, A)


def a_signer_carried_over_a_gap(scene: Scene) -> None:
    """d is given the certificate of nonce 1 and not the one of nonce 0, and asked for what lies above both."""
    team = scene.team(*ALL)
    team.book(_certify(team, 5_000, A, B, C), A, B, C)
    team.book(_certify(team, 4_000, A, B, C))
    sign_cancel(team.signers[D], VaultAt(CHAIN_ID, team.policy.vaults[0].address), 2)


def a_nonce_that_no_certificate_explains(scene: Scene) -> None:
    team = scene.team(*ALL)
    team.node.nonce_latest = 1
    _steal_anew(team, 5_000, signer=VICTIM)


def a_payment_that_is_under_way_already(scene: Scene) -> None:
    """It failed, they say; sign it again."""
    team = scene.team(*ALL)
    team.book(_certify(team, 5_000, A, B, C))
    _steal_anew(team, 5_000, signer=A)


def a_payment_again_in_the_name_of_another_one(scene: Scene) -> None:
    """`again` names a transfer that is not like it."""
    team = scene.team(*ALL)
    team.book(_certify(team, 5_000, A, B, C))
    transfer = team.transfer(amount_units=usdc(5_000), again=TransferId(digest_of("some other transfer")))
    steal(team, transfer, team.approved(transfer), signer=A)


def more_certificates_than_may_be_unmined(scene: Scene) -> None:
    team = scene.team(*ALL, vaults=(replace(make_vault(), max_unmined=1),))
    team.book(_certify(team, 5_000, A, B, C))
    _steal_anew(team, 4_000, signer=A)


# Limits.


def a_cap_that_a_reserved_transfer_has_used_up(scene: Scene) -> None:
    team = scene.team(*ALL, rules=CAPPED)
    team.book(_certify(team, 5_000, A, B, C))
    _steal_anew(team, 4_000, signer=A)


def a_cap_that_others_have_used_up(scene: Scene) -> None:
    team = scene.team(*ALL, rules=CAPPED)
    team.book(_certify(team, 5_000, A, B, C))
    _steal_anew(team, 4_000, signer=D)


def a_cap_that_a_hoarded_certificate_may_use_up(scene: Scene) -> None:
    """The cancel that d books names a transfer; its certificate may be somewhere and be executed first."""
    team = scene.team(*ALL, rules=CAPPED)
    transfer = team.transfer(amount_units=usdc(5_000))
    team.release(A, transfer, team.approved(transfer))
    team.book(team.cancel(0, A, B, C, transfers=(transfer,)), D)
    _steal_anew(team, 4_000, signer=D)


# Owners.


def _entry(from_nonce: int, threshold: int, *names: str) -> OwnerEntry:
    return OwnerEntry(from_nonce=from_nonce, threshold=threshold, signers=tuple(SignerId(name) for name in names))


def _owned(*owners: OwnerEntry) -> Vault:
    return replace(make_vault(), owners=owners)


def _bearing_none() -> Numbers:
    return replace(make_policy().numbers, settle=0, withstands=0)


def a_vault_of_other_owners(scene: Scene) -> None:
    team = scene.team(*ALL, vaults=(_owned(_entry(0, 2, A, B, C)),), numbers=_bearing_none())
    _steal_anew(team, 5_000, signer=D)


def a_vault_that_the_signer_owned_before(scene: Scene) -> None:
    team = scene.team(*ALL, vaults=(_owned(_entry(0, 3, A, B, C, D), _entry(1, 2, A, B, C)),), numbers=_bearing_none())
    team.book(_certify(team, 5_000, A, B, C))
    _steal_anew(team, 4_000, signer=D)
