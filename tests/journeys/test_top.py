"""`manage.py ironforge_top` in a real terminal, on a real store."""

from __future__ import annotations

import os
import pty
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from jobs.backends.redis.embedded.address import locate
from jobs.domain.job import JobError
from jobs.domain.outcome import OutcomeKind
from jobs.domain.priority import Priority
from jobs.domain.queue import WorkerRecord
from jobs.domain.worker import WorkerOrder
from tests.backends.servers import Server
from tests.journeys.installation import MANAGE, Installation
from tests.processes.running import ROOT, free_port
from tests.stores import Bench
from tests.terminals import ALTERNATE_SCREEN, Terminal
from tests.waiting import WAIT_S, until

pytestmark = pytest.mark.journey
TOP = [*MANAGE, "ironforge_top"]
BEAT_S = 2.0
# What would clear the screen, rename the window and turn the line around.
EVIL = "\x1b[2J\x1b]0;owned\x07\u202ebad"


@pytest.fixture
def place(shared: Installation) -> Iterator[Bench]:
    """Return a namespace of the shared installation with jobs in three queues and a worker."""
    with Bench(url=locate(shared.data_dir).url) as bench:
        bench.submit("mail.send", queue="mail", max_retries=0)
        error = JobError("SMTPRefused", f"no such user {EVIL}")
        bench.settle(bench.lease(queues=("mail",)), OutcomeKind.FAILED, error=error)
        for level in (Priority.CRITICAL, Priority.LOW, Priority.LOW):
            bench.submit(queue="beta", priority=level)
        bench.submit(queue="alpha", scheduled_for=bench.now() + 3_600_000)
        with _beating(bench):
            yield bench


@contextmanager
def _beating(bench: Bench) -> Iterator[None]:
    """Have the worker seen as long as it takes: one that is silent for half a minute is shown no more."""
    over, seen = threading.Event(), threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_S if seen.is_set() else 0):
            bench.run(bench.consumer.heartbeat(_worker(bench)))
            seen.set()

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        assert seen.wait(WAIT_S)
        yield
    finally:
        over.set()
        thread.join()


def _worker(bench: Bench) -> WorkerRecord:
    return WorkerRecord(
        id=f"host-7-{bench.namespace}", host="host", pid=7, version="1", queues=("mail", "beta"), kinds=("mail.send",),
        concurrency=50, busy=12, started_at=bench.now(), memory_bytes=50 * 1_048_576,
    )  # fmt: skip


def _variables(shared: Installation) -> dict[str, str]:
    return {"IRONFORGE_DATA_DIR": str(shared.data_dir), "DATABASE_URL": ""}


