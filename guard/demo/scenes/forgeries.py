"""Words that nobody gave: forged approvals, a log-in that was stolen, a signer that was taken over."""

from __future__ import annotations

from guard.clients.server_client import Conditions, ServerClient
from guard.core.ids import TransferId
from guard.demo import attacking, playing, running
from guard.demo.attacking import STRANGER, claim, collect_refusals, forge_approval, have_all_refused
from guard.demo.entering import Entered
from guard.demo.policy_texts import SIGNERS
from guard.demo.stage import Stage
from guard.demo.telling import Teller
from guard.errors import AdapterError, GuardError
from guard.statements.personal import sign_personal
from guard.statements.signed import SignedStatement, to_json
from guard.statements.signing import sign
from guard.statements.values import Proposal, Statement, Veto
from guard.transactions.signatures import compute_owner

LEFT = SIGNERS[:3]
NOT_THEIRS = ("statement.key-unknown", "signature.key")


def forge_an_approval(teller: Teller, stage: Stage) -> TransferId:
    """The worker hands the signers an approval that nobody gave."""
    transfer_id = playing.propose(stage, "8000 USDC", "supplier", "forged")
    transfer, statements = playing.take(stage, transfer_id)
    stranger = forge_approval(stage, transfer)
    for name, forged in (
        ("a stranger's key", stranger),
        ("a stranger's key under bob's name", claim(stage, stranger, "bob")),
    ):
        refusals = collect_refusals(stage, transfer, [*statements, forged])
        teller.check(
            have_all_refused(refusals, *NOT_THEIRS),
            f"an approval by {name}, handed straight to the signers: refused by all four",
        )
    return transfer_id


def steal_a_login(teller: Teller, stage: Stage, entered: Entered, transfer_id: TransferId) -> None:
    """Somebody has alice's session and the secret of her authenticator, and not her key."""
    stolen = playing.open_books(stage, "alice")
    size = stolen.get("/v1/log/head")["size"]
    seen = stolen.get("/v1/session")["person"]
    teller.check(seen == "alice", "alice's session and the secret of her authenticator are stolen: the thief sees")
    codes = {kind: _post_as_alice(stage, stolen, kind, transfer_id) for kind in ("transfers", "approvals", "vetoes")}
    teller.check(
        all(code in NOT_THEIRS for code in codes.values()),
        "with both the thief proposes nothing, approves nothing and stops nothing: each needs alice's own key",
    )
    teller.check(
        _log_in_without_the_key(stage, stolen, entered) == "login.refused",
        "nor do they make a new log-in without her key, the right code or not",
    )
    transfer, _ = playing.take(stage, transfer_id)
    veto = sign(STRANGER, Veto(transfer, "thief"), transfer.treasury)
    teller.check(
        len(attacking.collect_stop_refusals(stage, veto)) == len(SIGNERS),
        "the signers' stop listeners take no veto of the thief's either",
    )
    after = stolen.get("/v1/log/head")["size"]
    teller.check(after == size, f"the log has {size} entries before and after")


def _post_as_alice(stage: Stage, stolen: ServerClient, kind: str, transfer_id: TransferId) -> str:
    """The code with which the server refuses a statement that is alice's but for the signature."""
    seen = playing.look(stage, transfer_id)
    said: dict[str, Statement] = {
        "transfers": Proposal(seen.transfer),
        "approvals": forge_approval(stage, seen.transfer).statement,
        "vetoes": Veto(seen.transfer, "thief"),
    }
    forged = claim(stage, sign(STRANGER, said[kind], seen.transfer.treasury), "alice")
    path = "/v1/transfers" if kind == "transfers" else f"/v1/transfers/{transfer_id}/{kind}"
    return _post(stolen, path, forged, seen.version)


def _post(client: ServerClient, path: str, signed: SignedStatement, version: int) -> str:
    try:
        client.post(path, to_json(signed), Conditions(version=version))
    except (GuardError, AdapterError) as refused:
        return refused.code
    return ""


def _log_in_without_the_key(stage: Stage, client: ServerClient, entered: Entered) -> str:
    """A log-in as alice, signed by a stranger, with the code that her authenticator will show next."""
    address = compute_owner(stage.private_key_of("alice"))
    message = client.post("/v1/login/challenges", {"address": address})["message"]
    signature = "0x" + sign_personal(STRANGER, message).hex()
    said = {"message": message, "signature": signature, "code": entered.to_code(steps=1)}
    try:
        client.post("/v1/login", said)
    except GuardError as refused:
        return refused.code
    return ""


def steal_a_signer(teller: Teller, stage: Stage) -> None:
    """One signer is in the attacker's hands, with both of its keys, and is used against the others."""
    stage.processes.end(SIGNERS[3])
    transfer_id = playing.propose(stage, "99000 USDC", "exchange", "theft")
    transfer, statements = playing.take(stage, transfer_id)
    certificate = attacking.sign_alone(stage, SIGNERS[3], transfer, stage.nonce())
    refused = attacking.collect_book_refusals(stage, certificate, LEFT)
    teller.check(
        refused == {"certificate.too-few"},
        "signer D is stolen: its signature alone is no certificate for the other three",
    )
    refusals = collect_refusals(stage, transfer, statements, signers=LEFT)
    teller.check(
        have_all_refused(refusals, signers=LEFT), "and the other three sign nothing that the policy does not release"
    )
    teller.check(attacking.would_revert(stage, certificate), "the Safe itself refuses one signature of three")
    running.start_signers(stage, SIGNERS[3:])
