"""The command `guard`, complete: everything of `guard.cli`, and the signer's process, whose verifier is composed here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from guard.cli.commands import signers
from guard.cli.commands.options import AsJson, PasswordFile, to_voice
from guard.cli.root import build_app, run


@signers.signer.command("run")
def run_signer(
    directory: Annotated[Path, typer.Argument(metavar="DIR")],
    password_file: PasswordFile = None,
    as_json: AsJson = False,
) -> None:
    """Run a signer until it is told to end: its command and its stop listener."""
    from guard.app.signer_process import run_signer
    from guard.cli.asking import ask_password
    from guard.signer.home import SignerHome

    voice = to_voice(as_json)
    password = ask_password(f"signer in {directory}", password_file)
    run_signer(
        SignerHome(directory.absolute()),
        password,
        ready=lambda name: voice.tell({"signer": name, "ready": True}, f"{name} is ready"),
    )


def main() -> int:
    """The console script."""
    return run(build_app(), sys.argv[1:])