def _piped(shared: Installation, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | _variables(shared) | more
    return subprocess.run([*TOP, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_snapshot_is_plain_text_and_lets_nothing_from_outside_through(shared: Installation, place: Bench) -> None:
    told = _piped(shared, "--once", "--namespace", place.namespace, FORCE_COLOR="1")
    assert told.returncode == 0, told.stderr
    lines = told.stdout.splitlines()
    assert lines[0].startswith(f"IronForge · {place.namespace} · ")
    assert _cells(lines, "submitted")[1] == "5"
    assert _cells(lines, "dead letters")[2] == "1"
    assert _cells(lines, "beta")[:5] == ["beta", "3", "1/0/0/2", "0", "0"]
    assert _cells(lines, "alpha")[:5] == ["alpha", "0", "0/0/0/0", "0", "1"]
    assert {"running", "12/50", "mail,beta"} <= set(_cells(lines, "host-7-"))
    assert _cells(lines, "SMTPRefused")[1:3] == ["mail.send", "1"]
    assert "no such user \\x1b[2J" in told.stdout
    assert not any(character in told.stdout for character in "\x1b\x07\u202e")
    assert all(line == line.rstrip() for line in lines)


def test_without_a_terminal_or_with_nonsense_one_line_says_what_to_do(shared: Installation) -> None:
    for arguments, hint in (
        ((), "--once"),
        (("--interval", "0"), "--interval"),
        (("--namespace", "No!"), "--namespace"),
    ):
        told = _piped(shared, *arguments)
        assert (told.returncode, told.stdout) == (1, "")
        (line,) = told.stderr.splitlines()
        assert hint in line


def test_an_operator_looks_selects_and_pauses(shared: Installation, place: Bench) -> None:
    with Terminal([*TOP, "--namespace", place.namespace, "--interval", "0.2"], _variables(shared)) as terminal:
        terminal.shows("beta", "SMTPRefused", "12/50", "q quit", "dead letters")
        # The longest queue comes first.
        terminal.selects("beta")
        until(lambda: bool(terminal.colours()))
        place.submit(queue="beta")
        terminal.shows("1/0/1/2")

        terminal.press(b"\x1b[B")
        terminal.selects("alpha")
        terminal.press(b"\x1b[A")
        terminal.selects("beta")
        terminal.press(b"p")
        terminal.shows("Pause queue beta? y/n")
        terminal.press(b"n")
        terminal.shows("Nothing was done.")
        terminal.press(b"py")
        terminal.shows("beta is paused.")
        until(lambda: "system:ironforge" in terminal.row("beta"))
        terminal.press(b"p")
        terminal.shows("Resume queue beta? y/n")
        terminal.press(b"y")
        terminal.shows("beta is resumed.")

        terminal.press(b"\tt")
        terminal.shows(f"Quiet worker host-7-{place.namespace}? y/n")
        terminal.press(b"y")
        terminal.shows("is told")
        assert place.run(place.consumer.heartbeat(_worker(place))) is WorkerOrder.QUIET
        terminal.selects("host-7")

        terminal.press(b"?")
        terminal.shows("Any key goes back.")
        terminal.press(b" ")
        terminal.hides("Any key goes back.")
        terminal.press(b"q")
        assert terminal.ended() == 0
    assert _audited(shared.data_dir, place.namespace) == ["queue.pause", "queue.resume", "worker.quiet"]


def test_it_follows_the_size_of_the_window_and_ctrl_z_and_ctrl_c(shared: Installation, place: Bench) -> None:
    variables = _variables(shared) | {"NO_COLOR": "1"}
    with Terminal([*TOP, "--namespace", place.namespace, "--interval", "0.2"], variables) as terminal:
        terminal.shows("SMTPRefused")
        assert terminal.colours() == set()
        terminal.resize(150, 40)
        terminal.shows("LANGUAGE", "SMTPRefused", "q quit")
        terminal.resize(60, 10)
        terminal.shows("QUEUES 3", "WORKERS 1", "DEAD LETTERS 1")
        assert len(terminal.rows()[-1]) <= 60
        terminal.resize(30, 5)
        terminal.shows("Too small")
        terminal.resize(80, 24)
        terminal.shows("SMTPRefused", "q quit")

        # Without a shell above it nobody could go on with it, so the stop is asked for by its number.
        terminal.process.send_signal(signal.SIGTSTP)
        until(terminal.is_stopped)
        assert terminal.modes() == terminal.modes_before
        terminal.process.send_signal(signal.SIGCONT)
        until(lambda: terminal.raw.count(ALTERNATE_SCREEN) == 2)
        terminal.shows("SMTPRefused")
        terminal.press(b"\x03")
        assert terminal.ended() == 0
    assert b"Traceback" not in terminal.raw


def test_a_store_that_is_away_is_told_and_tried_again(shared: Installation, tmp_path: Path) -> None:
    server = Server(tmp_path / "first")
    variables = _variables(shared) | {"IRONFORGE_REDIS_URL": server.url}
    try:
        with Terminal([*TOP, "--interval", "0.2"], variables) as terminal:
            terminal.shows("QUEUES 0")
            server.process.send_signal(signal.SIGSTOP)
            terminal.shows("The store is away", "QUEUES 0", "q quit")
            server.process.send_signal(signal.SIGCONT)
            terminal.hides("The store is away")
            server.stop()
            terminal.shows("The store is away")
            terminal.process.send_signal(signal.SIGTERM)
            assert terminal.ended() == 1
            until(lambda: "CommandError: The store was away at the end. It is looked for at " in terminal.told_behind())
    finally:
        server.stop()
    told = _piped(shared, "--once", IRONFORGE_REDIS_URL=f"redis://127.0.0.1:{free_port()}")
    assert told.returncode == 1
    assert "store" in told.stderr


def test_it_ends_with_the_terminal(shared: Installation) -> None:
    ours, theirs = pty.openpty()
    variables = os.environ | _variables(shared) | {"TERM": "xterm"}
    streams = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    process = subprocess.Popen(["setsid", "-c", *TOP, "--interval", "60"], cwd=ROOT, env=variables, **streams)
    try:
        os.close(theirs)
        told = b""
        while b"QUEUES" not in told:
            told += os.read(ours, 65_536)
        os.close(ours)
        process.wait(WAIT_S)
    finally:
        process.kill()
        process.wait(WAIT_S)


def _cells(lines: list[str], start: str) -> list[str]:
    return next(line for line in lines if line.startswith(start)).split()


def _audited(data_dir: Path, namespace: str) -> list[str]:
    with closing(sqlite3.connect(data_dir / "ironforge.sqlite3")) as database:
        found = database.execute(
            "SELECT action FROM ironforge_access_auditentry WHERE namespace = ? AND actor = ? ORDER BY id",
            (namespace, "system:ironforge_top"),
        )
        return [action for (action,) in found]
