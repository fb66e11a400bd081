"""Where a transfer stands: its summary and who said what are computed here; state, prediction and signers' words are told as hearsay."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from guard.cli.clock import read_now
from guard.cli.desk import Desk
from guard.cli.exits import ExitStatus
from guard.cli.heard import Heard, hear
from guard.cli.painting import has_colour, paint
from guard.cli.subject import load_reported, require_own, require_same_summary, to_subject
from guard.cli.submitting import describe_prediction
from guard.cli.voice import Voice, to_table, to_visible_line
from guard.cli.words import to_groups
from guard.clients.reported import Reported
from guard.core.ids import is_count
from guard.core.lifecycle import ENDED, State
from guard.effects.summary import render_summary
from guard.effects.visible import to_utc
from guard.errors import AdapterError

NOW_AND_THEN = 2
"""Seconds between two looks of `--watch`."""


def load_checked(desk: Desk, named: str) -> Reported:
    """A transfer from the server, refused where it is not what was asked or is told in other words than ours."""
    reported = load_reported(desk, named)
    require_own(desk, to_subject(reported))
    require_same_summary(desk, reported)
    return reported


def show_transfer(voice: Voice, desk: Desk, named: str) -> None:
    """Everything about one transfer."""
    reported = load_checked(desk, named)
    summary = render_summary(reported.transfer, desk.policy)
    heard = hear(desk, reported.transfer_id, reported.statements, read_now())
    voice.tell(
        {
            **_to_json(reported),
            "summary": summary,
            "statements": [each.to_json() for each in heard],
            "certificates": len(reported.certificates),
        },
        summary,
        "",
        f"transfer {reported.transfer_id}",
        f"policy {to_groups(reported.transfer.policy)}",
        *describe_heard(heard),
        *describe_standing(reported, in_colour=_is_coloured()),
    )


def describe_heard(heard: Sequence[Heard]) -> list[str]:
    """Who said what, each signature checked on this machine."""
    return ["said, with signatures checked here:", *(f"  {each.to_line()}" for each in heard)]


def show_status(
    voice: Voice,
    desk: Desk,
    named: str,
    *,
    every: float | None,
    pause: Callable[[float], None] = time.sleep,
) -> ExitStatus:
    """Tell where the transfer stands; with `every` again whenever that changes, until it has ended."""
    reported = load_checked(desk, named)
    told: list[str] = []
    while True:
        lines = describe_standing(reported, in_colour=_is_coloured())
        if lines != told:
            head = [f"transfer {reported.transfer_id}"] if not told else [""]
            voice.tell(_to_json(reported), *head, *lines)
        told = lines
        if every is None or reported.state in ENDED:
            return to_final_status(reported.state)
        pause(every)
        reported = _load_again(voice, desk, reported)


def _load_again(voice: Voice, desk: Desk, before: Reported) -> Reported:
    """The next look; a server that does not answer now is asked again later."""
    try:
        return load_checked(desk, before.transfer_id)
    except AdapterError as trouble:
        if trouble.code == "client.mismatch":
            raise
        voice.note(f"no answer now: {to_visible_line(trouble.message)} [{trouble.code}]")
        return before


def to_final_status(state: State) -> ExitStatus:
    """The exit status of a state: done once it is final on chain, refused where it ended otherwise, held before."""
    if state is State.FINALISED:
        return ExitStatus.DONE
    return ExitStatus.REFUSED if state in ENDED else ExitStatus.HELD


def _is_coloured() -> bool:
    return has_colour(os.environ, is_terminal=sys.stdout.isatty())


def _to_json(reported: Reported) -> dict[str, Any]:
    return {
        "transfer": reported.transfer_id,
        "state": reported.state.value,
        "reason": reported.reason,
        "version": reported.version,
        "prediction": None if reported.prediction is None else dict(reported.prediction),
        "signers": [dict(each) for each in reported.signers],
        "chain": None if reported.chain is None else dict(reported.chain),
        "trouble": reported.trouble,
    }


def describe_standing(reported: Reported, *, in_colour: bool) -> list[str]:
    """What the server says of it: state, prediction, which signer holds it and why, and what the chain shows."""
    reason = f": {to_visible_line(reported.reason)}" if reported.reason else ""
    lines = [f"state, as the server says: {paint(reported.state, in_colour=in_colour)}{reason}"]
    if reported.prediction is not None and reported.state not in ENDED:
        lines += describe_prediction(reported.prediction)
        lines += _describe_earliest(reported.prediction)
    rows = [row for word in reported.signers for row in _to_rows(word)]
    lines += ["signers, as the server heard them:", *(f"  {line}" for line in to_table(rows))] if rows else []
    lines += [] if reported.chain is None else [_describe_chain(reported.chain)]
    lines += [] if not reported.trouble else [f"trouble: {to_visible_line(reported.trouble)}"]
    return lines


def _describe_earliest(prediction: Mapping[str, Any]) -> list[str]:
    earliest = prediction.get("earliest_at")
    return [f"  earliest {to_utc(earliest)}"] if is_count(earliest) and isinstance(earliest, int) else []


def _to_rows(word: Mapping[str, Any]) -> list[tuple[str, ...]]:
    nonce, earliest, reasons = word.get("nonce"), word.get("earliest_at"), word.get("reasons")
    head = to_visible_line(str(word.get("status")))
    head += f" at nonce {nonce}" if is_count(nonce) else ""
    head += f", earliest {to_utc(earliest)}" if is_count(earliest) and isinstance(earliest, int) else ""
    told = [each for each in reasons if isinstance(each, dict)] if isinstance(reasons, list) else []
    texts = [to_visible_line(f"{each.get('message')} [{each.get('code')}]") for each in told] or [""]
    name = to_visible_line(str(word.get("signer")))
    return [(name if not place else "", head if not place else "", text) for place, text in enumerate(texts)]


def _describe_chain(chain: Mapping[str, Any]) -> str:
    told = [
        f"{name.replace('_', ' ')} {value}" for name, value in chain.items() if isinstance(value, str | int) and value
    ]
    return to_visible_line("chain, as the server heard it: " + ", ".join(told))
