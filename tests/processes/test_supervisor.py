"""The supervisor with real processes: they come back when they die, and stop in order, leaving nothing behind."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from tests.processes.running import Running, is_alive, sample, wait_until_dead
from tests.waiting import WAIT_S


def pid_of(running: Running, name: str) -> int:
    pid = running.wait_for("child.ready", where=lambda entry: entry["target"] == f"ironforge.{name}")["pid"]
    assert isinstance(pid, int)
    return pid


def pids_when_ready(running: Running, *names: str) -> list[int]:
    """Wait until everything works, and return the process ids of `names`."""
    running.wait_for("all.ready")
    found = {entry["target"]: entry["pid"] for entry in running.entries if entry.get("event") == "child.ready"}
    pids = [found[f"ironforge.{name}"] for name in names]
    return [pid for pid in pids if isinstance(pid, int)]


def insist(running: Running) -> None:
    """Interrupt as an impatient person does, until one counts as a further request: one more would kill."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        running.send(signal.SIGINT)
        with suppress(AssertionError):  # it was one with the first
            running.told("supervisor.hurried", within_s=2.0)
            return
    raise AssertionError("\n".join(running.lines))


def diary(folder: Path) -> list[str]:
    path = folder / "diary"
    return [line for line in path.read_text().splitlines() if line != "store life 1"]


def test_a_killed_process_is_started_again_with_growing_delay(tmp_path: Path) -> None:
    with sample(tmp_path, "worker:polite") as running:
        delays = []
        [pid] = pids_when_ready(running, "worker")
        for _ in range(3):
            os.kill(pid, signal.SIGKILL)
            exited = running.wait_for("process.exited")
            assert (exited["pid"], exited["signal"]) == (pid, "SIGKILL")
            delays.append(running.wait_for("process.restarting")["in_ms"])
            before, pid = pid, pid_of(running, "worker")
            assert pid != before
        assert delays == [200, 400, 800]
        running.send(signal.SIGTERM)
        assert running.wait() == 0


def test_stopping_goes_stage_by_stage_and_the_store_is_last(tmp_path: Path) -> None:
    with sample(tmp_path, "worker:polite", "server:polite") as running:
        pids = pids_when_ready(running, "worker", "server")
        running.send(signal.SIGINT)
        assert running.wait() == 0
        assert diary(tmp_path) == ["worker stopped after 1", "server stopped after 1", "store stopped"]
        assert not any(is_alive(pid) for pid in pids)


def test_a_terminals_interrupt_reaches_the_supervisor_only(tmp_path: Path) -> None:
    with sample(tmp_path, "worker:polite") as running:
        [pid] = pids_when_ready(running, "worker")
        assert os.getpgid(pid) != os.getpgid(running.process.pid)
        os.killpg(running.process.pid, signal.SIGINT)
        assert running.wait() == 0
        assert diary(tmp_path) == ["worker stopped after 1", "store stopped"]


def test_a_second_interrupt_hurries(tmp_path: Path) -> None:
    with sample(tmp_path, "worker:draining") as running:
        running.wait_for("all.ready")
        running.send(signal.SIGINT)
        running.wait_for("child.asked")
        insist(running)
        assert running.wait() == 0
        assert diary(tmp_path) == ["worker stopped after 2", "store stopped"]


def test_a_request_that_hurries_every_stage_is_told_once(tmp_path: Path) -> None:
    with sample(tmp_path, "worker:draining", "server:draining") as running:
        running.wait_for("all.ready")
        running.send(signal.SIGINT)
        running.wait_for("child.asked")
        insist(running)
        assert running.wait() == 0
        assert diary(tmp_path) == ["worker stopped after 2", "server stopped after 2", "store stopped"]
        assert running.events().count("supervisor.hurried") == 1


def test_signals_that_come_together_are_one_request(tmp_path: Path) -> None:
    with sample(tmp_path, "worker:draining", grace_s=1.0) as running:
        running.wait_for("all.ready")
        running.send(signal.SIGSTOP)  # so that they do come together
        running.send(signal.SIGTERM)  # as `timeout` does: to the group, and `make` passes its own on
        running.send(signal.SIGINT)
        running.send(signal.SIGHUP)
        running.send(signal.SIGCONT)
        assert running.wait() == 0
        assert "supervisor.hurried" not in running.events()
        assert "process.killed" in running.events(), "it had the whole grace period"


def test_a_process_that_will_not_stop_is_killed_after_the_grace_period(tmp_path: Path) -> None:
    with sample(tmp_path, "worker:stubborn", grace_s=0.3) as running:
        [pid] = pids_when_ready(running, "worker")
        running.send(signal.SIGTERM)
        assert running.wait() == 0
        assert "process.killed" in running.events()
        assert not is_alive(pid)
        assert diary(tmp_path) == ["store stopped"]


def test_children_stop_by_themselves_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    with sample(tmp_path, "worker:polite", "server:polite") as running:
        pids = pids_when_ready(running, "worker", "server")
        running.send(signal.SIGKILL)
        for pid in pids:
            wait_until_dead(pid)
        assert sorted(diary(tmp_path)) == ["server stopped after 1", "worker stopped after 1"]


def test_a_process_that_never_works_ends_the_start_with_its_output_shown(tmp_path: Path) -> None:
    with sample(tmp_path, "worker:failing", "server:polite") as running:
        assert running.wait() == 1
        assert running.events().count("process.exited") == 4  # three lives of the worker, one of the server
        assert "The worker cannot start" in str(running.entries[-1]["message"])
        said = [entry for entry in running.entries if entry.get("event") == "output"]
        assert {entry["message"] for entry in said} == {"Traceback: no such thing \x1b[31m"}
        assert diary(tmp_path) == ["server stopped after 1", "store stopped"]


def test_a_process_that_says_it_never_will_ends_the_start_at_once_with_its_reason(tmp_path: Path) -> None:
    with sample(tmp_path, "worker:hopeless") as running:
        assert running.wait() == 1
        assert running.events().count("process.exited") == 1
        assert running.entries[-1]["message"] == "The worker cannot start: handlers.py:7: no such thing"
        assert [entry["level"] for entry in running.entries if entry.get("event") == "output"] == ["ERROR"]


def test_every_line_of_output_is_one_json_object_without_secrets(tmp_path: Path) -> None:
    with sample(tmp_path, "worker:chatty") as running:
        ready = running.wait_for("child.ready")
        assert ready["variable"] == "a b=c"
        running.wait_for("all.ready")
        running.send(signal.SIGTERM)
        assert running.wait() == 0
        assert not [entry for entry in running.entries if "text" in entry]
        plain, trace = (entry for entry in running.entries if entry.get("event") == "output")
        assert (plain["target"], plain["message"]) == ("ironforge.worker", "a plain line ifk_***")
        assert trace["level"] == "ERROR"
        assert str(trace["message"]).endswith("'a known fault'")
        assert str(trace["exception"]).startswith("Traceback (most recent call last):\n  File")
        assert all(line.isprintable() for line in running.lines)


def test_a_store_that_ends_is_started_again_until_it_runs(tmp_path: Path) -> None:
    with sample(tmp_path, "server:polite") as running:
        running.wait_for("all.ready")
        (tmp_path / "store-dies").touch()
        first = running.wait_for("store.exited")
        assert (first["level"], first["code"], first["restart_in_ms"]) == ("ERROR", "store_exited", 200)
        assert running.wait_for("store.restart_failed")["message"] == "not yet"
        assert running.wait_for("store.exited")["restart_in_ms"] == 400
        running.send(signal.SIGTERM)
        assert running.wait() == 0
        assert diary(tmp_path)[-1] == "store stopped"
