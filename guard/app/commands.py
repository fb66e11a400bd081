"""The commands that only the composition root can carry out: the server's processes, its database, its operator's chores, health checks.

Nothing heavy is loaded before a command runs. The context in use is a person's and is not looked at here.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guard.cli.commands.options import AsJson, to_voice

if TYPE_CHECKING:
    from guard.cli.settings import Settings

db = typer.Typer(help="The server's database: bring it to this version, look at it.", no_args_is_help=True)
server = typer.Typer(help="Chores of whoever runs the server.", no_args_is_help=True)
health = typer.Typer(help="Whether a part that runs on this machine is well.", no_args_is_help=True)


def add_commands(app: typer.Typer) -> None:
    """Put them into the whole command line."""
    app.command()(dev)
    app.command()(serve)
    app.command()(worker)
    app.add_typer(db, name="db")
    app.add_typer(server, name="server")
    app.add_typer(health, name="health")


def to_server_settings(context: typer.Context, **texts: str | None) -> Settings:
    """Flags, variables, guard.toml and defaults; `texts` are options that stand behind the command's name."""
    from guard.cli.settings import load_settings

    return load_settings(context.obj.having(**texts), os.environ)


def dev(
    directory: Annotated[Path, typer.Argument(metavar="[DIR]", help="A new or empty folder.")] = Path("guard-dev"),
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Of the API; another where it is taken.")
    ] = 8080,
) -> None:
    """Run a whole treasury on this machine until Ctrl-C, for play: a chain in memory, four signers, API, worker, people."""
    from importlib.util import find_spec

    from guard.errors import GuardError

    if find_spec("eth") is None:
        hint = "run it where make demo has installed them, in a clone of the repository"
        raise GuardError("cli.usage", "the parts of the demonstration are not installed", hint=hint)
    # Nothing that is needed in earnest knows the demonstration, so this process becomes it.
    os.execv(sys.executable, [sys.executable, "-m", "guard.demo.dev", "--port", str(port), "--", str(directory)])  # noqa: S606


