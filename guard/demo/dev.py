"""`guard dev`: a whole treasury on one machine for somebody new: chain, four signers, API, worker, people who are logged in.

`python -m guard.demo.dev DIR` stays until Ctrl-C and ends everything that it started. For play alone: the chain lives in memory, every key
opens with one password that is printed here, and six people share a machine. Nothing of it may hold anything of value.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NoReturn

from guard.cli.exits import ExitStatus, to_status
from guard.cli.voice import Voice
from guard.demo import founding, running
from guard.demo.clock import pause, read_stopwatch
from guard.demo.entering import enter
from guard.demo.grounds import find_port
from guard.demo.interrupting import interrupted_by_signals
from guard.demo.next_commands import FOLDER, render_next_commands
from guard.demo.policy_texts import MEMBERS, Pace
from guard.demo.stage import PASSWORD, Stage, open_stage
from guard.errors import AdapterError, GuardError

PORT = 8080
PACE = Pace(delay=60)
LOOK_EVERY = 0.5


def require_new(folder: Path) -> None:
    """Refuse a folder with anything in it: the chain was in the memory of a process that has ended, so nothing can go on there."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        hint = f"a play treasury ends with its chain: remove {folder}, or name another folder"
        raise GuardError("policy.directory-in-use", f"{folder} is there already and not an empty directory", hint=hint)


def found(stage: Stage) -> None:
    """Everything, from the contracts to the log-ins. What takes time by itself goes on while other things are made."""
    _say("founding a treasury: policy, six people, four signers, a Safe")
    founding.deploy_contracts(stage)
    founding.write_policy(stage, PACE)
    running.begin_database(stage)
    founding.enrol_people(stage)
    founding.found_signers(stage)
    founding.deploy_vault(stage)
    founding.build_and_pin(stage)
    _say("starting signers, API and worker")
    running.start_signers(stage)
    running.wait_for_database(stage)
    running.start_api(stage)
    founding.fund_vault(stage)
    running.wait_for_api(stage)
    running.start_worker(stage)
    _say("logging everybody in")
    for member in MEMBERS:
        enter(stage, member.id)
    running.wait_for_signers(stage)


def describe_ready(stage: Stage, folder: Path, seconds: float) -> str:
    """What is there now, and what to type next."""
    people = "\n".join(f"  {each.id:6} {each.name:24} {', '.join(each.groups)}" for each in MEMBERS)
    return f"""
ready after {seconds:.1f} s: API {stage.server}, chain {stage.chain_url}
vault "operations" is a Safe 3-of-4 at {stage.safe} with 500,000 USDC and 5 ETH of no value

{people}
Each has a folder in {folder} with key.json and a log-in; every key opens with: {PASSWORD}
What the processes say is in {folder}/logs.

FOR PLAY ONLY. One password, printed here; everybody on one machine; a chain in memory. Never use these keys elsewhere.

Type next, in another terminal:

{render_next_commands(folder)}
Up to 10,000 USDC one of finance agrees; up to 100,000 two, and a minute's delay in which a guardian may stop it (guard veto).
Ctrl-C ends everything.
"""


def stay(stage: Stage) -> NoReturn:
    """Until Ctrl-C. Raises `RuntimeError` where something ends by itself."""
    while True:
        pause(LOOK_EVERY)
        stage.processes.require_running()


def run(folder: Path, port: int) -> ExitStatus:
    """Found a treasury in the folder and stay."""
    begun = read_stopwatch()
    try:
        require_new(folder)
        with interrupted_by_signals():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open_stage(folder.absolute(), port=find_port(port)) as stage:
                found(stage)
                _say(describe_ready(stage, folder, read_stopwatch() - begun))
                stay(stage)
    except KeyboardInterrupt:
        _say("everything has ended")
        return ExitStatus.DONE
    except (GuardError, AdapterError) as error:
        Voice(as_json=False).complain(error)
        return to_status(error)
    except (RuntimeError, OSError) as trouble:
        print(f"guard dev: {trouble}", file=sys.stderr, flush=True)
        return ExitStatus.TROUBLE


def _say(text: str) -> None:
    print(text, flush=True)


def main() -> int:
    """What `guard dev` becomes."""
    parser = argparse.ArgumentParser(prog="guard dev", description="a whole treasury on this machine, for play")
    parser.add_argument("folder", nargs="?", type=Path, default=Path(FOLDER), metavar="DIR")
    parser.add_argument("--port", type=int, default=PORT, help="of the API; another one where it is taken")
    arguments = parser.parse_args()
    return run(arguments.folder, arguments.port)


if __name__ == "__main__":
    sys.exit(main())
