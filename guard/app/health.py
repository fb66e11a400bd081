"""`guard health`: whether a part that runs here is well, for health checks of machines. It changes nothing and needs no log-in."""

from __future__ import annotations

from contextlib import closing
from http.client import HTTPException
from pathlib import Path

from guard.cli.settings import Settings
from guard.clients.connecting import connect
from guard.errors import AdapterError, GuardError
from guard.formats.listen_addresses import ListenAddress, parse_listen_address
from guard.signer.certificate import load_pin
from guard.signer.home import SignerHome, load_config
from guard.signer.sockets import Protection

TIMEOUT = 5
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 What is listened at everywhere is asked on loopback.
STALE_AFTER = 60
"""Seconds after which a worker that has said nothing is taken to be stuck."""


def to_protection(settings: Settings) -> Protection:
    """The API's certificate. Raises `listen.certificate` where only half of it is named."""
    return Protection(
        certificate=settings.path("certificate"),
        key=settings.path("certificate_key"),
        is_plaintext_allowed=settings.is_set("listen_plaintext_on_private_network"),
    )


def require_api_well(listen: str, protection: Protection) -> None:
    """Refuse unless the API at this address says that it can serve. Raises `health.unwell`."""
    _require_answer(parse_listen_address(listen), protection, "/readyz", "the API")


def require_signer_well(directory: Path) -> None:
    """Refuse unless both listeners of the signer take requests. Its clock and endpoints are not asked: stops need neither."""
    config = load_config(SignerHome(directory))
    protection = config.to_protection(is_plaintext_allowed=False)
    for address in (config.stop, config.command):
        _require_answer(parse_listen_address(address), protection, "/livez", f"{config.id} at {address}")


def require_worker_well(heartbeat: Path, *, now: int) -> None:
    """Refuse unless the worker has touched its heartbeat lately."""
    try:
        since = now - int(heartbeat.stat().st_mtime)
    except OSError:
        raise AdapterError("health.unwell", f"there is no heartbeat {heartbeat}") from None
    if since > STALE_AFTER:
        raise AdapterError("health.unwell", f"the worker's last heartbeat is {since} s old")


def _require_answer(address: ListenAddress, protection: Protection, path: str, what: str) -> None:
    try:
        with closing(connect(_to_target(address, protection), TIMEOUT)) as connection:
            connection.request("GET", path)
            status = connection.getresponse().status
    except (OSError, HTTPException) as trouble:
        raise AdapterError("health.unwell", f"{what} does not answer") from trouble
    except GuardError as refused:
        raise AdapterError("health.unwell", f"{what} cannot be asked: {refused.message}") from None
    if status != 200:
        raise AdapterError("health.unwell", f"{what} answers {path} with {status}")


def _to_target(address: ListenAddress, protection: Protection) -> str:
    if address.path:
        return str(address)
    local = ListenAddress(host=EVERYWHERE.get(address.host, address.host), port=address.port)
    if protection.certificate is None:
        return str(local)
    return f"https://{local}#sha256={load_pin(protection.certificate)}"
