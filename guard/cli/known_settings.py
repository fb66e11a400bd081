"""Every setting that there is: its name, what kind of value it takes, its default. Nothing here reads any file or variable.

No setting is a secret or turns a check off: secrets are named by the paths of their files, and policy is never a setting.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from guard.core.ids import is_digest, is_name
from guard.errors import GuardError
from guard.formats.amounts import parse_duration, to_duration
from guard.formats.listen_addresses import parse_listen_address

_COUNT_END = 2**53
_SQLITE = "sqlite:///"
_POSTGRES = "postgresql+psycopg://"


class Unfit(ValueError):
    """Why a value is none of its kind: the end of a sentence that begins with the setting's name and origin."""


class Kind(Enum):
    """What a value must be like."""

    TEXT = "text"
    PATH = "path"
    DIGEST = "digest"
    COUNT = "count"
    DURATION = "duration"
    FLAG = "flag"
    LISTEN = "listen address"
    TARGET = "address"
    ORIGIN = "origin"
    URL = "url"
    DATABASE = "database"
    FORMAT = "format"
    TABLE = "table"


@dataclass(frozen=True, slots=True)
class Known:
    """One setting. `option` is its flag; a table's may be repeated, a flag's takes no value."""

    name: str
    kind: Kind
    default: Any
    about: str
    option: str = ""

    def __post_init__(self) -> None:
        if not self.option:
            object.__setattr__(self, "option", "--" + self.name.replace("_", "-"))

    def to_shown(self, value: Any) -> Any:
        """The value as people and JSON read it: a duration as it is written."""
        return to_duration(value) if self.kind is Kind.DURATION and value is not None else value


KNOWN: tuple[Known, ...] = (
    Known("policies", Kind.PATH, "policies", "folder of the policy files"),
    Known("bundle", Kind.PATH, "bundle.json", "the compiled policy"),
    Known("pin", Kind.DIGEST, None, "refuse every bundle but the one of this digest"),
    Known("server", Kind.TARGET, None, "where the API is: https://HOST:PORT, http://HOST:PORT or unix:PATH"),
    Known("signers", Kind.TABLE, {}, "command listeners of the signers, by id", "--signer"),
    Known("chains", Kind.TABLE, {}, "JSON-RPC endpoints, by the policy's names of the chains", "--chain"),
    Known("executor", Kind.PATH, None, "keystore of the account that pays gas and owns nothing"),
    Known("executor_password_file", Kind.PATH, None, "file whose first line opens the executor's keystore"),
    Known("database", Kind.DATABASE, _SQLITE + "guard.sqlite", "sqlite:///PATH or postgresql+psycopg://USER@HOST/NAME"),
    Known("database_password_file", Kind.PATH, None, "file whose first line is the database user's password"),
    Known("listen", Kind.LISTEN, "127.0.0.1:8080", "where the API listens: HOST:PORT or unix:PATH"),
    Known("public_url", Kind.ORIGIN, None, "what people's browsers call the API, as in https://guard.example.org"),
    Known("login_chain_id", Kind.COUNT, 1, "the chain that log-in messages name"),
    Known("behind_proxy", Kind.FLAG, False, "believe the last X-Forwarded-For, which a proxy of your own sets"),
    Known("workers", Kind.COUNT, 1, "processes of the API"),
    Known("master_key", Kind.PATH, None, "file of the key under which second factors are sealed"),
    Known("certificate", Kind.PATH, None, "the API's certificate chain in PEM form"),
    Known("certificate_key", Kind.PATH, None, "the certificate's private key in PEM form"),
    Known(
        "listen_plaintext_on_private_network",
        Kind.FLAG,
        False,
        "dangerous: listen without a certificate where other machines can reach it",
    ),
    Known("webhook_url", Kind.URL, None, "where notifications are posted"),
    Known("webhook_secret", Kind.PATH, None, "file of the secret that signs notifications"),
    Known("heartbeat", Kind.PATH, None, "file that the worker touches while it gets on"),
    Known("round_every", Kind.DURATION, 2, "how long the worker rests between two rounds"),
    Known("log_format", Kind.FORMAT, "text", "how API and worker log: text or json"),
)
BY_NAME: Mapping[str, Known] = {known.name: known for known in KNOWN}
BY_OPTION: Mapping[str, Known] = {known.option: known for known in KNOWN}


def read_text(known: Known, text: str) -> Any:
    """The value of a text from a flag, a variable or a context. Raises `Unfit`."""
    if not text:
        raise Unfit("is empty")
    if known.kind is Kind.COUNT:
        if not text.isascii() or not text.isdigit() or len(text) > 15:
            raise Unfit("is not a whole number from 1 on")
        return _require_count(int(text))
    if known.kind is Kind.FLAG:
        if text not in ("true", "false"):
            raise Unfit("is not true or false")
        return text == "true"
    return _require_fit(known, text)


