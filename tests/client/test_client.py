"""What a program does with jobs, through either client."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ironforge_client import Client, Conflict, Invalid, NewJob, NotFound, WaitTimeout
from tests.waiting import until

pytestmark = pytest.mark.journey


def test_a_job_is_submitted_and_its_result_awaited(client: Client) -> None:
    made = client.submit("demo.echo", {"number": 10**30, "text": "ß"}, priority="high", metadata={"order": "A-17"})
    assert (made.status, made.is_replayed) == ("queued", False)
    job = client.wait(made.id)
    assert job.is_completed
    assert job.result == job.payload == {"number": 10**30, "text": "ß"}
    assert (job.kind, job.priority, job.metadata, job.attempt) == ("demo.echo", "high", {"order": "A-17"}, 1)
    assert [attempt.outcome for attempt in job.attempts] == ["completed"]
    assert made.created_at == job.created_at
    assert job.created_at.utcoffset() == timedelta(0)
    assert job.document["id"] == job.id


def test_a_job_can_wait_for_its_time(client: Client, queue: str) -> None:
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)
    later = client.get(client.submit("demo.echo", queue=queue, at=at).id)
    assert (later.status, later.scheduled_for) == ("scheduled", at)
    soon = client.get(client.submit("demo.echo", queue=queue, delay=timedelta(hours=1), retention_ms=60_000).id)
    assert soon.retention_ms == 60_000
    assert soon.scheduled_for is not None
    assert abs(soon.scheduled_for - soon.created_at - timedelta(hours=1)) < timedelta(seconds=5)


def test_a_job_names_the_url_that_hears_of_its_end(client: Client, queue: str) -> None:
    url = "https://8.8.8.8/ended?token=abc"
    made = client.submit("demo.echo", queue=queue, delay=3600, webhook=url)
    many = client.submit_many([NewJob(kind="demo.echo", queue=queue, delay=3600, webhook=url)])
    for job_id in (made.id, many.items[0].id):
        assert job_id is not None
        assert client.get(job_id).webhook == "https://8.8.8.8/ended"
    assert client.get(client.submit("demo.echo", queue=queue, delay=3600).id).webhook is None
    with pytest.raises(Invalid) as refused:
        client.submit("demo.echo", queue=queue, webhook="http://10.0.0.1/")
    assert (refused.value.code, refused.value.errors[0].pointer) == ("blocked_address", "/webhook")


def test_what_cannot_be_sent_is_refused_before_it_is_sent(client: Client) -> None:
    with pytest.raises(ValueError, match="time zone"):
        client.submit("demo.echo", at=datetime(2027, 1, 1))  # noqa: DTZ001 (that is the point)
    with pytest.raises(ValueError, match="not both"):
        client.submit("demo.echo", at=datetime.now(UTC), delay=1)
    with pytest.raises(ValueError, match="JSON"):
        client.submit("demo.echo", float("nan"))
    with pytest.raises(TypeError, match="JSON"):
        client.submit("demo.echo", object())
    with pytest.raises(ValueError, match="not empty"):
        client.get("")


def test_a_refusal_names_the_fields(client: Client) -> None:
    with pytest.raises(Invalid) as refused:
        client.submit("Not A Kind", max_retries=999)
    error = refused.value
    assert (error.status, error.is_retryable) == (422, False)
    assert {(found.pointer, found.code) for found in error.errors} == {
        ("/kind", "invalid_name"),
        ("/max_retries", "out_of_range"),
    }
    assert error.request_id
    assert "/kind" in str(error)


def test_an_own_key_makes_one_job_of_two_submissions(client: Client, queue: str) -> None:
    made = [client.submit("demo.echo", 1, queue=queue, idempotency_key=f"key-{queue}") for _ in range(2)]
    assert [job.is_replayed for job in made] == [False, True]
    assert made[0].id == made[1].id
    with pytest.raises(Invalid) as refused:
        client.submit("demo.echo", 2, queue=queue, idempotency_key=f"key-{queue}")
    assert refused.value.code == "idempotency_mismatch"


def test_a_wait_ends_with_the_job_as_it_is(client: Client, queue: str) -> None:
    made = client.submit("demo.echo", queue=queue, delay=3600)
    late: list[WaitTimeout] = []

    def is_late() -> bool:
        with pytest.raises(WaitTimeout) as error:
            client.wait(made.id, timeout_s=0.2)
        late.append(error.value)
        return error.value.job is not None  # on a machine that stands still no answer comes in that time

    until(is_late)
    assert late[-1].job.status == "scheduled"
    assert isinstance(late[-1], TimeoutError)
    with pytest.raises(NotFound):
        client.wait("01890000-0000-7000-8000-000000000000", timeout_s=5)


def test_jobs_are_cancelled_once(client: Client, queue: str) -> None:
    made = client.submit("demo.echo", queue=queue, delay=3600)
    cancelled = client.cancel(made.id, "not needed")
    assert (cancelled.status, cancelled.is_final, cancelled.is_completed) == ("cancelled", True, False)
    with pytest.raises(Conflict) as refused:
        client.cancel(made.id)
    assert refused.value.current_status == "cancelled"


def test_a_refusal_names_the_job_that_holds_the_unique_key(client: Client, queue: str) -> None:
    held = client.submit("demo.echo", queue=queue, delay=3600, unique={"key": queue})
    again = client.submit("demo.echo", queue=queue, unique={"key": queue, "on_conflict": "return"})
    assert (again.id, again.is_existing) == (held.id, True)
    with pytest.raises(Conflict) as refused:
        client.submit("demo.echo", queue=queue, unique={"key": queue})
    assert (refused.value.holder, refused.value.current_status) == (held.id, "scheduled")


def test_a_dead_letter_is_sent_back_with_another_payload(client: Client) -> None:
    dead = client.wait(client.submit("demo.fail", {"times": 9}, max_retries=0).id)
    assert dead.status == "dead_letter"
    assert dead.error is not None
    assert dead.error.message
    client.retry(dead.id, payload={"times": 0}, reason="repaired")
    again = client.wait(dead.id)
    assert (again.status, again.payload) == ("completed", {"times": 0})


def test_a_list_goes_through_all_pages(client: Client, queue: str) -> None:
    jobs: list[NewJob] = [NewJob(kind="demo.echo", payload=number, queue=queue, delay=3600) for number in range(5)]
    jobs.append(NewJob(kind="demo.echo", queue=queue, delay=3600, metadata={"colour": "red"}))
    made = {item.id for item in client.submit_many(jobs).items}
    found = list(client.list(queue=queue, page_size=2))
    assert {job.id for job in found} == made
    assert len(found) == 6
    assert [job.metadata for job in client.list(queue=queue, metadata={"colour": "red"})] == [{"colour": "red"}]
    assert list(client.list(queue=queue, status="completed")) == []
    assert list(client.list(queue=queue, created_after=datetime.now(UTC) + timedelta(days=1))) == []


def test_a_queue_is_paused_and_resumed(client: Client, queue: str) -> None:
    assert client.pause(queue, "repairs").is_paused
    job = client.submit("demo.echo", queue=queue)
    [found] = [entry for entry in client.queues() if entry.name == queue]
    assert (found.is_paused, found.depth, found.by_status["queued"]) == (True, 1, 1)
    assert not client.resume(queue).is_paused
    client.cancel(job.id)


def test_the_workers_are_listed(client: Client) -> None:
    # Those of other tests may still be listed beside that of the installation.
    until(lambda: any(each.status == "running" and "demo.echo" in each.kinds for each in client.workers()))
    assert all(each.seen_at >= each.started_at for each in client.workers())
