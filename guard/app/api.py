"""The API put together: database, use cases, log-in, routes. It holds no key that moves funds."""

from __future__ import annotations

from fastapi import FastAPI

from guard.app.databases import require_schema
from guard.app.health import to_protection
from guard.bundles.bundle import MAX_BUNDLE_BYTES, compute_bundle_digest, parse_bundle
from guard.cli.settings import Settings
from guard.cli.storing import load_file
from guard.core.ids import Digest
from guard.errors import GuardError
from guard.formats.listen_addresses import parse_listen_address
from guard.ports import Clock
from guard.service.adopting import adopt_bundle
from guard.service.login import LoginService
from guard.service.login_keys import KeyFile
from guard.service.service import Service
from guard.service.showing import Showing
from guard.signer.clock import SystemClock
from guard.statements.admission import STATEMENT_CHECKS
from guard.statements.login_message import to_login_terms
from guard.store.store import Store
from guard.web.api import WebSettings, build_api
from guard.web.health import Health, build_health
from guard.web.login import LoginGate, build_login_operations
from guard.web.login_schemas import LOGIN_SCHEMAS
from guard.web.submitting import build_submitting
from guard.web.viewing import build_viewing


def to_public_url(settings: Settings) -> str:
    """What browsers call the API: the setting, or where it listens, on loopback alone. Raises `cli.setting-missing`."""
    named = settings.text("public_url")
    if named is not None:
        return named
    address = parse_listen_address(settings.require_text("listen"))
    if not address.is_loopback or address.path or not address.port:
        raise GuardError(
            "cli.setting-missing", f"public_url is not given, and nobody's browser calls the API {address}"
        )
    scheme = "https" if to_protection(settings).is_for(address) else "http"
    return f"{scheme}://{address}"


def adopt_policy(settings: Settings, store: Store, clock: Clock) -> Digest:
    """Begin the books with the bundle of the settings, or find that they have begun with it; its digest.

    Raises `cli.pin` where it is not the pinned one, `service.bundle-differs` where the books hold another.
    """
    path = settings.require_path("bundle")
    if not path.is_file():
        raise GuardError("cli.not-built", f"there is no bundle {path}")
    raw = load_file(path, max_bytes=MAX_BUNDLE_BYTES)
    digest, pin = compute_bundle_digest(parse_bundle(raw)), settings.text("pin")
    if pin is not None and pin != digest:
        raise GuardError("cli.pin", f"{path} has digest {digest}, not the pinned one")
    return adopt_bundle(store, raw, digest, clock.read().wall).digest


def compose_api(settings: Settings, store: Store) -> FastAPI:
    """Everything that the API does, over an open store."""
    clock = SystemClock()
    keys = KeyFile(settings.require_path("master_key"))
    keys.load()
    public_url = to_public_url(settings)
    terms = to_login_terms(public_url, (settings.number("login_chain_id"),))
    login = LoginService(accounts=store, terms=terms, keys=keys)
    operations = (
        *build_submitting(Service(store, clock, checks=STATEMENT_CHECKS)),
        *build_viewing(Showing(store, clock), store),
        *build_login_operations(login, clock),
        *build_health(Health(books=store, clock=clock, require_schema=lambda: require_schema(store))),
    )
    return build_api(
        operations,
        require_session=LoginGate(login, clock).require_session,
        settings=WebSettings(is_https=public_url.startswith("https:"), behind_proxy=settings.is_set("behind_proxy")),
        schemas=LOGIN_SCHEMAS,
    )
