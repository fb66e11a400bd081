"""docker-compose.yml and Dockerfile: read by the programs that will read them, and held to what keeps the signers apart."""

import json
import re
import subprocess
from typing import Any

import pytest

from tests.deploy.composition import (
    COMPOSE_FILE,
    REQUIRED,
    ROOT,
    SIGNERS,
    find_hadolint,
    load_composition,
    run_compose,
)

DOCKERFILE = ROOT / "Dockerfile"
OURS = ("migrate", "api", "worker", *SIGNERS)


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    """Every service, with its anchors put in."""
    found: dict[str, dict[str, Any]] = load_composition()["services"]
    return found


def sources_of(service: dict[str, Any], kind: str = "volume") -> set[str]:
    """The volumes, or the folders of the host, that a service sees."""
    return {each["source"] for each in service.get("volumes", []) if each["type"] == kind}


def secrets_of(service: dict[str, Any]) -> set[str]:
    """The secrets that a service may read."""
    return {each["source"] for each in service.get("secrets", [])}


def test_the_file_is_valid_and_has_exactly_these_services(services: dict[str, dict[str, Any]]) -> None:
    assert set(services) == {"postgres", *OURS}


@pytest.mark.parametrize("missing", sorted(REQUIRED))
def test_without_a_needed_variable_nothing_starts_and_the_message_says_what_it_is(missing: str) -> None:
    told = run_compose({name: value for name, value in REQUIRED.items() if name != missing}, "config", "--quiet")
    assert told.returncode != 0
    assert f"required variable {missing} is missing a value" in told.stderr


