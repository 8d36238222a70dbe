"""The disk is full: new jobs are refused in time with 503, nothing accepted is lost, and space alone heals it."""

from __future__ import annotations

import resource
from contextlib import suppress
from pathlib import Path

import pytest

from tests.journeys.api import Answer
from tests.journeys.installation import Installation, entries_of, installation
from tests.waiting import until

pytestmark = pytest.mark.journey

UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
# Enough for the store's small files and some jobs, not for many.
ROOM_BYTES = 256 * 1024
PAYLOAD = "x" * 20_000


def fill(running: Installation) -> tuple[list[str], Answer]:
    """Submit until a job is refused; return those that were accepted, and the refusal."""
    accepted = []
    for _ in range(200):
        answer = running.api.ask("POST", "/jobs", {"kind": "demo.echo", "payload": PAYLOAD})
        if answer.status != 202:
            return accepted, answer
        accepted.append(str(answer.body["id"]))
    raise AssertionError("the disk was never full")


def limit_files(running: Installation, limits: tuple[int, int]) -> None:
    """Let no file of the store, nor of one that the supervisor starts later, become larger."""
    resource.prlimit(running.log.process.pid, resource.RLIMIT_FSIZE, limits)
    with suppress(ProcessLookupError):  # between two starts
        resource.prlimit(running.pid_of("store"), resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("refusals", [2, pytest.param(20, marks=pytest.mark.long)])
def test_a_full_disk_refuses_new_jobs_in_time_loses_none_and_heals_with_space(data_dir: Path, refusals: int) -> None:
    with installation(data_dir, "--no-worker") as running:
        limit_files(running, (ROOM_BYTES, resource.RLIM_INFINITY))
        accepted, _ = fill(running)
        running.log.told("store.exited", code="storage_full")
        for _ in range(refusals):
            more, refused = fill(running)
            accepted += more
            assert (refused.status, refused.body["retryable"]) == (503, True)
            assert refused.body["code"] in ("store_unavailable", "storage_full")
            assert int(refused.headers["retry-after"]) >= 1
        assert {entry["code"] for entry in entries_of(running.log, "store.exited")} == {"storage_full"}
        limit_files(running, UNLIMITED)
        # The longest pause between two starts of a store is ten seconds.
        until(lambda: running.api.ask("GET", "/health").status == 200)
        with running.worker():
            for job_id in [*accepted, running.api.submit("demo.echo", PAYLOAD)]:
                running.api.completed(job_id)
