"""The use cases: takes a signed statement in, as one transaction, and acknowledges it. It signs nothing and holds no key."""

from __future__ import annotations

from dataclasses import dataclass

from guard.core.ids import TransferId
from guard.errors import GuardError, Refusal
from guard.formats.canonical import to_canonical
from guard.ports import Clock
from guard.ports.books import Books, BooksWriting, StatementRow
from guard.service import verbs
from guard.service.acknowledgement import Acknowledgement, Asked
from guard.service.attempts import Attempt, Attempts, find_attempt
from guard.service.budgets import Budget, Limits
from guard.service.editions import Editions, Known
from guard.service.outlook import Look, Outlook
from guard.service.recording import find_replayed, keep_answer, record, require_new
from guard.service.statement_reader import StatementReader
from guard.service.verbs import Turn, Verb
from guard.statements.admission import admit
from guard.statements.signed import SignedStatement, to_json
from guard.statements.submission import Admitted, Check
from guard.statements.values import kind_of

OF_THE_REQUEST = frozenset({"statement.known", "transfer.stale", "request.key-reused", "request.rate"})
"""Refusals of how something was asked, not of what was said: no attempt on the treasury, and so not in its log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """A statement that was admitted, how it was asked, and what was known of policies when it was admitted."""

    verb: Verb
    signed: SignedStatement
    asked: Asked
    admitted: Admitted
    known: Known


class Service:
    """People's verbs over the books. Threads and processes may run any number of them on one database.

    `checks` are those of `statements.admission`; the composition root gives them all.
    """

    def __init__(self, books: Books, clock: Clock, *, checks: tuple[Check, ...], limits: Limits | None = None):
        limits = limits or Limits()
        self._books = books
        self._clock = clock
        self._checks = checks
        self._editions = Editions()
        self._reader = StatementReader()
        self._moving, self._stops = Budget(clock, limits.moving), Budget(clock, limits.stops)
        self._lifting = Budget(clock, limits.lifting)
        self._attempts = Attempts(books, clock, Budget(clock, limits.attempts))

    def propose(self, signed: SignedStatement, asked: Asked) -> Acknowledgement:
        """Take a transfer in. Raises the codes of admission, `statement.known`, `transfer.exists`, `transfer.times`, `request.*`."""
        return self._accept(verbs.PROPOSE, signed, asked)

    def approve(self, transfer_id: TransferId, signed: SignedStatement, asked: Asked) -> Acknowledgement:
        """Take an approval in. Raises besides `transfer.unknown`, `.mismatch`, `.ended`, `.stale` and `request.version-missing`."""
        return self._accept(verbs.APPROVE, signed, asked, about=transfer_id)

    def reject(self, transfer_id: TransferId, signed: SignedStatement, asked: Asked) -> Acknowledgement:
        """Take a rejection in, whatever the transfer's state; the initiator's own withdraws the transfer."""
        return self._accept(verbs.REJECT, signed, asked, about=transfer_id)

    def veto(self, transfer_id: TransferId, signed: SignedStatement, asked: Asked) -> Acknowledgement:
        """Take a guardian's veto in, whatever the transfer's state."""
        return self._accept(verbs.VETO, signed, asked, about=transfer_id)

    def freeze(self, signed: SignedStatement, asked: Asked) -> Acknowledgement:
        """Take a guardian's freeze in."""
        return self._accept(verbs.FREEZE, signed, asked)

    def unfreeze(self, signed: SignedStatement, asked: Asked) -> Acknowledgement:
        """Take a person's unfreeze in. Raises besides `stop.unseen` where it names a freeze that never came here."""
        return self._accept(verbs.UNFREEZE, signed, asked)

    def read_refusals(self) -> dict[str, int]:
        """How many statements were refused for each code since this process started."""
        return self._attempts.read_counts()

    def _accept(
        self, verb: Verb, signed: SignedStatement, asked: Asked, *, about: TransferId | None = None
    ) -> Acknowledgement:
        _require_askable(verb, signed, asked)
        known, outcome = self._admit(signed)
        if isinstance(outcome, Refusal):
            return self._refuse(signed, GuardError(outcome.code, outcome.message), asked, known)
        handed_in = HandedIn(verb=verb, signed=signed, asked=asked, admitted=outcome, known=known)
        try:
            if about is not None and outcome.transfer_id != about:
                raise GuardError("transfer.mismatch", f"the statement is about transfer {outcome.transfer_id}")
            with self._books.writing() as writing:
                return self._take(writing, handed_in)
        except GuardError as error:
            self._attempts.count(error)
            if error.code not in OF_THE_REQUEST:
                self._attempts.log(Attempt(signed, outcome.person), error)
            raise

    def _admit(self, signed: SignedStatement) -> tuple[Known, Admitted | Refusal]:
        """Whether the statement is somebody's word, before anything waits for it. Nobody is refused by a policy that was replaced."""
        known, now = self._editions.find_lately(self._books), self._clock.read().wall
        outcome = admit(self._checks, signed, known.context(now))
        if isinstance(outcome, Admitted):
            return known, outcome
        with self._books.reading() as reading:
            newest = self._editions.load(reading)
        return newest, outcome if newest is known else admit(self._checks, signed, newest.context(now))

    def _refuse(self, signed: SignedStatement, error: GuardError, asked: Asked, known: Known) -> Acknowledgement:
        """Note the refusal and raise it, unless the statement was accepted before: what expires later stays accepted."""
        attempt = find_attempt(signed, known)
        if attempt is not None:
            with self._books.reading() as reading:
                replayed = find_replayed(reading, attempt.person, asked)
                if replayed is not None:
                    return replayed
                require_new(reading, attempt.person, attempt.digest)
            self._attempts.log(attempt, error)
        self._attempts.count(error)
        raise error

    def _take(self, writing: BooksWriting, handed_in: HandedIn) -> Acknowledgement:
        """Everything that one statement changes, inside one transaction."""
        admitted, asked = handed_in.admitted, handed_in.asked
        replayed = find_replayed(writing, admitted.person, asked)
        if replayed is not None:
            return replayed
        require_new(writing, admitted.person, admitted.digest)
        # Only what is new is counted: whoever saw a statement could send it again until its signer's budget were spent.
        self._find_budget(handed_in.verb).require(admitted.key)
        look = Look(writing, self._editions.load(writing), self._reader, self._clock.read().wall)
        self._require_still_admitted(handed_in, look)
        turn = Turn(
            writing=writing,
            look=look,
            outlook=Outlook(look),
            admitted=admitted,
            row=self._to_row(handed_in, look.now),
            version=asked.version,
        )
        acknowledged = record(turn, handed_in.verb.carry_out(turn, admitted.statement), handed_in.signed)
        keep_answer(turn, asked, acknowledged)
        return acknowledged

    def _find_budget(self, verb: Verb) -> Budget:
        if verb.is_stop:
            return self._stops
        return self._lifting if verb is verbs.UNFREEZE else self._moving

    def _require_still_admitted(self, handed_in: HandedIn, look: Look) -> None:
        """Ask every check again if another policy became active meanwhile: what counts is the one under which it is stored."""
        if look.known is handed_in.known:
            return
        outcome = admit(self._checks, handed_in.signed, look.known.context(look.now))
        if isinstance(outcome, Refusal):
            raise GuardError(outcome.code, outcome.message)

    def _to_row(self, handed_in: HandedIn, now: int) -> StatementRow:
        """The row, but for its place in the log."""
        admitted, signed = handed_in.admitted, handed_in.signed
        body = to_canonical(to_json(signed)).decode()
        self._reader.remember(body, signed.statement)
        return StatementRow(
            person=admitted.person,
            digest=admitted.digest,
            kind=kind_of(signed.statement),
            transfer_id=admitted.transfer_id,
            key=admitted.key,
            body=body,
            received_at=now,
            log_index=0,
        )


def _require_askable(verb: Verb, signed: SignedStatement, asked: Asked) -> None:
    """What a request must bring along, before anything costs time. A stop needs nothing but itself."""
    if not isinstance(signed.statement, verb.statement):
        kinds = f"{kind_of(signed.statement)}, and {kind_of(verb.statement)} is taken here"
        raise GuardError("request.statement-kind", f"the statement is of kind {kinds}")
    if not verb.is_stop and asked.idempotency_key is None:
        raise GuardError("request.idempotency-key-missing", "the request has no Idempotency-Key")
    if verb.names_version and asked.version is None:
        raise GuardError("request.version-missing", "the request names no version of the transfer")
