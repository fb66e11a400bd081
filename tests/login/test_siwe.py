"""The message of EIP-4361: one spelling for each, and every other spelling refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.errors import GuardError
from guard.formats.keccak import to_address
from guard.formats.siwe import INSTANT_END, LONGEST, SiweMessage, build_message, parse_message

EXAMPLE = """\
example.com wants you to sign in with your Ethereum account:
0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2

I accept the ExampleOrg Terms of Service: https://example.com/tos

URI: https://example.com/login
Version: 1
Chain ID: 1
Nonce: 32891756
Issued At: 2021-09-30T16:25:24Z
Resources:
- ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/
- https://example.com/my-web2-claim.json"""
"""The example of the EIP."""
EVERYTHING = """\
https://[::1]:8443 wants you to sign in with your Ethereum account:
0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2


URI: https://[::1]:8443
Version: 1
Chain ID: 100
Nonce: abcDEF123
Issued At: 2024-02-29T23:59:59Z
Expiration Time: 2024-03-01T00:00:00Z
Not Before: 1970-01-01T00:00:00Z
Request ID: a%20b
Resources:
- urn:x"""
ADDRESS = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"

_plain = st.text("abzAZ09-._~:/?#[]@!$&'()*+,;=", min_size=1, max_size=20)
_uris = _plain.map(lambda rest: f"https:{rest}")
_instants = st.integers(0, INSTANT_END - 1)
_domains = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9.-]{0,20}(:[0-9]{1,5})?\Z") | st.just("[::1]:8080")
messages = st.builds(
    SiweMessage,
    domain=_domains,
    address=st.binary(min_size=20, max_size=20).map(to_address),
    uri=_uris,
    chain_id=st.integers(0, 2**53 - 1),
    nonce=st.from_regex(r"\A[A-Za-z0-9]{8,40}\Z"),
    issued_at=_instants,
    statement=st.none() | st.text("abc XYZ0189-._~:/?#[]@!$&'()*+,;=", min_size=1, max_size=60),
    scheme=st.none() | st.sampled_from(["https", "http", "a+b-c.d"]),
    expires_at=st.none() | _instants,
    not_before=st.none() | _instants,
    request_id=st.none() | st.from_regex(r"\A[A-Za-z0-9@:-]{1,20}\Z"),
    resources=st.lists(_uris, max_size=3).map(tuple),
)


def refused(text: str) -> str:
    with pytest.raises(GuardError) as caught:
        parse_message(text)
    return caught.value.code


def test_the_eips_own_example_is_read_and_written_to_the_byte() -> None:
    message = parse_message(EXAMPLE)
    assert (message.domain, message.address, message.nonce, message.issued_at) == (
        "example.com",
        ADDRESS,
        "32891756",
        1633019124,
    )
    assert message.resources[1] == "https://example.com/my-web2-claim.json"
    assert build_message(message) == EXAMPLE


def test_every_optional_field_has_its_place() -> None:
    message = parse_message(EVERYTHING)
    assert (message.scheme, message.domain, message.statement) == ("https", "[::1]:8443", None)
    assert (message.expires_at, message.not_before, message.request_id) == (1709251200, 0, "a%20b")
    assert build_message(message) == EVERYTHING


@given(messages)
def test_what_is_built_is_read_as_the_same(message: SiweMessage) -> None:
    assert parse_message(build_message(message)) == message


@given(messages, st.data())
def test_a_changed_byte_is_refused_or_is_another_message(message: SiweMessage, data: st.DataObject) -> None:
    text = build_message(message)
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.characters().filter(lambda c: c != text[place])) + text[place + 1 :]
    require_refused_or_other(message, changed)


@pytest.mark.parametrize("text", [EXAMPLE, EVERYTHING])
@pytest.mark.parametrize("character", ["\n", " ", "0", "a", "Z", "\r", "\u00a0", "\u0430", ""])
def test_no_byte_of_a_message_can_be_changed_unnoticed(text: str, character: str) -> None:
    message = parse_message(text)
    for place in range(len(text)):
        if text[place] != character:
            require_refused_or_other(message, text[:place] + character + text[place + 1 :])
        require_refused_or_other(message, text[:place] + "\n" + text[place:])


