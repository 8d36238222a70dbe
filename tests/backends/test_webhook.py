"""Ends of jobs make deliveries, in the step that ends them: each once, for whoever wants to hear of it."""

from __future__ import annotations

import msgspec
import pytest

from jobs.backends.base import ActCode
from jobs.backends.redis.backend import RedisBackend
from jobs.backends.retention import Retention
from jobs.domain.delivery import Delivery
from jobs.domain.identity import IdentityMaker, parse_id
from jobs.domain.job import Delivery as AtMost
from jobs.domain.job import Job
from jobs.domain.naming import DELIVERY_KIND, DELIVERY_QUEUE
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.shard import shard_of
from jobs.domain.status import FINAL, Status
from jobs.domain.trace import TraceContext
from tests.stores import LEASE_MS, Bench

URL = "https://a.example/hook?x=1&y=2"


def subscribe(bench: Bench, *statuses: Status) -> None:
    endpoints = RedisBackend(shards=bench.shards).endpoints(bench.namespace)
    bench.twice(endpoints.subscribe(sorted(statuses)))


def deliveries(bench: Bench) -> list[Job]:
    """Return the deliveries that are ready, oldest first."""
    return [bench.get(job_id) for job_id in sorted(bench.queue_ids(DELIVERY_QUEUE))]


def told(bench: Bench) -> list[tuple[str, Status, str | None]]:
    """Return which ends are told: job, status, URL."""
    payloads = [msgspec.json.decode(job.payload or b"", type=Delivery) for job in deliveries(bench)]
    return [(payload.job_id, payload.status, payload.url) for payload in payloads]


def test_the_rules_of_a_delivery_are_those_of_all_and_the_trace_that_of_the_job(bench: Bench) -> None:
    subscribe(bench, Status.COMPLETED)
    trace = TraceContext("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", 1, "vendor=1")
    for told_trace in (None, trace):
        bench.submit(trace=told_trace)
        bench.settle(bench.lease())
    plain, traced = deliveries(bench)
    assert (plain.trace, traced.trace) == (None, trace)
    usual = ["ironforge.webhook", "ironforge.webhooks", 2, 15, 30_000, 2000, False, 2500, 3_600_000, "none"]
    assert msgspec.msgpack.decode(bench.raw(plain.id)["spec"]) == usual
    for field in (
        "kind",
        "queue",
        "priority",
        "max_retries",
        "timeout_ms",
        "backoff",
        "metadata",
        "webhook",
        "expires_at",
    ):
        assert getattr(plain, field) == getattr(traced, field), field


def complete(bench: Bench) -> str:
    job_id = bench.submit()
    assert bench.settle(bench.lease()) is Status.COMPLETED
    return job_id


def lose(bench: Bench) -> str:
    job_id = bench.submit()
    bench.run(bench.maintainer.reap())
    for _ in range(3):
        bench.advance(60_000)
        bench.lease()
        bench.advance(LEASE_MS + 1)
        assert bench.run(bench.maintainer.reap()) == 1
    return job_id


def lose_with_its_worker(bench: Bench) -> str:
    job_id = bench.submit(delivery=AtMost.AT_MOST_ONCE)
    bench.lease()
    bench.run(bench.maintainer.lose_worker("w1", "SIGKILL", 0))
    return job_id


def cancel_waiting(bench: Bench) -> str:
    job_id = bench.submit(scheduled_for=4_000_000_000_000)
    bench.cancel(job_id)
    return job_id


def cancel_running(bench: Bench) -> str:
    job_id = bench.submit()
    lease = bench.lease()
    bench.cancel(job_id, running=True)
    assert bench.fail(lease) is Status.CANCELLED
    return job_id


def damage(bench: Bench) -> str:
    job_id = bench.submit()
    bench.client.hset(bench.keys.named("job_prefix") + job_id, "spec", b"?")
    assert bench.claim().leases == ()
    return job_id


ENDS = {
    Status.COMPLETED: [complete],
    Status.DEAD_LETTER: [Bench.dead_letter, lose, lose_with_its_worker, damage],
    Status.CANCELLED: [cancel_waiting, cancel_running],
}


@pytest.mark.parametrize(("status", "end"), [(status, end) for status, ends in ENDS.items() for end in ends])
def test_every_end_is_told_once(bench: Bench, status: Status, end: object) -> None:
    subscribe(bench, *FINAL)
    job_id = end(bench)  # type: ignore[operator]
    assert bench.get(job_id).status is status
    assert told(bench) == [(job_id, status, None)]
    (delivery,) = deliveries(bench)
    assert bench.get(job_id).deliveries == (delivery.id,)
    assert (delivery.kind, delivery.max_retries, parse_id(delivery.id)) == (DELIVERY_KIND, 15, delivery.id)
    assert shard_of(delivery.id, 256) == shard_of(job_id, 256)
    assert bench.hints(DELIVERY_QUEUE) == 1


