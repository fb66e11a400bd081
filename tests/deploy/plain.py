"""Services of docker-compose.yml as plain processes: their own commands, variables and health checks, with the paths of the containers
laid into folders of this machine and the names of hosts replaced by loopback. Nothing is copied from the file: it is read."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.deploy.composition import ROOT

READY_WITHIN = 90
END_WITHIN = 40


@dataclass(slots=True)
class Place:
    """Where the containers' world lies on this machine. `texts` are further replacements, such as addresses."""

    path: Path
    configuration: Path
    secrets: Path
    texts: Mapping[str, str] = field(default_factory=dict)

    def find_folder(self, source: str) -> Path:
        """The folder of a volume."""
        folder = self.path / "volumes" / source
        folder.mkdir(parents=True, exist_ok=True)
        return folder


@dataclass(slots=True)
class PlainService:
    """One service."""

    name: str
    said: Mapping[str, Any]
    place: Place
    process: subprocess.Popen[bytes] | None = None

    @property
    def desk(self) -> Path:
        """Its working directory, which must stay empty: in its container it could not be written."""
        folder = self.place.path / "desks" / self.name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def log(self) -> Path:
        """What it wrote to both outputs."""
        return self.place.path / f"{self.name}.log"

    def translate(self, text: str) -> str:
        """The text with every path of the container where it lies here. In one pass: what was put in is not looked at again."""
        known = {**self._list_paths(), **self.place.texts}
        longest_first = sorted(known, key=len, reverse=True)
        return re.sub("|".join(re.escape(each) for each in longest_first), lambda found: known[found[0]], text)

    def _list_paths(self) -> dict[str, str]:
        known = {}
        for volume in self.said.get("volumes", []):
            folder = self.place.configuration if volume["type"] == "bind" else self.place.find_folder(volume["source"])
            known[volume["target"]] = str(folder)
        for secret in self.said.get("secrets", []):
            target = secret.get("target", secret["source"])
            known[f"/run/secrets/{target}"] = str(self.place.secrets / secret["source"])
        for mount in self.said.get("tmpfs", []):
            known[mount.partition(":")[0]] = str(self.place.find_folder(f"{self.name}-temporary"))
        return known

    @property
    def environment(self) -> dict[str, str]:
        """Its variables, and nothing of this process but what the image would have."""
        own = {name: self.translate(str(value)) for name, value in (self.said.get("environment") or {}).items()}
        image = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": self.translate("/tmp")}
        return {**image, **own}

    def to_command(self, words: Sequence[str]) -> list[str]:
        """A command of the container as one of this machine."""
        assert words[0] == "guard"
        return [sys.executable, "-m", "guard", *(self.translate(word) for word in words[1:])]

    def begin(self) -> None:
        """Start it without waiting."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.to_command(self.said["command"]), stdout=log, stderr=log, env=self.environment, cwd=self.desk
            )

    def run(self) -> int:
        """Run it to its end; its exit status."""
        self.begin()
        return self.wait()

    def is_healthy(self) -> bool:
        """Ask its own health check."""
        kind, *words = self.said["healthcheck"]["test"]
        assert kind == "CMD"
        asked = subprocess.run(
            self.to_command(words), env=self.environment, cwd=self.desk, capture_output=True, check=False, timeout=60
        )
        return asked.returncode == 0

    def wait_healthy(self) -> None:
        """Wait until its own health check is content."""
        ends_at = time.monotonic() + READY_WITHIN
        while not self.is_healthy():
            assert self.process is not None and self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < ends_at, f"{self.name} does not get well: {self.log.read_text()}"

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        assert self.process is not None
        return self.process.wait(timeout=END_WITHIN)

    def end(self) -> int:
        """Tell it to end, as the engine would."""
        assert self.process is not None
        self.process.terminate()
        return self.wait()

    def kill(self) -> None:
        """End it in any case, by its own id."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=END_WITHIN)
