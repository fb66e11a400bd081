"""What one signer's journal says of one vault's nonces, as a value: a book with one page for each nonce.

The journal builds it from its rows and the release chain judges it. It must not judge by itself, read a clock, a node or
a disk: a book says what was signed and which certificates are held, not what may be done next.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from guard.core.ids import TransferId, is_count
from guard.core.refusing import require

Named = frozenset[TransferId]
"""The transfers that the statements of one cancel certificate name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One nonce: what this signer signed there, and the certificates that it holds for it.

    `signed` is one transfer at most, so that two signed at one nonce cannot be written down. `seen_final_at` is the time
    at which every endpoint first showed this nonce as passed and final, while a certificate for it was held (TRUST §1, §5).
    """

    signed: TransferId | None = None
    is_cancelled: bool = False
    certified: frozenset[TransferId] = frozenset()
    cancel_certificates: frozenset[Named] = frozenset()
    seen_final_at: int | None = None

    def __post_init__(self) -> None:
        require(self.seen_final_at is None or is_count(self.seen_final_at), "seen_final_at of a nonce is not a time")
        require(self.seen_final_at is None or self.has_certificate, "a nonce is final but has no certificate")

    @property
    def has_certificate(self) -> bool:
        """Whether a certificate of either kind is held for this nonce."""
        return bool(self.certified or self.cancel_certificates)

    @property
    def named(self) -> Named:
        """Every transfer that any cancel certificate held for this nonce names."""
        return frozenset().union(*self.cancel_certificates)

    @property
    def transfers(self) -> frozenset[TransferId]:
        """Every transfer that was signed, certified or named at this nonce."""
        return self.named | self.certified | (frozenset() if self.signed is None else {self.signed})

    def is_void(self, transfer_id: TransferId) -> bool:
        """Whether the certificates held prove that the transfer can never be executed at this nonce.

        Another transfer's certificate does, or a cancel certificate that does not name it: then fewer than M owners can
        have signed it here, while 2M > N + f (TRUST §5). A certificate that says the contrary weighs more than all that
        say so, so the order in which they come makes no difference.
        """
        return self.has_certificate and transfer_id not in self.certified and transfer_id not in self.named


BLANK = Page()
"""A nonce of which nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """What one signer knows of one vault, from the policy's first nonce on. Equal books stand for equal knowledge.

    `owner_from_nonce` is the first nonce at which this signer's key is an owner: for earlier ones it holds certificates
    only. The transitions below give a new book and are safe to repeat.
    """

    first_nonce: int
    owner_from_nonce: int
    pages: tuple[Page, ...] = ()

    def __post_init__(self) -> None:
        require(is_count(self.first_nonce), "first nonce of a book is not a nonce")
        require(is_count(self.owner_from_nonce, least=self.first_nonce), "a signer owns nothing before the first nonce")
        require(not self.pages or self.pages[-1] != BLANK, "a book ends in a blank page")
        own = self.pages[: self.owner_from_nonce - self.first_nonce]
        require(
            all(page.signed is None and not page.is_cancelled for page in own), "a signer signed before it was an owner"
        )

    def page(self, nonce: int) -> Page:
        """The page of a nonce, blank where nothing is known; nonces before the first have none."""
        at = nonce - self.first_nonce
        if 0 <= at < len(self.pages):
            return self.pages[at]
        require(is_count(at), f"nonce {nonce} lies before the first one of the policy")
        return BLANK

    def with_page(self, nonce: int, page: Page) -> Book:
        """The same book with another page for one nonce."""
        at = nonce - self.first_nonce
        require(is_count(at), f"nonce {nonce} lies before the first one of the policy")
        pages = [*self.pages, *[BLANK] * (at + 1 - len(self.pages))]
        pages[at] = page
        while pages and pages[-1] == BLANK:
            pages.pop()
        return replace(self, pages=tuple(pages))

    def nonces_signing(self, transfer_id: TransferId) -> tuple[int, ...]:
        """The nonces at which this signer signed the transfer."""
        return tuple(nonce for nonce, page in self.entries() if page.signed == transfer_id)

    def entries(self) -> Iterable[tuple[int, Page]]:
        """Every nonce with its page, up to the last of which anything is known."""
        return enumerate(self.pages, self.first_nonce)


