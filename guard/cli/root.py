"""The command `guard` put together, and the one place where errors become messages and exit statuses."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from typing import Any

import typer

from guard.cli.choosing import to_command
from guard.cli.commands import access, books, contexts, founding, keys, reading, signers, stops, transfers
from guard.cli.exits import ExitStatus, to_status
from guard.cli.flags import HELP, split_flags
from guard.cli.voice import Voice
from guard.errors import AdapterError, GuardError


def build_app() -> typer.Typer:
    """Every command but those that only `guard.app` can compose, which adds them."""
    app = typer.Typer(
        name="guard",
        help="Stands between a proposed transfer and a signed one.\n\n" + HELP,
        rich_markup_mode=None,
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
    )
    app.callback()(_before_command)
    app.command()(founding.init)
    app.add_typer(keys.key, name="key")
    app.add_typer(founding.people, name="people")
    app.add_typer(founding.policy, name="policy")
    app.add_typer(signers.signer, name="signer")
    app.add_typer(founding.vault, name="vault")
    app.add_typer(contexts.context, name="context")
    for entrance in (access.login, access.logout, access.session):
        app.command()(entrance)
    app.add_typer(access.totp, name="totp")
    for command in (transfers.propose, transfers.approve, stops.reject, stops.withdraw, stops.veto):
        app.command()(command)
    for hold in (stops.freeze, stops.unfreeze, stops.watch):
        app.command()(hold)
    app.command("list")(books.list_transfers)
    for look in (books.inbox, reading.show, books.status, books.log, books.evidence, reading.verify):
        app.command()(look)
    for other in (transfers.release, transfers.cancel, reading.error):
        app.command()(other)
    app.add_typer(reading.config, name="config")
    app.command()(reading.version)
    return app


def _before_command() -> None:
    """Nothing: the flags in front of the command are taken off before."""


def run(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Run one command line and return its exit status. Whatever goes wrong is said once, with its code."""
    voice = Voice("--json" in arguments)
    try:
        flags, rest = split_flags(arguments)
        command = to_command(app, rest)
        if "--help" in rest and show_help(command, rest[: rest.index("--help")]):
            return ExitStatus.DONE
        status = command.main(args=rest, prog_name="guard", standalone_mode=False, obj=flags)
    except (GuardError, AdapterError) as error:
        voice.complain(error)
        return to_status(error)
    except typer.TyperException as usage:
        return _complain_of_usage(voice, usage)
    except typer.Abort:
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has gone; there is nobody left to tell.
        sys.stderr.close()
        return ExitStatus.TROUBLE
    except Exception as fault:
        traceback.print_exc()
        voice.complain(AdapterError("cli.internal", "internal fault; the traceback is on standard error"))
        raise SystemExit(ExitStatus.FAULT) from fault
    return status if isinstance(status, int) else ExitStatus.DONE


def show_help(command: Any, names: Sequence[str]) -> bool:
    """Print the help of the command of these names. False where they name none, and typer is to say so.

    Typer would load its validation library to understand that `--help` is true, which takes longer than everything else.
    """
    context = typer.Context(command, info_name="guard")
    for name in names:
        if name not in getattr(command, "commands", {}):
            return False
        command = command.commands[name]
        context = typer.Context(command, info_name=name, parent=context)
    print(command.get_help(context))
    return True


def _complain_of_usage(voice: Voice, usage: typer.TyperException) -> int:
    message = usage.format_message().strip()
    if "\n" in message:
        # No arguments at all: the message is the help itself.
        print(message, file=sys.stderr)
        return ExitStatus.USAGE
    context = getattr(usage, "ctx", None)
    hint = f"{context.command_path} --help" if context is not None else "guard --help"
    said = message[:1].lower() + message[1:].rstrip(".")
    voice.complain(GuardError("cli.usage", said, hint=f"see {hint}"))
    return ExitStatus.USAGE
