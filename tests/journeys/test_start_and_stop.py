"""Processes in any order: early workers, late stores, Ctrl-C in the middle of work."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.journeys.installation import START_S, Installation, installation, worker_of

pytestmark = pytest.mark.journey


def test_a_worker_that_starts_before_the_store_waits_for_it_and_works(data_dir: Path) -> None:
    with worker_of(data_dir) as early:
        early.told("store.away", within_s=START_S)
        assert "worker.started" not in early.events()
        with installation(data_dir, "--no-worker") as running:
            job = running.api.submit("demo.echo", "early")
            early.told("worker.started")
            assert running.api.completed(job)["result"] == "early"
            early.send(signal.SIGTERM)
            assert early.wait() == 0


def test_ctrl_c_in_the_middle_of_work_loses_no_job_and_the_next_start_runs_it(data_dir: Path) -> None:
    with installation(data_dir, "--grace", "1") as running:
        short = running.api.submit("demo.sleep", {"ms": 500})
        long = running.api.submit("demo.sleep", {"ms": 4_000})
        delayed = running.api.submit("demo.fail", {"times": 1}, backoff={"base_ms": 1_000, "max_ms": 1_500})
        running.log.told("job.started", job_id=long)
        running.log.told("job.failed", job_id=delayed)
    with installation(data_dir) as running:
        assert len(running.api.completed(short)["attempts"]) == 1
        assert [attempt["outcome"] for attempt in running.api.completed(long)["attempts"]] == ["completed"]
        assert len(running.api.completed(delayed)["attempts"]) == 2


def test_a_killed_worker_and_a_killed_server_are_replaced(data_dir: Path) -> None:
    with installation(data_dir, IRONFORGE_LEASE_MS="2000", IRONFORGE_HANDLERS="tests.journeys.oddities") as running:
        job_id = running.api.submit("odd.stay")
        running.log.told("job.started", job_id=job_id)
        _replace(running, "worker", "worker.started")
        _replace(running, "server", "server.started")
        job = running.api.completed(job_id)
        assert [attempt["outcome"] for attempt in job["attempts"]] == ["lost_lease", "completed"]


def _replace(running: Installation, name: str, started: str) -> None:
    killed = running.kill(name)
    assert running.log.wait_for("process.exited")["pid"] == killed
    running.log.wait_for(started)
