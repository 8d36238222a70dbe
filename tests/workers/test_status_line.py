"""The line at the foot of a worker's terminal, in a real terminal, and its absence elsewhere."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

from jobs.domain.status import Status
from tests.stores import Bench
from tests.terminals import Terminal
from tests.waiting import until
from tests.workers.test_command import package, run, started, told
from tests.workers.test_worker import ended

WORKER = [sys.executable, "manage.py", "runworker_ironforge"]
DEMO = {"IRONFORGE_DEMO": "1"}
# A handler that writes itself: half a line first, then its end, which must not be torn apart.
PRINTING = """
import sys
from workers import handler

@handler("print")
async def speak(context, payload):
    for number in range(40):
        sys.stdout.write(f"begin {number}")
        sys.stdout.write(f" end {number}\\n")
"""


def test_a_worker_in_a_terminal_says_below_its_log_how_it_is_doing(bench: Bench, tmp_path: Path) -> None:
    path = package(tmp_path, "printing", PRINTING)
    variables = DEMO | {"IRONFORGE_HANDLERS": "printing", "PYTHONPATH": path, "IRONFORGE_LOG_FORMAT": "console"}
    argv = [*WORKER, "--namespace", bench.namespace, "--concurrency", "7"]
    with Terminal(argv, variables, columns=120, lines=200) as terminal:
        terminal.shows("● running 0/7 · 0 done · 0 failed · 0/s · queues main · up ")
        done = [bench.submit("print") for _ in range(3)]
        dead = bench.submit("demo.fail", max_retries=0)
        terminal.shows("· 3 done · 1 failed ·")
        for job_id in done:
            ended(bench, job_id, Status.COMPLETED)
        ended(bench, dead, Status.DEAD_LETTER)
        until(lambda: _last(terminal).startswith("● running") and _told_completed(terminal) == 3)
        rows = [row for row in terminal.rows() if row]
        assert not [row for row in rows[:-1] if "●" in row]
        assert len([row for row in rows if re.fullmatch(r"begin (\d+) end \1", row)]) == 3 * 40

        terminal.resize(40, 24)
        # One that was drawn for the old width just now may stand broken above it.
        until(lambda: re.fullmatch("● running.{,30}", _last(terminal)) is not None)
        terminal.press(b"\x03")
        assert terminal.ended() == 0
        # Log lines are longer than this terminal is wide.
        until(lambda: "worker.stopped" in "".join(terminal.rows()))
        assert "●" not in _last(terminal)


def test_a_worker_that_has_its_log_elsewhere_or_wants_no_line_writes_none(bench: Bench, tmp_path: Path) -> None:
    with started(bench, tmp_path / "log") as process:
        until(lambda: told(tmp_path / "log", "worker.started") == 1)
        ended(bench, bench.submit("demo.echo"), Status.COMPLETED)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    text = (tmp_path / "log").read_text()
    assert "\x1b" not in text
    assert all(json.loads(line) for line in text.splitlines())
    with Terminal([*WORKER, "--namespace", bench.namespace, "--burst", "--no-status"], DEMO) as terminal:
        assert terminal.ended() == 0
    assert b"\x1b" not in terminal.raw
    assert b"worker.stopped" in terminal.raw


def test_a_worker_whose_children_write_to_the_terminal_too_has_no_line(bench: Bench, tmp_path: Path) -> None:
    path = package(tmp_path, "apart", PRINTING.replace('"print"', '"print", isolation="process"').replace("async ", ""))
    variables = {"IRONFORGE_HANDLERS": "apart", "PYTHONPATH": path}
    bench.submit("print")
    with Terminal([*WORKER, "--namespace", bench.namespace, "--burst"], variables) as terminal:
        assert terminal.ended() == 0
    assert b"end 39" in terminal.raw
    assert b"\x1b" not in terminal.raw


def test_a_worker_without_a_terminal_does_not_load_the_line(bench: Bench, tmp_path: Path) -> None:
    looking = 'import sys\nfrom workers import handler\n\n@handler("look")\nasync def look(c, p):\n'
    looking += '    return "workers.status_line" in sys.modules or "rich" in sys.modules\n'
    path = package(tmp_path, "looking", looking)
    with started(bench, tmp_path / "log", IRONFORGE_HANDLERS="looking", PYTHONPATH=path):
        assert ended(bench, bench.submit("look"), Status.COMPLETED).result == b"false"


def test_the_option_is_in_the_help() -> None:
    told_by_help: subprocess.CompletedProcess[str] = run("--help")
    assert "--no-status" in told_by_help.stdout


def _told_completed(terminal: Terminal) -> int:
    """Return how many jobs completed, by the log."""
    return sum("job.completed" in row for row in terminal.rows())


def _last(terminal: Terminal) -> str:
    """Return the lowest line that has anything in it."""
    return next((row for row in reversed(terminal.rows()) if row), "")
