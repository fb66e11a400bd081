"""Every kind of bad policy file: one clear error with code, file, line and, where there is one, what to write instead."""

from pathlib import Path

import pytest

from guard.errors import AdapterError
from guard.policyfiles.loading import check_policy, load_policy
from tests.policyfiles.directories import copy_sample, header_above, line_of, problem_of, replace_in

BOB = "0xEB61A1158096A8bDD9321334EbeB80a356f4A7Cb"
INITIATORS = 'match.initiator.group = ["operations", "finance"]'
FIRM = "0x7AE1780cee7E737c4Ff974585EdD14e2aBe57c8e"
BOBS_KEYS = f'keys = [\n  {{ address = "{BOB}", kind = "hardware", device = "bob-ledger", display = true }},\n]'
DAVES_KEY = 'kind = "wallet", device = "dave-phone", display = true'
ONE_TIER = '{ up_to = "10000 USDC", approvals = { finance = 1 } }'
DAY_LIMIT = '{ amount = "2000000 USDC", window = "24h" }'

TREASURY = [
    # What TOML itself refuses, or what only some of its readers accept.
    ("version = 1", "version = ", "policy.syntax", "write one, or leave the line out"),
    ("version = 1", "version 1", "policy.syntax", ""),
    ("version = 1", "version = one", "policy.syntax", "texts go in quotes"),
    ("version = 1", "version = 1 2", "policy.syntax", "texts go in quotes"),
    ("version = 1", '"version" = 1', "policy.toml-form", "write the bare word"),
    ("[unfreeze]", "[unfreeze.seats]", "policy.toml-form", "write its keys inside"),
    ("[unfreeze]", "[unfreeze", "policy.syntax", ""),
    ('settle = "10m"', 'settle = """10m"""', "policy.toml-form", "between two"),
    ('settle = "10m"', "settle = '''10m'''", "policy.toml-form", "between two"),
    ('settle = "10m"', 'settle = "10m', "policy.syntax", ""),
    ('settle = "10m"', 'settle = "10\\x6d"', "policy.newer-toml", "write \\u and four figures"),
    ('settle = "10m"', 'settle = "10\\e"', "policy.newer-toml", "write \\u and four figures"),
    ('settle = "10m"', 'settle = "10\\q"', "policy.syntax", "write \\\\ for a backslash"),
    ('settle = "10m"', f'settle = "{"m" * 10_000}"', "policy.file-too-large", ""),
    ('settle = "10m"', f"settle = '{'m' * 10_000}'", "policy.file-too-large", ""),
    ('settle = "10m"', 'settle = "10\\ud800"', "policy.syntax", ""),
    ("{ policy-admins = 2 }", "{ policy-admins = 2, }", "policy.newer-toml", "remove the comma"),
    ("{ policy-admins = 2 }", "{\n policy-admins = 2 }", "policy.newer-toml", "write it on one line"),
    ("{ policy-admins = 2 }", "{ policy-admins = 2 # seats\n }", "policy.newer-toml", "write it on one line"),
    ("{ policy-admins = 2 }", "{ policy-admins = 2", "policy.newer-toml", "write it on one line"),
    ("{ policy-admins = 2 }", "{ policy-admins = 2 ]", "policy.syntax", ""),
    ("version = 1", "version = 1\nversion = 1", "policy.duplicate-key", "remove one"),
    ("[unfreeze]", "[numbers]\n[unfreeze]", "policy.duplicate-key", "remove one"),
    ("{ policy-admins = 2 }", "{ policy-admins = 2, policy-admins = 3 }", "policy.duplicate-key", "remove one"),
    # Numbers that are not plain.
    ("chain_id = 1", "chain_id = 1_000", "policy.number", "plain decimal figures"),
    ("chain_id = 1", "chain_id = 0x1", "policy.number", "plain decimal figures"),
    ("chain_id = 1", "chain_id = 0o1", "policy.number", "plain decimal figures"),
    ("chain_id = 1", "chain_id = 0b1", "policy.number", "plain decimal figures"),
    ("chain_id = 1", "chain_id = 1.0", "policy.number", "plain decimal figures"),
    ("chain_id = 1", "chain_id = 1e3", "policy.number", "plain decimal figures"),
    ("chain_id = 1", "chain_id = inf", "policy.number", "plain decimal figures"),
    ("chain_id = 1", "chain_id = nan", "policy.number", "plain decimal figures"),
    ("chain_id = 1", "chain_id = +1", "policy.number", "plain decimal figures"),
    ("chain_id = 1", "chain_id = -1", "policy.number", "plain decimal figures"),
    ("chain_id = 1", "chain_id = 01", "policy.number", "plain decimal figures"),
    ("chain_id = 1", f"chain_id = {2**256}", "policy.number", "plain decimal figures"),
    ("chain_id = 1", "chain_id = " + "9" * 5000, "policy.number", "plain decimal figures"),
    ('expires_at = "2027-11-30"', "expires_at = 2027-11-30", "policy.date", 'write "2027-11-30"'),
    ('expires_at = "2027-11-30"', "expires_at = 12:00:00", "policy.date", 'write "12:00:00"'),
    # Keys and types.
    ("format = 1", "format = 2", "policy.format", "format = 1"),
    ("format = 1", "format = true", "policy.format", "format = 1"),
    ('settle = "10m"', 'setle = "10m"', "policy.key-unknown", 'did you mean "settle"?'),
    ("version = 1", "verson = 1\nversion = 1", "policy.key-unknown", 'did you mean "version"?'),
    ("version = 1", 'currency = "USD"\nversion = 1', "policy.not-yet", "leave it out"),
    ('kind = "safe"', 'kind = "eoa"', "policy.not-yet", 'write "safe"'),
    ("chain_id = 1", 'chain_id = "1"', "policy.count", "write a whole number"),
    ("chain_id = 1", "chain_id = true", "policy.count", "write a whole number"),
    ("chain_id = 1", "chain_id = 0", "policy.count", "write a whole number of at least 1"),
    ("threshold = 3", "threshold = 0", "policy.count", "write a whole number of at least 1"),
    ("threshold = 3", "threshold = 5", "policy.count", "write a whole number of at least 1"),
    ("max_unmined = 3", "max_unmined = 0", "policy.count", "write a whole number of at least 1"),
    ("max_unmined = 3", "max_unmined = 101", "policy.count", "write a whole number of at least 1"),
    ("withstands = 1", "withstands = false", "policy.count", "write a whole number of at least 0"),
    ("policy-admins = 2", "policy-admins = 0", "policy.count", "write a whole number of at least 1"),
    ("policy-admins = 2", "policy-admins = true", "policy.count", "write a whole number of at least 1"),
    ("policy-admins = 2", "policy-admins = 101", "policy.count", "write a whole number of at least 1"),
    ("decimals = 6", "decimals = 37", "policy.count", "write a whole number of at least 0"),
    ('settle = "10m"', "settle = 600", "duration.malformed", '"30m", "24h" or "7d"'),
    ('settle = "10m"', 'settle = "10 minutes"', "duration.malformed", '"30m", "24h" or "7d"'),
    ('settle = "10m"', 'settle = "0m"', "duration.malformed", '"30m", "24h" or "7d"'),
    ('settle = "10m"', 'settle = "-10m"', "duration.malformed", '"30m", "24h" or "7d"'),
    ('settle = "10m"', 'settle = "1e3s"', "duration.malformed", '"30m", "24h" or "7d"'),
    ('"2027-11-30"', '"30.11.2027"', "policy.time", 'write "2027-11-30"'),
    ('"2027-11-30"', '"2027-02-29"', "policy.time", 'write "2027-11-30"'),
    ('"2027-11-30"', '"2027-11-30T12:00:00+01:00"', "policy.time", "2027-11-30T12:00:00Z"),
    ('"2027-11-30"', '"2027-11-30T24:00:00Z"', "policy.time", "2027-11-30T12:00:00Z"),
    ('chain = "ethereum"', "chain = 1", "policy.type", "write it in quotes"),
    ('chain = "ethereum"', 'chain = "Ethereum Mainnet"', "policy.name", 'write "ethereum-mainnet"'),
    ('chain = "ethereum"', 'chain = "etherum"', "policy.chain-unknown", 'did you mean "ethereum"?'),
    ('id = "USDC"', 'id = "US$C"', "policy.name", ""),
    ("[[vault]]", "[vault]", "policy.type", "write the header [[vault]]"),
    ("[change]", "[[change]]", "policy.type", "write the header [change]"),
    ('signers = ["signer-a", "signer-b", "signer-c", "signer-d"]', "signers = []", "policy.empty", "fill it"),
    ('"signer-b", "signer-c"', '"signer-b", "signer-b"', "policy.duplicate", "remove one"),
    ('"signer-a", "signer-b"', '"signer-x", "signer-b"', "policy.signer-unknown", "did you mean"),
    ('"signer-a", "signer-b"', '1, "signer-b"', "policy.type", "write it in quotes"),
    ("approvals = { policy-admins = 2 }", "approvals = {}", "policy.empty", "fill it"),
    ("approvals = { policy-admins = 2 }", "approvals = 2", "policy.type", "write approvals = {"),
    ("{ policy-admins = 2 }", "{ policy-admin = 2 }", "policy.group-unknown", 'did you mean "policy-admins"?'),
    ("{ policy-admins = 2 }", "{ policy-admins = 4 }", "policy.group-too-small", ""),
    ("{ policy-admins = 2 }", "{ policy-admins = 3 }", "policy.every-member-needed", ""),
    ("withstands = 1", "withstands = 2", "policy.withstands", ""),
    ("threshold = 3", "threshold = 2", "value.invalid", ""),
    ("first_nonce = 0", "owners = [{ from_nonce = 0, threshold = 3, signers = [] }]", "policy.owners-form", "write threshold"),
    # Addresses and hexadecimal.
    ("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", "address.checksum", "0xA0b86991"),
    ("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB4", "address.malformed", ""),
    ("0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", "usdc.eth", "address.malformed", ""),
    ('treasury = "0x', 'treasury = "0X', "hex.malformed", ""),
    ('journal_key = "0x', 'journal_key = "0x00', "hex.malformed", ""),
    ("signer-a.example:7421", "signer a", "text.characters", ""),
    ('decimals = 18', "decimals = 8", "policy.native-decimals", ""),
]  # fmt: skip

