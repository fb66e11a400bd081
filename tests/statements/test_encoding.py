"""Our encoder against two others, and the permanent type strings."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from eth_account.messages import encode_typed_data

from guard.core.ids import NATIVE, Digest
from guard.errors import GuardError
from guard.formats.keccak import keccak256
from guard.statements.digests import DOMAIN_TYPE, compute_digest, compute_domain, compute_transfer_id, to_typed_data
from guard.statements.encoder import hash_struct
from guard.statements.signing import sign
from guard.statements.structs import RESERVED_NAMES, SCOPE, TRANSFER, Field, Struct
from guard.statements.values import STATEMENTS, Proposal, Statement, Watch, kind_of
from guard.transactions.safe_tx import DOMAIN_TYPE as SAFE_DOMAIN_TYPE
from guard.transactions.safe_tx import SAFE_TX_TYPE
from tests.effects.factories import TREASURY, a_transfer
from tests.statements.factories import OTHER_DIGEST, RandomStatements, statements_of_every_kind

COMPARED = 10_000
TRANSFER_TYPE = (
    "Transfer(bytes32 treasury,uint256 chainId,address vault,string action,address asset,address destination,"
    "uint256 amount,bytes32 callDataHash,string purpose,string initiator,bytes32 policy,bytes32 uniqueness,"
    "uint64 proposedAt,uint64 expiresAt,bytes32 supersedes,bytes32 again)"
)
SCOPE_TYPE = "Scope(string kind,uint256 chainId,address account,string person)"
TYPE_STRINGS = {
    "proposal": "Proposal(Transfer transfer)" + TRANSFER_TYPE,
    "approval": "Approval(Transfer transfer,string summary,uint32 summaryVersion,bytes32 policy,bytes32 roster,"
    "uint64 signedAt,uint64 expiresAt)" + TRANSFER_TYPE,
    "rejection": "Rejection(Transfer transfer,string reason)" + TRANSFER_TYPE,
    "veto": "Veto(Transfer transfer,string reason)" + TRANSFER_TYPE,
    "freeze": "Freeze(bytes32 id,Scope scope,string reason,uint64 signedAt)" + SCOPE_TYPE,
    "unfreeze": "Unfreeze(bytes32[] ids,bytes32 roster,uint64 signedAt,uint64 expiresAt)",
    "revocation": "Revocation(bytes32 id,string person,address key,uint64 enrolment,string reason)",
    "watch": "Watch(address signer,uint64 at)",
    "enrolment": "Enrolment(string person,string device,string kind)",
}


def digest_by_eth_account(statement: Statement, treasury: Digest) -> str:
    """The digest by another implementation, from the JSON that a wallet would be given."""
    given = json.loads(json.dumps(to_typed_data(statement, treasury)))
    encoded = encode_typed_data(full_message=given)
    return "0x" + keccak256(b"\x19\x01" + encoded.header + encoded.body).hex()


def test_type_strings_are_the_permanent_ones() -> None:
    assert {kind_of(cls): cls.STRUCT.type_string for cls in STATEMENTS} == TYPE_STRINGS
    assert (TRANSFER.type_string, SCOPE.type_string) == (TRANSFER_TYPE, SCOPE_TYPE)


def test_no_two_types_share_a_hash_and_none_takes_a_reserved_name() -> None:
    structs = [cls.STRUCT for cls in STATEMENTS] + [TRANSFER, SCOPE]
    foreign = {keccak256(text.encode()) for text in (DOMAIN_TYPE, SAFE_DOMAIN_TYPE, SAFE_TX_TYPE)}
    hashes = {struct.type_hash for struct in structs} | foreign
    assert len(hashes) == len(structs) + len(foreign)
    assert len({struct.name for struct in structs}) == len(structs)
    assert not RESERVED_NAMES & {struct.name for struct in structs}


def test_the_golden_digest_never_changes() -> None:
    assert compute_domain(TREASURY).hex() == "c462419279037db3d2010e751368d65ff3e573e6cdf8f6bedbaad3b2dad8a4f7"
    assert compute_transfer_id(a_transfer()) == "0xd940c7834eae047a8b034c7cb048b7eb1479909129dea267b86cb85213f97747"
    assert (
        compute_digest(Proposal(a_transfer()), TREASURY)
        == "0xd0042fb4dba7934e91eba3c83f1e2bcbb0b434d06bba1cbcf4519453ee9ac1cd"
    )


@pytest.mark.parametrize("statement", statements_of_every_kind(), ids=kind_of)
def test_every_kind_agrees_with_eth_account(statement: Statement) -> None:
    assert compute_digest(statement, TREASURY) == digest_by_eth_account(statement, TREASURY)


def test_ten_thousand_random_statements_agree_with_eth_account(is_deep: bool) -> None:
    drawn = RandomStatements(712)
    for place in range(COMPARED * 5 if is_deep else COMPARED):
        statement, treasury = drawn.draw(place)
        assert compute_digest(statement, treasury) == digest_by_eth_account(statement, treasury), statement


def test_a_hundred_signatures_agree_with_cast(cast_binary: Path, tmp_path: Path) -> None:
    drawn, path = RandomStatements(71), tmp_path / "typed.json"
    for place in range(100):
        statement, treasury = drawn.draw(place)
        key = bytes([place + 1]) * 32
        path.write_text(json.dumps(to_typed_data(statement, treasury)), encoding="utf-8")
        command = [
            str(cast_binary),
            "wallet",
            "sign",
            "--private-key",
            "0x" + key.hex(),
            "--data",
            "--from-file",
            str(path),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
        assert done.stdout.strip() == "0x" + sign(key, statement, treasury).signature.value.hex(), statement


def test_the_domain_of_typed_data_is_complete() -> None:
    typed = to_typed_data(Proposal(a_transfer()), TREASURY)
    assert [field["name"] for field in typed["types"]["EIP712Domain"]] == ["name", "version", "salt"]
    assert typed["domain"] == {"name": "Treasury Guard", "version": "1", "salt": TREASURY}
    assert typed["primaryType"] == "Proposal"
    assert set(typed["types"]) == {"EIP712Domain", "Proposal", "Transfer"}


def test_the_id_of_a_transfer_depends_on_each_of_its_fields() -> None:
    changes: dict[str, Any] = {
        "treasury": OTHER_DIGEST,
        "chain_id": 2,
        "vault": NATIVE,
        "asset": NATIVE,
        "destination": NATIVE,
        "amount_units": 1,
        "call_data_hash": OTHER_DIGEST,
        "purpose": "invoice 2026-119",
        "initiator": "bob",
        "policy": OTHER_DIGEST,
        "uniqueness": OTHER_DIGEST,
        "proposed_at": 1,
        "expires_at": 1,
        "supersedes": OTHER_DIGEST,
        "again": OTHER_DIGEST,
    }
    ids = {compute_transfer_id(a_transfer(**{name: value})) for name, value in changes.items()}
    assert len(ids | {compute_transfer_id(a_transfer())}) == len(changes) + 1


def test_a_digest_depends_on_kind_and_treasury() -> None:
    digests = {compute_digest(statement, TREASURY) for statement in statements_of_every_kind()}
    digests |= {compute_digest(statement, OTHER_DIGEST) for statement in statements_of_every_kind()}
    assert len(digests) == 2 * len(STATEMENTS)


def test_a_treasury_id_that_is_not_32_bytes_has_no_domain() -> None:
    for treasury in ("0x11", "0x" + "AB" * 32, ""):
        with pytest.raises(GuardError) as caught:
            compute_domain(Digest(treasury))
        assert caught.value.code == "hex.malformed"


@pytest.mark.parametrize(("value", "fits"), [(-1, False), (0, True), (2**64 - 1, True), (2**64, False), (True, False)])
def test_a_number_that_does_not_fit_its_type_is_not_encoded(value: int, fits: bool) -> None:
    watch = Watch(signer=NATIVE, at=0)
    object.__setattr__(watch, "at", value)
    if fits:
        assert len(hash_struct(Watch.STRUCT, watch)) == 32
        return
    with pytest.raises(GuardError) as caught:
        hash_struct(Watch.STRUCT, watch)
    assert caught.value.code == "value.invalid"


def test_half_of_a_surrogate_pair_is_not_encoded() -> None:
    with pytest.raises(GuardError) as caught:
        compute_transfer_id(a_transfer(purpose="\ud800"))
    assert caught.value.code == "text.characters"


def test_structs_inside_structs_are_named_in_alphabetical_order() -> None:
    inner, outer = Struct("Zebra", (Field("a", "uint64", "a"),)), Struct("Apple", (Field("b", "uint64", "b"),))
    both = Struct("Middle", (Field("z", "Zebra", "z", struct=inner), Field("p", "Apple", "p", struct=outer)))
    assert both.type_string == "Middle(Zebra z,Apple p)Apple(uint64 b)Zebra(uint64 a)"
