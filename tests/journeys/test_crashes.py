"""A job that kills whoever runs it is put aside after the third time, and harms no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.backends.redis.backend import RedisBackend
from jobs.backends.redis.connection import connect
from jobs.backends.redis.embedded import locate
from jobs.backends.redis.runner import SyncRunner
from tests.journeys.installation import Installation, entries_of, installation

pytestmark = pytest.mark.journey

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
    dead = running.api.final(job_id, within_s=30)
    assert (dead["status"], dead["reason"]) == ("dead_letter", "crashed")
    assert [attempt["outcome"] for attempt in dead["attempts"]] == ["lost_lease"] * 3
    assert running.api.completed(other)["result"] == {"is": "unharmed"}
    assert len(_crashes(running)) == 3


def _crashes(running: Installation) -> list[object]:
    return [entry for entry in entries_of(running.log, "process.exited") if entry.get("signal") == "SIGKILL"]


def _wait_for_crashes(running: Installation, number: int) -> None:
    while len(_crashes(running)) < number:
        running.log.wait_for("process.exited", where=lambda entry: entry.get("signal") == "SIGKILL")


def _wait_until_delayed(running: Installation, job_id: str) -> None:
    """Wait for the second lost lease, after which the job waits for ten seconds."""
    while running.api.job(job_id, wait_s=1)["status"] != "failed":
        assert running.api.job(job_id)["status"] in ("queued", "running")


def _run_now(data_dir: Path, job_id: str) -> None:
    """Do what the console's button does: end the wait."""
    client = connect(locate(data_dir).url, "journey", 5.0)
    try:
        operator = RedisBackend(priority_mode="offset", grace_ms=1_000).operator("default")
        SyncRunner(client).run(operator.promote([job_id], "journey", by="journey"))
    finally:
        client.close()
