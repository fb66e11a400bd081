"""`guard propose`, `approve`, `release`, `cancel`: a transfer from intent to evidence."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guard.cli.commands.options import (
    AsJson,
    ExecutorFile,
    IsAgreed,
    KeyFile,
    PasswordFile,
    Transfer,
    to_desk,
    to_voice,
)


def propose(
    context: typer.Context,
    *,
    vault: Annotated[str, typer.Option("--vault", help="The vault that pays.")],
    amount: Annotated[str, typer.Option("--amount", help='With its unit, as in "9000 USDC".')],
    to: Annotated[str, typer.Option("--to", metavar="LABEL|ADDRESS", help="Who receives it.")],
    purpose: Annotated[str, typer.Option("--purpose", help="What for, in one line.")],
    key: Annotated[Path, typer.Option("--as", metavar="KEYFILE", help="Keystore of the initiator's key.")],
    again: Annotated[
        str | None, typer.Option("--again", metavar="ID", help="A like transfer that this one repeats on purpose.")
    ] = None,
    valid_for: Annotated[str, typer.Option("--valid-for", help="How long it may be released.")] = "48h",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="[default: transfers/ID, or at the server alone]")
    ] = None,
    password_file: PasswordFile = None,
    yes: IsAgreed = False,
    as_json: AsJson = False,
) -> None:
    """Propose a transfer: posts it to the server, or writes its folder with transfer.json and the signed proposal."""
    from guard.cli.proposing import Wish, propose

    wish = Wish(vault=vault, amount=amount, to=to, purpose=purpose, again=again, valid_for=valid_for)
    propose(to_voice(as_json), to_desk(context), wish, key, out, asking=(password_file, yes))


def approve(
    context: typer.Context,
    *,
    transfer: Transfer,
    key: KeyFile,
    valid_for: Annotated[
        str | None, typer.Option("--valid-for", help="Less than the transfer's own time. [default: as long as it]")
    ] = None,
    password_file: PasswordFile = None,
    yes: IsAgreed = False,
    as_json: AsJson = False,
) -> None:
    """Read the summary of a transfer, agree to it, and post the signed approval or write it into the folder."""
    from guard.cli.stating import Signing, approve

    signing = Signing(key=key, password_file=password_file, is_agreed=yes)
    approve(to_voice(as_json), to_desk(context), transfer, signing, valid_for=valid_for)


def release(
    context: typer.Context,
    *,
    transfer: Transfer,
    executor: ExecutorFile = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait while time alone holds it.")] = False,
    at_most: Annotated[str, typer.Option("--at-most", metavar="DURATION", help="How long --wait waits.")] = "1h",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="[default: evidence.json in the folder]")
    ] = None,
    password_file: PasswordFile = None,
    as_json: AsJson = False,
) -> int:
    """Carry a transfer along: signers, certificate, chain, evidence. Safe to repeat at any point."""
    from guard.cli.releasing import Executing, release

    desk = to_desk(context)
    executing = Executing(keystore=executor or desk.settings.require_path("executor"), password_file=password_file)
    return release(to_voice(as_json), desk, transfer, executing, waiting=at_most if wait else None, out=out)


def cancel(
    context: typer.Context,
    *,
    vault: Annotated[str, typer.Argument(metavar="VAULT")],
    nonce: Annotated[int, typer.Argument(metavar="NONCE", min=0)],
    executor: ExecutorFile = None,
    transfer: Annotated[
        list[str] | None,
        typer.Option("--transfer", metavar="TRANSFER", help="A transfer that may be named; may be repeated."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Where the certificate is kept. [default: cancel-VAULT-NONCE]"),
    ] = None,
    password_file: PasswordFile = None,
    as_json: AsJson = False,
) -> int:
    """Free a split or stuck nonce: collect the signers' cancels and broadcast them. It moves nothing."""
    from guard.cli.releasing import Executing, cancel

    desk = to_desk(context)
    executing = Executing(keystore=executor or desk.settings.require_path("executor"), password_file=password_file)
    return cancel(to_voice(as_json), desk, vault, nonce, executing, transfers=transfer or [], out=out)
