"""The world of the search: honest signers that are real books under the real rules, and what a hostile worker has from them.

Nothing is decided here: a signer signs what the product's `ChainRules` let it sign, and a certificate exists when the
product's own functions accept the signatures and statements that the worker could present. Every transfer moves one unit
of one asset and nothing ages, so that a cap is a number of transfers in one window.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, combinations, product
from typing import NamedTuple, TypeVar

from guard.core.ids import Address, TransferId
from guard.signer.book import (
    Book,
    Named,
    book_cancel_certificate,
    book_transfer_certificate,
    record_cancel,
    record_signed,
)
from guard.signer.release_chain import (
    ChainRules,
    compute_cancel_statement,
    compute_counted,
    find_cancel_refusal,
    find_transfer_refusal,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seats:
    """Honest signers with equal rights: owners from one nonce on, and until another one where the policy replaces them."""

    count: int
    owner_from: int = 0
    owner_until: int | None = None

    def is_owner(self, nonce: int) -> bool:
        """Whether these signers are owners at the nonce."""
        return self.owner_from <= nonce and (self.owner_until is None or nonce < self.owner_until)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One configuration of the search.

    `stolen` signers sign everything. With `stolen_lie` their statements in a cancel name any transfer or none; without it
    they name none, which is the lie that loosens most (`test_reductions` holds that).
    """

    seats: tuple[Seats, ...]
    stolen: int
    threshold: int
    transfers: int
    nonces: int
    cap: int
    stolen_lie: bool = True

    def __str__(self) -> str:
        changed = sum(seats.count for seats in self.seats if seats.owner_until is not None)
        changes = f" ({changed} replaced at nonce 1)" if changed else ""
        lies = " and lying" if self.stolen and self.stolen_lie else ""
        return (
            f"{self.threshold} of {len(self.owners_at(0))}{changes}, {self.stolen} stolen{lies}, "
            f"{self.transfers} transfers, {self.nonces} nonces, cap {self.cap}"
        )

    @cached_property
    def honest(self) -> tuple[int, ...]:
        """The seats' index of every honest signer."""
        return tuple(index for index, seats in enumerate(self.seats) for _ in range(seats.count))

    @cached_property
    def transfer_ids(self) -> tuple[TransferId, ...]:
        """The transfers, interchangeable one for another."""
        return tuple(TransferId(f"T{number + 1}") for number in range(self.transfers))

    @cached_property
    def stolen_owners(self) -> tuple[Address, ...]:
        """The addresses of the stolen signers, owners at every nonce."""
        return tuple(Address(f"stolen-{number + 1}") for number in range(self.stolen))

    def owners_at(self, nonce: int) -> frozenset[Address]:
        """Every owner at a nonce."""
        honest = (to_owner(number) for number, index in enumerate(self.honest) if self.seats[index].is_owner(nonce))
        return frozenset(chain(honest, self.stolen_owners))


def make_setting(
    threshold: int,
    owners: int,
    *,
    stolen: int = 0,
    transfers: int = 2,
    nonces: int = 2,
    cap: int = 1,
    stolen_lie: bool = True,
) -> Setting:
    """M of N owners who stay the same."""
    return Setting(
        seats=(Seats(count=owners - stolen),),
        stolen=stolen,
        threshold=threshold,
        transfers=transfers,
        nonces=nonces,
        cap=cap,
        stolen_lie=stolen_lie,
    )


def to_owner(number: int) -> Address:
    """The address of an honest signer: A, B, C and so on."""
    return Address(chr(ord("A") + number))


class Given(NamedTuple):
    """Bytes that left an honest signer for good: a signature on a transfer, or a cancel with what its statement names."""

    is_cancel: bool
    transfer_id: TransferId | None


class Honest(NamedTuple):
    """One honest signer: its seats' index, its book, and what it has given at each nonce.

    By the whole rules `given` follows from the book. It is kept apart since an ablated signer may say one thing and do another.
    """

    seats: int
    book: Book
    given: tuple[frozenset[Given], ...]


class Certificate(NamedTuple):
    """A certificate that the worker can make: of a transfer, or of a cancel with the transfers that it names."""

    transfer_id: TransferId | None
    named: Named = frozenset()

    def __str__(self) -> str:
        if self.transfer_id is not None:
            return f"certificate of {self.transfer_id}"
        return f"cancel certificate naming {', '.join(sorted(self.named)) or 'none'}"


def make_honest(setting: Setting, seats: int) -> Honest:
    """A signer that has done nothing yet."""
    book = Book(first_nonce=0, owner_from_nonce=setting.seats[seats].owner_from)
    return Honest(seats, book, (frozenset(),) * setting.nonces)


def book_certificate(book: Book, nonce: int, certificate: Certificate) -> Book:
    """The book with the certificate in it."""
    if certificate.transfer_id is not None:
        return book_transfer_certificate(book, nonce, certificate.transfer_id)
    return book_cancel_certificate(book, nonce, certificate.named)


def sign_transfer(signer: Honest, nonce: int, transfer_id: TransferId) -> Honest:
    """The signer after signing. A journal that let one overwrite another is what the ablation of that rule means."""
    page = signer.book.page(nonce)
    book = signer.book
    if page.signed not in (None, transfer_id):
        book = book.with_page(nonce, replace(page, signed=None))
    return Honest(
        signer.seats, record_signed(book, nonce, transfer_id), _give(signer, nonce, Given(False, transfer_id))
    )


