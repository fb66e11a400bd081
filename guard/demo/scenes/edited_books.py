"""The server's database is edited by hand, with everything that its owner can do: the signers are not impressed, and people notice."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from guard.core.ids import TransferId
from guard.core.lifecycle import State
from guard.core.transfer import Transfer
from guard.demo import playing
from guard.demo.attacking import claim, collect_refusals, forge_approval, have_all_refused
from guard.demo.clock import read_now
from guard.demo.database_owner import DatabaseOwner, owning
from guard.demo.grounds import draw_address
from guard.demo.policy_texts import SIGNERS
from guard.demo.running import WORKER
from guard.demo.stage import USDC, Stage
from guard.demo.telling import Teller
from guard.formats.canonical import parse_json, to_canonical
from guard.statements.digests import compute_digest, compute_transfer_id
from guard.statements.signed import SignedStatement, to_json, transfer_to_json

THIEF = draw_address("thief")
LOOT = 400_000 * USDC
NOTICED = ("client.mismatch", "service.books-broken")


def edit_the_database(teller: Teller, stage: Stage, open_id: TransferId, paid_id: TransferId) -> None:
    """An approval, a destination, an amount, a state and the log itself are written by hand."""
    playing.wait_until_state(stage, paid_id, playing.FINAL)
    transfer, statements = playing.take(stage, open_id)
    before = (stage.usdc_of(stage.safe), stage.nonce())
    with owning(stage.grounds.database) as owner:
        teller.say(f"whoever owns the server's database takes its {owner.drop_triggers()} triggers off, and writes")
        forged = claim(stage, forge_approval(stage, transfer), "bob")
        _insert_an_approval(teller, stage, owner, open_id, forged)
        _change_a_transfer(teller, stage, owner, transfer, [*statements, forged])
        _open_a_paid_transfer(teller, stage, owner, paid_id)
        teller.check((stage.usdc_of(stage.safe), stage.nonce()) == before, "after all of it the money is where it was")
        _rewrite_the_log(teller, stage, owner, open_id)
    again = stage.commands_of("bob").run("log", "--verify")
    teller.check(again.status == 0, "the database is put back as it was, for the story to go on: the log is whole")


def _insert_an_approval(
    teller: Teller, stage: Stage, owner: DatabaseOwner, transfer_id: TransferId, forged: SignedStatement
) -> None:
    """Bob's approval, which he never gave, as a row; and the worker is called."""
    owner.insert(
        "statement",
        {
            "person": "bob",
            "digest": compute_digest(forged.statement, forged.treasury),
            "kind": "approval",
            "transfer_id": transfer_id,
            "key": forged.signature.key,
            "body": to_canonical(to_json(forged)).decode(),
            "received_at": read_now(),
            "log_index": 1_000_000,
        },
    )
    owner.change("errand", ("transfer_id", transfer_id), {"words": "[]"})
    owner.call_worker(transfer_id)
    stage.processes.wait_until(lambda: bool(_read_words(owner, transfer_id)), "the worker asks the signers")
    words = _read_words(owner, transfer_id)
    told = {word["signer"]: {reason["code"] for reason in word["reasons"]} for word in words}
    is_held = have_all_refused(told) and all(word["status"] not in ("releasable", "signed") for word in words)
    teller.check(
        is_held, "bob's approval as a row of the database: the worker carries it to four signers, and none signs"
    )


def _read_words(owner: DatabaseOwner, transfer_id: TransferId) -> list[Any]:
    words = parse_json(owner.read("errand", ("transfer_id", transfer_id))["words"].encode())
    return words if isinstance(words, list) else []


def _change_a_transfer(
    teller: Teller, stage: Stage, owner: DatabaseOwner, transfer: Transfer, statements: list[SignedStatement]
) -> None:
    """Another destination and another amount in a proposed transfer."""
    edited = replace(transfer, destination=THIEF, amount_units=LOOT)
    key = ("id", compute_transfer_id(transfer))
    body = to_canonical(transfer_to_json(edited)).decode()
    owner.change("transfer", key, {"body": body, "destination": THIEF, "amount_units": f"{LOOT:078d}"})
    refusals = collect_refusals(stage, edited, statements)
    teller.check(
        have_all_refused(refusals),
        "400,000 USDC to a thief instead of 8,000 to the supplier: all four signers refuse",
    )
    code = playing.find_trouble(stage, key[1], "bob")
    teller.check(
        code in NOTICED and len(refusals) == len(SIGNERS),
        f"and bob is not shown it: what stands there does not make that id ({code})",
    )


def _open_a_paid_transfer(teller: Teller, stage: Stage, owner: DatabaseOwner, paid_id: TransferId) -> None:
    """A transfer that was paid is open again and due."""
    key = ("id", paid_id)
    nonce = stage.nonce()
    owner.change("transfer", key, {"state": State.OPEN.value})
    owner.call_worker(paid_id)
    stage.processes.wait_until(
        lambda: owner.read("transfer", key)["state"] == State.FINALISED.value, "the worker finds the paid transfer"
    )
    teller.check(
        stage.nonce() == nonce, "the paid invoice set back to open and due: the worker finds it on chain, paid once"
    )


def _rewrite_the_log(teller: Teller, stage: Stage, owner: DatabaseOwner, transfer_id: TransferId) -> None:
    """The log is made to agree with the theft: one entry, then every head after it."""
    bob = stage.commands_of("bob")
    with ExitStack() as still:
        # Held still while nobody else can be writing: a process that stands still in a transaction would keep everybody out.
        with owner.transaction():
            still.enter_context(stage.processes.holding(WORKER))
        whole = bob.run("log", "--verify")
        place = owner.read("statement", ("transfer_id", transfer_id))["log_index"]
        owner.change_entry(place, "8000000000", str(LOOT))
        changed = bob.run("log", "--verify")
        teller.check(
            (whole.status, changed.code) == (0, "log.broken"),
            f"entry {place} of the log rewritten: guard log --verify notices ({changed.code})",
        )
        with owner.transaction():
            owner.link_again(place)
        linked = bob.run("log", "--verify")
        teller.check(
            linked.code == "log.rolled-back",
            f"every head after it computed anew: bob's machine has seen other heads ({linked.code})",
        )
        owner.put_back()
