"""Which policy the server's books begin with. A setting starts them; no setting ever moves them to another policy."""

from __future__ import annotations

from guard.bundles.bundle import require_pinned
from guard.core.ids import Digest
from guard.errors import GuardError
from guard.ports.books import Books, BooksReading, BundleRow

ADOPTED = "bundle.adopted"
ACTOR = "server"


def adopt_bundle(books: Books, raw: bytes, digest: Digest, now: int) -> BundleRow:
    """Store the treasury's first bundle as the active one, or find that it is there. Safe to call at every start.

    Raises what `require_pinned` raises, and `service.bundle-differs` where the books have begun with another bundle.
    """
    bundle = require_pinned(raw, digest)
    with books.reading() as reading:
        known = _find_adopted(reading, digest)
    if known is not None:
        return known
    with books.writing() as writing:
        known = _find_adopted(writing, digest)
        if known is not None:
            return known
        row = BundleRow(version=bundle.version, digest=digest, raw=raw, activated_at=now)
        writing.add_bundle(row, bundle.policy.treasury)
        body = {"treasury": bundle.policy.treasury, "digest": digest, "version": bundle.version}
        writing.append(ADOPTED, actor=ACTOR, at=now, body=body)
        return row


def _find_adopted(reading: BooksReading, digest: Digest) -> BundleRow | None:
    rows = reading.load_bundles()
    if rows and rows[-1].digest != digest:
        raise GuardError("service.bundle-differs", f"the books hold bundle {rows[-1].digest}, not {digest}")
    return rows[-1] if rows else None
