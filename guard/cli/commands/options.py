"""Options that many commands share, and what the flags in front of a command's name said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from guard.cli.desk import Desk
    from guard.cli.reach import Reach
    from guard.cli.settings import Settings
    from guard.cli.voice import Voice

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
PasswordFile = Annotated[
    Path | None, typer.Option("--password-file", metavar="FILE", help="First line is the password; else it is asked.")
]
KeyFile = Annotated[Path, typer.Option("--key", metavar="FILE", help="Keystore of your own key.")]
IsAgreed = Annotated[bool, typer.Option("--yes", help="Sign without asking; for scripts that have read it.")]
LightKdf = Annotated[bool, typer.Option("--light-kdf", help="A weak, quick keystore. Demonstrations and tests only.")]
Transfer = Annotated[
    str, typer.Argument(metavar="TRANSFER", help="The transfer's folder, or 8 or more figures of its id at the server.")
]
ExecutorFile = Annotated[
    Path | None,
    typer.Option("--executor", metavar="FILE", help="Keystore of the gas-only account. [default: setting executor]"),
]
StatementsDir = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the statement file is written.")]


def to_voice(as_json: bool) -> Voice:
    """How this run speaks."""
    from guard.cli.voice import Voice

    return Voice(as_json)


def to_home() -> Path:
    """Where contexts and log-ins lie."""
    import os

    from guard.cli.private import find_home

    return find_home(os.environ)


def to_reach(context: typer.Context) -> Reach:
    """Flags, variables, the context in use, guard.toml and defaults; and the server that they name."""
    import os

    from guard.cli.reach import load_reach

    return load_reach(context.obj, os.environ)


def to_settings(context: typer.Context) -> Settings:
    """The settings alone."""
    return to_reach(context).settings


def to_desk(context: typer.Context) -> Desk:
    """Settings and bundle."""
    from guard.cli.desk import load_desk

    return load_desk(to_reach(context))
