"""The log's chain: any change before a kept head is noticed."""

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.ids import NO_DIGEST, Digest
from guard.errors import GuardError
from guard.formats.canonical import parse_canonical, to_canonical
from guard.log.chain import Entry, compute_head, compute_head_of, compute_start, from_json, require_chain, to_bytes

TREASURY = Digest("0x" + "11" * 32)
OTHER = Digest("0x" + "22" * 32)

Linked = tuple[Entry, Digest]

bodies = st.dictionaries(st.text(max_size=5), st.integers(0, 2**53 - 1) | st.text(max_size=20), max_size=3)


def new_chain(bodies: list[dict[str, Any]]) -> list[Linked]:
    """A whole log with an entry for each body."""
    head, linked = compute_start(TREASURY), list[Linked]()
    for index, body in enumerate(bodies):
        entry = Entry(
            index=index, at=1_800_000_000 + index, event="e.e", actor="alice", transfer=None, body=body, previous=head
        )
        head = compute_head(entry)
        linked.append((entry, head))
    return linked


def require_broken(treasury: Digest, linked: list[Linked], index: int) -> None:
    """The chain is refused at that entry."""
    with pytest.raises(GuardError, match=rf"^entry {index} of the log") as refused:
        require_chain(treasury, linked)
    assert refused.value.code == "log.broken"


@given(st.lists(bodies, max_size=6))
def test_a_whole_log_ends_at_the_head_of_its_last_entry(given_bodies: list[dict[str, Any]]) -> None:
    linked = new_chain(given_bodies)
    assert require_chain(TREASURY, linked) == (linked[-1][1] if linked else compute_start(TREASURY))


@given(st.lists(bodies, min_size=1, max_size=6), st.data())
def test_any_change_of_any_field_of_any_entry_is_noticed(
    given_bodies: list[dict[str, Any]], data: st.DataObject
) -> None:
    linked = new_chain(given_bodies)
    index = data.draw(st.integers(0, len(linked) - 1))
    entry, head = linked[index]
    change: dict[str, Any] = data.draw(
        st.sampled_from(
            [
                {"at": entry.at + 1},
                {"event": "e.f"},
                {"actor": "mallory"},
                {"transfer": OTHER},
                {"body": {**entry.body, "more": 1}},
                {"previous": OTHER},
                {"index": entry.index + 1},
            ]
        )
    )
    linked[index] = (replace(entry, **change), head)
    require_broken(TREASURY, linked, index)


@given(st.lists(bodies, min_size=2, max_size=6), st.data())
def test_an_entry_that_is_taken_out_is_noticed(given_bodies: list[dict[str, Any]], data: st.DataObject) -> None:
    linked = new_chain(given_bodies)
    index = data.draw(st.integers(0, len(linked) - 2))
    del linked[index]
    require_broken(TREASURY, linked, index)


def test_entries_in_another_order_are_noticed() -> None:
    linked = new_chain([{"n": 0}, {"n": 1}, {"n": 2}])
    linked[1], linked[2] = linked[2], linked[1]
    require_broken(TREASURY, linked, 1)


def test_an_entry_that_is_put_in_is_noticed() -> None:
    linked = new_chain([{"n": 0}, {"n": 1}])
    linked.insert(1, linked[0])
    require_broken(TREASURY, linked, 1)


def test_an_entry_changed_with_its_own_head_is_noticed_at_the_next_one() -> None:
    linked = new_chain([{"n": 0}, {"n": 1}])
    changed = replace(linked[0][0], actor="mallory")
    linked[0] = (changed, compute_head(changed))
    require_broken(TREASURY, linked, 1)


def test_a_log_of_another_treasury_is_noticed() -> None:
    assert compute_start(TREASURY) != compute_start(OTHER)
    require_broken(OTHER, new_chain([{}]), 0)


def test_a_log_that_was_written_anew_from_the_start_has_another_head() -> None:
    kept = require_chain(TREASURY, new_chain([{"n": 0}, {"n": 1}]))
    assert require_chain(TREASURY, new_chain([{"n": 0}, {"n": 2}])) != kept


def test_the_start_is_the_sha256_of_its_name_and_the_treasury() -> None:
    assert compute_start(TREASURY) == "0x" + hashlib.sha256(b"guard-log-v1\n" + b"\x11" * 32).hexdigest()


def test_a_head_is_the_sha256_of_the_entrys_rfc_8785_form() -> None:
    entry = new_chain([{"b": 1, "a": "ä"}])[0][0]
    # The same bytes by the standard library alone: names are ASCII here, so their order is that of RFC 8785.
    plain = json.dumps(entry.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert to_bytes(entry) == plain
    assert compute_head(entry) == compute_head_of(plain) == "0x" + hashlib.sha256(plain).hexdigest()


@given(bodies)
def test_an_entry_comes_back_out_of_its_bytes(body: dict[str, Any]) -> None:
    entry = new_chain([body])[0][0]
    assert from_json(parse_canonical(to_bytes(entry))) == entry


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"format": 2}, "log.broken"),
        ({"body": []}, "log.broken"),
        ({"index": -1}, "json.field-type"),
        ({"at": "1"}, "json.field-type"),
        ({"event": ""}, "value.invalid"),
        ({"event": "e" * 65}, "value.invalid"),
        ({"transfer": "0x1"}, "hex.malformed"),
        ({"previous": None}, "json.field-type"),
        ({"more": 1}, "json.field-unknown"),
    ],
)
def test_what_is_no_entry_is_refused(change: dict[str, Any], code: str) -> None:
    said = new_chain([{}])[0][0].to_json()
    with pytest.raises(GuardError) as refused:
        from_json({**said, **change})
    assert refused.value.code == code


def test_an_entry_without_a_field_is_refused() -> None:
    said = new_chain([{}])[0][0].to_json()
    del said["previous"]
    with pytest.raises(GuardError) as refused:
        from_json(said)
    assert refused.value.code == "json.field-missing"


@pytest.mark.parametrize("event", ["e", "e" * 63, "e" * 64])
def test_events_of_one_to_64_characters_can_be(event: str) -> None:
    assert Entry(index=0, at=0, event=event, actor="", transfer=None, body={}, previous=NO_DIGEST).event == event


def test_floats_cannot_be_logged() -> None:
    entry = Entry(index=0, at=0, event="e", actor="", transfer=None, body={"n": 0.5}, previous=NO_DIGEST)
    with pytest.raises(GuardError):
        compute_head(entry)
    assert to_canonical({"n": 5})
