"""What people do in the story, each with their own key at their own machine, through the server; and what is seen of it there."""

from __future__ import annotations

from collections.abc import Callable

from guard.bundles.bundle import parse_bundle
from guard.cli.flags import Flags
from guard.cli.reach import load_reach
from guard.cli.sessions import load_session
from guard.clients.reported import Reported, to_reported
from guard.clients.server_client import ServerClient, Token
from guard.core.ids import TransferId
from guard.core.lifecycle import State
from guard.core.policy import Policy
from guard.core.transfer import Transfer
from guard.demo.commands import Said
from guard.demo.stage import Stage
from guard.errors import AdapterError, GuardError
from guard.statements.signed import SignedStatement
from guard.statements.values import Approval, Proposal

MINED = (State.CONFIRMED, State.FINALISED)
FINAL = (State.FINALISED,)


def to_signing(stage: Stage, person: str, option: str = "--key") -> tuple[str, ...]:
    """The options by which somebody signs with their own key; `--yes` since the story has read it."""
    return (option, stage.grounds.key_of(person), "--password-file", stage.grounds.password_file, "--yes")


def try_proposing(stage: Stage, amount: str, to: str, purpose: str) -> Said:
    """A proposal of alice's, whatever comes of it."""
    wish = ("--vault", "operations", "--amount", amount, "--to", to, "--purpose", purpose)
    return stage.commands_of("alice").run("propose", *wish, *to_signing(stage, "alice", "--as"))


def propose(stage: Stage, amount: str, to: str, purpose: str) -> TransferId:
    """A proposal of alice's, posted to the server."""
    said = try_proposing(stage, amount, to, purpose)
    if said.status != 0:
        raise RuntimeError(f"alice could not propose: {said.last_words}")
    return TransferId(said.result["transfer"])


def approve(stage: Stage, transfer_id: TransferId, by: str) -> Said:
    """Somebody's approval, whatever comes of it."""
    return stage.commands_of(by).run("approve", transfer_id, *to_signing(stage, by))


def open_books(stage: Stage, person: str) -> ServerClient:
    """The server as somebody reads it who is logged in."""
    return load_reach(Flags(), {"GUARD_HOME": str(stage.grounds.home_of(person))}).open_books()


def look(stage: Stage, transfer_id: TransferId, by: str = "alice") -> Reported:
    """What the server says of a transfer."""
    return to_reported(transfer_id, open_books(stage, by).get(f"/v1/transfers/{transfer_id}"))


def find_trouble(stage: Stage, transfer_id: TransferId, by: str) -> str:
    """The code with which somebody is not shown a transfer, asked once; nothing where it is shown."""
    reach = load_reach(Flags(), {"GUARD_HOME": str(stage.grounds.home_of(by))})
    session = load_session(reach.home, stage.server)
    token = None if session is None else Token(session.origin, session.token)
    once = ServerClient(reach.require_line(), token, pause=lambda _seconds: None)
    try:
        to_reported(transfer_id, once.get(f"/v1/transfers/{transfer_id}"))
    except (GuardError, AdapterError) as trouble:
        return trouble.code
    return ""


def wait_for(
    stage: Stage, transfer_id: TransferId, what: str, is_so: Callable[[Reported], bool], *, patience: float = 60
) -> Reported:
    """Look until the server says so. A server that does not answer now is asked again."""
    seen: list[Reported] = []

    def has_come() -> bool:
        try:
            seen.append(look(stage, transfer_id))
        except AdapterError:
            return False
        return is_so(seen[-1])

    stage.processes.wait_until(has_come, what, patience=patience)
    return seen[-1]


def wait_until_state(stage: Stage, transfer_id: TransferId, states: tuple[State, ...]) -> Reported:
    """Look until the transfer is in one of these states."""
    named = " or ".join(state.value for state in states)
    return wait_for(stage, transfer_id, f"transfer {transfer_id[:10]} {named}", lambda seen: seen.state in states)


def wait_until_held(stage: Stage, transfer_id: TransferId, code: str) -> Reported:
    """Look until every signer says that it holds the transfer for this reason."""

    def is_held(seen: Reported) -> bool:
        told = [{reason["code"] for reason in word.get("reasons", ())} for word in seen.signers]
        return len(told) == len(stage.addresses) and all(code in codes for codes in told)

    return wait_for(stage, transfer_id, f"transfer {transfer_id[:10]} held at every signer: {code}", is_held)


def take(stage: Stage, transfer_id: TransferId) -> tuple[Transfer, list[SignedStatement]]:
    """What a worker gives to a signer, as whoever has the worker has it."""
    seen = look(stage, transfer_id)
    return seen.transfer, [each for each in seen.statements if isinstance(each.statement, Proposal | Approval)]


def load_policy(stage: Stage) -> Policy:
    """The policy, as everybody has it."""
    return parse_bundle(stage.grounds.bundle.read_bytes()).policy
