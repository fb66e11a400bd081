"""`guard signer`: the processes that hold vault keys. `run` is added by `guard.app`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guard.cli.commands.options import AsJson, LightKdf, PasswordFile, to_settings, to_voice

signer = typer.Typer(help="The processes that hold the vault keys.", no_args_is_help=True)


@signer.command("new")
def new(
    *,
    directory: Annotated[Path, typer.Argument(metavar="DIR")],
    name: Annotated[str, typer.Option("--id", help="The signer's id, as in signer-a.")],
    command: Annotated[
        str, typer.Option("--command", metavar="ADDRESS", help="unix:PATH or HOST:PORT, for the worker.")
    ],
    stop: Annotated[str, typer.Option("--stop", metavar="ADDRESS", help="HOST:PORT, for people who stop.")],
    stop_address: Annotated[
        str | None,
        typer.Option("--stop-address", metavar="HOST:PORT", help="What people call it. [default: where it listens]"),
    ] = None,
    certificate: Annotated[
        Path | None,
        typer.Option("--certificate", metavar="PEM", help="Of both listeners. [default: made here beyond loopback]"),
    ] = None,
    certificate_key: Annotated[Path | None, typer.Option("--certificate-key", metavar="PEM")] = None,
    counter: Annotated[Path, typer.Option("--counter", metavar="FILE", help="On another volume than DIR.")],
    endpoint: Annotated[list[str], typer.Option("--endpoint", metavar="CHAIN=URL", help="May be repeated.")],
    treasury: Annotated[
        str, typer.Option("--treasury", metavar="DIR|ID", help="The folder of guard init, or the treasury id.")
    ] = ".",
    password_file: PasswordFile = None,
    light_kdf: LightKdf = False,
    as_json: AsJson = False,
) -> None:
    """Make vault key, journal key and journal together and print the signer's line."""
    from guard.cli.founding import find_treasury_id
    from guard.cli.signers import NewSigner, make_signer

    described = NewSigner(
        id=name,
        treasury=find_treasury_id(treasury),
        command=command,
        stop=stop,
        stop_address=stop_address,
        certificate=certificate,
        certificate_key=certificate_key,
        counter=counter,
        endpoints=tuple(endpoint),
    )
    make_signer(to_voice(as_json), directory, described, password_file, light_kdf=light_kdf)


@signer.command("add")
def add(
    context: typer.Context,
    line: Annotated[str, typer.Option("--from", metavar="LINE", help="The line of guard signer new, or its file.")],
    as_json: AsJson = False,
) -> None:
    """Check a signer's two proofs and append the signer to treasury.toml."""
    from guard.cli.signers import add_signer

    add_signer(to_voice(as_json), to_settings(context).require_path("policies"), line)


@signer.command("pin")
def pin(
    directory: Annotated[Path, typer.Argument(metavar="DIR")],
    digest: Annotated[str, typer.Argument(metavar="DIGEST", help="As it was read aloud; spaces do not matter.")],
    bundle: Annotated[Path, typer.Option("--bundle", metavar="FILE")],
    as_json: AsJson = False,
) -> None:
    """Pin the treasury's first bundle on this host. Before that the signer signs nothing."""
    from guard.cli.signers import pin

    pin(to_voice(as_json), directory, digest, bundle)


@signer.command("status")
def status(
    context: typer.Context,
    *,
    address: Annotated[
        str | None,
        typer.Option("--address", metavar="ADDRESS", help="One command listener. [default: setting signers]"),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Ask signers how they stand."""
    from guard.cli.signers import show_status

    return show_status(to_voice(as_json), to_settings(context), address)
