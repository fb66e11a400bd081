"""`guard key`: a person's own key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guard.cli.commands.options import AsJson, LightKdf, PasswordFile, to_voice

key = typer.Typer(help="Your own key, in an encrypted keystore.", no_args_is_help=True)


@key.command("new")
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    password_file: PasswordFile = None,
    light_kdf: LightKdf = False,
    as_json: AsJson = False,
) -> None:
    """Draw a new key and write its keystore. A file that is there is never written over."""
    from guard.cli.keys import make_key

    make_key(to_voice(as_json), file, password_file, light_kdf=light_kdf)


@key.command("show")
def show(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    enrol: Annotated[bool, typer.Option("--enrol", help="Print the line that guard people add takes.")] = False,
    person: Annotated[str, typer.Option("--person", metavar="ID", help="Your person id.")] = "",
    device: Annotated[str, typer.Option("--device", metavar="NAME", help="A name for this machine.")] = "",
    treasury: Annotated[
        str, typer.Option("--treasury", metavar="DIR|ID", help="The folder of guard init, or the treasury id.")
    ] = ".",
    password_file: PasswordFile = None,
    as_json: AsJson = False,
) -> None:
    """Print the key's address, or with --enrol the proof of control for one treasury."""
    from guard.cli.founding import find_treasury_id
    from guard.cli.keys import enrol_key, show_key

    if not enrol:
        show_key(to_voice(as_json), file, password_file)
        return
    if not person or not device:
        raise typer.BadParameter("--enrol needs --person and --device")
    enrol_key(to_voice(as_json), file, password_file, enrolment=(person, device), treasury=find_treasury_id(treasury))
