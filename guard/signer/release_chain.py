"""The release chain: which transfer a signer may sign next, what it may cancel, what counts against its limits (TRUST §5).

It holds P2 (once) and P5 (limits) over several signers that share nothing but certificates, with a hostile worker
between them and f of them stolen, while 2M > N + f. Pure rules over a `Book`: nothing here may read a journal, a clock
or a node, and no rule takes a nonce from a caller. `tests/search` explores exactly these functions exhaustively; a
clause that is changed is searched again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass

from guard.core.ids import Address, TransferId
from guard.core.refusing import require
from guard.signer.book import Book, Named, Page

CHAIN_CODES: dict[str, str] = {
    "chain.not-an-owner": "this signer is not an owner at that nonce",
    "chain.nonce-taken": "this signer signed another transfer at the open nonce; complete or cancel that nonce first",
    "chain.nonce-cancelled": "this signer signed the cancel of the open nonce and signs no transfer there",
    "chain.dead": "a cancel certificate names the transfer, which this signer signed at that nonce; propose it again",
    "chain.still-executable": "this signer signed the transfer at a nonce for which it holds no certificate",
    "chain.cancelled-here": "this signer signed the cancel of a nonce where it had signed the transfer; propose it again",
    "chain.certified": "the transfer has its certificate already; it is signed once",
    "chain.dead-before-owner": "a cancel from before this signer was an owner names the transfer; propose it again",
    "chain.unmined": "too many certificates of the vault are not final yet",
    "chain.cancel-ahead": "a nonce above the open one cannot be cancelled yet",
    "chain.cancel-before-first": "the nonce lies before the first one of the policy",
}
"""Every code of a refusal by the release chain, with one line for people."""

PASSING_CODES = frozenset(
    {
        "chain.not-an-owner",
        "chain.nonce-taken",
        "chain.nonce-cancelled",
        "chain.still-executable",
        "chain.unmined",
        "chain.cancel-ahead",
    }
)
"""Refusals that further certificates or finality may cure. All others hold for that transfer or nonce for good."""


@dataclass(frozen=True, slots=True)
class ChainRefusal:
    """Why the release chain does not let a signer sign."""

    code: str

    def __post_init__(self) -> None:
        require(self.code in CHAIN_CODES, f"release chain has no code {self.code!r}")

    @property
    def message(self) -> str:
        """One line for people."""
        return CHAIN_CODES[self.code]

    @property
    def is_passing(self) -> bool:
        """Whether further certificates or finality may cure it."""
        return self.code in PASSING_CODES


def is_transfer_certificate(owners: Set[Address], threshold: int, signed_by: Iterable[Address]) -> bool:
    """Whether valid signatures of these addresses on one SafeTx are a transfer certificate: M distinct owners."""
    require(threshold >= 1, "threshold of a certificate is not a positive number")
    return len(owners & frozenset(signed_by)) >= threshold


def compute_cancel_named(
    owners: Set[Address], threshold: int, signed_by: Iterable[Address], statements: Mapping[Address, TransferId | None]
) -> Named | None:
    """The transfers that a cancel certificate names, or None if these signatures and statements are none.

    It takes M distinct owners of whom each signed the cancel *and* states which transfer it has signed at that nonce, or
    None for none. Without the statements a hoarded transfer certificate could be executed at a nonce that others believe
    empty.
    """
    require(threshold >= 1, "threshold of a certificate is not a positive number")
    stating = owners & frozenset(signed_by) & statements.keys()
    if len(stating) < threshold:
        return None
    return frozenset(named for owner in stating if (named := statements[owner]) is not None)


def compute_open_nonce(book: Book) -> int:
    """The only nonce at which a transfer may be signed: the lowest, from the policy's first, that has no certificate.

    A certificate for a later nonce never carries a signer over a gap. Nobody else's word for the nonce is taken.
    """
    for nonce, page in book.entries():
        if not page.has_certificate:
            return nonce
    return book.first_nonce + len(book.pages)


Clause = Callable[[Book, int, TransferId], str | None]
"""One clause: the code with which it refuses the transfer at the open nonce, or None."""


def refuse_before_ownership(book: Book, open_nonce: int, transfer_id: TransferId) -> str | None:
    """A key signs only at nonces at which it is an owner; below them it can but hold certificates."""
    return "chain.not-an-owner" if open_nonce < book.owner_from_nonce else None


def refuse_second_transfer_at_nonce(book: Book, open_nonce: int, transfer_id: TransferId) -> str | None:
    """At most one transfer per nonce. Asked again for the same one, the signer signs the same bytes."""
    return None if book.page(open_nonce).signed in (None, transfer_id) else "chain.nonce-taken"


def refuse_after_own_cancel(book: Book, open_nonce: int, transfer_id: TransferId) -> str | None:
    """After its cancel a signer signs no transfer at that nonce, or its statement would become untrue."""
    return "chain.nonce-cancelled" if book.page(open_nonce).is_cancelled else None


def refuse_while_executable(book: Book, open_nonce: int, transfer_id: TransferId) -> str | None:
    """Again only if, for every nonce at which this signer signed it, its certificates prove it cannot be executed there."""
    for nonce in book.nonces_signing(transfer_id):
        page = book.page(nonce)
        if nonce != open_nonce and not page.is_void(transfer_id):
            return "chain.dead" if transfer_id in page.named else "chain.still-executable"
    return None


def refuse_cancelled_here(book: Book, open_nonce: int, transfer_id: TransferId) -> str | None:
    """Never again once this signer signed the cancel of a nonce at which it had signed the transfer.

    A second line: its own statement names the transfer in certificates that others hold, and for them it stays counted.
    """
    here = book.nonces_signing(transfer_id)
    return "chain.cancelled-here" if any(book.page(nonce).is_cancelled for nonce in here) else None


def refuse_certified(book: Book, open_nonce: int, transfer_id: TransferId) -> str | None:
    """Never again once any certificate of the transfer is held, whichever owners made it."""
    return "chain.certified" if any(transfer_id in page.certified for _, page in book.entries()) else None


def refuse_named_before_ownership(book: Book, open_nonce: int, transfer_id: TransferId) -> str | None:
    """What was named before this signer's key was an owner is dead for it.

    Those who were owners know what they signed there themselves. A new key does not, and would otherwise complete a
    second certificate with the owners that had not signed the first.
    """
    before = book.pages[: book.owner_from_nonce - book.first_nonce]
    return "chain.dead-before-owner" if any(transfer_id in page.named for page in before) else None


def refuse_cancel(book: Book, open_nonce: int, nonce: int) -> str | None:
    """A cancel may be signed at any own nonce up to and including the open one, on request and without a reason."""
    if nonce < book.first_nonce:
        return "chain.cancel-before-first"
    if nonce < book.owner_from_nonce:
        return "chain.not-an-owner"
    return "chain.cancel-ahead" if nonce > open_nonce else None


def count_certified(page: Page) -> frozenset[TransferId]:
    """Whoever books a certificate counts its transfer, whether or not it signed it."""
    return page.certified


def count_named(page: Page) -> frozenset[TransferId]:
    """Whoever books a cancel certificate counts each transfer that it names: its own certificate may exist, hoarded."""
    return page.named


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainRules:
    """Every clause of the release chain, each in a place of its own, so that a test can show what happens without it.

    `WHOLE_CHAIN` is all of them. Only the composition root passes it on; the product has no other.
    """

    is_transfer_certificate: Callable[[Set[Address], int, Iterable[Address]], bool]
    compute_cancel_named: Callable[
        [Set[Address], int, Iterable[Address], Mapping[Address, TransferId | None]], Named | None
    ]
    compute_open_nonce: Callable[[Book], int]
    clauses: tuple[Clause, ...]
    refuse_cancel: Callable[[Book, int, int], str | None]
    is_budget_back: Callable[[Page, TransferId], bool]
    counted_of_others: tuple[Callable[[Page], frozenset[TransferId]], ...]


WHOLE_CHAIN = ChainRules(
    is_transfer_certificate=is_transfer_certificate,
    compute_cancel_named=compute_cancel_named,
    compute_open_nonce=compute_open_nonce,
    clauses=(
        refuse_before_ownership,
        refuse_second_transfer_at_nonce,
        refuse_after_own_cancel,
        refuse_certified,
        refuse_while_executable,
        refuse_cancelled_here,
        refuse_named_before_ownership,
    ),
    refuse_cancel=refuse_cancel,
    is_budget_back=Page.is_void,
    counted_of_others=(count_certified, count_named),
)


def find_transfer_refusal(rules: ChainRules, book: Book, transfer_id: TransferId) -> ChainRefusal | None:
    """Why this signer may not sign the transfer at its open nonce, or None. Limits and `find_unmined_refusal` come too."""
    open_nonce = rules.compute_open_nonce(book)
    codes = (clause(book, open_nonce, transfer_id) for clause in rules.clauses)
    return next((ChainRefusal(code) for code in codes if code is not None), None)


def find_cancel_refusal(rules: ChainRules, book: Book, nonce: int) -> ChainRefusal | None:
    """Why this signer may not sign the cancel of a nonce, or None. No freeze, settle time or clock has a say in it."""
    code = rules.refuse_cancel(book, rules.compute_open_nonce(book), nonce)
    return None if code is None else ChainRefusal(code)


def find_unmined_refusal(book: Book, max_unmined: int) -> ChainRefusal | None:
    """Why another transfer must wait for certificates to become final, or None."""
    return ChainRefusal("chain.unmined") if compute_unmined(book) >= max_unmined else None


def compute_cancel_statement(book: Book, nonce: int) -> TransferId | None:
    """What this signer's statement with its cancel of the nonce names: the transfer that it signed there, or None.

    It is final, since no transfer is signed there after the cancel.
    """
    return book.page(nonce).signed


def compute_unmined(book: Book) -> int:
    """The number of nonces with a certificate that was not yet seen final."""
    return sum(1 for _, page in book.entries() if page.has_certificate and page.seen_final_at is None)


def compute_counted(rules: ChainRules, book: Book) -> dict[TransferId, int | None]:
    """Every transfer that counts against limits, each once, with the time from which it ages; None counts as now.

    Budget is reserved at signing and comes back only when a certificate proves the transfer void at that nonce. What stays
    counts as now until a certificate at its nonce is seen final, then from the time when that was learnt; of several
    nonces the latest one counts.
    """
    counted: dict[TransferId, int | None] = {}
    for _, page in book.entries():
        for transfer_id in _compute_counted_on(rules, page):
            earlier = counted.get(transfer_id, 0)
            at = page.seen_final_at
            counted[transfer_id] = None if earlier is None or at is None else max(earlier, at)
    return counted


def _compute_counted_on(rules: ChainRules, page: Page) -> frozenset[TransferId]:
    others = frozenset[TransferId]().union(*(count(page) for count in rules.counted_of_others))
    if page.signed is None:
        return others
    own = frozenset[TransferId]() if rules.is_budget_back(page, page.signed) else frozenset({page.signed})
    return (others - {page.signed}) | own
