"""Many jobs in one call."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from ironforge_client import BulkInterrupted, BulkResult, Client, Invalid, NewJob
from ironforge_client.conformance.gate import Gate, Weather
from ironforge_client.submission import MAX_BULK_BYTES, MAX_BULK_JOBS, bulk_bodies
from tests.client.conftest import PATIENCE_S

pytestmark = pytest.mark.journey


def jobs_for(queue: str, count: int) -> list[NewJob]:
    """Return jobs that nobody runs, and that are the same whenever they are sent: a delay would count from then."""
    at = datetime.now(UTC) + timedelta(hours=1)
    return [NewJob(kind="demo.echo", payload=number, queue=queue, at=at) for number in range(count)]


def in_the_end(client: Client, jobs: list[NewJob], key: str) -> BulkResult:
    """Submit until all is accepted: what a busy store does not take in time is told so, each by itself."""
    while True:
        result = client.submit_many(jobs, idempotency_key=key)
        if not refusals_of(result):
            return result


def refusals_of(result: BulkResult) -> list[str | None]:
    """Return why items were refused; nothing but an overloaded store may be why."""
    codes = [item.error.code if item.error else None for item in result.rejected]
    assert set(codes) <= {"overloaded"}
    return codes


def test_each_job_is_accepted_or_refused_by_itself(client: Client, queue: str) -> None:
    jobs = jobs_for(queue, 3)
    jobs[1]["priority"] = "soon"
    result = client.submit_many(jobs)
    assert [(item.index, item.status) for item in result.items] == [(0, "scheduled"), (1, None), (2, "scheduled")]
    [rejected] = result.rejected
    assert rejected.error is not None
    assert [found.pointer for found in rejected.error.errors] == ["/priority"]
    assert len(result.accepted) == 2
    assert client.submit_many([]).items == ()


def test_more_than_one_request_holds_are_sent_in_several(gated: Client, gate: Gate, queue: str) -> None:
    jobs, key = jobs_for(queue, MAX_BULK_JOBS + 3), uuid4().hex
    result = gated.submit_many(jobs, idempotency_key=key)
    assert [passage.path for passage in gate.passages] == ["/jobs/bulk"] * 2
    if refusals_of(result):
        result = in_the_end(gated, jobs, key)
    assert [item.index for item in result.items] == list(range(MAX_BULK_JOBS + 3))
    assert len({item.id for item in result.accepted}) == MAX_BULK_JOBS + 3


def test_no_body_is_larger_than_a_request_may_be() -> None:
    large = NewJob(kind="demo.echo", payload="x" * 250_000)
    bodies = list(bulk_bodies([large] * 150))
    assert len(bodies) == 3
    assert all(len(body) <= MAX_BULK_BYTES for body in bodies)
    assert sum(body.count(b"\n") + 1 for body in bodies) == 150


def test_all_or_none(client: Client, queue: str) -> None:
    assert len(client.submit_many(jobs_for(queue, 3), atomic=True).accepted) == 3
    wrong = jobs_for(queue, 2)
    wrong[1]["kind"] = "Not A Kind"
    with pytest.raises(Invalid):
        client.submit_many(wrong, atomic=True)
    assert len(list(client.list(queue=queue))) == 3
    with pytest.raises(ValueError, match="1000"):
        client.submit_many(jobs_for(queue, 1001), atomic=True)


def test_what_was_interrupted_goes_on_under_its_key(gate: Gate, url: str, queue: str) -> None:
    everything = jobs_for(queue, MAX_BULK_JOBS + 2)
    for job in everything:
        del job["at"]
    with Client(url) as direct:
        direct.pause(queue)

    def until_it_rains() -> Iterator[NewJob]:
        yield from everything[: MAX_BULK_JOBS + 1]
        gate.turn(Weather.CUT)
        yield everything[-1]

    with Client(gate.url, timeout_s=PATIENCE_S, retries=1) as client:
        with pytest.raises(BulkInterrupted) as interrupted:
            client.submit_many(until_it_rains())
        # The first request is sent before the last job is asked for.
        first = interrupted.value.result
        assert len(first.accepted) + len(refusals_of(first)) == MAX_BULK_JOBS
        gate.turn(Weather.FINE)
        again = in_the_end(client, everything, interrupted.value.idempotency_key)
        assert {item.index: item.id for item in first.accepted}.items() <= {
            item.index: item.id for item in again.items
        }.items()
        [found] = [entry for entry in client.queues() if entry.name == queue]
        assert found.depth == MAX_BULK_JOBS + 2