PEOPLE = [
    ("format = 1", 'format = 1\npeople = ["bob"]', "policy.key-unknown", ""),
    ("\ngroups = [", "\n#groups = [", "policy.key-missing", "add the line groups"),
    ("\ngroups = [", "\ngroups = []\n#groups = [", "policy.empty", "fill it"),
    ('name = "Bob, treasurer"', 'name = ""', "policy.empty", ""),
    ('name = "Bob, treasurer"', 'name = " Bob"', "policy.empty", ""),
    ('name = "Bob, treasurer"', 'name = "Bo\u202eb"', "text.characters", "retype it"),
    ('name = "Bob, treasurer"', 'name = "Bo\\u202eb"', "text.characters", ""),
    ('name = "Bob, treasurer"', 'name = "Bo\u0007b"', "text.characters", "retype it"),
    ('name = "Bob, treasurer"', 'name = "Bo\u200bb"', "text.characters", "retype it"),
    ('name = "Bob, treasurer"', 'name = "Bo\\nb"', "text.characters", ""),
    ('name = "Bob, treasurer"', 'name = "Bob" # \u2066', "text.characters", "retype it"),
    ('name = "Bob, treasurer"', 'name = "' + "b" * 101 + '"', "text.characters", ""),
    ('id = "bob"', 'id = "Bob Smith"', "policy.name", 'write "bob-smith"'),
    ('id = "bob"', 'id = "alice"', "policy.duplicate", "it stands first on line"),
    ('id = "bob"', 'id = "bоb"', "policy.name", ""),  # noqa: RUF001 - the o is Cyrillic: that is the point
    ('kind = "wallet"', 'kind = "walet"', "policy.name", 'did you mean "wallet"?'),
    ('kind = "wallet"', 'kind = "paper"', "policy.name", "write one of"),
    (DAVES_KEY, DAVES_KEY.replace("wallet", "passkey").removesuffix(", display = true"), "policy.key-without-display", ""),
    (DAVES_KEY, DAVES_KEY.replace("true", "false"), "value.invalid", ""),
    (DAVES_KEY, DAVES_KEY.replace("true", "1"), "policy.type", "write true or false"),
    (DAVES_KEY, DAVES_KEY.replace("display = true", 'proof = "abc"'), "hex.malformed", "copy the whole"),
    ('groups = ["finance"]', 'groups = ["finanse"]', "policy.group-unknown", 'did you mean "finance"?'),
    ('groups = ["finance"]', "groups = []", "policy.empty", "leave the line out"),
    ('groups = ["finance"]', 'groups = "finance"', "policy.type", 'write ["finance"]'),
    ('groups = ["finance"]', 'groups = ["finance"]\nmachine = true', "value.invalid", ""),
    ('groups = ["finance"]', 'groups = ["finance"]\nmachine = "no"', "policy.type", "write true or false"),
    ('groups = ["finance"]', 'groups = ["finance"]\nemail = "b@example.org"', "policy.key-unknown", ""),
    ('organisation = "counsel"\n', "", "policy.key-missing", "add the line organisation"),
    (BOBS_KEYS, "keys = []", "policy.empty", "fill it"),
    (BOB, BOB.lower(), "address.checksum", BOB),
    (BOB, "0x5F0D58296BE3bF8B176E8e99a87Ff761bf079Dc4", "policy.duplicate", "it stands first on line"),
    (BOB, "0x" + "00" * 20, "policy.address-zero", ""),
    (BOB, "0xA2412626701d0172DDb3c97939F341D97B3Cdb39", "policy.key-is-owner", ""),
]  # fmt: skip

