"""`guard context`: which server of which treasury is meant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guard.cli.commands.options import AsJson, to_home, to_reach, to_voice

if TYPE_CHECKING:
    from guard.cli.contexts import Context

context = typer.Typer(help="The server that is meant, by name, and how it is known.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME")]


@context.command("add")
def add(
    *,
    name: Name,
    server: Annotated[
        str, typer.Option("--server", metavar="URL", help="https://HOST[:PORT], http://HOST:PORT or unix:PATH")
    ],
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="The guard.toml that belongs to it.")
    ] = None,
    ca: Annotated[
        Path | None, typer.Option("--ca", metavar="FILE", help="The one authority to trust. [default: the system's]")
    ] = None,
    public_url: Annotated[
        str | None, typer.Option("--public-url", metavar="URL", help="What the server calls itself. [default: URL]")
    ] = None,
    chain_id: Annotated[
        int | None, typer.Option("--login-chain-id", min=1, help="The chain that a log-in names.")
    ] = None,
    private_network: Annotated[
        bool, typer.Option("--plaintext-on-private-network", help="Let plain http leave this machine.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a context down. The first one is in use at once."""
    from guard.cli.contexts import Context, add_context

    made = Context(
        name=name,
        server=server,
        config=None if config is None else config.absolute(),
        ca=None if ca is None else ca.absolute(),
        public_url=public_url,
        chain_id=chain_id,
        is_private_network=private_network,
    )
    contexts = add_context(to_home(), made)
    in_use = contexts.current == name
    lines = [f"context {name}: {server}" + (", in use" if in_use else "")]
    lines.append("next: guard login --key FILE" if in_use else f"next: guard context use {name}")
    to_voice(as_json).tell({**made.to_json(), "in_use": in_use}, *lines)


@context.command("use")
def use(name: Name, as_json: AsJson = False) -> None:
    """Let a context be the one that commands go by."""
    from guard.cli.contexts import use_context

    chosen = use_context(to_home(), name)
    to_voice(as_json).tell({**chosen.to_json(), "in_use": True}, f"context {name} is in use: {chosen.server}")


@context.command("list")
def list_all(as_json: AsJson = False) -> None:
    """List all contexts; a star marks the one in use."""
    from guard.cli.contexts import load_contexts
    from guard.cli.voice import to_table

    contexts = load_contexts(to_home())
    known = [each for _, each in sorted(contexts.by_name.items())]
    rows = [("*" if each.name == contexts.current else " ", each.name, each.server) for each in known]
    result = {"current": contexts.current, "contexts": [each.to_json() for each in known]}
    to_voice(as_json).tell(result, *(to_table(rows) or ["there is no context; next: guard context add"]))


@context.command("show")
def show(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="[default: the one in use]")] = None,
    as_json: AsJson = False,
) -> None:
    """Show one context, and whether somebody is logged in there."""
    from guard.cli.contexts import load_contexts
    from guard.cli.sessions import load_session
    from guard.errors import GuardError

    home = to_home()
    chosen = load_contexts(home).require(name) if name is not None else to_reach(context).context
    if chosen is None:
        raise GuardError("cli.context-missing", "no context is in use")
    session = load_session(home, chosen.to_line().origin.text)
    person = None if session is None else session.person
    to_voice(as_json).tell({**chosen.to_json(), "logged_in": person}, *_describe(chosen, person))


def _describe(chosen: Context, person: str | None) -> list[str]:
    from guard.cli.voice import to_table

    fields = {**chosen.to_json(), "logged in": person}
    return to_table([(key, str(value)) for key, value in fields.items() if value is not None])


@context.command("remove")
def remove(name: Name, as_json: AsJson = False) -> None:
    """Forget a context. Its log-in ends by itself."""
    from guard.cli.contexts import remove_context

    gone = remove_context(to_home(), name)
    to_voice(as_json).tell(gone.to_json(), f"context {name} is forgotten")
