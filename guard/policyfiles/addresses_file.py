"""`addresses.toml`: the destinations that the treasury knows, by label."""

from __future__ import annotations

from guard.bundles.order import by_label, by_text, to_ordered
from guard.core.ids import ChainName, Label
from guard.core.policy import BookEntry
from guard.policyfiles.problems import Collector
from guard.policyfiles.section import Section, read_each, refuse_twins, require_keys, require_top
from guard.policyfiles.source import Source
from guard.policyfiles.taking import take_address, take_name, take_names


def read_addresses(source: Source, collector: Collector) -> tuple[BookEntry, ...]:
    """The address book in canonical order. It may be empty: then no destination is listed."""
    for refusal in require_top(source, ("format", "address")):
        collector.add(refusal)
    entries = tuple(read_each(source, collector, "address", _read_entry))
    collector.attempt(lambda: refuse_twins(source, "address", ("label",)))
    return to_ordered(entries, by_label)


def _read_entry(section: Section) -> BookEntry:
    require_keys(section, ("label", "address", "chains"), ("tags",))
    return BookEntry(
        label=Label(take_name(section, "label")),
        address=take_address(section, "address"),
        chains=to_ordered((ChainName(name) for name in take_names(section, "chains")), by_text),
        tags=to_ordered(take_names(section, "tags"), by_text) if section.has("tags") else (),
    )