ADDRESSES = [
    ("format = 1", "format = 1\nversion = 1", "policy.key-unknown", ""),
    ("[[address]]", "[[addresses]]", "policy.key-unknown", 'did you mean "address"?'),
    ('label = "audit-firm"', 'label = "payroll-provider"', "policy.duplicate", "it stands first on line"),
    ('label = "audit-firm"', 'label = "Audit firm"', "policy.name", 'write "audit-firm"'),
    (FIRM, FIRM.lower(), "address.checksum", FIRM),
    (FIRM, "0xBA7e7A0e42CBa4451CbE35c1B66B78F2606e7617", "policy.address-twice", ""),
    (FIRM, "0x" + "00" * 20, "policy.address-zero", ""),
    ('chains = ["ethereum"]', "chains = []", "policy.empty", "fill it"),
    ('chains = ["ethereum"]', 'chains = ["etherium"]', "policy.chain-unknown", 'did you mean "ethereum"?'),
    ('chains = ["ethereum"]', 'chain = ["ethereum"]', "policy.not-yet", "leave it out"),
    ('tags = ["recurring"]', 'tags = ["Recurring!"]', "policy.name", 'write "recurring"'),
]  # fmt: skip

RULES = [
    ('match.vault = ["operations"]', 'match.vault = ["operation"]', "policy.vault-unknown", 'did you mean "operations"?'),
    ('match.vault = ["operations"]', 'match.vault = "operations"', "policy.type", 'write ["operations"]'),
    ('match.vault = ["operations"]', "match.vault = []", "policy.empty", "leave the line out"),
    ('match.vault = ["operations"]', 'match.vaults = ["operations"]', "policy.key-unknown", 'did you mean "vault"?'),
    ('match.action = ["transfer"]', 'match.action = ["call"]', "policy.not-yet", 'write ["transfer"]'),
    ('match.action = ["transfer"]', 'match.action = ["transfers"]', "policy.name", 'did you mean "transfer"?'),
    ('match.action = ["transfer"]', "match.action = []", "policy.empty", "leave the line out"),
    ("match.destination.listed = true", 'match.destination.listed = "yes"', "policy.type", "write true or false"),
    ("match.destination.listed = true", 'match.destination.tag = ["exchange"]', "policy.not-yet", "leave it out"),
    ("match.destination.listed = true", 'match.time = { zone = "Europe/Berlin" }', "policy.not-yet", "leave it out"),
    ("match.destination.listed = true", "match.destination = {}", "policy.empty", "fill it"),
    ('match.destination.label = ["exchange-deposit"]', 'match.destination.label = ["exchange"]', "policy.label-unknown", "did you mean"),
    (INITIATORS, 'match.initiator.person = ["alise"]', "policy.person-unknown", 'did you mean "alice"?'),
    (INITIATORS, 'match.initiator.group = ["finanse"]', "policy.group-unknown", 'did you mean "finance"?'),
    ('match.asset = ["USDC"]\nlimits', 'match.asset = ["USDT"]\nlimits', "policy.asset-unknown", 'did you mean "USDC"?'),
    ('[[rule]]\nid = "eth-outflow"', '[[rule]]\nid = "usdc-outflow"', "policy.duplicate", "it stands first on line"),
    ('id = "usdc-outflow"\nwhy', 'id = "usdc-outflow"\nwhi', "policy.key-unknown", 'did you mean "why"?'),
    ('review_by = "2027-03-31"', 'review_by = "31 March"', "policy.time", 'write for instance "2027-11-30"'),
    ("allow = true", "allow = 1", "policy.type", "write true or false"),
    ("deny = true", "deny = true\nallow = true", "value.invalid", ""),
    ("deny = true", 'deny = true\ndelay = "1h"', "value.invalid", ""),
    ("deny = true\n", "", "value.invalid", ""),
    ("deny = true", "deny = true\nrequire_any = [{ approvals = { finance = 1 } }]", "policy.not-yet", "leave it out"),
    ("allow = true", 'allow = true\ntiers_over = "24h"', "policy.not-yet", "leave it out"),
    ("allow = true", 'allow = true\nkeys = ["hardware"]', "policy.not-yet", "leave it out"),
    ('approval_valid_for = "72h"', 'approval_valid_for = "0h"', "duration.malformed", '"30m"'),
    ('approval_valid_for = "72h"', 'approval_valid_for = "three days"', "duration.malformed", '"30m"'),
    # Seats.
    (ONE_TIER, '{ up_to = "10000 USDC", approvals = { finance = 0 } }', "policy.count", "of at least 1"),
    (ONE_TIER, '{ up_to = "10000 USDC", approvals = { finance = true } }', "policy.count", "of at least 1"),
    (ONE_TIER, '{ up_to = "10000 USDC", approvals = { finance = "1" } }', "policy.count", "of at least 1"),
    (ONE_TIER, '{ up_to = "10000 USDC", approvals = { finance = -1 } }', "policy.number", "plain decimal figures"),
    (ONE_TIER, '{ up_to = "10000 USDC", approvals = {} }', "policy.empty", "fill it"),
    (ONE_TIER, '{ up_to = "10000 USDC", approvals = { Finance = 1 } }', "policy.name", 'write "finance"'),
    (ONE_TIER, '{ up_to = "10000 USDC", approvals = { finances = 1 } }', "value.invalid", ""),
    (ONE_TIER, '{ up_to = "10000 USDC" }', "policy.key-missing", "add the line approvals"),
    ("approvals = { executive = 1 }", "approvals = { executives = 1 }", "policy.group-unknown", 'did you mean "executive"?'),
    ("approvals = { executive = 1 }", "approvals = { executive = 3 }", "policy.group-too-small", ""),
    # Money.
    (ONE_TIER, "{ up_to = 10000, approvals = { finance = 1 } }", "amount.unit", '"10000 '),
    (ONE_TIER, "{ up_to = true, approvals = { finance = 1 } }", "amount.unit", '"9000 '),
    (ONE_TIER, '{ up_to = "10000", approvals = { finance = 1 } }', "amount.unit", '"9000 USDC"'),
    (ONE_TIER, '{ up_to = "10000 USD", approvals = { finance = 1 } }', "amount.unit", 'did you mean "USDC"?'),
    (ONE_TIER, '{ up_to = "10000 DOGE", approvals = { finance = 1 } }', "amount.unit", "one of: ETH, USDC"),
    (ONE_TIER, '{ up_to = "10_000 USDC", approvals = { finance = 1 } }', "amount.malformed", "plain figures"),
    (ONE_TIER, '{ up_to = "10,000 USDC", approvals = { finance = 1 } }', "amount.malformed", "plain figures"),
    (ONE_TIER, '{ up_to = "1e4 USDC", approvals = { finance = 1 } }', "amount.malformed", "plain figures"),
    (ONE_TIER, '{ up_to = "-1 USDC", approvals = { finance = 1 } }', "amount.malformed", "plain figures"),
    (ONE_TIER, '{ up_to = "٣ USDC", approvals = { finance = 1 } }', "amount.malformed", "plain figures"),
    (ONE_TIER, '{ up_to = "0.0000001 USDC", approvals = { finance = 1 } }', "amount.precision", ""),
    (ONE_TIER, '{ up_to = "0 USDC", approvals = { finance = 1 } }', "amount.range", "more than zero"),
    (ONE_TIER, f'{{ up_to = "{2**256 // 10**6 + 1} USDC", approvals = {{ finance = 1 }} }}', "amount.range", ""),
    (ONE_TIER, '{ up_to = "2 ETH", approvals = { finance = 1 } }', "value.invalid", ""),
    (ONE_TIER, '{ up_to = "200000 USDC", approvals = { finance = 1 } }', "value.invalid", ""),
    (ONE_TIER, '{ up_to = "10000 USDC", approvals = { finance = 3 } }', "value.invalid", ""),
    ('match.asset = ["USDC"]', 'match.asset = ["USDC", "ETH"]', "policy.asset-mismatch", ""),
    ('{ at_least = "500000 USDC" }', '{ at_least = "500000 ETH" }', "policy.asset-mismatch", ""),
    ('{ at_least = "500000 USDC" }', '{ at_least = "5 USDC", at_most = "9 ETH" }', "policy.asset-mismatch", ""),
    ('{ at_least = "500000 USDC" }', '{ at_least = "9 USDC", at_most = "5 USDC" }', "value.invalid", ""),
    ('{ at_least = "500000 USDC" }', '{ above = "5 USDC" }', "policy.key-unknown", ""),
    # Limits.
    (DAY_LIMIT, '{ amount = "2000000 USDC" }', "policy.key-missing", "add the line window"),
    (DAY_LIMIT, '{ amount = "2000000 USDC", window = "1 day" }', "duration.malformed", '"30m"'),
    (DAY_LIMIT, '{ count = 5, window = "24h" }', "policy.not-yet", "leave it out"),
    (DAY_LIMIT, '{ value = "5 USD", window = "24h" }', "policy.not-yet", "leave it out"),
    (DAY_LIMIT, '{ amount = "5 USDC", window = "24h", per = ["initiator"] }', "policy.limit-over-vaults", 'add "vault"'),
    (DAY_LIMIT, '{ amount = "5 USDC", window = "24h", per = ["vault", "initator"] }', "policy.name", 'did you mean "initiator"?'),
    (DAY_LIMIT, '{ amount = "5 USDC", window = "24h", per = [] }', "policy.empty", "fill it"),
    (DAY_LIMIT, "5", "policy.type", "write {"),
    (DAY_LIMIT, '{ amount = "5000000 USDC", window = "7d" }', "policy.duplicate", "remove one"),
    ("limits = [", "limits = []\nlimit = [", "policy.key-unknown", 'did you mean "limits"?'),
]  # fmt: skip

