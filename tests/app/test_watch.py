"""Several processes of one kind and the one that watches them, with work that costs nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.app.processes import END_WITHIN, children_of, is_running, wait_until

WATCHER = r"""
import os, signal, sys, time
from guard.app.ending import end_on_signals
from guard.app.processes import Watch
from guard.web.logs import configure_log

def work():
    over = end_on_signals()
    os.write(1, b"child\n")
    over.wait()
    return 0

def fail():
    raise RuntimeError("a bug")

def die():
    return 7

configure_log("json", sys.stderr)
works = {"work": work, "fail": fail, "die": die}
sys.exit(Watch(works[sys.argv[1]], 2, end_within=1.0).run(end_on_signals()))
"""


@contextmanager
def watching(work: str) -> Iterator[subprocess.Popen[str]]:
    """A watcher over two children."""
    command = [sys.executable, "-c", WATCHER, work]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def take_children(process: subprocess.Popen[str], count: int = 2) -> set[int]:
    """The children, once so many have begun to work."""
    assert process.stdout is not None
    for _ in range(count):
        assert process.stdout.readline() == "child\n"
    return children_of(process.pid)


def test_they_end_with_a_signal_to_the_one_that_watches() -> None:
    with watching("work") as process:
        children = take_children(process)
        assert len(children) == 2
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=END_WITHIN) == 0
        assert not any(is_running(pid) for pid in children)


def test_one_that_dies_is_replaced() -> None:
    with watching("work") as process:
        before = take_children(process)
        os.kill(min(before), signal.SIGKILL)
        after = take_children(process, 1)
        assert len(after & before) == 1 and len(after) == 2
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=END_WITHIN) == 0


def test_none_outlives_the_one_that_watches() -> None:
    with watching("work") as process:
        children = take_children(process)
        process.kill()
        process.wait(timeout=END_WITHIN)
        wait_until(lambda: not any(is_running(pid) for pid in children), "they end by themselves")


def test_one_that_hangs_at_the_end_is_killed_without_being_waited_for_for_ever() -> None:
    with watching("work") as process:
        children = take_children(process)
        hung = min(children)
        os.kill(hung, signal.SIGSTOP)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=END_WITHIN) == 0
        assert not any(is_running(pid) for pid in children)


def test_children_that_die_as_soon_as_they_are_born_end_it_all() -> None:
    for work, status in (("die", 7), ("fail", 1)):
        with watching(work) as process:
            assert process.wait(timeout=END_WITHIN) == status