def test_every_part_is_hardened(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert "cap_add" not in service and "privileged" not in service and "devices" not in service, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["pids_limit"] <= 256, name
        assert not {"network_mode", "pid", "ipc", "userns_mode"} & service.keys(), name


def test_nobody_is_root_and_no_two_signers_are_the_same_user(services: dict[str, dict[str, Any]]) -> None:
    users = {name: service["user"] for name, service in services.items()}
    assert all(re.fullmatch(r"[1-9][0-9]*:[1-9][0-9]*", user) for user in users.values())
    own = [users[signer] for signer in SIGNERS]
    assert len({*own, users["api"], users["postgres"]}) == len(SIGNERS) + 2


def test_each_signer_has_a_network_that_the_worker_alone_shares(services: dict[str, dict[str, Any]]) -> None:
    for signer in SIGNERS:
        (network,) = services[signer]["networks"]
        assert {name for name, service in services.items() if network in service["networks"]} == {signer, "worker"}


def test_each_signer_has_journal_and_counter_on_two_volumes_that_nobody_else_sees(
    services: dict[str, dict[str, Any]],
) -> None:
    for signer in SIGNERS:
        own = sources_of(services[signer])
        assert own == {f"{signer}-journal", f"{signer}-counter"}
        assert sources_of(services[signer], "bind") == set()
        assert all(not own & sources_of(other) for name, other in services.items() if name != signer)


def test_each_secret_is_a_file_that_few_may_read(services: dict[str, dict[str, Any]]) -> None:
    composition = load_composition()
    assert all(set(each) <= {"name", "file", "external"} for each in composition["secrets"].values())
    readers = {
        secret: {name for name in services if secret in secrets_of(services[name])} for secret in composition["secrets"]
    }
    assert readers == {
        "database-password": {"postgres", "migrate", "api", "worker"},
        "master-key": {"api"},
        "executor": {"worker"},
        "executor-password": {"worker"},
        "webhook-secret": {"worker"},
        **{f"{signer}-password": {signer} for signer in SIGNERS},
    }


def test_no_password_and_no_secret_stands_in_the_file(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        for variable, value in (service.get("environment") or {}).items():
            if re.search("password|secret|key|token", variable, re.IGNORECASE):
                assert str(value).startswith("/run/secrets/"), (name, variable)
            assert not re.search(r"//[^/@]*:[^/@]*@", str(value)), (name, variable)
    assert not re.search(r"\$\{[A-Z_]*(PASSWORD|SECRET|KEY)[A-Z_]*\}", COMPOSE_FILE.read_text())


def test_the_api_is_published_on_loopback_alone_and_of_a_signer_only_the_stop_listener(
    services: dict[str, dict[str, Any]],
) -> None:
    published = {name: service["ports"] for name, service in services.items() if service.get("ports")}
    assert set(published) == {"api", *SIGNERS}
    assert {each.get("host_ip") for each in published["api"]} == {"127.0.0.1"}
    assert {each["target"] for signer in SIGNERS for each in published[signer]} == {7101}
    assert len({each["published"] for signer in SIGNERS for each in published[signer]}) == len(SIGNERS)


def test_nothing_reaches_the_database_from_outside(services: dict[str, dict[str, Any]]) -> None:
    assert load_composition()["networks"]["database"]["internal"] is True
    assert list(services["postgres"]["networks"]) == ["database"]
    assert all("database" not in services[signer]["networks"] for signer in SIGNERS)


def test_a_database_that_forgets_is_not_asked_for(services: dict[str, dict[str, Any]]) -> None:
    command = services["postgres"]["command"]
    assert {"fsync=on", "synchronous_commit=on", "full_page_writes=on"} <= set(command)


def test_every_part_that_stays_has_a_health_check_and_starts_after_what_it_needs(
    services: dict[str, dict[str, Any]],
) -> None:
    for name in ("postgres", "api", "worker", *SIGNERS):
        assert services[name]["healthcheck"]["test"][0] == "CMD", name
        assert services[name]["restart"] == "unless-stopped", name
    assert services["migrate"]["restart"] == "no"
    for name in ("api", "worker"):
        needed = {each: said["condition"] for each, said in services[name]["depends_on"].items()}
        assert needed == {"postgres": "service_healthy", "migrate": "service_completed_successfully"}
    # A signer that is down must keep neither the worker nor the other signers from starting.
    assert all("depends_on" not in services[signer] for signer in SIGNERS)


def test_every_image_is_pinned_and_named_without_a_registry(services: dict[str, dict[str, Any]]) -> None:
    bases = re.findall(r"^ARG PYTHON=(\S+)$", DOCKERFILE.read_text(), re.MULTILINE)
    for image in (services["postgres"]["image"], *bases):
        assert re.fullmatch(r"[a-z]+:[0-9]+\.[0-9]+-?[a-z-]*", image), image
    stages = re.findall(r"^FROM (\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    assert set(stages) == {"${PYTHON}", "build", "base"}
    assert all("/" not in stage for stage in stages)


def test_a_signers_image_has_the_short_lock_alone() -> None:
    text = DOCKERFILE.read_text()
    parts = dict(re.findall(r"^FROM \S+ AS (\S+)\n(.*?)(?=^FROM |\Z)", text, re.MULTILINE | re.DOTALL))
    assert "requirements/runtime.lock" in parts["build-signer"] and "server.lock" not in parts["build-signer"]
    assert "--require-hashes" in parts["build-signer"] and "--require-hashes" in parts["build-server"]
    assert parts["signer"].startswith("COPY --from=build-signer ")
    assert parts["server"].startswith("COPY --from=build-server ")
    assert all("HEALTHCHECK" in parts[target] for target in ("signer", "server"))
    assert re.search(r"^USER [1-9][0-9]+:[1-9][0-9]+$", parts["base"], re.MULTILINE)


def test_an_image_alone_does_what_its_service_does(services: dict[str, dict[str, Any]]) -> None:
    commands = [json.loads(each) for each in re.findall(r"^(?: +)?CMD (\[.*\])$", DOCKERFILE.read_text(), re.MULTILINE)]
    for name in ("signer-a", "api"):
        assert services[name]["command"] in commands
        assert services[name]["healthcheck"]["test"][1:] in commands


def test_hadolint_finds_nothing() -> None:
    told = subprocess.run([find_hadolint(), str(DOCKERFILE)], capture_output=True, text=True, check=False)
    assert (told.returncode, told.stdout) == (0, "")


def test_nothing_enters_an_image_but_what_it_is_made_of() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(), re.MULTILINE)
    wanted = {each for line in copied for each in line.split()}
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == wanted