def sign_cancel(signer: Honest, nonce: int) -> Honest:
    """The signer after signing the cancel of the nonce, with the statement that it then makes."""
    said = Given(True, compute_cancel_statement(signer.book, nonce))
    return Honest(signer.seats, record_cancel(signer.book, nonce), _give(signer, nonce, said))


def _give(signer: Honest, nonce: int, given: Given) -> tuple[frozenset[Given], ...]:
    return (*signer.given[:nonce], signer.given[nonce] | {given}, *signer.given[nonce + 1 :])


class Allowed(NamedTuple):
    """What the rules let one signer do: its open nonce, transfers with the nonce at which it would sign, cancels."""

    open_nonce: int
    transfers: tuple[tuple[int, TransferId], ...]
    cancels: tuple[int, ...]


def compute_allowed(setting: Setting, variants: tuple[ChainRules, ...], signer: Honest) -> Allowed:
    """What a signer does when asked. Of several variants of the rules the worker chooses one at each request."""
    book = signer.book
    transfers = tuple(
        (nonce, transfer_id)
        for rules in variants
        if (nonce := rules.compute_open_nonce(book)) < setting.nonces
        for transfer_id in setting.transfer_ids
        if book.page(nonce).signed != transfer_id
        and find_transfer_refusal(rules, book, transfer_id) is None
        and has_room(setting, rules, book, transfer_id)
    )
    cancels = tuple(
        nonce
        for nonce in range(setting.nonces)
        if not book.page(nonce).is_cancelled and find_cancel_refusal(variants[0], book, nonce) is None
    )
    return Allowed(variants[0].compute_open_nonce(book), transfers, cancels)


def has_room(setting: Setting, rules: ChainRules, book: Book, transfer_id: TransferId) -> bool:
    """Whether the signer's cap holds with this transfer added; a transfer counts once."""
    return len(compute_counted(rules, book).keys() | {transfer_id}) <= setting.cap


Holders = tuple[tuple[int, frozenset[Given]], ...]
"""What honest signers have given at one nonce, each with its seats' index, sorted."""


def compute_certificates(setting: Setting, rules: ChainRules, nonce: int, holders: Holders) -> tuple[Certificate, ...]:
    """Every certificate for the nonce that the worker can make from what the honest have given and the stolen give.

    Each signature is presented twice: counting them instead of owners would be a mistake of the rules.
    """
    owners, given = setting.owners_at(nonce), dict(_name_holders(setting, holders))
    transfers = (
        Certificate(transfer_id)
        for transfer_id in setting.transfer_ids
        if rules.is_transfer_certificate(
            owners, setting.threshold, 2 * [*_signed_by(given, Given(False, transfer_id)), *setting.stolen_owners]
        )
    )
    cancels = {
        Certificate(None, named)
        for statements in _iter_statements(setting, given)
        if (
            named := rules.compute_cancel_named(
                owners, setting.threshold, 2 * [*_cancelled_by(setting, given)], statements
            )
        )
        is not None
    }
    return (*transfers, *sorted(cancels, key=lambda cancel: sorted(cancel.named)))


def _name_holders(setting: Setting, holders: Holders) -> Iterator[tuple[Address, frozenset[Given]]]:
    """The holders with addresses of their seats: which of equal signers holds what makes no difference to a certificate."""
    free = {index: [n for n, each in enumerate(setting.honest) if each == index] for index in range(len(setting.seats))}
    for index, given in holders:
        yield to_owner(free[index].pop(0)), given


def _signed_by(given: Mapping[Address, frozenset[Given]], wanted: Given) -> Iterator[Address]:
    return (owner for owner, bytes_given in given.items() if wanted in bytes_given)


def _cancelled_by(setting: Setting, given: Mapping[Address, frozenset[Given]]) -> Iterator[Address]:
    honest = (owner for owner, bytes_given in given.items() if any(each.is_cancel for each in bytes_given))
    return chain(honest, setting.stolen_owners)


def _iter_statements(
    setting: Setting, given: Mapping[Address, frozenset[Given]]
) -> Iterator[dict[Address, TransferId | None]]:
    """Every choice of statements that the worker can present with a cancel; it may leave any of them out."""
    lies: tuple[TransferId | None, ...] = (None, *setting.transfer_ids) if setting.stolen_lie else (None,)
    said = {
        owner: [each.transfer_id for each in bytes_given if each.is_cancel]
        for owner, bytes_given in given.items()
        if any(each.is_cancel for each in bytes_given)
    } | {owner: list(lies) for owner in setting.stolen_owners}
    for owners in iter_subsets(said):
        for named in product(*(said[owner] for owner in owners)):
            yield dict(zip(owners, named, strict=True))


def iter_subsets(of: Iterable[T]) -> Iterator[tuple[T, ...]]:
    """Every subset, the smallest first."""
    each = tuple(of)
    return chain.from_iterable(combinations(each, size) for size in range(len(each) + 1))


def rename(signer: Honest, names: Mapping[TransferId, TransferId]) -> Honest:
    """The signer with its transfers' names exchanged."""
    pages = tuple(
        replace(
            page,
            signed=page.signed and names[page.signed],
            certified=frozenset(names[each] for each in page.certified),
            cancel_certificates=frozenset(
                frozenset(names[each] for each in named) for named in page.cancel_certificates
            ),
        )
        for page in signer.book.pages
    )
    given = tuple(
        frozenset(each._replace(transfer_id=each.transfer_id and names[each.transfer_id]) for each in bytes_given)
        for bytes_given in signer.given
    )
    return Honest(signer.seats, replace(signer.book, pages=pages), given)