# Two places do not fit together, and the other one is named.
SAID_ELSEWHERE = {"policy.withstands", "policy.address-twice"}

ALL = [
    (file, *case)
    for file, cases in {
        "treasury.toml": TREASURY,
        "people.toml": PEOPLE,
        "addresses.toml": ADDRESSES,
        "rules.toml": RULES,
    }.items()
    for case in cases
]


@pytest.mark.parametrize(("file", "old", "new", "code", "suggestion"), ALL)
def test_bad_input_is_refused_with_code_file_line_and_suggestion(
    tmp_path: Path, file: str, old: str, new: str, code: str, suggestion: str
) -> None:
    directory = copy_sample(tmp_path)
    changed = replace_in(directory, file, old, new)
    problem = problem_of(directory)
    assert (problem.code, problem.file) == (code, file), problem
    assert suggestion in problem.suggestion, problem
    assert problem.suggestion
    same_table = header_above(directory, file, problem.line) == header_above(directory, file, changed.start)
    assert same_table or problem.line in changed or code in SAID_ELSEWHERE, problem
    assert "\n" not in problem.message
    assert problem.message == problem.message.strip() and not problem.message.endswith(".")


EXACT = [
    ("treasury.toml", 'settle = "10m"', 'setle = "10m"', 'setle = "10m"'),
    ("treasury.toml", "threshold = 3", "threshold = 5", "threshold = 5"),
    ("treasury.toml", '"signer-a", "signer-b"', '\n"signer-x",\n"signer-b"', '"signer-x"'),
    ("people.toml", BOB, BOB.lower(), BOB.lower()),
    ("people.toml", 'groups = ["finance"]', 'groups = [\n"finance",\n"finance"]', '"finance"]'),
    ("rules.toml", '"100000 USDC"', '"100000 USD"', '"100000 USD"'),
    ("rules.toml", "finance = 2, security = 1", "finance = 2, security = 101", "security = 101"),
    ("rules.toml", '"100000 USDC"', '"1 USDC"', '"1 USDC"'),
    ("rules.toml", '"1000000 USDC", approvals = { finance = 2,', '"7 USDC", approvals = { finance = 2,', '"7 USDC"'),
    ("treasury.toml", "threshold = 3", "threshold = 2", "threshold = 2"),
    ("rules.toml", 'window = "7d"', 'window = "7"', 'window = "7"'),
    ("rules.toml", "approvals = { executive = 1 }", "approvals = { executive = 9 }", "executive = 9"),
    ("addresses.toml", 'tags = ["exchange"]', "tags = [1]", "tags = [1]"),
]