def to_book(
    *,
    first_nonce: int,
    owner_from_nonce: int,
    signed: Iterable[tuple[int, TransferId]] = (),
    cancelled: Iterable[int] = (),
    certified: Iterable[tuple[int, TransferId]] = (),
    cancel_certificates: Iterable[tuple[int, Iterable[TransferId]]] = (),
    final: Iterable[tuple[int, int]] = (),
) -> Book:
    """A book out of a journal's rows, in any order. Raises `value.invalid` where rows contradict each other."""
    pages: dict[int, Page] = {}
    for nonce, transfer_id in signed:
        pages[nonce] = _sign(pages.get(nonce, BLANK), nonce, transfer_id)
    for nonce in cancelled:
        pages[nonce] = replace(pages.get(nonce, BLANK), is_cancelled=True)
    for nonce, transfer_id in certified:
        pages[nonce] = _certify(pages.get(nonce, BLANK), transfer_id)
    for nonce, named in cancel_certificates:
        pages[nonce] = _book_cancel(pages.get(nonce, BLANK), frozenset(named))
    for nonce, seen_final_at in final:
        page = pages.get(nonce, BLANK)
        require(page.seen_final_at is None, f"nonce {nonce} became final twice")
        pages[nonce] = replace(page, seen_final_at=seen_final_at)
    require(min(pages, default=first_nonce) >= first_nonce, "a nonce lies before the first one of the policy")
    written = range(first_nonce, max(pages, default=first_nonce - 1) + 1)
    return Book(
        first_nonce=first_nonce,
        owner_from_nonce=owner_from_nonce,
        pages=tuple(pages.get(nonce, BLANK) for nonce in written),
    )


def _sign(page: Page, nonce: int, transfer_id: TransferId) -> Page:
    require(page.signed in (None, transfer_id), f"another transfer is signed at nonce {nonce}")
    return replace(page, signed=transfer_id)


def _certify(page: Page, transfer_id: TransferId) -> Page:
    return replace(page, certified=page.certified | {transfer_id})


def _book_cancel(page: Page, named: Named) -> Page:
    return replace(page, cancel_certificates=page.cancel_certificates | {named})


def record_signed(book: Book, nonce: int, transfer_id: TransferId) -> Book:
    """This signer has signed the transfer at the nonce. A second transfer there cannot be recorded: `value.invalid`."""
    return book.with_page(nonce, _sign(book.page(nonce), nonce, transfer_id))


def record_cancel(book: Book, nonce: int) -> Book:
    """This signer has signed the cancel of the nonce, with its statement."""
    return book.with_page(nonce, replace(book.page(nonce), is_cancelled=True))


def book_transfer_certificate(book: Book, nonce: int, transfer_id: TransferId) -> Book:
    """The signer holds M signatures on the transfer at the nonce, whether or not one of them is its own."""
    return book.with_page(nonce, _certify(book.page(nonce), transfer_id))


def book_cancel_certificate(book: Book, nonce: int, named: Named) -> Book:
    """The signer holds M signatures on the cancel of the nonce, with statements that name these transfers."""
    return book.with_page(nonce, _book_cancel(book.page(nonce), named))


def record_final(book: Book, nonce: int, seen_final_at: int) -> Book:
    """Every endpoint shows the nonce as final. The first time stays: repeating it makes nothing younger or older."""
    page = book.page(nonce)
    if page.seen_final_at is not None:
        return book
    return book.with_page(nonce, replace(page, seen_final_at=seen_final_at))
