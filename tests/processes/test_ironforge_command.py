"""`manage.py ironforge` with the real store and server: starts, survives, refuses, and leaves nothing behind."""

from __future__ import annotations

import http.client
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.processes.running import ROOT, Running, free_port, is_alive, is_store, wait_until_dead
from tests.waiting import WAIT_S

pytestmark = pytest.mark.journey

# Makes the terminal the controlling one, so that its interrupt key sends a signal, and becomes the command.
IN_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
MANAGE = [sys.executable, str(ROOT / "manage.py"), "ironforge"]


@contextmanager
def ironforge(data_dir: Path, port: int, *options: str, **variables: str) -> Iterator[Running]:
    """Start the command on a data directory; a store that a killed supervisor left behind ends with it."""
    environment = {"IRONFORGE_DATA_DIR": str(data_dir), "DATABASE_URL": "", **variables}
    with Running([*MANAGE, "--port", str(port), "--no-worker", *options], environment) as running:
        try:
            yield running
        finally:
            for entry in running.everything():
                pid = entry.get("pid")
                if entry.get("event") in ("store.started", "store.adopted") and isinstance(pid, int) and is_store(pid):
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)


def pid_of(running: Running, event: str, within_s: float = WAIT_S) -> int:
    pid = running.wait_for(event, within_s=within_s)["pid"]
    assert isinstance(pid, int)
    return pid


def answers(port: int) -> bool:
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
    try:
        asked.request("GET", "/health/live")
        return asked.getresponse().status < 500
    finally:
        asked.close()


def test_it_tells_how_to_get_in_survives_deaths_and_stops_without_orphans(tmp_path: Path) -> None:
    port = free_port()
    with ironforge(tmp_path / "data", port) as running:
        store = pid_of(running, "store.started")
        server = pid_of(running, "server.started")
        running.wait_for_text(f"http://localhost:{port}/console/")
        running.wait_for_text("admin / ")
        running.wait_for_text("curl -X POST")
        running.wait_for_text('"kind":"email.send"')
        assert answers(port)
        assert b"manage.py\0runserver_ironforge" in Path(f"/proc/{server}/cmdline").read_bytes()

        os.kill(server, signal.SIGKILL)
        again = pid_of(running, "server.started")
        assert again != server
        assert answers(port)

        os.kill(store, signal.SIGKILL)
        assert running.wait_for("store.exited")["code"] == "store_killed"
        store_again = pid_of(running, "store.started")

        os.killpg(running.process.pid, signal.SIGINT)
        assert running.wait() == 0
        assert running.events()[-1] == "supervisor.stopped"
        assert not any(is_alive(pid) for pid in (server, again, store, store_again))
    with ironforge(tmp_path / "data", port) as running:
        running.wait_for_text("curl -X POST")
        assert not [line for line in running.lines if "admin / " in line], "the password is told once"
        running.send(signal.SIGTERM)
        assert running.wait() == 0


def test_a_killed_supervisor_leaves_only_the_store_and_the_next_start_takes_it_over(tmp_path: Path) -> None:
    port = free_port()
    with ironforge(tmp_path, port) as first:
        store = pid_of(first, "store.started")
        server = pid_of(first, "server.started")
        first.send(signal.SIGKILL)
        wait_until_dead(server)
        assert is_alive(store)
        with ironforge(tmp_path, port) as second:
            assert pid_of(second, "store.adopted") == store
            second.wait_for_text("curl -X POST")
            second.send(signal.SIGTERM)
            assert second.wait() == 0
        wait_until_dead(store)


@pytest.mark.long
def test_a_second_supervisor_of_the_same_directory_is_refused_by_name(tmp_path: Path) -> None:
    port = free_port()
    with ironforge(tmp_path, port) as first:
        first.wait_for_text("curl -X POST")
        with ironforge(tmp_path, free_port()) as second:
            assert second.wait() == 1
            text = "\n".join(second.lines)
            assert f"process {first.process.pid} " in text
            assert f"answers at http://localhost:{port}" in text
            assert "IRONFORGE_DATA_DIR=" in text
            assert "Traceback" not in text
        first.send(signal.SIGTERM)
        assert first.wait() == 0
        assert not (tmp_path / "address").exists()


@pytest.mark.long
def test_where_no_demo_handler_is_loaded_no_job_for_one_is_shown(tmp_path: Path) -> None:
    with ironforge(tmp_path, free_port(), IRONFORGE_HOST="0.0.0.0") as running:  # noqa: S104
        running.wait_for_text("--demo loads some")
        running.wait_for_text(".venv/bin/python manage.py ironforge_key mint")
        running.send(signal.SIGTERM)
        assert running.wait() == 0
        assert "email.send" not in "\n".join(running.lines)


