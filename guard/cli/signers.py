"""A signer's folder and its line, seen from the command line. `signer run` is in `guard.app`, which alone composes the verifier."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from guard.bundles.bundle import MAX_BUNDLE_BYTES
from guard.cli.asking import ask_password
from guard.cli.clock import read_now
from guard.cli.exits import ExitStatus
from guard.cli.founding import load_treasury_id, read_line
from guard.cli.settings import Settings
from guard.cli.storing import load_file
from guard.cli.voice import Voice, to_table, to_visible_line
from guard.clients.connecting import parse_target
from guard.clients.signer_client import ask
from guard.core.ids import ChainName, Digest, SignerId
from guard.core.policy import SignerIdentity
from guard.errors import AdapterError, GuardError
from guard.formats.canonical import parse_json
from guard.formats.fields import require_fields, take_address, take_bytes, take_digest, take_text
from guard.formats.keccak import require_digest
from guard.formats.listen_addresses import parse_listen_address
from guard.policyfiles.writing import write_signer
from guard.signer.certificate import create_certificate
from guard.signer.clock import SystemClock
from guard.signer.home import (
    SignerConfig,
    SignerHome,
    compute_enrolment_digest,
    create_home,
    pin_bundle,
    require_no_home,
)
from guard.signer.keystore import LIGHT_SCRYPT, STRONG_SCRYPT
from guard.statements.signed import FILE_BYTES
from guard.statements.testimony import ENROLMENT, require_testimony, testimony_from_json
from guard.transactions.signatures import recover_owner

EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 Compared with, never listened at from here.


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSigner:
    """Where a new signer listens, keeps its counter, and which endpoints it asks (`chain=URL`, several for one chain).

    `stop_address` is what people call its stop listener, where that is another address than it listens at.
    """

    id: str
    treasury: Digest
    command: str
    stop: str
    counter: Path
    endpoints: tuple[str, ...]
    stop_address: str | None = None
    certificate: Path | None = None
    certificate_key: Path | None = None

    @property
    def needs_certificate(self) -> bool:
        """Whether one must be made: where other machines reach it and none is given."""
        listens = (parse_listen_address(self.command), parse_listen_address(self.stop))
        return self.certificate is None and not all(each.is_loopback for each in listens)


def make_signer(voice: Voice, directory: Path, new: NewSigner, password_file: Path | None, *, light_kdf: bool) -> None:
    """Make vault key, journal key and journal together, and print the line that `guard signer add` takes."""
    home = SignerHome(directory.absolute())
    require_no_home(home)
    made = new.needs_certificate
    given = (new.certificate, new.certificate_key)
    certificate, key = (home.certificate, home.certificate_key) if made else given
    if (certificate is None) != (key is None):
        raise GuardError("listen.certificate", "--certificate and --certificate-key are given together")
    config = SignerConfig(
        id=SignerId(new.id),
        treasury=new.treasury,
        command=_to_absolute(new.command),
        stop=_to_absolute(new.stop),
        counter=new.counter.absolute(),
        endpoints=_to_endpoints(new.endpoints),
        certificate=None if certificate is None else certificate.absolute(),
        certificate_key=None if key is None else key.absolute(),
    )
    # Whatever is wrong with it is said before anything is made.
    _to_stop_address(config, new.stop_address, "")
    password = ask_password(f"signer {new.id}", password_file, is_new=True)
    pin = _make_certificate(home, new.id) if made else ""
    line = create_home(
        home,
        config,
        password,
        stop_address=_to_stop_address(config, new.stop_address, pin),
        scrypt=LIGHT_SCRYPT if light_kdf else STRONG_SCRYPT,
    )
    said = parse_json(line.encode())
    voice.tell(said if isinstance(said, dict) else {}, line)


def _make_certificate(home: SignerHome, name: str) -> str:
    home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return create_certificate(home.certificate, home.certificate_key, name=name, now=read_now())


def _to_stop_address(config: SignerConfig, named: str | None, pin: str) -> str:
    """What the bundle will say: with the scheme, and the certificate's digest where nobody else vouches for it."""
    if named is None and parse_listen_address(config.stop).host in EVERYWHERE:
        raise GuardError("cli.usage", "give --stop-address: what people call the stop listener")
    address = config.stop if named is None else named
    if "://" not in address and not address.startswith("unix:") and config.certificate is not None:
        address = f"https://{address}" + (f"#sha256={pin}" if pin else "")
    parse_target(address)
    return address


