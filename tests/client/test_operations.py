"""Bulk operations and another place for a job, through either client, with a worker that runs what comes back."""

from __future__ import annotations

import pytest

from ironforge_client import Client, Conflict, NotFound

pytestmark = pytest.mark.journey


def test_a_job_takes_another_place(client: Client, queue: str) -> None:
    made = client.submit("demo.echo", queue=queue, delay=3600)
    assert client.move(made.id, f"{queue}-b", "r").queue == f"{queue}-b"
    assert client.reprioritise(made.id, "low").priority == "low"
    client.cancel(made.id)
    with pytest.raises(Conflict):
        client.move(made.id, queue)


def test_jobs_are_found_counted_and_cancelled(client: Client, queue: str) -> None:
    jobs = [client.submit("demo.echo", queue=queue, delay=3600).id for _ in range(3)]
    begun = client.start_bulk("cancel", filter={"queue": queue, "status": "scheduled"}, dry_run=True)
    seen = client.wait_for_bulk(begun.id)
    assert (seen.status, seen.total, seen.counts) == ("previewed", 3, ((queue, "demo.echo", 3),))
    client.steer_bulk(seen.id, "resume")
    done = client.wait_for_bulk(seen.id)
    assert (done.status, done.done) == ("completed", 3)
    assert sorted(outcome.job_id for outcome in client.bulk_outcomes(seen.id)) == sorted(jobs)
    assert list(client.bulk_outcomes(seen.id, only_undone=True)) == []
    assert seen.id in [operation.id for operation in client.bulk_operations()]
    with pytest.raises(Conflict):
        client.steer_bulk(seen.id, "abort")
    with pytest.raises(NotFound):
        client.bulk_operation(jobs[0])


@pytest.mark.parametrize(
    ("payload", "status", "taken"), [({"times": 1}, "completed", 12), ({"always": True}, "stopped", 4)]
)
def test_a_canary_is_watched_while_a_worker_runs_it(
    client: Client, queue: str, payload: dict[str, object], status: str, taken: int
) -> None:
    tag = {"test": queue}
    jobs = [client.submit("demo.fail", payload, max_retries=0, metadata=tag).id for _ in range(12)]
    for job_id in jobs:
        assert client.wait(job_id).status == "dead_letter"
    canary = {"first": 4, "window_ms": 20_000, "max_failure_rate": 0.25}
    begun = client.start_bulk("retry", filter={"metadata": tag}, canary=canary)  # type: ignore[typeddict-item]
    ended = client.wait_for_bulk(begun.id)
    assert (ended.status, ended.taken) == (status, taken)
    if status == "completed":
        assert {client.wait(job_id).status for job_id in jobs} == {"completed"}
