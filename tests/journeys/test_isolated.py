"""A handler in a child process under the whole installation: what is told of its death, and that nothing is left."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.journeys.installation import installation
from tests.journeys.moment import seconds
from tests.workers.isolated.worker import family_of

pytestmark = pytest.mark.journey


def test_the_death_of_a_child_is_told_over_http_and_ctrl_c_ends_a_busy_one(data_dir: Path, tmp_path: Path) -> None:
    with installation(data_dir, "--grace", "1", IRONFORGE_HANDLERS="tests.workers.isolated") as running:
        api = running.api
        first = api.submit("iso.kill", int(signal.SIGKILL), max_retries=0, delivery="at_most_once")
        dead = api.final(first, within_s=10)
        (attempt,) = dead["attempts"]
        assert (dead["status"], dead["reason"]) == ("dead_letter", "at_most_once")
        assert (attempt["outcome"], attempt["error"]["type"]) == ("crashed", "worker_crashed")
        assert attempt["error"]["message"].startswith("The process of the job ended: killed by SIGKILL; it used ")
        assert seconds(attempt["finished_at"]) - seconds(attempt["started_at"]) < 1.0
        assert api.completed(api.submit("iso.echo", {"is": "unharmed"}))["result"] == {"is": "unharmed"}
        api.submit("iso.deaf", str(tmp_path / "mark"))
        running.log.told("job.started", kind="iso.deaf")
        # As a terminal does: every process of the group gets it, and the supervisor once more at the end.
        for pid in family_of(running.pid_of("worker")):
            os.kill(pid, signal.SIGINT)
