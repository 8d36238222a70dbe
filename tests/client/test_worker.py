"""The SDK's worker inside a program; what it does in trouble is tried by the conformance kit."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ironforge_client import Client, Context, Discard, IronForgeError, Snooze, Worker
from ironforge_client.conformance.gate import Gate
from ironforge_client.worker.heart import Heart
from tests.waiting import WAIT_S, until

pytestmark = pytest.mark.journey

KIND = "shop.order"
# None runs out, however long this machine stands still; what a heartbeat brings comes as soon as with short ones.
LEASE_MS, BEAT_S = 60_000, 0.5


@contextmanager
def at_work(worker: Worker) -> Iterator[None]:
    """Let a worker run on an event loop in a thread, and stop it in good order."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(worker.serve(),))
    thread.start()
    yield
    loop.call_soon_threadsafe(worker.stop)
    thread.join(WAIT_S)
    assert not thread.is_alive()
    loop.close()


@pytest.fixture(autouse=True)
def lively(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let hearts beat often."""
    beat = Heart._beat
    monkeypatch.setattr(Heart, "_beat", lambda heart: min(beat(heart), BEAT_S))


@pytest.fixture
def worker(url: str, queue: str) -> Worker:
    """Return a worker of one queue."""
    return Worker(url, queues=[queue], concurrency=4, lease_ms=LEASE_MS, grace_s=1.0)


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    """Return a client of the server."""
    with Client(url) as made:
        yield made


def test_async_and_plain_handlers_run_side_by_side(worker: Worker, client: Client, queue: str) -> None:
    both = threading.Barrier(2, timeout=WAIT_S)

    @worker.handler("shop.async")
    async def on_loop(context: Context, payload: Any) -> Any:
        await asyncio.to_thread(both.wait)
        return {"attempt": context.attempt, "payload": payload, "tags": dict(context.metadata)}

    @worker.handler("shop.plain")
    def in_thread(context: Context, payload: Any) -> Any:
        both.wait()
        return [context.queue, context.kind, 0 < context.remaining_s <= 60, len(context.lease_token) > 10]

    with at_work(worker):
        first = client.submit("shop.async", 10**30, queue=queue, metadata={"a": "b"})
        second = client.submit("shop.plain", queue=queue)
        assert client.wait(first.id, WAIT_S).result == {"attempt": 1, "payload": 10**30, "tags": {"a": "b"}}
        assert client.wait(second.id, WAIT_S).result == [queue, "shop.plain", True, True]
    assert [found for found in client.workers() if queue in found.queues] == []


def test_an_async_handler_is_cancelled_and_may_clean_up(worker: Worker, client: Client, queue: str) -> None:
    cleaned = threading.Event()

    @worker.handler(KIND)
    async def endless(context: Context, payload: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            assert context.is_cancelled
            cleaned.set()

    with at_work(worker):
        job_id = client.submit(KIND, queue=queue).id
        until(lambda: client.get(job_id).status == "running")
        client.cancel(job_id)
        assert client.wait(job_id, WAIT_S).status == "cancelled"
    assert cleaned.is_set()


def test_the_shorter_time_limit_counts(worker: Worker, client: Client, queue: str) -> None:
    @worker.handler(KIND, timeout_ms=200)
    async def endless(context: Context, payload: Any) -> None:
        await asyncio.Event().wait()

    with at_work(worker):
        job = client.wait(client.submit(KIND, queue=queue, max_retries=0).id, WAIT_S)
    assert (job.status, job.error and job.error.type) == ("dead_letter", "timeout")


def test_what_is_done_stays_done_when_its_result_cannot_be_kept(worker: Worker, client: Client, queue: str) -> None:
    @worker.handler(KIND)
    def strange(context: Context, payload: Any) -> Any:
        with pytest.raises(ValueError, match="0–1"):
            context.progress(2)
        with pytest.raises(ValueError, match="bytes"):
            context.checkpoint("x" * 300_000)
        with pytest.raises(TypeError):
            context.checkpoint({1, 2})
        return {1, 2, 3}

    with at_work(worker):
        job = client.wait(client.submit(KIND, queue=queue).id, WAIT_S)
    assert (job.status, job.result) == ("completed", None)
    assert any("not JSON" in line.text for line in client.log(job.id))


def test_a_traceback_begins_with_the_handler(worker: Worker, client: Client, queue: str) -> None:
    @worker.handler(KIND)
    def failing(context: Context, payload: Any) -> None:
        raise KeyError("order")

    with at_work(worker):
        job = client.wait(client.submit(KIND, queue=queue, max_retries=0).id, WAIT_S)
    assert job.error is not None
    assert job.error.type == "KeyError"
    assert "in failing" in job.error.traceback
    assert "ironforge_client" not in job.error.traceback


def test_more_log_than_a_report_holds_is_kept_in_order(worker: Worker, client: Client, queue: str) -> None:
    @worker.handler(KIND)
    def talkative(context: Context, payload: Any) -> None:
        for number in range(450):
            context.log(f"line {number}")

    with at_work(worker):
        job = client.wait(client.submit(KIND, queue=queue).id, WAIT_S)
    assert [line.text for line in client.log(job.id)] == [f"line {number}" for number in range(450)]


def test_lost_answers_repeat_no_line(gate: Gate, client: Client, queue: str) -> None:
    worker = Worker(gate.url, queues=[queue], lease_ms=LEASE_MS)

    @worker.handler(KIND)
    def told(context: Context, payload: Any) -> None:
        context.log("once")

    gate.lose_answer(lambda passage: passage.path == "/leases/report")
    with at_work(worker):
        job = client.wait(client.submit(KIND, queue=queue).id, WAIT_S)
    assert [line.text for line in client.log(job.id)] == ["once"]
    assert len([passage for passage in gate.passages if passage.path == "/leases/report"]) == 2


def test_a_worker_that_the_server_refuses_says_so(url: str) -> None:
    worker = Worker(url, "ifk_wrong", queues=["main"])
    began = time.monotonic()
    with pytest.raises(IronForgeError, match="401"):
        asyncio.run(worker.serve())
    assert time.monotonic() - began < 30


def test_a_worker_is_set_up_with_care(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ({"concurrency": 0}, {"concurrency": 201}, {"lease_ms": 999}, {"queues": ()}):
        with pytest.raises(ValueError, match=r"is|needs"):
            Worker(**wrong)  # type: ignore[arg-type]
    worker = Worker()
    worker.handler(KIND)(lambda context, payload: None)
    with pytest.raises(ValueError, match="has a handler already"):
        worker.handler(KIND)
    monkeypatch.setenv("IRONFORGE_CONCURRENCY", "many")
    with pytest.raises(ValueError, match="many"):
        Worker.from_environment()
    assert str(Discard("no"))
    with pytest.raises(ValueError, match="delay"):
        Snooze(-1)
