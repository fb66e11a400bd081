"""The command `guard`, complete: everything of `guard.cli`, and the processes, which are composed here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from guard.app.commands import add_commands, to_server_settings
from guard.cli.commands import signers
from guard.cli.commands.options import AsJson, PasswordFile, to_voice
from guard.cli.root import build_app, run


@signers.signer.command("run")
def run_signer(
    context: typer.Context,
    directory: Annotated[Path, typer.Argument(metavar="DIR")],
    password_file: PasswordFile = None,
    as_json: AsJson = False,
) -> None:
    """Run a signer until it is told to end: its command and its stop listener."""
    from guard.app.signer_process import run_signer
    from guard.cli.asking import ask_password
    from guard.signer.home import SignerHome

    voice, settings = to_voice(as_json), to_server_settings(context)
    password = ask_password(f"signer in {directory}", password_file)
    run_signer(
        SignerHome(directory.absolute()),
        password,
        ready=lambda name: voice.tell({"signer": name, "ready": True}, f"{name} is ready"),
        is_plaintext_allowed=settings.is_set("listen_plaintext_on_private_network"),
    )


def build_whole_app() -> typer.Typer:
    """Every command that there is."""
    app = build_app()
    add_commands(app)
    return app


def main() -> int:
    """The console script."""
    return run(build_whole_app(), sys.argv[1:])