@pytest.mark.parametrize(("file", "old", "new", "part"), EXACT)
def test_the_line_is_the_one_to_mend(tmp_path: Path, file: str, old: str, new: str, part: str) -> None:
    directory = copy_sample(tmp_path)
    replace_in(directory, file, old, new)
    assert problem_of(directory).line == line_of(directory, file, part)


def test_all_problems_are_listed_at_once_in_the_order_of_files_and_lines(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    replace_in(directory, "people.toml", BOB, BOB.lower())
    replace_in(directory, "people.toml", 'id = "frank"', 'id = "Frank"')
    replace_in(directory, "addresses.toml", 'label = "audit-firm"', 'label = "Audit"')
    replace_in(directory, "rules.toml", 'window = "7d"', "window = 7")
    replace_in(directory, "treasury.toml", "version = 1", "verson = 1\nversion = 1")
    problems = check_policy(directory)
    assert [problem.file for problem in problems] == ["addresses.toml", "people.toml", "people.toml", "treasury.toml"]
    assert list(problems) == sorted(problems)
    replace_in(directory, "treasury.toml", "verson = 1\n", "")
    assert [problem.file for problem in check_policy(directory)][3] == "rules.toml"


@pytest.mark.parametrize("table", ["[numbers]", "[change]", "[unfreeze]"])
def test_a_table_that_is_missing_is_named(tmp_path: Path, table: str) -> None:
    directory = copy_sample(tmp_path)
    path = directory / "treasury.toml"
    parts = path.read_text(encoding="utf-8").split("\n\n")
    path.write_text("\n\n".join(part for part in parts if not part.startswith(table)), encoding="utf-8")
    expected = "policy.unfreeze-missing" if table == "[unfreeze]" else "policy.key-missing"
    problem = problem_of(directory)
    assert problem.code == expected and table in problem.message


@pytest.mark.parametrize("file", ["treasury.toml", "people.toml", "addresses.toml", "rules.toml"])
def test_a_missing_an_empty_and_a_foreign_file_are_refused(tmp_path: Path, file: str) -> None:
    directory = copy_sample(tmp_path)
    path = directory / file
    text = path.read_bytes()
    for content, code in [
        (b"", "policy.format"),
        (b"# nothing\n", "policy.format"),
        (b"\xef\xbb\xbf" + text, "policy.encoding"),
        (text.replace(b"format = 1", b"format = 1 # \xff"), "policy.encoding"),
        (text.decode().encode("utf-16"), "policy.encoding"),
        (b"\x00" * 100, "text.characters"),
        (b"a" * (1024 * 1024 + 1), "policy.file-too-large"),
        (text.replace(b"\n", b"\r"), "text.characters"),
    ]:
        path.write_bytes(content)
        problem = check_policy(directory)[0]
        assert (problem.code, problem.file) == (code, file)
    path.unlink()
    assert problem_of(directory).code == "policy.file-missing"
    path.mkdir()
    assert problem_of(directory).code == "policy.file-missing"


def test_windows_line_ends_change_nothing(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    before = load_policy(directory).policy
    for path in directory.iterdir():
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_policy(directory).policy == before


def test_a_directory_that_is_not_there_is_four_missing_files(tmp_path: Path) -> None:
    assert [problem.code for problem in check_policy(tmp_path / "nowhere")] == ["policy.file-missing"] * 4


def test_a_toml_file_that_nobody_reads_is_refused(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    (directory / "rule.toml").write_text('format = 1\n[[rule]]\nid = "deny-all"\nwhy = "x"\ndeny = true\n')
    problem = problem_of(directory)
    assert (problem.code, problem.file, problem.suggestion) == (
        "policy.file-unknown",
        "rule.toml",
        'did you mean "rules.toml"?',
    )
    (directory / "rule.toml").rename(directory / "notes.md")
    assert check_policy(directory) == ()


def test_a_large_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    directory = copy_sample(tmp_path)
    with (directory / "rules.toml").open("r+b") as stream:
        stream.truncate(10 * 1024 * 1024 * 1024)  # sparse: reading it would take minutes and all memory
    assert problem_of(directory).code == "policy.file-too-large"


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a = " + "{ a = " * 100_000,
        "a = [" + "1," * 400_000 + "]",
        "[[rule]]\n" * 100_000,
        ".".join("a" * 500_000) + " = 1",
        'a = "' + "\\" * 900_000 + '"',
        "a = [" + "\n" * 900_000,
        "#" * 1_000_000,
        "a = '" + "x" * 1_000_000,
    ],
    ids=["lists", "tables", "entries", "headers", "dots", "escapes", "lines", "comment", "text"],
)
def test_a_file_made_to_be_slow_is_refused_all_the_same(tmp_path: Path, text: str) -> None:
    directory = copy_sample(tmp_path)
    (directory / "rules.toml").write_text("format = 1\n" + text)
    problems = check_policy(directory)
    assert {problem.file for problem in problems} == {"rules.toml"}


def test_a_disk_that_fails_is_trouble_and_no_refusal(tmp_path: Path) -> None:
    directory = tmp_path / ("x" * 200) / ("y" * 5000)
    with pytest.raises(AdapterError) as caught:
        load_policy(directory)
    assert caught.value.code == "policy.file-unreadable"
