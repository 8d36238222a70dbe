"""Webhooks hear of the ends of jobs from any worker, signed, again and again until they answer."""

from __future__ import annotations

import json

import msgspec
import pytest
from pytest_django import Settings

from jobs import wiring
from jobs.domain.endpoint import WEBHOOK, Endpoint, Secret
from jobs.domain.identity import IdentityMaker
from jobs.domain.job import Job
from jobs.domain.naming import DELIVERY_QUEUE
from jobs.domain.shard import MAX_SHARDS, shard_of
from jobs.domain.signature import new_secret
from jobs.domain.status import FINAL, Status
from tests.api.test_endpoints import is_signed
from tests.receiver import Receiver, json_answer, receiver
from tests.stores import Bench
from tests.waiting import until
from tests.workers.test_worker import ended, working
from workers.queue_order import QueueOrder
from workers.registry import Registry

SECRET = new_secret()


@pytest.fixture(autouse=True)
def opened(settings: Settings) -> None:
    settings.IRONFORGE_PUSH_ALLOW = ("127.0.0.0/8",)


def hear(bench: Bench, url: str) -> None:
    webhook = Endpoint(kind=WEBHOOK, url=url, secrets=(Secret(SECRET),), statuses=tuple(sorted(FINAL)))
    endpoints = wiring.backend().endpoints(bench.namespace)
    assert bench.run(endpoints.bind(webhook, None)) == "bound"
    if url:
        bench.run(endpoints.subscribe(webhook.statuses))


def delivery_of(bench: Bench, job_id: str, status: Status) -> Job:
    until(lambda: bool(bench.get(job_id).deliveries))
    (delivery_id,) = bench.get(job_id).deliveries
    return ended(bench, delivery_id, status)


def events(there: Receiver) -> list[tuple[str, str]]:
    bodies = [json.loads(received.body) for received in there.requests]
    return [(body["type"], body["data"]["id"]) for body in bodies]


def test_the_end_of_a_job_is_told_signed_without_what_it_worked_on(bench: Bench, registry: Registry) -> None:
    with receiver(json_answer("200 OK", b'"thanks"')) as there, working(bench, registry):
        hear(bench, there.url)
        job_id = bench.submit("echo", payload=b'"secret"', metadata={"team": "a"})
        delivery = delivery_of(bench, job_id, Status.COMPLETED)
        (received,) = there.requests
    assert is_signed(received, SECRET)
    assert received.headers["webhook-id"] == delivery.id
    body = json.loads(received.body)
    assert (body["type"], body["data"]["status"], body["data"]["metadata"]) == (
        "job.completed",
        "completed",
        {"team": "a"},
    )
    assert body["timestamp"] == body["data"]["finished_at"]
    assert b"secret" not in received.body
    assert msgspec.json.decode(delivery.result or b"") == {"status_code": 200, "answer": '"thanks"'}


def test_every_kind_of_end_is_told_under_its_name(bench: Bench, registry: Registry) -> None:
    with receiver() as there, working(bench, registry):
        hear(bench, there.url)
        dead, later = bench.submit("discard"), bench.submit(scheduled_for=4_000_000_000_000)
        bench.cancel(later)
        until(lambda: len(there.requests) == 2)
        assert set(events(there)) == {("job.dead_letter", dead), ("job.cancelled", later)}


def test_a_receiver_that_fails_hears_again_under_the_same_id(bench: Bench, registry: Registry) -> None:
    with receiver(b"HTTP/1.1 500 No\r\n\r\n", json_answer("200 OK", b"")) as there, working(bench, registry):
        hear(bench, there.url)
        job_id = bench.submit("echo")
        until(lambda: bool(bench.get(job_id).deliveries))
        (delivery_id,) = bench.get(job_id).deliveries
        until(lambda: any(attempt.outcome == "failed" for attempt in bench.get(delivery_id).attempts))
        # Unless its time has come already.
        bench.run(bench.operator.promote([delivery_id], "now", by="t"))
        first, second = ended(bench, delivery_id, Status.COMPLETED).attempts
        assert (first.outcome, second.outcome) == ("failed", "completed")
        assert first.error is not None
        assert first.error.type == "http_500"
        assert len({received.headers["webhook-id"] for received in there.requests}) == 1


