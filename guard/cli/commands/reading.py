"""`guard verify`, `show`, `error`, `version`, `config`: commands that change nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guard.cli.commands.options import AsJson, to_desk, to_settings, to_voice

config = typer.Typer(help="Settings and where they come from.", no_args_is_help=True)


def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An evidence file.")],
    pin: Annotated[str, typer.Option("--pin", metavar="DIGEST", help="The digest of the bundle that you compared.")],
    as_json: AsJson = False,
) -> int:
    """Check a release offline: who agreed, which policy, which signers."""
    from guard.cli.showing import verify

    return verify(to_voice(as_json), file, pin)


def show(
    context: typer.Context,
    named: Annotated[str, typer.Argument(metavar="TRANSFER|STATEMENT|EVIDENCE")],
    as_json: AsJson = False,
) -> None:
    """Show a transfer by its folder or id, a statement, or evidence."""
    from guard.cli.showing import show

    bundle = to_settings(context).require_path("bundle")
    show(to_voice(as_json), named, to_desk(context) if bundle.is_file() else None)


def error(code: Annotated[str, typer.Argument(metavar="CODE")], as_json: AsJson = False) -> None:
    """Explain an error code: what it means and what to do next."""
    from guard.cli.words import compute_close
    from guard.errors import CATALOGUE, GuardError

    found = CATALOGUE.get(code)
    if found is None:
        hint = compute_close(code, CATALOGUE)
        raise GuardError("cli.unknown-code", f"there is no error code {code[:60]!r}", hint=hint)
    result = {"code": code, "meaning": found.meaning, "next": found.remedy}
    to_voice(as_json).tell(result, code, f"  {found.meaning}", f"  next: {found.remedy}")


def version(as_json: AsJson = False) -> None:
    """Print the version."""
    from guard import __version__

    to_voice(as_json).tell({"version": __version__}, f"guard {__version__}")


@config.command("show")
def show_config(context: typer.Context, as_json: AsJson = False) -> None:
    """Print every setting with its origin."""
    settings = to_settings(context).settings
    from guard.cli.known_settings import BY_NAME
    from guard.cli.voice import to_table

    shown = {name: BY_NAME[name].to_shown(each.value) for name, each in settings.items()}
    result = {name: {"value": shown[name], "origin": each.origin} for name, each in settings.items()}
    rows = [(name, each.origin, _to_text(shown[name])) for name, each in settings.items()]
    to_voice(as_json).tell(result, *to_table(rows))


def _to_text(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={each}" for name, each in value.items())
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
