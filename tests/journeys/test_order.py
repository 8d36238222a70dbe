"""What runs first, and when."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.journeys.api import Api
from tests.journeys.installation import Installation, entries_of
from tests.journeys.moment import in_seconds, seconds

pytestmark = pytest.mark.journey

# For so long a busy machine may stand still.
STILL_S = 10.0


def test_critical_jobs_run_before_low_ones_that_came_first(shared: Installation) -> None:
    api = shared.api
    assert api.ask("POST", "/queues/narrow/pause", {"reason": "until all are there"}).status == 200
    order = ["low", "low", "medium", "high", "critical", "critical"]
    ids = [api.submit("demo.echo", name, queue="narrow", priority=name) for name in order]
    with shared.worker("--queues", "narrow", "--concurrency", "1") as worker:
        assert api.job(ids[-1])["status"] == "queued"
        assert api.ask("POST", "/queues/narrow/resume").status == 200
        for job_id in ids:
            api.completed(job_id)
    # With one slot ends are in the order of starts. Several may share a millisecond in the store; the log has an order.
    ran = [entry["job_id"] for entry in entries_of(worker, "job.completed")]
    assert [ids.index(str(job_id)) for job_id in ran] == [4, 5, 3, 2, 0, 1]


def test_a_delayed_job_starts_neither_early_nor_late(api: Api) -> None:
    due = [in_seconds(4.0 + 0.3 * number) for number in range(3)]
    answers = [api.told("POST", "/jobs", {"kind": "demo.echo", "scheduled_for": moment}) for moment in due]
    assert {(answer.status, answer.body["status"]) for answer in answers} == {(202, "scheduled")}
    started = [seconds(api.completed(answer.body["id"])["started_at"]) for answer in answers]
    late_s = [start - seconds(moment) for start, moment in zip(started, due, strict=True)]
    # On a busy machine the best counts: the bound is one of design.
    assert -0.001 <= min(late_s) < 1.0
    assert max(late_s) < 1.0 + STILL_S


def test_jobs_that_wait_run_side_by_side(shared: Installation) -> None:
    api = shared.api
    ids = api.submit_all([{"kind": "demo.sleep", "payload": {"ms": 300}}] * 200, key="side-by-side")
    with ThreadPoolExecutor(4) as clients:
        jobs = list(clients.map(api.completed, ids))
    first = min(seconds(job["started_at"]) for job in jobs)
    last = max(seconds(job["finished_at"]) for job in jobs)
    one_after_another_s = 200 * 0.3
    assert last - first < one_after_another_s / 4
    assert all(len(job["attempts"]) == 1 for job in jobs)


def test_one_idempotency_key_makes_one_job(shared: Installation) -> None:
    api = shared.api
    body = {"kind": "demo.echo", "payload": {"order": 17}}
    first = api.ask("POST", "/jobs", body, idempotency_key="order-17")
    assert first.status == 202
    api.completed(first.body["id"])
    with ThreadPoolExecutor(4) as clients:
        repeats = list(clients.map(lambda _: api.ask("POST", "/jobs", body, idempotency_key="order-17"), range(8)))
    for repeat in repeats:
        assert (repeat.status, repeat.headers["idempotent-replayed"]) == (200, "true")
        assert repeat.body == {**first.body, "status": "completed"}
    other = api.ask("POST", "/jobs", {"kind": "demo.echo"}, idempotency_key="order-17")
    assert (other.status, other.body["code"]) == (422, "idempotency_mismatch")
    assert len(api.job(first.body["id"])["attempts"]) == 1
