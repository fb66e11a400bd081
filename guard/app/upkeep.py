"""What whoever runs the server does to its database by hand: nothing here can move funds or change what anybody said."""

from __future__ import annotations

import os
import secrets
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

from guard.app.databases import open_store
from guard.cli.settings import Settings
from guard.core.ids import PersonId, is_name
from guard.errors import AdapterError, GuardError
from guard.ports.carriage import OutboxRow
from guard.service.login_factors import reset_factor
from guard.signer.clock import SystemClock

SECRET_BYTES = 32


def reset_second_factor(settings: Settings, person: str) -> None:
    """Take a person's second factor and log-ins away."""
    if not is_name(person):
        raise GuardError("value.invalid", f"{person[:60]!r} is no person's id")
    with open_store(settings) as store:
        reset_factor(store, PersonId(person), now=SystemClock().read().wall)


def load_outbox(settings: Settings) -> tuple[int, Sequence[OutboxRow]]:
    """How many messages wait, and those that are not tried any more."""
    with open_store(settings) as store, store.reading() as reading:
        return reading.count_waiting_messages(), reading.list_dead_messages()


def retry_message(settings: Settings, message_id: str) -> None:
    """Let a message that is not tried any more be delivered again, from now on. Raises `outbox.message`."""
    with open_store(settings) as store, store.brief() as brief:
        row = brief.load_message(message_id)
        if row is None or row.state != "dead":
            raise GuardError("outbox.message", f"there is no dead message {message_id[:60]!r}")
        now = SystemClock().read().wall
        brief.settle_message(row, state="waiting", due_at=now, attempts=0, last_error=row.last_error)


def create_webhook_secret(path: Path) -> None:
    """Draw a secret for the webhook and write it where its owner alone reads it. A file that is there is never written over."""
    secret = "whsec_" + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise GuardError("cli.file-differs", f"{path} is there already") from None
    except OSError as trouble:
        raise AdapterError("cli.file-unwritable", f"{path} cannot be written: {trouble.strerror}") from trouble
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secret + "\n")