def read_written(known: Known, value: Any, folder: Path) -> Any:
    """The value as it stands in guard.toml, whose paths are meant from its `folder`. Raises `Unfit`."""
    if known.kind is Kind.COUNT:
        return _require_count(value)
    if known.kind is Kind.FLAG:
        if not isinstance(value, bool):
            raise Unfit("is not true or false")
        return value
    if known.kind is Kind.TABLE:
        return read_table(known, _in_place_of_table(value, folder))
    if not isinstance(value, str) or not value:
        raise Unfit("is not a text")
    return _require_fit(known, _in_place(known.kind, value, folder))


def read_table(known: Known, table: Any) -> dict[str, str]:
    """A table of texts by name. Raises `Unfit`."""
    if not isinstance(table, dict) or not all(isinstance(each, str) and each for each in table.values()):
        raise Unfit("is not a table of texts")
    for name, address in table.items():
        if not is_name(name):
            raise Unfit(f"holds {name[:60]!r}, which is no name")
        if known.name == "signers":
            _require_target(address)
    return dict(table)


def split_pairs(pairs: tuple[str, ...]) -> dict[str, str]:
    """`NAME=ADDRESS` pairs as a table. Raises `Unfit`."""
    table: dict[str, str] = {}
    for pair in pairs:
        name, mark, value = pair.partition("=")
        if not mark or not value or name in table:
            raise Unfit(f"holds {pair[:60]!r}, which is not NAME=ADDRESS, once")
        table[name] = value
    return table


def _require_count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < _COUNT_END:
        raise Unfit("is not a whole number from 1 on")
    return value


def _require_fit(known: Known, text: str) -> Any:
    check = _CHECKS.get(known.kind)
    return text if check is None else check(text)


def _require_digest(text: str) -> str:
    if not is_digest(text):
        raise Unfit("is not a digest")
    return text


def _require_duration(text: str) -> int:
    try:
        return parse_duration(text)
    except GuardError as refused:
        raise Unfit(f"is no duration: {refused.message}") from None


def _require_listen(text: str) -> str:
    try:
        parse_listen_address(text)
    except GuardError as refused:
        raise Unfit(f"is no address to listen at: {refused.message}") from None
    return text


def _require_target(text: str) -> str:
    from guard.clients.connecting import parse_target

    try:
        parse_target(text)
    except GuardError as refused:
        raise Unfit(f"is no address: {refused.message}") from None
    return text


def _require_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        is_right = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_right, parts = False, urlsplit("")
    if not is_right or not re.fullmatch(r"[!-~]+", text):
        raise Unfit("is not an http or https address")
    if parts.username is not None or parts.password is not None:
        raise Unfit("holds a user or a password, which are never settings")
    return text


def _require_origin(text: str) -> str:
    parts = urlsplit(_require_url(text))
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise Unfit("is not an origin such as https://guard.example.org")
    return text.removesuffix("/")


def _require_database(text: str) -> str:
    if text.startswith(_SQLITE) and len(text) > len(_SQLITE):
        return text
    if not text.startswith(_POSTGRES):
        raise Unfit(f"is not {_SQLITE}PATH or {_POSTGRES}USER@HOST/NAME")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise Unfit("is no address of a database") from None
    if parts.password is not None or "password" in parts.query:
        raise Unfit("holds a password; name its file with database_password_file")
    return text


def _require_format(text: str) -> str:
    if text not in ("text", "json"):
        raise Unfit("is not text or json")
    return text


_CHECKS: Mapping[Kind, Callable[[str], Any]] = {
    Kind.DIGEST: _require_digest,
    Kind.DURATION: _require_duration,
    Kind.LISTEN: _require_listen,
    Kind.TARGET: _require_target,
    Kind.ORIGIN: _require_origin,
    Kind.URL: _require_url,
    Kind.DATABASE: _require_database,
    Kind.FORMAT: _require_format,
}


def _in_place(kind: Kind, text: str, folder: Path) -> str:
    """What is a path in guard.toml is meant from where guard.toml is."""
    if kind is Kind.PATH:
        return str(folder / text)
    if kind is Kind.DATABASE and text.startswith(_SQLITE):
        return _SQLITE + str(folder / text.removeprefix(_SQLITE))
    if kind in (Kind.LISTEN, Kind.TARGET) and text.startswith("unix:"):
        return f"unix:{folder / text.removeprefix('unix:')}"
    return text


def _in_place_of_table(table: Any, folder: Path) -> Any:
    if not isinstance(table, dict):
        return table
    return {
        name: _in_place(Kind.TARGET, address, folder) if isinstance(address, str) else address
        for name, address in table.items()
    }
