"""What a database must hold after its processes were killed: every acknowledged statement, once, and a whole log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from guard.core.ids import Digest, PersonId
from guard.formats.canonical import parse_json
from guard.log.chain import from_json, require_chain
from guard.store.store import Store

MOST = 1_000_000


def require_whole_log(store: Store, treasury: Digest, acknowledged: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The log's entries, once it is shown that they are one chain and hold each acknowledged statement in its place."""
    with store.reading() as reading:
        rows, head = reading.load_entries(start=0, limit=MOST), reading.load_head()
        kept = {
            (each["person"], each["statement_digest"]): reading.find_statement(
                PersonId(each["person"]), Digest(each["statement_digest"])
            )
            for each in acknowledged
        }
    told: list[dict[str, Any]] = [parse_json(row.body.encode()) for row in rows]
    chained = [(from_json(each), row.head) for each, row in zip(told, rows, strict=True)]
    assert require_chain(treasury, chained) == head.head
    assert head.size == len(rows)
    statements = Counter((entry["actor"], entry["body"]["digest"]) for entry in told if "statement" in entry["body"])
    assert not [each for each, count in statements.items() if count != 1]
    for each in acknowledged:
        name = each["person"], each["statement_digest"]
        row, entry = kept[name], told[each["index"]]
        assert row is not None, f"{name} was acknowledged and is gone"
        assert (entry["actor"], entry["body"]["digest"]) == name
        assert (row.log_index, rows[each["index"]].head) == (each["index"], each["head"])
        assert parse_json(row.body.encode()) == entry["body"]["statement"]
    return told
