"""A handler in a child process under the whole installation: what is told of its death, and that nothing is left."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from tests.journeys.installation import installation
from tests.journeys.moment import seconds
from tests.waiting import until
from tests.workers.isolated.worker import family_of

pytestmark = pytest.mark.journey


def test_the_death_of_a_child_is_told_over_http_and_ctrl_c_ends_a_busy_one(data_dir: Path, tmp_path: Path) -> None:
    with installation(data_dir, "--grace", "1", IRONFORGE_HANDLERS="tests.workers.isolated") as running:
        api = running.api
        first = api.submit("iso.kill", int(signal.SIGKILL), max_retries=0, delivery="at_most_once")
        dead = api.final(first)
        (attempt,) = dead["attempts"]
        assert (dead["status"], dead["reason"]) == ("dead_letter", "at_most_once")
        assert (attempt["outcome"], attempt["error"]["type"]) == ("crashed", "worker_crashed")
        assert attempt["error"]["message"].startswith("The process of the job ended: killed by SIGKILL; it used ")
        # At once, which is long before its lease is over, on a machine that stands still for a while too.
        assert seconds(attempt["finished_at"]) - seconds(attempt["started_at"]) < 8.0
        assert api.completed(api.submit("iso.echo", {"is": "unharmed"}))["result"] == {"is": "unharmed"}
        mark = tmp_path / "mark"
        api.submit("iso.deaf", str(mark))
        until(mark.exists)
        # As a terminal does: every process of the group gets it, and the supervisor once more at the end.
        for pid in family_of(running.pid_of("worker")):
            with suppress(ProcessLookupError):  # one that serves nobody may end by itself
                os.kill(pid, signal.SIGINT)