def require_refused_or_other(message: SiweMessage, changed: str) -> None:
    try:
        read = parse_message(changed)
    except GuardError:
        return
    assert read != message
    assert build_message(read) == changed


@given(st.text(max_size=300) | st.text("\n:-. URIVersion1", max_size=300))
def test_no_text_makes_the_reader_fail_otherwise_than_by_refusing(text: str) -> None:
    assert refused(text) == "siwe.malformed"


OTHER_SPELLINGS = {
    "a line break at the end": EXAMPLE + "\n",
    "a line after the end": EXAMPLE + "\nfurther",
    "carriage returns": EXAMPLE.replace("\n", "\r\n"),
    "one empty line where there is no statement": EVERYTHING.replace("\n\n\n", "\n\n"),
    "a user name in the domain": EXAMPLE.replace("example.com wants", "example.com@evil.com wants"),
    "a path in the domain": EXAMPLE.replace("example.com wants", "example.com/evil wants"),
    "an address without its checksum": EXAMPLE.replace(ADDRESS, ADDRESS.lower()),
    "another version": EXAMPLE.replace("Version: 1", "Version: 2"),
    "a zero in front of the chain id": EXAMPLE.replace("Chain ID: 1", "Chain ID: 01"),
    "a chain id in other figures": EXAMPLE.replace("Chain ID: 1", "Chain ID: \u0661"),
    "a negative chain id": EXAMPLE.replace("Chain ID: 1", "Chain ID: -1"),
    "a short nonce": EXAMPLE.replace("32891756", "3289175"),
    "a nonce with a hyphen": EXAMPLE.replace("32891756", "3289-1756"),
    "an instant with a fraction": EXAMPLE.replace("24Z", "24.000Z"),
    "an instant with an offset": EXAMPLE.replace("24Z", "24+00:00"),
    "an instant with a small letter": EXAMPLE.replace("2021-09-30T", "2021-09-30t"),
    "a day that there is not": EXAMPLE.replace("2021-09-30", "2021-09-31"),
    "a leap second": EXAMPLE.replace("16:25:24", "23:59:60"),
    "an instant before 1970": EXAMPLE.replace("2021", "1969"),
    "a statement over two lines": EXAMPLE.replace("I accept", "I\naccept"),
    "a statement with a quotation mark": EXAMPLE.replace("I accept", 'I "accept"'),
    "fields in another order": EXAMPLE.replace("Version: 1\nChain ID: 1", "Chain ID: 1\nVersion: 1"),
    "a field twice": EXAMPLE.replace("Version: 1", "Version: 1\nVersion: 1"),
    "an empty list of resources": EXAMPLE.split("\n- ", maxsplit=1)[0],
    "a resource without its hyphen": EXAMPLE.replace("- https", "https"),
    "a text that is too long": EXAMPLE + "\n- https://example.com/" + "a" * LONGEST,
}


@pytest.mark.parametrize("what", OTHER_SPELLINGS)
def test_no_other_spelling_is_read(what: str) -> None:
    assert OTHER_SPELLINGS[what] != EXAMPLE
    assert refused(OTHER_SPELLINGS[what]) in ("siwe.malformed", "address.checksum")


@pytest.mark.parametrize("resources", [1, LONGEST // 10])
def test_what_could_not_be_read_is_not_built(resources: int) -> None:
    message = parse_message(EXAMPLE)
    long = SiweMessage(
        domain=message.domain,
        address=message.address,
        uri=message.uri,
        chain_id=1,
        nonce=message.nonce,
        issued_at=0,
        resources=("urn:12345",) * resources,
    )
    if resources == 1:
        assert parse_message(build_message(long)) == long
    else:
        with pytest.raises(GuardError):
            build_message(long)