def test_a_busy_port_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = int(other.getsockname()[1])
        with ironforge(tmp_path, port) as running:
            assert running.wait() == 1
            assert any(f"Port {port} is in use" in line and "make run PORT=" in line for line in running.lines)
            assert running.events().count("store.started") == 0
            assert not (tmp_path / "ironforge.sqlite3").exists()


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"IRONFORGE_STORE_BINARY": "/bin/false"}, "The store cannot start"),
        ({"IRONFORGE_REDIS_URL": "redis://:hunter2@127.0.0.1:1/0"}, "does not answer at 127.0.0.1:1: Error 111"),
        ({"DATABASE_URL": "postgres://u:hunter2@127.0.0.1:1/x"}, "the database cannot be used: connection failed"),
        ({"IRONFORGE_HOST": "0.0.0.0", "IRONFORGE_OPEN": "on"}, "IRONFORGE_OPEN is on"),  # noqa: S104
    ],
    ids=["binary", "external store", "database", "open to others"],
)
def test_what_cannot_work_is_refused_with_the_reason(tmp_path: Path, variables: dict[str, str], told: str) -> None:
    with ironforge(tmp_path, free_port(), **variables) as running:
        assert running.wait() == 1
        text = "\n".join(running.lines)
        assert told in text
        assert "Traceback" not in text
        assert "hunter2" not in text


def test_a_broken_handler_ends_the_start_at_the_first_try(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "__init__.py").touch()
    (tmp_path / "broken" / "handlers.py").write_text("def broken(:\n")
    variables = {"IRONFORGE_HANDLERS": "broken", "PYTHONPATH": str(tmp_path)}
    with ironforge(tmp_path / "data", free_port(), "--workers", "1", **variables) as running:
        assert running.wait() == 1
        ended = [entry for entry in running.entries if entry.get("event") == "process.exited"]
        assert [entry["process"] for entry in ended].count("worker") == 1
        assert "broken/handlers.py:1: SyntaxError" in running.lines[-1]
        assert not [line for line in running.lines if "Traceback" in line]


@pytest.mark.long
def test_a_doubt_of_the_system_checks_is_told_once_as_a_warning(tmp_path: Path) -> None:
    with ironforge(tmp_path, free_port(), IRONFORGE_HANDLER="misspelt") as running:
        running.wait_for("supervisor.ready")
        running.send(signal.SIGTERM)
        assert running.wait() == 0
    told = [entry for entry in running.entries if "IRONFORGE_HANDLER " in json.dumps(entry)]
    assert [(entry["level"], entry["event"], entry["check"]) for entry in told] == [
        ("WARNING", "settings.check", "ironforge.W001")
    ]
    assert "output" not in running.events()


@contextmanager
def reading(terminal: int, wanted: bytes) -> Iterator[tuple[bytearray, threading.Event]]:
    """Read a terminal until its last process ends; the event is set when `wanted` was seen, or nothing more comes."""
    seen = bytearray()
    is_there = threading.Event()

    def read() -> None:
        try:
            while chunk := os.read(terminal, 65536):
                seen.extend(chunk)
                if wanted in seen:
                    is_there.set()
        except OSError:  # the terminal closes with its last process
            is_there.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield seen, is_there
    finally:
        reader.join(10)
        os.close(terminal)


def test_a_terminal_gets_coloured_lines_and_its_interrupt_key_stops_all(tmp_path: Path) -> None:
    terminal, inner = pty.openpty()
    variables = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    process = subprocess.Popen(
        [sys.executable, "-c", IN_TERMINAL, *MANAGE, "--port", str(free_port()), "--no-worker"],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        start_new_session=True,
        env={**variables, "IRONFORGE_DATA_DIR": str(tmp_path)},
    )
    os.close(inner)
    with reading(terminal, b"curl -X POST") as (seen, is_up):
        try:
            assert is_up.wait(WAIT_S)
            os.write(terminal, b"\x03")
            code = process.wait(WAIT_S)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait(WAIT_S)
    text = seen.decode()
    assert code == 0, text
    assert "\x1b[1m\x1b[32mIronForge is running\x1b[0m" in text
    assert "store.started" in text
    assert "{" not in text.partition("IronForge is running")[0], "log lines are for people here"
