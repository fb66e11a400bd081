"""`guard login`, `logout`, `session`, `totp`: who one is at the server. It lets people see and submit, nothing more."""

from __future__ import annotations

from typing import Annotated

import typer

from guard.cli.commands.options import AsJson, KeyFile, PasswordFile, to_reach, to_voice

totp = typer.Typer(help="Your second factor.", no_args_is_help=True)

Code = Annotated[str | None, typer.Option("--code", metavar="CODE", help="Of your authenticator; else it is asked.")]
RecoveryCode = Annotated[
    str | None, typer.Option("--recovery-code", metavar="CODE", help="One of the codes that are good once.")
]


def login(
    context: typer.Context,
    *,
    key: KeyFile,
    password_file: PasswordFile = None,
    code: Code = None,
    recovery_code: RecoveryCode = None,
    as_json: AsJson = False,
) -> None:
    """Log in at the server with your key and your second factor."""
    from guard.cli.login import Factor, log_in

    log_in(to_voice(as_json), to_reach(context), key, password_file, Factor(code=code, recovery_code=recovery_code))


def logout(context: typer.Context, as_json: AsJson = False) -> None:
    """End the log-in."""
    from guard.cli.login import log_out

    log_out(to_voice(as_json), to_reach(context))


def session(context: typer.Context, as_json: AsJson = False) -> None:
    """Show who you are at the server, and until when."""
    from guard.cli.login import show_session

    show_session(to_voice(as_json), to_reach(context))


@totp.command("enrol")
def enrol(
    context: typer.Context, *, code: Code = None, recovery_code: RecoveryCode = None, as_json: AsJson = False
) -> None:
    """Draw a second factor, show it once, and put it in force with its first code."""
    from guard.cli.login import Factor
    from guard.cli.second_factor import enrol

    enrol(to_voice(as_json), to_reach(context), Factor(code=code, recovery_code=recovery_code))


@totp.command("confirm")
def confirm(
    context: typer.Context, code: Annotated[str, typer.Argument(metavar="CODE")], as_json: AsJson = False
) -> None:
    """Put a second factor in force with the first code that it shows."""
    from guard.cli.second_factor import confirm

    confirm(to_voice(as_json), to_reach(context), code)
