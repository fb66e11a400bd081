"""Secrets at rest: what a thief of the database alone has, boxes in the wrong row, and keys that are rotated."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import update

from guard.core.ids import PersonId
from guard.errors import AdapterError
from guard.ports.access import Sealed
from guard.service import login_factors
from guard.service.login_factors import NO_CODE
from guard.service.login_keys import KeyFile, create_master_key, remove_master_key, rotate_master_key
from guard.service.login_sealing import KeyRing, compute_key_id
from guard.store.access_tables import TotpFactorTable
from guard.store.store import Store
from guard.store.tables import table_of
from tests.login.doors import Door, present, refusal_of

RING = KeyRing((bytes([7]) * 32,))
ALICE, BOB = PersonId("alice"), PersonId("bob")
SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def test_a_thief_of_the_database_alone_has_no_secret_no_token_and_no_code(door: Door) -> None:
    first = door.come("alice")
    made = door.service.begin_enrolment(present(first), NO_CODE, now=door.now)
    door.secrets["alice"] = made.secret
    whole = door.service.confirm_enrolment(present(first), door.code("alice"), now=door.now)
    held = door.dump()
    assert door.factor("alice").id in held
    for secret in (made.secret, first.token, whole.token, *made.recovery_codes):
        assert secret not in held
        assert secret.replace("-", "") not in held
        assert secret.encode().hex() not in held
    for key in door.keys.load().keys:
        assert key.hex() not in held


def test_a_box_in_another_persons_row_opens_for_nobody(door: Door) -> None:
    """Mallory, who can write to the database, puts alice's box into bob's row, or bob's into alice's, to log in with a known secret."""
    door.enrol("alice")
    door.enrol("bob")
    alice, bob = door.factor("alice"), door.factor("bob")
    put_box(door, alice.id, bob.secret)
    door.secrets["alice"] = door.secrets["bob"]
    assert refusal_of(lambda: door.come_whole("alice")) == "keyfile.sealed"
    assert door.factor("alice").last_step == alice.last_step
    # What holds is the binding alone: under bob's name the same key opens the same box.
    assert door.keys.load().open(bob.secret, BOB, bob.id) == door.secrets["bob"]


def test_a_box_in_another_factor_of_the_same_person_opens_for_nobody(door: Door) -> None:
    door.enrol("alice")
    old = door.factor("alice").secret
    door.reset("alice")
    door.enrol("alice")
    put_box(door, door.factor("alice").id, old)
    assert refusal_of(lambda: door.come_whole("alice")) == "keyfile.sealed"


def put_box(door: Door, factor_id: str, secret: Sealed) -> None:
    table = table_of(TotpFactorTable)
    with door.store.database.begin(write=True) as connection:
        connection.execute(update(table).where(table.c.id == factor_id).values(box=secret.box, key_id=secret.key_id))


@pytest.mark.parametrize("place", [0, 12, 30, -1])
def test_a_changed_box_does_not_open(place: int) -> None:
    sealed = RING.seal(SECRET, ALICE, "f" * 32)
    raw = bytearray.fromhex(sealed.box)
    raw[place] ^= 1
    assert refusal_of(lambda: RING.open(Sealed(sealed.key_id, raw.hex()), ALICE, "f" * 32)) == "keyfile.sealed"


@pytest.mark.parametrize("box", ["", "00", "zz", "00" * 12, "00" * 28])
def test_what_is_no_box_does_not_open(box: str) -> None:
    assert refusal_of(lambda: RING.open(Sealed(RING.ids[0], box), ALICE, "f" * 32)) == "keyfile.sealed"


def test_the_binding_is_part_of_what_is_sealed() -> None:
    sealed = RING.seal(SECRET, ALICE, "f" * 32)
    raw = bytes.fromhex(sealed.box)
    cipher = AESGCM(RING.keys[0])
    assert cipher.decrypt(raw[:12], raw[12:], b"guard-totp-v1\nalice\n" + b"f" * 32).decode() == SECRET
    with pytest.raises(InvalidTag):
        cipher.decrypt(raw[:12], raw[12:], None)
    assert SECRET.encode() not in raw


def test_the_same_secret_gives_another_box_each_time() -> None:
    assert len({RING.seal(SECRET, ALICE, "f" * 32).box for _ in range(5)}) == 5


def test_a_rotation_seals_everything_anew_and_keeps_the_old_key(door: Door) -> None:
    door.enrol("alice")
    door.enrol("bob")
    old = door.keys.load().ids[0]
    before = {name: door.factor(name).secret for name in ("alice", "bob")}
    new = rotate_master_key(door.store, door.keys.path)
    assert door.keys.load().ids == (old, new)
    for name, sealed in before.items():
        assert door.factor(name).secret.key_id == new != sealed.key_id
        assert door.factor(name).secret.box != sealed.box
        assert door.come_whole(name).session.is_full
        # A copy of the database from before still opens, until the old key is removed.
        assert door.keys.load().open(sealed, PersonId(name), door.factor(name).id) == door.secrets[name]
    remove_master_key(door.store, door.keys.path, old)
    door.wait(30)
    assert door.come_whole("alice").session.is_full
    gone = before["alice"]
    assert refusal_of(lambda: door.keys.load().open(gone, ALICE, door.factor("alice").id)) == "keyfile.unknown"


def test_a_key_that_is_in_use_is_not_removed(door: Door) -> None:
    door.enrol("alice")
    old = door.keys.load().ids[0]
    assert refusal_of(lambda: remove_master_key(door.store, door.keys.path, old)) == "keyfile.in-use"
    new = rotate_master_key(door.store, door.keys.path)
    assert refusal_of(lambda: remove_master_key(door.store, door.keys.path, new)) == "keyfile.in-use"
    assert refusal_of(lambda: remove_master_key(door.store, door.keys.path, "0" * 16)) == "keyfile.unknown"
    assert door.keys.load().ids == (old, new)


def test_the_newest_key_is_not_removed_although_nothing_is_sealed_under_it(door: Door) -> None:
    only = door.keys.load().ids[0]
    assert refusal_of(lambda: remove_master_key(door.store, door.keys.path, only)) == "keyfile.in-use"


@dataclass
class Failing:
    """A database that fails at the commit."""

    store: Store

    @contextmanager
    def writing(self) -> Iterator[Any]:
        with self.store.writing() as books:
            yield books
            raise AdapterError("store.unavailable", "the database did not do what it was asked")

    @contextmanager
    def reading(self) -> Iterator[Any]:
        with self.store.reading() as books:
            yield books

    @contextmanager
    def brief(self) -> Iterator[Any]:
        with self.store.brief() as access:
            yield access


def test_a_rotation_that_ends_between_file_and_database_loses_nothing(door: Door) -> None:
    door.enrol("alice")
    assert refusal_of(lambda: rotate_master_key(Failing(door.store), door.keys.path)) == "store.unavailable"
    assert len(door.keys.load().keys) == 2
    old = door.keys.load().ids[0]
    assert door.factor("alice").secret.key_id == old
    # The newer key is there already, and yet the older one may not go.
    assert refusal_of(lambda: remove_master_key(door.store, door.keys.path, old)) == "keyfile.in-use"
    assert door.come_whole("alice").session.is_full
    newest = rotate_master_key(door.store, door.keys.path)
    assert door.factor("alice").secret.key_id == newest
    door.wait(30)
    assert door.come_whole("alice").session.is_full


def test_without_the_key_file_nobody_with_a_factor_logs_in_and_nothing_is_used_up(door: Door) -> None:
    door.enrol("alice")
    away = door.keys.path.rename(door.keys.path.with_name("away"))
    message = door.ask("alice").message
    code = door.code("alice")
    assert refusal_of(lambda: door.come("alice", message, code)) == "keyfile.unreadable"
    away.rename(door.keys.path)
    assert door.come("alice", message, code).session.is_full


def test_another_key_file_opens_nothing_and_is_left_as_it_is(door: Door) -> None:
    door.enrol("alice")
    door.keys.path.unlink()
    create_master_key(door.keys.path)
    assert refusal_of(lambda: door.come_whole("alice")) == "keyfile.unknown"
    assert refusal_of(lambda: rotate_master_key(door.store, door.keys.path)) == "keyfile.unknown"
    assert len(door.keys.load().keys) == 1


def test_a_failed_code_is_counted_although_the_log_in_is_refused(door: Door) -> None:
    """The refusal must not roll the count back: it is what locks."""
    door.enrol("alice")
    refusal_of(lambda: door.come("alice", code=door.wrong_code("alice")))
    assert door.factor("alice").failures == 1
    assert login_factors.MOST_FAILURES == 10


def test_a_key_file_is_its_owners_alone_and_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    mask = os.umask(0)
    try:
        key_id = create_master_key(path)
    finally:
        os.umask(mask)
    assert path.stat().st_mode & 0o777 == 0o600
    held = path.read_bytes()
    assert refusal_of(lambda: create_master_key(path)) == "keyfile.exists"
    assert path.read_bytes() == held
    ring = KeyFile(path).load()
    assert ring.ids == (key_id,) == (compute_key_id(ring.keys[0]),)
    assert ring.keys[0].hex() not in repr(ring)
    assert refusal_of(lambda: create_master_key(tmp_path / "missing" / "key.json")) == "keyfile.unreadable"


def test_a_rotation_that_cannot_write_its_file_changes_nothing(door: Door) -> None:
    door.enrol("alice")
    path = door.keys.path.rename(door.keys.path.with_name("k" * 250))
    assert refusal_of(lambda: rotate_master_key(door.store, path)) == "keyfile.unreadable"
    assert KeyFile(path).load().ids == (door.factor("alice").secret.key_id,)


def test_a_rotated_key_file_is_its_owners_alone_and_leaves_nothing_beside(door: Door) -> None:
    rotate_master_key(door.store, door.keys.path)
    assert door.keys.path.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in door.keys.path.parent.iterdir() if "master-key" in path.name] == ["master-key.json"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_key_file_that_others_can_read_is_not_used(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key.json"
    create_master_key(path)
    path.chmod(mode)
    assert refusal_of(KeyFile(path).load) == "keyfile.permissions"


def test_a_damaged_key_is_noticed_before_anything_is_sealed_under_it(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    create_master_key(path)
    content = json.loads(path.read_text())
    key = content["keys"][0]["key"]
    content["keys"][0]["key"] = ("1" if key[0] == "0" else "0") + key[1:]
    path.write_text(json.dumps(content))
    assert refusal_of(KeyFile(path).load) == "keyfile.malformed"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"format":1,"keys":[]}',
        '{"format":2,"keys":[{"id":"x","key":"00"}]}',
        '{"format":1,"keys":[{"id":"x","key":1}]}',
        '{"format":1,"keys":["x"]}',
        '{"format":1,"keys":{"id":"x"}}',
        '{"format":1,"keys":[{"id":"x","key":"zz"}]}',
    ],
)
def test_what_is_no_key_file_is_not_used(tmp_path: Path, text: str) -> None:
    path = tmp_path / "key.json"
    path.write_text(text)
    path.chmod(0o600)
    assert refusal_of(KeyFile(path).load) == "keyfile.malformed"
