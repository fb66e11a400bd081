"""Makes the one command that a line names. Making all of them, with all their options, takes longer than most commands run."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.models import CommandInfo


def to_command(app: typer.Typer, words: Sequence[str]) -> TyperGroup:
    """The whole command line as typer runs it, in which every command but the named one is only its name and its help."""
    named = words[0] if words else ""
    lean = copy.copy(app)
    lean.registered_commands = [each for each in app.registered_commands if name_of(each) == named]
    lean.registered_groups = [each for each in app.registered_groups if each.name == named]
    made: Any = typer.main.get_group(lean)
    found: TyperGroup = made
    shown = {name_of(each): inspect.getdoc(each.callback) for each in app.registered_commands}
    shown |= {each.name or "": getattr(each.typer_instance, "info").help for each in app.registered_groups}  # noqa: B009
    found.commands = {
        name: found.commands.get(name) or TyperCommand(name=name, help=str(says or ""), rich_markup_mode=None)
        for name, says in shown.items()
    }
    return found


def name_of(command: CommandInfo) -> str:
    """The name by which a command is called."""
    return command.name or typer.main.get_command_name(command.callback.__name__ if command.callback else "")
