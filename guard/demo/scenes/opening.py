"""The treasury comes into being, and people log in."""

from __future__ import annotations

from guard.demo import entering, founding, running
from guard.demo.entering import Entered, log_in
from guard.demo.policy_texts import MEMBERS, Pace
from guard.demo.stage import USDC, Stage
from guard.demo.telling import Teller


def found(teller: Teller, stage: Stage) -> None:
    """The treasury comes into being, and everything that it runs with is started."""
    founding.deploy_contracts(stage)
    teller.say("a chain with Safe 1.4.1 and a token runs in this process, behind JSON-RPC")
    founding.write_policy(stage, Pace())
    running.begin_database(stage)
    founding.enrol_people(stage)
    teller.say(f"people made their keys and proved them: {', '.join(member.name for member in MEMBERS)}")
    founding.found_signers(stage)
    founding.deploy_vault(stage)
    teller.check(stage.chain.safe_threshold(stage.safe) == 3, f"the vault is a Safe 3-of-4 at {stage.safe}")
    teller.check(stage.operator.run("policy", "check").status == 0, "guard policy check finds nothing wrong")
    founding.build_and_pin(stage)
    teller.say(f"everybody compares the policy's digest by voice: {stage.digest[2:18]} ...")
    running.start_signers(stage)
    running.wait_for_database(stage)
    running.start_api(stage)
    founding.fund_vault(stage)
    teller.check(stage.usdc_of(stage.safe) == 500_000 * USDC, "the vault holds 500,000 USDC")
    running.wait_for_api(stage)
    running.start_worker(stage)
    teller.say("API, worker and four signers run, each as a process of its own")


def enter(teller: Teller, stage: Stage) -> Entered:
    """Everybody logs in; alice on stage. What she enrolled is given to whoever will steal it."""
    entered = entering.enter(stage, "alice")
    teller.say("alice signs this text with her key, and enrols an authenticator:")
    teller.quote(entered.message)
    missing = log_in(stage, "alice")
    teller.check(missing.code == "cli.no-terminal", "from now on her key alone is not enough: a code is asked for")
    used = log_in(stage, "alice", "--code", entered.to_code())
    teller.check(used.code == "login.refused", "the code that she has just used is refused: each is good once")
    again = log_in(stage, "alice", "--recovery-code", entered.recovery_codes[0])
    teller.check(again.status == 0, "a recovery code lets her in, once")
    for member in MEMBERS:
        if member.id != "alice":
            entering.enter(stage, member.id)
    who = stage.commands_of("bob").run("session").result
    teller.check(who.get("person") == "bob", "the others are logged in, too; it lets them see, and gives no power")
    running.wait_for_signers(stage)
    return entered
