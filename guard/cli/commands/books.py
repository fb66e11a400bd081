"""`guard inbox`, `list`, `status`, `log`, `evidence`: what the server shows to people who logged in, checked here as far as it can be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guard.cli.commands.options import AsJson, to_desk, to_voice

Id = Annotated[str, typer.Argument(metavar="ID", help="A transfer's id, or 8 or more of its first figures.")]
Every = Annotated[int, typer.Option("--every", metavar="SECONDS", min=1, help="How often to look.")]


def inbox(context: typer.Context, as_json: AsJson = False) -> None:
    """List what waits for your approval."""
    from guard.cli.listing import show_inbox

    show_inbox(to_voice(as_json), to_desk(context))


def list_transfers(
    context: typer.Context,
    *,
    state: Annotated[str | None, typer.Option("--state", metavar="STATE", help="As in open or vetoed.")] = None,
    vault: Annotated[str | None, typer.Option("--vault", metavar="VAULT", help="By the policy's name.")] = None,
    initiator: Annotated[str | None, typer.Option("--initiator", metavar="PERSON")] = None,
    before: Annotated[
        str | None, typer.Option("--before", metavar="ID", help="Go on after this transfer; the whole id.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200)] = 50,
    as_json: AsJson = False,
) -> None:
    """List transfers, the newest first."""
    from guard.cli.listing import Wanted, show_list

    wanted = Wanted(state=state, vault=vault, initiator=initiator, before=before, limit=limit)
    show_list(to_voice(as_json), to_desk(context), wanted)


def status(
    context: typer.Context,
    *,
    transfer: Id,
    watch: Annotated[bool, typer.Option("--watch", help="Until it has ended; its end is the exit status.")] = False,
    every: Every = 2,
    as_json: AsJson = False,
) -> int:
    """Tell where a transfer stands, which signer holds it, and why."""
    from guard.cli.standing import show_status

    return show_status(to_voice(as_json), to_desk(context), transfer, every=every if watch else None)


def log(
    context: typer.Context,
    *,
    start: Annotated[
        int | None, typer.Option("--start", metavar="INDEX", min=0, help="[default: the last ones]")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000)] = 50,
    follow: Annotated[bool, typer.Option("--follow", help="Tell new entries as they come.")] = False,
    every: Every = 2,
    verify: Annotated[
        bool, typer.Option("--verify", help="Recompute the whole chain and compare it with what was seen before.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the log of everything that happened."""
    from guard.cli.log_reading import LogWish, show_log

    wish = LogWish(start=start, limit=limit, is_verified=verify, every=every if follow else None)
    show_log(to_voice(as_json), to_desk(context), wish)


def evidence(
    context: typer.Context,
    *,
    transfer: Id,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where it is written once it was verified.")],
    as_json: AsJson = False,
) -> None:
    """Fetch the evidence of a release and verify it before it is written."""
    from guard.cli.fetching import fetch_evidence

    fetch_evidence(to_voice(as_json), to_desk(context), transfer, out)