def serve(
    context: typer.Context,
    *,
    listen: Annotated[
        str | None,
        typer.Option("--listen", metavar="ADDRESS", help="HOST:PORT or unix:PATH. [default: setting listen]"),
    ] = None,
    workers: Annotated[
        str | None, typer.Option("--workers", metavar="COUNT", help="Processes. [default: setting workers]")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Run the API until it is told to end."""
    from guard.app.serving import serve

    settings, voice = to_server_settings(context, listen=listen, workers=workers), to_voice(as_json)
    return serve(
        settings, ready=lambda where: voice.tell({"listening": where, "ready": True}, f"the API listens at {where}")
    )


def worker(
    context: typer.Context,
    *,
    is_single: Annotated[bool, typer.Option("--once", help="One round, then end.")] = False,
    as_json: AsJson = False,
) -> int:
    """Carry transfers to the signers and to the chain until it is told to end. Any number may run."""
    from guard.app.working import work

    voice = to_voice(as_json)
    return work(
        to_server_settings(context),
        is_single=is_single,
        ready=lambda name: voice.tell({"worker": name, "ready": True}, f"worker {name} is at work"),
    )


@db.command("upgrade")
def upgrade(context: typer.Context, as_json: AsJson = False) -> None:
    """Bring the database to this version's tables, all at once or not at all."""
    from guard.app.databases import to_database_url
    from guard.store.migrating import upgrade

    revision = upgrade(to_database_url(to_server_settings(context)))
    to_voice(as_json).tell({"revision": revision}, f"the database stands at revision {revision}")


@db.command("check")
def check(context: typer.Context, as_json: AsJson = False) -> None:
    """Whether the database has exactly this version's tables."""
    from guard.app.databases import to_database_url
    from guard.store.migrating import check

    revision = check(to_database_url(to_server_settings(context)))
    to_voice(as_json).tell(
        {"revision": revision, "sound": True}, f"the database stands at revision {revision}, as it must"
    )


@db.command("current")
def current(context: typer.Context, as_json: AsJson = False) -> None:
    """The revision at which the database stands."""
    from guard.app.databases import to_database_url
    from guard.store.migrating import current

    revision = current(to_database_url(to_server_settings(context)))
    to_voice(as_json).tell({"revision": revision}, revision or "the database has no tables of the guard")


@db.command("downgrade")
def downgrade(
    context: typer.Context,
    revision: Annotated[str, typer.Argument(metavar="REVISION", help="`base` removes every table.")],
    *,
    is_loss_agreed: Annotated[
        bool, typer.Option("--lose-what-the-tables-hold", help="Statements and log go with their tables.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Take revisions of the database back. What the tables hold that go is lost for ever."""
    from guard.app.databases import to_database_url
    from guard.errors import GuardError
    from guard.store.migrating import downgrade

    if not is_loss_agreed:
        raise GuardError("cli.usage", "a downgrade needs --lose-what-the-tables-hold")
    downgrade(to_database_url(to_server_settings(context)), revision)
    to_voice(as_json).tell({"revision": revision}, f"the database stands at revision {revision}")


@server.command("create-master-key")
def make_master_key(context: typer.Context, as_json: AsJson = False) -> None:
    """Write a new key file for sealing second factors, where the setting master_key says."""
    from guard.service.login_keys import create_master_key

    path = to_server_settings(context).require_path("master_key")
    made = create_master_key(path)
    to_voice(as_json).tell(
        {"key": made, "file": str(path)}, f"key {made} in {path}", "next: keep a copy apart from the database's copies"
    )


@server.command("rotate-master-key")
def change_master_key(
    context: typer.Context,
    remove: Annotated[
        str | None, typer.Option("--remove", metavar="KEY", help="Take this old key out instead of adding one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Seal every second factor under a new key. The old one stays in the file until it is removed."""
    from guard.app.databases import open_store
    from guard.service.login_keys import remove_master_key, rotate_master_key

    settings = to_server_settings(context)
    path = settings.require_path("master_key")
    with open_store(settings) as store:
        if remove is not None:
            remove_master_key(store, path, remove)
            to_voice(as_json).tell({"removed": remove}, f"key {remove} is no longer in {path}")
            return
        made = rotate_master_key(store, path)
    to_voice(as_json).tell({"key": made}, f"every second factor is sealed under key {made} now")


@server.command("create-webhook-secret")
def make_webhook_secret(context: typer.Context, as_json: AsJson = False) -> None:
    """Write a new secret for signing notifications, where the setting webhook_secret says."""
    from guard.app.upkeep import create_webhook_secret

    path = to_server_settings(context).require_path("webhook_secret")
    create_webhook_secret(path)
    to_voice(as_json).tell({"file": str(path)}, f"secret in {path}", "next: give the receiver the same")


@server.command("reset-factor")
def reset_factor(
    context: typer.Context,
    person: Annotated[str, typer.Argument(metavar="PERSON")],
    as_json: AsJson = False,
) -> None:
    """Take a person's second factor away, and end their log-ins: at the next log-in they enrol a new one."""
    from guard.app.upkeep import reset_second_factor

    reset_second_factor(to_server_settings(context), person)
    to_voice(as_json).tell({"person": person}, f"{person} enrols a new second factor at the next log-in")


@server.command("outbox")
def outbox(
    context: typer.Context,
    retry: Annotated[
        str | None, typer.Option("--retry", metavar="ID", help="Try to deliver this dead message again.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Messages that wait, and those that nobody took."""
    from guard.app.upkeep import load_outbox, retry_message

    settings, voice = to_server_settings(context), to_voice(as_json)
    if retry is not None:
        retry_message(settings, retry)
        voice.tell({"retried": retry}, f"message {retry} is delivered again")
        return
    waiting, dead = load_outbox(settings)
    told = [{"id": each.id, "event": each.event, "last_error": each.last_error} for each in dead]
    voice.tell(
        {"waiting": waiting, "dead": told},
        f"{waiting} waiting, {len(dead)} dead",
        *(f"{each.id}  {each.event}  {each.last_error}" for each in dead),
    )


@health.command("api")
def check_api(context: typer.Context, as_json: AsJson = False) -> None:
    """Whether the API can serve: it answers, its tables, policy and log are in order."""
    from guard.app.health import require_api_well, to_protection

    settings = to_server_settings(context)
    require_api_well(settings.require_text("listen"), to_protection(settings))
    to_voice(as_json).tell({"well": True}, "the API is well")


@health.command("worker")
def check_worker(context: typer.Context, as_json: AsJson = False) -> None:
    """Whether the worker gets on, by the file that the setting heartbeat names."""
    from guard.app.health import require_worker_well
    from guard.signer.clock import SystemClock

    require_worker_well(to_server_settings(context).require_path("heartbeat"), now=SystemClock().read().wall)
    to_voice(as_json).tell({"well": True}, "the worker is well")


@health.command("signer")
def check_signer(directory: Annotated[Path, typer.Argument(metavar="DIR")], as_json: AsJson = False) -> None:
    """Whether both listeners of the signer in this folder take requests."""
    from guard.app.health import require_signer_well

    require_signer_well(directory)
    to_voice(as_json).tell({"well": True}, "the signer is well")