@pytest.mark.parametrize("is_edited", [False, True])
def test_a_receiver_knows_what_it_is_sent_once_more_by_its_id(
    bench: Bench, registry: Registry, is_edited: bool
) -> None:
    with receiver() as there, working(bench, registry):
        hear(bench, there.url)
        job_id = bench.submit("echo")
        first = delivery_of(bench, job_id, Status.COMPLETED)
        again = IdentityMaker().make(shard_of(first.id, MAX_SHARDS))
        told = msgspec.json.decode(first.payload or b"") | {"message_id": "x\r\na: b" if is_edited else first.id}
        bench.run(bench.operator.resend(first.id, again, job_id, msgspec.json.encode(told)))
        ended(bench, again, Status.COMPLETED)
        assert [r.headers["webhook-id"] for r in there.requests] == [first.id, again if is_edited else first.id]
        assert there.requests[0].body == there.requests[1].body
        assert is_signed(there.requests[1], SECRET)


def test_a_job_s_own_webhook_is_signed_with_the_namespace_s_secret(bench: Bench, registry: Registry) -> None:
    with receiver() as there, working(bench, registry):
        hear(bench, "")
        delivery_of(bench, bench.submit("echo", webhook=there.url), Status.COMPLETED)
        assert is_signed(there.requests[0], SECRET)


def test_without_a_secret_nothing_is_sent(bench: Bench, registry: Registry) -> None:
    with receiver() as there, working(bench, registry):
        delivery = delivery_of(bench, bench.submit("echo", webhook=there.url), Status.FAILED)
        assert delivery.error is not None
        assert (delivery.error.type, there.connections) == ("no_secret", 0)


def test_a_removed_webhook_hears_nothing_of_what_was_under_way(bench: Bench, registry: Registry) -> None:
    with receiver() as there:
        hear(bench, there.url)
        job_id = bench.submit(scheduled_for=4_000_000_000_000)
        bench.cancel(job_id)
        bench.run(wiring.backend().endpoints(bench.namespace).unbind(WEBHOOK))
        with working(bench, registry):
            assert delivery_of(bench, job_id, Status.DEAD_LETTER).reason == "discard"
        assert there.connections == 0


def test_an_end_is_told_as_it_was_whatever_became_of_the_job(bench: Bench, registry: Registry) -> None:
    bench.is_checked = False  # a job is taken away
    with receiver() as there:
        hear(bench, there.url)
        back, gone = bench.dead_letter(queue="q"), bench.dead_letter(queue="q")
        bench.run(bench.operator.retry([back], "again", by="t"))
        key = bench.keys.named("job_prefix") + gone
        kept = bench.client.hgetall(key)
        bench.client.delete(key)
        with working(bench, registry):
            until(lambda: len(there.requests) == 2)
        for field, value in kept.items():
            bench.client.hset(key, field, value)
        told = {job["id"]: job["status"] for job in (json.loads(r.body)["data"] for r in there.requests)}
        assert told == {back: "dead_letter", gone: "dead_letter"}


@pytest.mark.parametrize("weights", [(), (5, 1)])
def test_deliveries_come_behind_all_queues(weights: tuple[int, ...]) -> None:
    order = QueueOrder(("a", "b"), weights, last=(DELIVERY_QUEUE,))
    assert all(order.next()[-1] == DELIVERY_QUEUE and len(order.next()) == 3 for _ in range(20))
    assert QueueOrder((DELIVERY_QUEUE, "a"), last=(DELIVERY_QUEUE,)).next() == (DELIVERY_QUEUE, "a")
