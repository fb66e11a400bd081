"""Every way in which evidence is made to say more than happened: the file, and the names of the checks that stop it.

Each attacker here computes all digests of the file anew, since nothing but signatures and the pin stands in their way.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

from guard.bundles.bundle import Bundle
from guard.core.ids import Digest
from guard.core.policy import Policy
from guard.effects.summary import render_summary
from guard.statements.certificates import TransferCertificate
from guard.statements.signed import SignedStatement
from guard.statements.values import Freeze, Rejection, Veto
from tests.evidence.factories import (
    APPROVED_AT,
    DELAY,
    GUEST,
    NONCE,
    OWNERS,
    PIN,
    QUORUM_SINCE,
    SIGNED_AT,
    STRANGER,
    approval,
    approved,
    certificate,
    compose,
    payment_rule,
    pin_of,
    proposal,
    seal,
    signed_by,
    the_broadcast,
    the_bundle,
    the_policy,
    the_record,
    the_transfer,
    word,
    words,
)
from tests.factories import (
    DAY,
    ENROLLED_AT,
    EXPIRES_AT,
    address_of,
    digest_of,
    make_rule,
    make_scope,
    usdc,
)

OTHER = digest_of("another one")
TRANSFER = the_transfer()
LOOKALIKE = the_transfer(purpose="invoice 1002")
"""Another transfer that pays the same: its Safe transaction is, bit for bit, that of the first."""


@dataclass(frozen=True)
class Attack:
    """A file, and all the checks that refuse it. With these left out it passes."""

    name: str
    make: Callable[[], bytes]
    stopped_by: frozenset[str]
    pin: Digest = PIN


@cache
def lax_bundle() -> Bundle:
    """An attacker's own policy: the same people, signers and vaults, and a rule that asks for one person and no time."""
    return another_bundle(rules=(make_rule(),))


@cache
def strict_bundle() -> Bundle:
    """A sound bundle that differs from the pinned one in a word."""
    return another_bundle(rules=(payment_rule(why="Other words."),))


def another_bundle(**changes: object) -> Bundle:
    policy: Policy = replace(the_policy(), **changes)  # type: ignore[arg-type]
    return replace(the_bundle(), policy=policy)


def under_their_own_policy() -> bytes:
    pin = pin_of(lax_bundle())
    transfer = the_transfer(policy=pin)
    return compose(
        transfer,
        active=lax_bundle(),
        named=lax_bundle(),
        statements=(proposal(transfer), approval(transfer, "bob", policy=pin)),
        testimonies=words(transfer, policy=pin, signed_at=QUORUM_SINCE),
    )


def under_a_second_policy(named: Bundle) -> bytes:
    transfer = the_transfer(policy=pin_of(named))
    return compose(transfer, named=named)


def with_a_later_version() -> Bundle:
    return Bundle(version=2, previous=OTHER, expires_at=ENROLLED_AT + 365 * DAY, policy=the_policy())


def under_a_later_version() -> bytes:
    pin = pin_of(with_a_later_version())
    transfer = the_transfer(policy=pin)
    statements = (proposal(transfer), *(approval(transfer, name, policy=pin) for name in ("bob", "carol", "erin")))
    bundle = with_a_later_version()
    return compose(
        transfer, active=bundle, named=bundle, statements=statements, testimonies=words(transfer, policy=pin)
    )


def with_statements(*more: SignedStatement) -> bytes:
    """A full quorum, and something besides."""
    return compose(statements=(*approved(TRANSFER), *more))


def with_approvers(*approvals: SignedStatement) -> bytes:
    """The proposal and exactly these approvals."""
    return compose(statements=(proposal(TRANSFER), *approvals))


def under_the_name_of(name: str, signed: SignedStatement) -> SignedStatement:
    """A statement whose signature names somebody else's key."""
    return replace(signed, signature=replace(signed.signature, key=address_of(name)))


def forged(name: str) -> SignedStatement:
    """An approval in somebody's name by a stranger's key."""
    return under_the_name_of(name, approval(TRANSFER, STRANGER))


def with_signature(owner: str, signature: bytes) -> TransferCertificate:
    """The certificate with one signature replaced."""
    good = certificate(TRANSFER)
    return replace(good, signatures={**good.signatures, address_of(owner): signature})


def with_word(**changes: object) -> bytes:
    """The third signer's word differs, and its journal key signed it so."""
    return compose(testimonies=(*words(TRANSFER, *OWNERS[:2]), word(OWNERS[2], TRANSFER, **changes)))  # type: ignore[arg-type]


def owner_signature(name: str, *, nonce: int = NONCE) -> bytes:
    """One owner's signature on the SafeTx at a nonce."""
    return certificate(TRANSFER, name, nonce=nonce).signatures[address_of(name)]


