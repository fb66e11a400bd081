"""`guard init`, `guard people`, `guard policy`, `guard vault`: how a treasury begins."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guard.cli.commands.options import AsJson, ExecutorFile, PasswordFile, to_settings, to_voice

people = typer.Typer(help="People and their keys, in people.toml.", no_args_is_help=True)
policy = typer.Typer(help="Check the policy files and build the bundle.", no_args_is_help=True)
vault = typer.Typer(help="The Safes of the treasury.", no_args_is_help=True)


def init(
    directory: Annotated[Path, typer.Argument(metavar="DIR")],
    expires_on: Annotated[
        str, typer.Option("--expires-on", metavar="DAY", help="When the policy ends, as in 2027-11-30.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Found a treasury: commented policy files, a new treasury id, a guard.toml."""
    from guard.cli.founding import found_treasury

    found_treasury(to_voice(as_json), directory, expires_on=expires_on)


@people.command("add")
def add_person(
    context: typer.Context,
    *,
    line: Annotated[
        str, typer.Option("--from", metavar="LINE", help="The line of guard key show --enrol, or its file.")
    ],
    person: Annotated[str, typer.Option("--id", help="The person's id, as in the line.")],
    name: Annotated[str, typer.Option("--name", help="The person's name.")],
    organisation: Annotated[str, typer.Option("--organisation", help="Whom the person works for.")],
    groups: Annotated[list[str] | None, typer.Option("--group", help="A group; may be repeated.")] = None,
    machine: Annotated[bool, typer.Option("--machine", help="A machine: it may propose and fills no seat.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check a person's proof of control and append the person to people.toml."""
    from guard.cli.founding import NewPerson, add_person

    policies = to_settings(context).require_path("policies")
    about = NewPerson(name=name, organisation=organisation, groups=groups or (), machine=machine)
    add_person(to_voice(as_json), policies, line, person, about)


@policy.command("build")
def build(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="[default: setting bundle]")] = None,
    as_json: AsJson = False,
) -> None:
    """Write the bundle and print its digest in groups, for reading aloud."""
    from guard.cli.founding import build_policy

    build_policy(to_voice(as_json), to_settings(context), out)


@policy.command("check")
def check(
    context: typer.Context,
    directory: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="[default: setting policies]")] = None,
    as_json: AsJson = False,
) -> int:
    """Tell everything that is wrong with the policy files, by file and line."""
    from guard.cli.founding import check

    return check(to_voice(as_json), directory or to_settings(context).require_path("policies"))


@vault.command("deploy")
def deploy(
    context: typer.Context,
    *,
    name: Annotated[str, typer.Argument(metavar="VAULT")],
    executor: ExecutorFile = None,
    password_file: PasswordFile = None,
    version: Annotated[str, typer.Option("--safe-version")] = "1.4.1",
    singleton: Annotated[
        str | None, typer.Option("--singleton", metavar="ADDRESS", help="[default: canonical]")
    ] = None,
    factory: Annotated[str | None, typer.Option("--factory", metavar="ADDRESS", help="[default: canonical]")] = None,
    handler: Annotated[
        str | None, typer.Option("--fallback-handler", metavar="ADDRESS", help="[default: canonical]")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make the Safe of a vault with its signers as owners and write its address into treasury.toml."""
    from guard.cli.vaults import SafeContracts, deploy_vault

    settings = to_settings(context)
    contracts = SafeContracts(version=version, singleton=singleton, factory=factory, fallback_handler=handler)
    keystore = executor or settings.require_path("executor")
    deploy_vault(to_voice(as_json), settings, name, contracts, executing=(keystore, password_file))
