"""`guard veto`, `reject`, `withdraw`, `freeze`, `unfreeze`, `watch`: stopping takes one person, lifting takes several."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guard.cli.commands.options import (
    AsJson,
    IsAgreed,
    KeyFile,
    PasswordFile,
    StatementsDir,
    Transfer,
    to_desk,
    to_voice,
)

Reason = Annotated[str, typer.Option("--reason", help="Why, in one line.")]


def veto(
    context: typer.Context,
    *,
    transfer: Transfer,
    key: KeyFile,
    reason: Reason = "",
    password_file: PasswordFile = None,
    yes: IsAgreed = False,
    as_json: AsJson = False,
) -> int:
    """End a transfer, as a guardian: sent to every signer, accepted once enough of them have stored it."""
    from guard.cli.stating import Signing, refuse
    from guard.statements.values import Veto

    signing = Signing(key=key, password_file=password_file, is_agreed=yes)
    return refuse(to_voice(as_json), to_desk(context), transfer, signing, stop=Veto, reason=reason)


def reject(
    context: typer.Context,
    *,
    transfer: Transfer,
    key: KeyFile,
    reason: Reason = "",
    password_file: PasswordFile = None,
    yes: IsAgreed = False,
    as_json: AsJson = False,
) -> int:
    """Refuse your own seat for good. As the initiator: withdraw the transfer."""
    from guard.cli.stating import Signing, refuse
    from guard.statements.values import Rejection

    signing = Signing(key=key, password_file=password_file, is_agreed=yes)
    return refuse(to_voice(as_json), to_desk(context), transfer, signing, stop=Rejection, reason=reason)


def withdraw(
    context: typer.Context,
    *,
    transfer: Transfer,
    key: KeyFile,
    reason: Reason = "",
    password_file: PasswordFile = None,
    yes: IsAgreed = False,
    as_json: AsJson = False,
) -> int:
    """End a transfer that you proposed yourself."""
    from guard.cli.stating import Signing, withdraw

    signing = Signing(key=key, password_file=password_file, is_agreed=yes)
    return withdraw(to_voice(as_json), to_desk(context), transfer, signing, reason=reason)


def freeze(
    context: typer.Context,
    *,
    scope: Annotated[
        str,
        typer.Option("--scope", metavar="SCOPE", help="everything, vault:ID, asset:ID, destination:LABEL or person:ID"),
    ],
    key: KeyFile,
    reason: Reason = "",
    out: StatementsDir = Path("statements"),
    password_file: PasswordFile = None,
    yes: IsAgreed = False,
    as_json: AsJson = False,
) -> int:
    """Hold everything in a scope at once, as a guardian."""
    from guard.cli.freezing import freeze
    from guard.cli.stating import Signing

    signing = Signing(key=key, password_file=password_file, is_agreed=yes)
    return freeze(to_voice(as_json), to_desk(context), scope, reason, signing, out=out)


def unfreeze(
    context: typer.Context,
    *,
    ids: Annotated[list[str], typer.Argument(metavar="ID...", help="The freezes to lift.")],
    key: KeyFile,
    valid_for: Annotated[str, typer.Option("--valid-for", help="How long your word holds.")] = "7d",
    out: StatementsDir = Path("statements"),
    password_file: PasswordFile = None,
    yes: IsAgreed = False,
    as_json: AsJson = False,
) -> int:
    """Take part in lifting freezes; it takes the people and the delay that the policy asks."""
    from guard.cli.freezing import unfreeze
    from guard.cli.stating import Signing

    signing = Signing(key=key, password_file=password_file, is_agreed=yes)
    return unfreeze(to_voice(as_json), to_desk(context), ids, signing, valid_for=valid_for, out=out)


def watch(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="One round, then end; status 1 if there is an alarm.")] = False,
    every: Annotated[int, typer.Option("--every", metavar="SECONDS", min=1)] = 30,
    as_json: AsJson = False,
) -> int:
    """Watch what could leave, by every signer's own signed word, and alarm when too few answer."""
    from guard.cli.watching import watch

    return watch(to_voice(as_json), to_desk(context), once=once, every=every)