def at_times(quorum_since: int, signed_at: int) -> bytes:
    return compose(testimonies=words(TRANSFER, quorum_since=quorum_since, signed_at=signed_at))


def of_transfer(**changes: object) -> bytes:
    return compose(the_transfer(**changes))


def a_higher_tier() -> bytes:
    """250,000 USDC want three of finance and a day; the day was kept."""
    transfer = the_transfer(amount_units=usdc(250_000))
    signed_at = QUORUM_SINCE + DAY
    late = [approval(transfer, name, expires_at=signed_at + DAY) for name in ("bob", "carol", "erin")]
    return compose(
        transfer,
        statements=(proposal(transfer), *late),
        testimonies=words(transfer, signed_at=signed_at),
    )


def attack(name: str, make: Callable[[], bytes], *stopped_by: str, pin: Digest = PIN) -> Attack:
    return Attack(name, make, frozenset(stopped_by), pin)


ATTACKS: tuple[Attack, ...] = (
    # What the file says it is about.
    attack("the predicate was changed afterwards", lambda: seal(the_record(), predicate=OTHER), "predicate"),
    attack("the file claims another transfer id", lambda: seal(the_record(), transfer=OTHER), "transfer-id"),
    attack("the file claims another hash", lambda: seal(the_record(), safe_transaction=OTHER), "safe-transaction"),
    attack("the file claims other call data", lambda: seal(the_record(), call_data=OTHER), "call-data"),
    attack("a foreign treasury id", lambda: seal(replace(the_record(), treasury=OTHER)), "treasury"),
    attack("another chain was broadcast on", lambda: compose(broadcast=the_broadcast(chain_id=1)), "broadcast"),
    # Which policy.
    attack("a policy of their own", under_their_own_policy, "pin"),
    attack("a later version is pinned", under_a_later_version, "pin", pin=pin_of(with_a_later_version())),
    attack("proposed under another policy", lambda: under_a_second_policy(strict_bundle()), "named-bundle"),
    attack("proposed under a laxer policy", lambda: under_a_second_policy(lax_bundle()), "named-bundle"),
    attack("a second policy that nobody names", lambda: compose(named=strict_bundle()), "named-bundle"),
    attack(
        "a policy that is not in the file",
        lambda: seal(replace(the_record(under_a_second_policy(strict_bundle())), named=None)),
        *("named-bundle", "statements", "decision"),
    ),
    # What people said, beside a full quorum.
    attack("a stranger approves besides", lambda: with_statements(approval(TRANSFER, STRANGER)), "statements"),
    attack("a forged approval besides", lambda: with_statements(forged("dave")), "statements"),
    attack("an approval of a lookalike besides", lambda: with_statements(approval(LOOKALIKE, "dave")), "statements"),
    attack("the initiator approves besides", lambda: with_statements(approval(TRANSFER, "alice")), "statements"),
    attack(
        "an approval of another text besides",
        lambda: with_statements(approval(TRANSFER, "dave", summary=render_summary(LOOKALIKE, the_policy()))),
        "statements",
    ),
    attack(
        "another treasury's approval besides",
        lambda: with_statements(signed_by("dave", approval(TRANSFER, "dave").statement, OTHER)),
        "statements",
    ),
    attack(
        "a freeze besides, which is about no transfer",
        lambda: with_statements(signed_by("erin", Freeze(id=OTHER, scope=make_scope(), reason="stop", signed_at=1))),
        "statements",
    ),
    attack("somebody else proposes besides", lambda: with_statements(proposal(TRANSFER, "bob")), "statements"),
    attack("two proposals", lambda: with_statements(proposal(TRANSFER, "alice-2")), "statement-once"),
    attack("one approval by two keys", lambda: with_statements(approval(TRANSFER, "carol-2")), "statement-once"),
    # What people said, where the quorum needs it.
    attack(
        "a needed approval is forged",
        lambda: with_approvers(approval(TRANSFER, "bob"), forged("carol"), approval(TRANSFER, "erin")),
        *("statements", "decision"),
    ),
    attack(
        "a needed approval is of a lookalike",
        lambda: with_approvers(approval(TRANSFER, "bob"), approval(LOOKALIKE, "carol"), approval(TRANSFER, "erin")),
        *("statements", "decision"),
    ),
    attack(
        "no proposal",
        lambda: compose(statements=[approval(TRANSFER, name) for name in ("bob", "carol", "erin")]),
        "decision",
    ),
    attack("an approval is missing", lambda: compose(statements=approved(TRANSFER, "bob", "erin")), "decision"),
    attack(
        "one person twice",
        lambda: with_approvers(
            *(approval(TRANSFER, "bob"), approval(TRANSFER, "bob", expires_at=APPROVED_AT + 2 * DAY)),
            approval(TRANSFER, "erin"),
        ),
        "decision",
    ),
    attack(
        "one person with two keys",
        lambda: with_approvers(
            *(approval(TRANSFER, "carol"), approval(TRANSFER, "carol-2", expires_at=APPROVED_AT + 2 * DAY)),
            approval(TRANSFER, "erin"),
        ),
        "decision",
    ),
    attack("one person for two groups", lambda: compose(statements=approved(TRANSFER, "bob", "dave")), "decision"),
    attack("vetoed", lambda: with_statements(signed_by("frank", Veto(TRANSFER, "no"))), "decision"),
    attack("withdrawn", lambda: with_statements(signed_by("alice", Rejection(TRANSFER, "no"))), "decision"),
    attack("a needed person refused", lambda: with_statements(signed_by("bob", Rejection(TRANSFER, "no"))), "decision"),
    # What the policy says by the signers' own times.
    attack("above the last tier", lambda: of_transfer(amount_units=usdc(500_001)), "decision"),
    attack("a higher tier with the people of a lower one", a_higher_tier, "decision"),
    attack("one signer did not wait", lambda: with_word(signed_at=SIGNED_AT - 1), "delay", "decision"),
    attack("no signer waited", lambda: at_times(QUORUM_SINCE, QUORUM_SINCE), "delay", "decision"),
    attack(
        "the delay ran before anybody approved",
        lambda: at_times(APPROVED_AT - 301, APPROVED_AT - 301 + DELAY),
        "decision",
    ),
    attack("signed after the approvals' end", lambda: at_times(QUORUM_SINCE, APPROVED_AT + DAY), "decision"),
    attack("signed after the transfer's end", lambda: at_times(EXPIRES_AT - DELAY, EXPIRES_AT), "decision"),
    # What the owners signed.
    attack(
        "the certificate carries a lookalike",
        lambda: seal(replace(the_record(), certificate=certificate(LOOKALIKE))),
        "transfer",
    ),
    attack(
        "an owner's signature of another nonce",
        lambda: compose(certificate=with_signature("signer-c", owner_signature("signer-c", nonce=NONCE + 1))),
        "owner-signatures",
    ),
    attack(
        "one owner's signature under another's name",
        lambda: compose(certificate=with_signature("signer-c", owner_signature("signer-b"))),
        "owner-signatures",
    ),
    attack("somebody else signed, too", lambda: compose(certificate=certificate(TRANSFER, *OWNERS, GUEST)), "owners"),
    attack(
        "one owner too few",
        lambda: compose(certificate=certificate(TRANSFER, *OWNERS[:2]), testimonies=words(TRANSFER, *OWNERS[:2])),
        *("owners-enough", "releases-enough"),
    ),
    attack(
        "one owner too few, and a guest in its place",
        lambda: compose(
            certificate=certificate(TRANSFER, *OWNERS[:2], GUEST), testimonies=words(TRANSFER, *OWNERS[:2], GUEST)
        ),
        *("owners", "owners-enough", "release-signers", "releases-enough"),
    ),
    attack(
        "one owner too few, with the word of one that did not sign",
        lambda: compose(certificate=certificate(TRANSFER, *OWNERS[:2])),
        *("owners-enough", "release-signers", "releases-enough"),
    ),
    # What the signers testify.
    attack("one word too few", lambda: compose(testimonies=words(TRANSFER, *OWNERS[:2])), "releases-enough"),
    attack(
        "the word of an owner that did not sign",
        lambda: compose(testimonies=words(TRANSFER, *OWNERS, "signer-d")),
        "release-signers",
    ),
    attack(
        "the word of a signer that owns another vault",
        lambda: compose(testimonies=words(TRANSFER, *OWNERS, GUEST)),
        "release-signers",
    ),
    attack(
        "the word of a signer that nobody knows",
        lambda: compose(testimonies=words(TRANSFER, *OWNERS, STRANGER)),
        "release-signers",
    ),
    attack("a word by a stranger's journal key", lambda: with_word(key=STRANGER), "release-signatures"),
    attack("a word by another signer's journal key", lambda: with_word(key="signer-a"), "release-signatures"),
    attack("a word in another treasury", lambda: with_word(treasury=OTHER), "release-signatures"),
    attack("the signers released a lookalike", lambda: compose(testimonies=words(LOOKALIKE)), "release-content"),
    attack("a word about another chain", lambda: with_word(chain_id="1"), "release-content"),
    attack("a word about another vault", lambda: with_word(vault=address_of("vault savings")), "release-content"),
    attack("a word about another nonce", lambda: with_word(nonce=NONCE + 1), "release-content"),
    attack("a word about another hash", lambda: with_word(safe_tx_hash=OTHER), "release-content"),
    attack("a word under another policy", lambda: with_word(policy=OTHER), "release-content"),
)
