"""The look at every signer: what it says of itself, silence that lasts, and the freezes and unfreezes that it lacks.

People bring stops to the signers themselves; this is a second way, for signers that were down when they did.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from guard.core.ids import Digest
from guard.errors import AdapterError, GuardError
from guard.formats.canonical import parse_json, to_canonical
from guard.ports.books import StatementRow
from guard.ports.carriage import SignerLook
from guard.service.outlook import Look, Outlook
from guard.service.statement_reader import StatementReader
from guard.statements.values import Freeze, Unfreeze
from guard.worker.asking import Answer, ask_one
from guard.worker.settling import tell
from guard.worker.shift import Shift
from guard.worker.world import Contact

CHORE = "signers"
AT_ONCE = 50
LONGEST = 200_000
"""Characters of a signer's status that are kept."""


@dataclass(frozen=True, slots=True)
class Said:
    """A freeze or unfreeze of the books: the ids that it is about, and the signed statement as JSON."""

    ids: frozenset[Digest]
    body: Mapping[str, Any]


@dataclass(kw_only=True)
class SignerLooks:
    """One look at all signers with what it has logged."""

    shift: Shift
    events: list[str] = field(default_factory=list)

    def take(self) -> None:
        """Ask each configured signer how it stands."""
        contacts = self.shift.list_contacts()
        freezes, unfreezes = self.load_said()
        for contact in contacts:
            answer = ask_one(self.shift.world, contact, "status", {})
            self.keep(contact, answer)
            if answer.said is None:
                self.note_silence(contact)
            else:
                with self.shift.store.brief() as brief:
                    brief.forget_alarm(to_alarm_name(contact))
                self.bring_stops(contact, answer.said, freezes, unfreezes)

    def keep(self, contact: Contact, answer: Answer) -> None:
        """Write down what a signer said, or that it said nothing."""
        now, said = self.shift.now, answer.said
        body = "{}" if said is None else to_canonical(dict(said)).decode()
        body = body if len(body) <= LONGEST else "{}"
        look = SignerLook(signer=contact.id, asked_at=now, answered_at=None if said is None else now, body=body)
        with self.shift.store.brief() as brief:
            brief.keep_look(look)

    def note_silence(self, contact: Contact) -> None:
        """Tell of a signer that has been silent for long, once for each silence."""
        name, now = to_alarm_name(contact), self.shift.now
        with self.shift.store.brief() as brief:
            noticed = brief.notice(name, at=now)
        if noticed.raised_at is not None or now - noticed.since < self.shift.pace.silent_after:
            return
        with self.shift.store.writing() as writing:
            if writing.raise_alarm(name, at=now):
                tell(self.shift, writing, "signer.silent", {"signer": contact.id, "since": noticed.since})
                self.events.append("signer.silent")

    def load_said(self) -> tuple[tuple[Said, ...], tuple[Said, ...]]:
        """The freezes in force and the unfreezes that still count, by the books."""
        now, reader = self.shift.now, StatementReader()
        with self.shift.store.reading() as reading:
            standings = Outlook(Look(reading, self.shift.known, reader, now)).standings
            in_force = {each.said.statement.id for each in standings if each.is_in_force}
            freezes = [(reader.read(row, Freeze), row) for row in reading.load_statements_of_kind("freeze")]
            unfreezes = [(reader.read(row, Unfreeze), row) for row in reading.load_statements_of_kind("unfreeze")]
        return (
            to_said((frozenset({said.id}), row) for said, row in freezes if said.id in in_force),
            to_said((frozenset(said.ids), row) for said, row in unfreezes if now < said.expires_at),
        )

    def bring_stops(
        self, contact: Contact, status: Mapping[str, Any], freezes: tuple[Said, ...], unfreezes: tuple[Said, ...]
    ) -> None:
        """Bring a signer what it lacks, and unfreezes of what it holds. What cannot be brought now is brought the next time."""
        held = status.get("freezes")
        known = {each.get("id") for each in held if isinstance(each, dict)} if isinstance(held, list) else set()
        for said in freezes:
            if not said.ids & known:
                self.bring(contact.identity.stop_address, "stop", {"statement": dict(said.body)})
        wanted = [dict(said.body) for said in unfreezes if said.ids & known][:AT_ONCE]
        if wanted:
            self.bring(contact.command, "unfreeze", {"statements": wanted})

    def bring(self, address: str, verb: str, body: Mapping[str, Any]) -> None:
        """One request whose refusal or silence changes nothing: the signer's next status says what it has."""
        try:
            self.shift.ask(address, verb, body)
        except (GuardError, AdapterError):
            return


def to_alarm_name(contact: Contact) -> str:
    """The name of the alarm of a signer's silence."""
    return f"silent:{contact.id}"


def to_said(found: Iterable[tuple[frozenset[Digest], StatementRow]]) -> tuple[Said, ...]:
    """Statements of the books with what they are about."""
    return tuple(Said(ids, parse_json(row.body.encode())) for ids, row in found)
