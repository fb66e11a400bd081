"""Keccak-256 and EIP-55, against published vectors."""

import pytest

from guard.errors import GuardError
from guard.formats.keccak import (
    from_address,
    from_digest,
    keccak256,
    require_address,
    require_digest,
    to_address,
    to_digest,
)
from tests.factories import address_of, digest_of, private_key_of

# From the text of EIP-55: all capitals, all small, mixed.
EIP_55 = [
    "0x52908400098527886E0F7030069857D2E4169EE7",
    "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
    "0xde709f2102306220921060314715629080e2fb77",
    "0x27b1fdb04752bbc536007a920d24acb045561c26",
    "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
    "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
    "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
    "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
]


def test_keccak_is_the_one_of_ethereum_and_not_sha3() -> None:
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert keccak256(b"abc").hex() == "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"


@pytest.mark.parametrize("address", EIP_55)
def test_an_address_carries_the_checksum_of_eip_55(address: str) -> None:
    assert to_address(bytes.fromhex(address[2:])) == address
    assert require_address(address) == address
    assert to_address(from_address(require_address(address))) == address


MIXED = EIP_55[4:]


@pytest.mark.parametrize("address", MIXED)
def test_an_address_in_one_case_is_refused_unless_that_is_its_checksum(address: str) -> None:
    for text in (address.lower(), "0x" + address[2:].upper(), "0x" + address[2:].swapcase()):
        with pytest.raises(GuardError) as refused:
            require_address(text)
        assert refused.value.code == "address.checksum"
        assert refused.value.details == {"expected": address}


@pytest.mark.parametrize("address", MIXED)
def test_every_letter_in_the_other_case_is_noticed(address: str) -> None:
    for place, letter in enumerate(address[2:], start=2):
        if letter.isalpha():
            with pytest.raises(GuardError):
                require_address(address[:place] + letter.swapcase() + address[place + 1 :])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0x",
        EIP_55[0][2:],
        EIP_55[0] + "0",
        EIP_55[0][:-1],
        "0X" + EIP_55[0][2:],
        EIP_55[0] + "\n",
        " " + EIP_55[0],
        "vitalik.eth",
        "0x" + "g" * 40,
        "0x" + "\uff10" * 40,
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(GuardError) as refused:
        require_address(text)
    assert refused.value.code == "address.malformed"


@pytest.mark.parametrize("length", [0, 19, 21, 32])
def test_an_address_has_20_bytes(length: int) -> None:
    with pytest.raises(GuardError) as refused:
        to_address(bytes(length))
    assert refused.value.code == "address.malformed"


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_digest_has_32_bytes(length: int) -> None:
    with pytest.raises(GuardError) as refused:
        to_digest(bytes(length))
    assert refused.value.code == "hex.malformed"


def test_a_digest_reads_back() -> None:
    assert require_digest(to_digest(bytes(range(32)))) == "0x" + bytes(range(32)).hex()
    assert from_digest(to_digest(bytes(range(32)))) == bytes(range(32))
    with pytest.raises(GuardError) as refused:
        require_digest(digest_of("a")[2:])
    assert refused.value.code == "hex.malformed"


def test_the_address_of_a_key_is_the_end_of_the_hash_of_its_point() -> None:
    # The key 1, whose address is known to every wallet.
    assert private_key_of("anybody").secret != private_key_of("somebody else").secret
    assert address_of("anybody") == address_of("anybody") != address_of("somebody else")
    from coincurve import PrivateKey

    point = PrivateKey((1).to_bytes(32, "big")).public_key.format(compressed=False)[1:]
    assert to_address(keccak256(point)[12:]) == "0x7E5F4552091A69125d5DfCb7b8C2659029395Bdf"
