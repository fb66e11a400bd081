"""A treasury behind the API: real store, real service, real sessions, and people who sign. The clock goes only when it is told to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from sqlalchemy import func, select

from guard.bundles.bundle import to_bytes
from guard.core.facts import Scope, ScopeKind
from guard.core.transfer import Transfer
from guard.service.adopting import adopt_bundle
from guard.service.budgets import Limits, Rate
from guard.service.login import LoginService
from guard.service.login_keys import KeyFile, create_master_key
from guard.service.login_sessions import Session, open_session
from guard.service.service import Service
from guard.service.showing import Showing
from guard.statements.admission import STATEMENT_CHECKS
from guard.statements.login_message import LoginTerms
from guard.statements.signed import SignedStatement, to_json
from guard.store.schema import METADATA, require_revision
from guard.store.store import Store
from guard.web.api import WebSettings, build_api
from guard.web.health import Health, build_health
from guard.web.login import LoginGate, build_login_operations
from guard.web.login_schemas import LOGIN_SCHEMAS
from guard.web.operation import Operation
from guard.web.submitting import build_submitting
from guard.web.viewing import build_viewing
from tests.factories import CHAIN_ID, VAULT_ADDRESS, address_of
from tests.team import Team, transfer_id_of
from tests.web.asking import PLENTY, Asker

ORIGIN = "https://guard.example"
FREE = Rate(10**6, 1)
VAULT_SCOPE = Scope(kind=ScopeKind.VAULT, chain_id=CHAIN_ID, account=VAULT_ADDRESS)


@dataclass
class ServedTreasury:
    """Everything that the API needs over one store, and what people do to it. No signer runs."""

    store: Store
    folder: Path
    limits: Limits = field(default_factory=lambda: Limits(moving=FREE, stops=FREE, lifting=FREE, attempts=FREE))
    settings: WebSettings = field(default_factory=lambda: WebSettings(ordinary=PLENTY, stops=PLENTY))
    people: Team = field(init=False)
    service: Service = field(init=False)
    operations: tuple[Operation, ...] = field(init=False)
    api: FastAPI = field(init=False)
    _drawn: int = 0

    def __post_init__(self) -> None:
        self.people = Team(self.folder, running=("none of them",))
        clock, terms = self.people.clock, LoginTerms(origin=ORIGIN)
        adopt_bundle(self.store, to_bytes(self.people.bundle), self.people.digest, clock.wall)
        self.service = Service(self.store, clock, checks=STATEMENT_CHECKS, limits=self.limits)
        self.folder.mkdir(exist_ok=True)
        create_master_key(self.folder / "master-key")
        login = LoginService(self.store, terms, KeyFile(self.folder / "master-key"))
        self.operations = (
            *build_submitting(self.service),
            *build_viewing(Showing(self.store, clock), self.store),
            *build_health(Health(books=self.store, clock=clock, require_schema=self._require_schema)),
            *build_login_operations(login, clock),
        )
        self.api = build_api(
            self.operations,
            require_session=LoginGate(login, clock).require_session,
            settings=self.settings,
            schemas=LOGIN_SCHEMAS,
        )

    def _require_schema(self) -> None:
        with self.store.database.begin() as db:
            require_revision(db)

    def asker(self) -> Asker:
        """A client."""
        return Asker(self.api)

    def log_in(self, name: str, *, is_full: bool = True) -> dict[str, str]:
        """The header of somebody who logged in just now."""
        viewer = self.people.policy.roster.person(name)  # type: ignore[arg-type]
        assert viewer is not None
        with self.store.brief() as access:
            session = Session(
                viewer=viewer, key=address_of(name), chain_id=1, is_full=is_full, is_browser=False, expires_at=0
            )
            opened = open_session(access, session, now=self.people.clock.wall)
        return {"authorization": f"Bearer {opened.token}"}

    def draw_key(self) -> str:
        """An Idempotency-Key that was not used before."""
        self._drawn += 1
        return f"key-{self._drawn}"

    def count_rows(self) -> Mapping[str, int]:
        """How many rows each table has, the table that only orders them apart."""
        with self.store.database.begin() as db:
            return {
                name: db.execute(select(func.count()).select_from(table)).scalar_one()
                for name, table in METADATA.tables.items()
            }

    # What people send.

    def propose(self, asker: Asker, **changes: Any) -> Transfer:
        """A transfer that was proposed and taken in."""
        transfer = self.people.transfer(**changes)
        response = self.send(asker, "/v1/transfers", self.people.propose(transfer))
        assert response.status_code == 201, response.text
        return transfer

    def send(self, asker: Asker, path: str, signed: SignedStatement, **headers: str) -> Any:
        """A statement with a key of its own, unless one is given."""
        return asker.post(path, to_json(signed), **{"idempotency_key": self.draw_key(), **headers})

    def approve(self, asker: Asker, transfer: Transfer, name: str, *, version: int = 1, **headers: str) -> Any:
        """Somebody's approval of what they read at that version."""
        signed = self.people.approve(transfer, name)
        return self.send(asker, to_path(transfer, "approvals"), signed, if_match=f'"v{version}"', **headers)


def to_path(transfer: Transfer, what: str = "") -> str:
    """The address of a transfer, or of what is said about it."""
    return f"/v1/transfers/{transfer_id_of(transfer)}" + (f"/{what}" if what else "")