def test_a_repeated_settlement_tells_once(bench: Bench) -> None:
    subscribe(bench, *FINAL)
    ids = [bench.submit() for _ in range(3)]
    leases = bench.claim(limit=3).leases
    settlements = [
        Settlement(job_id=lease.job.id, token=lease.token, outcome=OutcomeKind.COMPLETED) for lease in leases
    ]
    bench.twice(bench.consumer.settle(settlements))
    assert {entry[0] for entry in told(bench)} == set(ids)
    assert len(told(bench)) == 3
    assert bench.totals()["submitted:medium"] == 6


def test_only_the_wanted_ends_are_told_and_none_after_that(bench: Bench) -> None:
    subscribe(bench, Status.DEAD_LETTER)
    complete(bench)
    dead = bench.dead_letter()
    assert told(bench) == [(dead, Status.DEAD_LETTER, None)]
    subscribe(bench)
    bench.dead_letter()
    assert len(told(bench)) == 1


def test_a_job_s_own_webhook_hears_of_its_end_beside_the_namespace_s(bench: Bench) -> None:
    first = bench.submit(webhook=URL)
    bench.settle(bench.lease())
    assert told(bench) == [(first, Status.COMPLETED, URL)]
    subscribe(bench, Status.COMPLETED)
    second = bench.submit(webhook=URL, metadata={"a": "b"})
    bench.settle(bench.lease())
    assert sorted(told(bench)[1:], key=str) == [(second, Status.COMPLETED, URL), (second, Status.COMPLETED, None)]
    assert len(bench.get(second).deliveries) == 2
    assert bench.get(second).metadata == {"a": "b"}


def test_each_end_of_a_job_that_ends_twice_is_told(bench: Bench) -> None:
    subscribe(bench, *FINAL)
    job_id = bench.dead_letter()
    bench.run(bench.operator.retry([job_id], "again", by="t"))
    bench.advance(10)
    bench.fail(bench.lease())
    bench.advance(10)
    bench.twice(bench.operator.discard([job_id], "away", by="t"))
    assert [entry[1] for entry in told(bench)] == [Status.DEAD_LETTER, Status.DEAD_LETTER, Status.CANCELLED]


def test_the_end_of_a_delivery_is_told_nobody(bench: Bench) -> None:
    subscribe(bench, *FINAL)
    complete(bench)
    assert bench.settle(bench.lease(queues=(DELIVERY_QUEUE,))) is Status.COMPLETED
    assert deliveries(bench) == []
    complete(bench)
    bench.cancel(*bench.queue_ids(DELIVERY_QUEUE))
    assert deliveries(bench) == []


def test_who_wants_to_hear_nothing_pays_nothing(bench: Bench) -> None:
    complete(bench)
    bench.dead_letter()
    assert deliveries(bench) == []
    assert bench.client.exists(bench.keys.named("webhook")) == 0


def test_a_pruned_job_leaves_its_delivery(bench: Bench) -> None:
    subscribe(bench, Status.COMPLETED)
    job_id = complete(bench)
    bench.run(bench.maintainer.prune(Retention(max_age_ms=0)))
    assert told(bench) == [(job_id, Status.COMPLETED, None)]


def again(bench: Bench, delivery_id: str, job_id: str, payload: bytes = b"{}") -> tuple[str, ActCode]:
    new_id = IdentityMaker().make(shard_of(delivery_id, 256))
    answer = bench.twice(bench.operator.resend(delivery_id, new_id, job_id, payload))
    return new_id, answer.code


def test_a_delivery_that_has_ended_is_made_once_more_with_the_same_rules(bench: Bench) -> None:
    subscribe(bench, Status.COMPLETED)
    job_id = complete(bench)
    (first,) = bench.get(job_id).deliveries
    assert again(bench, first, job_id)[1] is ActCode.CONFLICT, "it is under way"
    bench.settle(bench.lease(queues=(DELIVERY_QUEUE,)))
    second, code = again(bench, first, job_id, b'{"a":1}')
    assert code is ActCode.DONE
    made, was = bench.get(second), bench.get(first)
    assert (made.status, made.payload, made.max_retries, made.backoff) == (
        Status.QUEUED,
        b'{"a":1}',
        was.max_retries,
        was.backoff,
    )
    assert bench.get(job_id).deliveries == (second, first)
    assert again(bench, first, job_id)[1] is ActCode.CONFLICT, "its successor is under way"
    assert (bench.last_event().verb, bench.totals()["submitted:medium"]) == ("resend", 3)
    bench.run(bench.maintainer.prune(Retention(max_age_ms=0)))
    assert again(bench, first, job_id)[1] is ActCode.NOT_FOUND
    assert again(bench, job_id, job_id)[1] is ActCode.NOT_FOUND
    assert bench.run(bench.inspector.get(job_id)) is None, "a job that is gone is not written"


def test_only_deliveries_are_made_once_more(bench: Bench) -> None:
    job_id = complete(bench)
    assert again(bench, job_id, job_id)[1] is ActCode.NOT_FOUND
    assert again(bench, IdentityMaker().make(bench.shard), job_id)[1] is ActCode.NOT_FOUND


@pytest.mark.usefixtures("_store_server")
def test_every_shard_is_told() -> None:
    with Bench(shards=3, shard=2) as bench:
        subscribe(bench, Status.COMPLETED)
        job_id = complete(bench)
        assert told(bench) == [(job_id, Status.COMPLETED, None)]