def _to_absolute(address: str) -> str:
    return f"unix:{Path(address.removeprefix('unix:')).absolute()}" if address.startswith("unix:") else address


def _to_endpoints(pairs: tuple[str, ...]) -> dict[ChainName, tuple[str, ...]]:
    found: dict[ChainName, tuple[str, ...]] = {}
    for pair in pairs:
        chain, mark, url = pair.partition("=")
        if not mark or not url:
            raise GuardError("cli.setting-value", f"endpoint {pair[:60]!r} is not CHAIN=URL")
        found[ChainName(chain)] = (*found.get(ChainName(chain), ()), url)
    return found


def add_signer(voice: Voice, policies: Path, line: str) -> None:
    """Check both proofs of a signer's line and append the signer to treasury.toml."""
    identity = require_signer(read_line(line), load_treasury_id(policies))
    write_signer(policies, identity)
    voice.tell(
        {
            "signer": identity.id,
            "owner": identity.owner,
            "journal_key": identity.journal_key,
            "stop_address": identity.stop_address,
        },
        f"{identity.id} added: owner {identity.owner}, stop address {identity.stop_address}",
    )


def require_signer(raw: bytes, treasury: Digest) -> SignerIdentity:
    """The signer of a line, refused unless its journal key signed the line and its vault key is in its hands."""
    names = ("journal_key", "text", "fields", "signature")
    said = require_fields(parse_json(raw, max_bytes=FILE_BYTES), names, what="signer's line")
    journal_key = take_digest(said, "journal_key")
    testimony = testimony_from_json({name: said[name] for name in names[1:]})
    fields = dict(require_testimony(testimony, ENROLMENT, journal_key, treasury))
    signer, owner = take_text(fields, "signer"), take_address(fields, "owner")
    proof = take_bytes(fields, "owner_proof", length=65)
    identity = SignerIdentity(
        id=SignerId(signer), owner=owner, journal_key=journal_key, stop_address=take_text(fields, "stop_address")
    )
    if recover_owner(compute_enrolment_digest(treasury, signer), proof) != owner:
        raise GuardError("cli.enrolment", f"the line of {signer} does not prove control over owner {owner}")
    return identity


def pin(voice: Voice, directory: Path, digest: str, bundle: Path) -> None:
    """Pin the treasury's first bundle by the digest that was compared by voice."""
    wanted = require_digest("0x" + digest.removeprefix("0x").replace(" ", "").lower())
    pinned = pin_bundle(SignerHome(directory), load_file(bundle, max_bytes=MAX_BUNDLE_BYTES), wanted, SystemClock())
    voice.tell(
        {"digest": wanted, "version": pinned.version, "signer": str(directory)},
        f"version {pinned.version} is pinned in {directory}; start the signer with guard signer run",
    )


def show_status(voice: Voice, settings: Settings, only: str | None) -> ExitStatus:
    """What each configured signer says of itself: for the operator, never for a decision."""
    addresses = dict(settings.table("signers"))
    if only is not None:
        addresses = {"signer": only}
    if not addresses:
        raise GuardError("cli.setting-missing", "signers has no address")
    told: dict[str, object] = {}
    rows: list[tuple[str, ...]] = []
    is_whole = True
    for name, address in sorted(addresses.items()):
        try:
            said = ask(address, "status", {})
        except (AdapterError, GuardError) as error:
            is_whole = False
            told[name] = {"error": error.to_json()}
            rows.append((name, "no answer", to_visible_line(error.message)))
            continue
        told[name] = said
        rows.append((to_visible_line(str(said.get("signer"))), "answers", to_visible_line(_describe(said))))
    voice.tell({"signers": told}, *to_table(rows))
    return ExitStatus.DONE if is_whole else ExitStatus.TROUBLE


def _describe(said: dict[str, object]) -> str:
    clock = said.get("clock")
    settled_in = said.get("settled_in")
    parts = [
        "policy pinned" if said.get("policy") else "no policy pinned",
        f"clock: {clock.get('code')}" if isinstance(clock, dict) else "clock good",
        f"settles in {settled_in} s" if isinstance(settled_in, int) and settled_in > 0 else "settled",
    ]
    vaults = said.get("vaults")
    parts += (
        [f"nonce {each.get('open_nonce')}" for each in vaults if isinstance(each, dict)]
        if isinstance(vaults, list)
        else []
    )
    return ", ".join(parts)
