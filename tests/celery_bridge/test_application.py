"""One Celery application, with Celery's own worker and with IronForge: one setting differs, and no answer does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ironforge_client import Job
from tests.celery_bridge.conftest import Shop, bakery_with
from tests.waiting import until

# Its worker takes seconds to stop, so the process just ends.
WITH_CELERYS_OWN_WORKER = """
import os, sys
from celery.contrib.testing.worker import start_worker
from bakery.celery import app
from bakery.day import main
queues = ["celery", "Shop"]
with start_worker(app, pool="threads", concurrency=4, queues=queues, perform_ping_check=False, loglevel="CRITICAL"):
    main()
    sys.stdout.flush()
    os._exit(0)
"""
ANSWERS = {
    "delay": "2 rye",
    "types": "1 oat at 06:30",
    "countdown": "1 spelt",
    "queue": 42,
    "chain": 10,
    "group": [2, 4],
    "chord": 6,
    "link": 10,
    "linked": 15,
    "retry": ["knead-1", 2, "celery"],
    "changed arguments": [1, 2],
    "autoretry": "ConnectionError: High Street is closed",
    "failure": "ValueError: it burns",
    "replace": "7 wheat",
}


@pytest.fixture(scope="package")
def day(shop: Shop) -> dict[str, Any]:
    """Return what the bakery's program printed, and the ids of its tasks."""
    return shop.bakery.run("-m", "bakery.day")


def jobs_of(shop: Shop, day: dict[str, Any], name: str) -> list[Job]:
    """Return all jobs of the task that was sent under this name, oldest first, at their end.

    A task's result is told before its job has ended.
    """
    found = shop.client.list(metadata={"celery_task_id": day["ids"][name]})
    return sorted((shop.client.wait(job.id) for job in found), key=lambda job: job.created_at)


def job_of(shop: Shop, day: dict[str, Any], name: str) -> Job:
    (job,) = jobs_of(shop, day, name)
    return job


def test_tasks_answer_as_with_celerys_own_worker(day: dict[str, Any]) -> None:
    answers = dict(day["answers"])
    assert answers.pop("max retries").startswith("MaxRetriesExceededError: Can't retry bakery.tasks.wait_for_oven")
    assert answers == ANSWERS


@pytest.mark.long
def test_celerys_own_worker_answers_so(tmp_path: Path) -> None:
    own = bakery_with("memory", tmp_path / "bakery", "http://127.0.0.1:1").run("-c", WITH_CELERYS_OWN_WORKER)
    assert own["answers"].pop("max retries").startswith("MaxRetriesExceededError: Can't retry")
    assert own["answers"] == ANSWERS


def test_a_task_is_a_job(shop: Shop, day: dict[str, Any]) -> None:
    job = job_of(shop, day, "delay")
    assert (job.kind, job.queue, job.priority, job.status) == ("bakery.tasks.bake", "celery", "medium", "completed")
    assert job.result == "2 rye"
    assert job.payload == {
        "task": "bakery.tasks.bake",
        "id": day["ids"]["delay"],
        "args": ["rye"],
        "kwargs": {"loaves": 2},
    }
    late = job_of(shop, day, "countdown")
    assert late.scheduled_for is not None
    assert late.started_at is not None
    assert (late.scheduled_for - late.created_at).total_seconds() < 0.6
    assert late.scheduled_for <= late.started_at
    assert late.priority == "critical"
    assert job_of(shop, day, "queue").queue == "shop"


def test_a_retry_is_the_same_job_again(shop: Shop, day: dict[str, Any]) -> None:
    job = job_of(shop, day, "retry")
    assert (job.status, job.retry_count) == ("completed", 2)
    assert [attempt.outcome for attempt in job.attempts] == ["failed", "failed", "completed"]
    error = job.attempts[0].error
    assert error is not None
    assert (error.type, error.message) == ("retry", "Retry in 0.2s: ValueError('too firm')")
    first, second = job.attempts[:2]
    assert first.finished_at is not None
    assert (second.started_at - first.finished_at).total_seconds() >= 0.2
    assert job_of(shop, day, "changed arguments").retry_count == 2


@pytest.mark.parametrize(
    ("name", "attempts", "error_type"),
    [("autoretry", 3, "ConnectionError"), ("max retries", 2, "MaxRetriesExceededError"), ("failure", 1, "ValueError")],
)
def test_what_is_not_tried_again_is_a_dead_letter(
    shop: Shop, day: dict[str, Any], name: str, attempts: int, error_type: str
) -> None:
    job = job_of(shop, day, name)
    assert (job.status, len(job.attempts)) == ("dead_letter", attempts)
    assert job.error is not None
    assert job.error.type == error_type
    assert "bakery/tasks.py" in job.error.traceback
    if name == "failure":
        assert job.kind == "bakery.burn"
        until(lambda: bool(list(shop.client.list(kind="bakery.tasks.mourn"))))  # sent when the result is told
        (mourned,) = shop.client.list(kind="bakery.tasks.mourn")
        ended = shop.client.wait(mourned.id)
        assert ended.payload["args"] == [day["ids"][name]]
        assert ended.result is None  # it says so itself: ignore_result


def test_a_dead_letter_that_is_sent_back_counts_its_retries_anew(shop: Shop, day: dict[str, Any]) -> None:
    job = job_of(shop, day, "max retries")
    shop.client.retry(job.id)
    again = shop.client.wait(job.id)
    assert (again.status, len(again.attempts)) == ("dead_letter", 2 * len(job.attempts))


def test_what_a_task_puts_in_its_place_is_a_job_of_the_same_task_id(shop: Shop, day: dict[str, Any]) -> None:
    assert [job.kind for job in jobs_of(shop, day, "replace")] == ["bakery.tasks.replace", "bakery.tasks.bake"]
    assert [job.result for job in jobs_of(shop, day, "replace")] == [None, "7 wheat"]
