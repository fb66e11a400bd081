"""The statements as values. Their constructors refuse what cannot be; whether one counts is asked elsewhere.

Every statement names its own struct, so that a value and its type cannot be mixed up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from guard.core.facts import Scope
from guard.core.ids import NATIVE, Address, Digest, PersonId, is_address, is_count, is_digest, is_name
from guard.core.refusing import require
from guard.core.roster import KeyKind
from guard.core.transfer import PURPOSE_LENGTH, UINT64_END, Transfer
from guard.errors import GuardError
from guard.formats.texts import require_plain_text
from guard.statements import structs

REASON_LENGTH = 200
SUMMARY_LENGTH = 4096
UNFREEZE_IDS = 100


def require_plain_transfer(transfer: Transfer) -> Transfer:
    """The transfer, refused if its purpose holds what hides or reorders text. Raises `text.characters`."""
    require_plain_text(transfer.purpose, "purpose", longest=PURPOSE_LENGTH)
    return transfer


def _require_summary(summary: str) -> None:
    require(0 < len(summary) <= SUMMARY_LENGTH, f"summary is empty or longer than {SUMMARY_LENGTH}")
    if not all(" " <= character <= "~" or character == "\n" for character in summary):
        raise GuardError("text.characters", "summary holds something else than plain ASCII lines")


def _require_reason(reason: str) -> None:
    require_plain_text(reason, "reason", longest=REASON_LENGTH)


def _require_times(**times: int) -> None:
    for name, at in times.items():
        require(is_count(at, end=UINT64_END), f"{name} is not a time")


def _require_digests(**digests: str) -> None:
    for name, digest in digests.items():
        require(is_digest(digest), f"{name} is not 32 bytes in hexadecimal")


@dataclass(frozen=True, slots=True)
class Proposal:
    """The initiator proposes a transfer. It counts only if signed by a key of the person whom the transfer names."""

    STRUCT: ClassVar[structs.Struct] = structs.PROPOSAL
    transfer: Transfer

    def __post_init__(self) -> None:
        require_plain_transfer(self.transfer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Somebody agrees to exactly this transfer, having read this summary, under this policy, as one of this roster."""

    STRUCT: ClassVar[structs.Struct] = structs.APPROVAL
    transfer: Transfer
    summary: str
    summary_version: int
    policy: Digest
    roster: Digest
    signed_at: int
    expires_at: int

    def __post_init__(self) -> None:
        require_plain_transfer(self.transfer)
        _require_summary(self.summary)
        require(is_count(self.summary_version, least=1, end=2**32), "summary version is not in 1 to 2^32 - 1")
        _require_digests(policy=self.policy, roster=self.roster)
        _require_times(signed_at=self.signed_at, expires_at=self.expires_at)


@dataclass(frozen=True, slots=True)
class Rejection:
    """Somebody refuses their own seat for good. The initiator's own rejection withdraws the transfer."""

    STRUCT: ClassVar[structs.Struct] = structs.REJECTION
    transfer: Transfer
    reason: str

    def __post_init__(self) -> None:
        require_plain_transfer(self.transfer)
        _require_reason(self.reason)


@dataclass(frozen=True, slots=True)
class Veto:
    """A guardian ends a transfer."""

    STRUCT: ClassVar[structs.Struct] = structs.VETO
    transfer: Transfer
    reason: str

    def __post_init__(self) -> None:
        require_plain_transfer(self.transfer)
        _require_reason(self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """A guardian holds everything in a scope until a quorum lifts it. `id` is drawn at random and never used again."""

    STRUCT: ClassVar[structs.Struct] = structs.FREEZE
    id: Digest
    scope: Scope
    reason: str
    signed_at: int

    def __post_init__(self) -> None:
        _require_digests(id=self.id)
        require(is_address(self.scope.account), "account of a scope is not an address")
        require(self.scope.person == "" or is_name(self.scope.person), "person of a scope is not a person's id")
        _require_reason(self.reason)
        _require_times(signed_at=self.signed_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfreeze:
    """Somebody agrees to lift exactly these freezes. The ids ascend, so that one set has one spelling."""

    STRUCT: ClassVar[structs.Struct] = structs.UNFREEZE
    ids: tuple[Digest, ...]
    roster: Digest
    signed_at: int
    expires_at: int

    def __post_init__(self) -> None:
        require(
            0 < len(self.ids) <= UNFREEZE_IDS,
            f"ids of an unfreeze are not 1 to {UNFREEZE_IDS}",
        )
        require(all(is_digest(freeze) for freeze in self.ids), "an id of an unfreeze is not 32 bytes in hexadecimal")
        require(list(self.ids) == sorted(set(self.ids)), "ids of an unfreeze stand twice or do not ascend")
        _require_digests(roster=self.roster)
        _require_times(signed_at=self.signed_at, expires_at=self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """A guardian takes away a key's power to move, or a whole person's where `key` is the zero address.

    `enrolment` is the version of the bundle that enrolled them, so that a later enrolment is not touched.
    """

    STRUCT: ClassVar[structs.Struct] = structs.REVOCATION
    id: Digest
    person: PersonId
    key: Address = NATIVE
    enrolment: int
    reason: str

    def __post_init__(self) -> None:
        _require_digests(id=self.id)
        require(is_name(self.person), "person of a revocation is not a person's id")
        require(is_address(self.key), "key of a revocation is not an address")
        require(is_count(self.enrolment, end=UINT64_END), "enrolment of a revocation is not a version")
        _require_reason(self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A guardian's heartbeat: they watched this signer at this time."""

    STRUCT: ClassVar[structs.Struct] = structs.WATCH
    signer: Address
    at: int

    def __post_init__(self) -> None:
        require(is_address(self.signer), "signer of a watch is not an address")
        _require_times(at=self.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """Proof that somebody controls a key, made for one treasury, before the policy lists the key."""

    STRUCT: ClassVar[structs.Struct] = structs.ENROLMENT
    person: PersonId
    device: str
    kind: KeyKind

    def __post_init__(self) -> None:
        require(is_name(self.person), "person of an enrolment is not a person's id")
        require(is_name(self.device), "device of an enrolment is not a name")


Statement = Proposal | Approval | Rejection | Veto | Freeze | Unfreeze | Revocation | Watch | Enrolment
STATEMENTS: tuple[type[Statement], ...] = (
    Proposal,
    Approval,
    Rejection,
    Veto,
    Freeze,
    Unfreeze,
    Revocation,
    Watch,
    Enrolment,
)


def kind_of(statement: Statement | type[Statement]) -> str:
    """The permanent word for the kind of a statement, as it stands in files: its struct's name in lower case."""
    return statement.STRUCT.name.lower()


def transfer_of(statement: Statement) -> Transfer | None:
    """The transfer that a statement is about, if it is about one."""
    return statement.transfer if isinstance(statement, Proposal | Approval | Rejection | Veto) else None
