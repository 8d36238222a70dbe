"""A job that kills whoever runs it is put aside after the third time, and harms no other."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from jobs.backends.redis.backend import RedisBackend
from jobs.backends.redis.connection import connect
from jobs.backends.redis.embedded.address import locate
from jobs.backends.redis.runner import SyncRunner
from tests.journeys.installation import Installation, entries_of, installation
from tests.journeys.moment import seconds
from tests.stores import PATIENCE_S
from tests.waiting import until

pytestmark = pytest.mark.journey

# What the parent of a dead worker process may take to see it and to free its jobs. A machine may stand still once.
SEEN_WITHIN_S, STILL_S = 1.0, 9.0
LEASE = {"IRONFORGE_LEASE_MS": "1000"}


def test_a_job_that_crashes_its_worker_is_a_dead_letter_after_three_crashes(data_dir: Path) -> None:
    with installation(data_dir, **LEASE) as running:
        job_id = running.api.submit("demo.crash", {})
        _wait_for_crashes(running, 2)
        _wait_until_delayed(running, job_id)
        _run_now(data_dir, job_id)
        _judge_crashed(running, job_id)


@pytest.mark.long
def test_the_second_crash_costs_ten_seconds_of_waiting(data_dir: Path) -> None:
    with installation(data_dir, **LEASE) as running:
        _judge_crashed(running, running.api.submit("demo.crash", {}))


def _judge_crashed(running: Installation, job_id: str) -> None:
    other = running.api.submit("demo.echo", {"is": "unharmed"})
    dead = running.api.final(job_id)
    assert (dead["status"], dead["reason"]) == ("dead_letter", "crashed")
    assert [attempt["outcome"] for attempt in dead["attempts"]] == ["lost_lease"] * 3
    assert running.api.completed(other)["result"] == {"is": "unharmed"}
    until(lambda: len(_crashes(running)) >= 3)  # the log may come after the store
    assert len(_crashes(running)) == 3


def _crashes(running: Installation) -> list[object]:
    return [entry for entry in entries_of(running.log, "process.exited") if entry.get("signal") == "SIGKILL"]


def _wait_for_crashes(running: Installation, number: int) -> None:
    while len(_crashes(running)) < number:
        running.log.wait_for("process.exited", where=lambda entry: entry.get("signal") == "SIGKILL")


def _wait_until_delayed(running: Installation, job_id: str) -> None:
    """Wait for the second lost lease, after which the job waits for ten seconds."""
    while (status := running.api.job(job_id, wait_s=1)["status"]) != "failed":
        assert status in ("queued", "running")


def _run_now(data_dir: Path, job_id: str) -> None:
    """Do what the console's button does: end the wait."""
    client = connect(locate(data_dir).url, "journey", PATIENCE_S)
    try:
        operator = RedisBackend(priority_mode="offset", grace_ms=1_000).operator("default")
        SyncRunner(client).run(operator.promote([job_id], "journey", by="journey"))
    finally:
        client.close()


def test_the_parent_of_worker_processes_sees_a_death_and_frees_its_jobs_within_a_second(data_dir: Path) -> None:
    with (
        installation(data_dir, "--no-worker") as running,
        running.worker("--processes", "2", "--concurrency", "4", IRONFORGE_LEASE_MS="60000") as workers,
    ):
        # Nobody waits for leases to run out, nor for the third of one that lies between two heartbeats.
        job_id = running.api.submit("demo.crash", {})
        _wait_until_delayed(running, job_id)
        first, second = running.api.job(job_id)["attempts"]
        moments = [seconds(text) for each in (first, second) for text in (each["started_at"], each["finished_at"])]
        died, began_again, died_again = (later - sooner for sooner, later in pairwise(moments))
        assert min(died, died_again) < SEEN_WITHIN_S
        assert max(died, began_again, died_again) < SEEN_WITHIN_S + STILL_S
        for attempt in (first, second):
            assert attempt["outcome"] == "lost_lease"
            assert attempt["error"]["type"] == "worker_crashed"
            assert attempt["error"]["message"].startswith("The worker process ended: killed by SIGKILL; it used ")
        _run_now(data_dir, job_id)
        dead = running.api.final(job_id)
        assert (dead["status"], dead["reason"], dead["error"]["type"]) == ("dead_letter", "crashed", "worker_crashed")
        buried = [entry["leases"] for entry in entries_of(workers, "worker.buried")]
        assert buried[:2] == [1, 1]
        assert running.api.completed(running.api.submit("demo.echo", 1))["result"] == 1
