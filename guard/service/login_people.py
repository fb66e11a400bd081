"""Who may log in: people of the active bundle, by a key that is theirs in it, asked anew at every request.

Nothing of this is kept with a session, so that a person or a key that was taken out is out at once.
"""

from __future__ import annotations

from guard.core.ids import Address, PersonId
from guard.core.roster import Person, Roster


def find_holder(roster: Roster, key: Address) -> Person | None:
    """The person, machine or not, whose key this is."""
    found = roster.holder(key)
    return None if found is None else found[0]


def find_viewer(roster: Roster, person_id: PersonId, key: Address) -> Person | None:
    """The person, if the key is still theirs. A machine has nothing to see."""
    person = find_holder(roster, key)
    return person if person is not None and person.id == person_id and not person.machine else None
