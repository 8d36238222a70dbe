"""The SDK's worker among odd answers, requests that never get through, and faults of its own."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ironforge_client import Client, Context, Job, Worker
from ironforge_client.conformance.gate import Gate, StandIn
from ironforge_client.worker import life, patience
from ironforge_client.worker.claimer import Claimer
from ironforge_client.worker.desk import Desk
from ironforge_client.worker.heart import Heart
from tests.client.test_worker import LEASE_MS, at_work
from tests.client.test_worker import lively as lively  # noqa: PLC0414 (pytest finds it here)
from tests.waiting import WAIT_S, until

pytestmark = pytest.mark.journey

SETTLE, REPORT = "/leases/settle", "/leases/report"


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    """Return a client of the server."""
    with Client(url) as made:
        yield made


@pytest.fixture
def worker(gate: Gate, queue: str) -> Worker:
    """Return a worker that reaches the server through the gate."""
    return Worker(gate.url, queues=[queue], concurrency=4, lease_ms=LEASE_MS, grace_s=0.5)


def away(path: str, code: str = "store_unavailable", retry_after: str = "0") -> Callable[[str, str, bytes], Any]:
    """Return a stand-in that answers 503 to all requests to a path."""
    body = json.dumps({"status": 503, "code": code, "detail": "no", "retryable": True}).encode()
    return lambda method, asked, sent: StandIn(503, body, {"Retry-After": retry_after}) if asked == path else None


def once(stand_in: Callable[[str, str, bytes], Any]) -> Callable[[str, str, bytes], Any]:
    """Return a stand-in that acts a single time."""
    lock, answers = threading.Lock(), []

    def act(method: str, path: str, body: bytes) -> Any:
        with lock:
            answer = None if answers else stand_in(method, path, body)
            answers.extend([answer] if answer else [])
        return answer

    return act


@pytest.mark.parametrize("delivery", ["at_least_once", "at_most_once"])
@pytest.mark.parametrize("is_back", [True, False], ids=["told-at-last", "never-told"])
def test_what_has_ended_is_not_given_back(
    worker: Worker, client: Client, gate: Gate, queue: str, *, delivery: Any, is_back: bool, monkeypatch: Any
) -> None:
    monkeypatch.setattr(life, "_LAST_WORDS_S", 0.1)
    ended = threading.Event()

    @worker.handler("quick")
    def quick(context: Context, payload: Any) -> str:
        ended.set()
        return "done"

    gate.stand_in = away(SETTLE)
    last_words = Desk.last_words

    async def come_back(desk: Desk) -> None:
        if is_back:
            gate.stand_in = lambda *asked: None
        await last_words(desk)

    monkeypatch.setattr(Desk, "last_words", come_back)
    with at_work(worker):
        job_id = client.submit("quick", queue=queue, delivery=delivery).id
        assert ended.wait(WAIT_S)
    job = client.get(job_id)
    assert (job.status, job.attempt) == ("completed" if is_back else "running", 1)
    farewells = [passage.sent["leases"] for passage in gate.passages if passage.method == "DELETE"]
    assert farewells == [[]]


def test_odd_answers_cost_no_job(worker: Worker, client: Client, gate: Gate, queue: str) -> None:
    """Each request meets answers that are not IronForge's before it gets one that is."""
    odd = [b"{}", b"[1]", b"<html>", b'{"results":[],"order":1,"extended":"","lost":[],"cancel_requested":[]}']
    met: dict[str, int] = {}

    def answer(method: str, path: str, body: bytes) -> StandIn | None:
        name = path.rpartition("/")[2]
        met[name] = met.get(name, -1) + 1
        return StandIn(200, odd[met[name]]) if method == "POST" and met[name] < len(odd) else None

    @worker.handler("longer")
    async def longer(context: Context, payload: Any) -> str:
        context.log("begun")
        while met.get("heartbeat", 0) < len(odd):
            await asyncio.sleep(0.05)
        return "done"

    gate.stand_in = answer
    with at_work(worker):
        job = client.wait(client.submit("longer", queue=queue).id, WAIT_S)
    assert (job.result, job.attempt, job.lost_leases) == ("done", 1, 0)
    assert {name for name, count in met.items() if count >= len(odd)} >= {"workers", "leases", "heartbeat", "settle"}


async def broken(*_: object) -> None:
    """Stand for a part of the worker that has a fault of its own."""
    raise KeyError("server_time")


def dying(heart: Heart) -> float:
    """Stand for a thread that ends."""
    raise SystemExit


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize(
    ("owner", "name", "stand_in", "error"),
    [(Claimer, "work", broken, KeyError), (Desk, "work", broken, KeyError), (Heart, "_beat", dying, RuntimeError)],
    ids=["claimer", "desk", "heart"],
)
def test_a_fault_of_the_worker_ends_it_in_good_order(
    worker: Worker, *, owner: Any, name: str, stand_in: Any, error: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, stand_in)
    with pytest.raises(error):
        asyncio.run(asyncio.wait_for(worker.serve(), WAIT_S))
    assert [thread for thread in threading.enumerate() if thread.name == "heart"] == []


def test_a_program_that_drops_its_worker_leaves_nothing_running(worker: Worker, client: Client, queue: str) -> None:
    begun, stopped = threading.Event(), threading.Event()

    @worker.handler("endless")
    async def endless(context: Context, payload: Any) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async def run_and_drop() -> None:
        serving = asyncio.create_task(worker.serve())
        await asyncio.to_thread(begun.wait, WAIT_S)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        assert stopped.is_set()

    job_id = client.submit("endless", queue=queue).id
    asyncio.run(run_and_drop())
    job = client.get(job_id)
    assert (job.status, job.attempt, job.lost_leases) == ("queued", 0, 0)
    assert [found for found in client.workers() if queue in found.queues] == []


def test_a_fault_of_one_claim_ends_no_worker(
    worker: Worker, client: Client, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim, calls = Claimer._claim, itertools.count()

    async def broken_once(*args: Any) -> None:
        await (claim(*args) if next(calls) else broken())

    monkeypatch.setattr(Claimer, "_claim", broken_once)

    @worker.handler("quick")
    def quick(context: Context, payload: Any) -> str:
        return "done"

    with at_work(worker):
        assert client.wait(client.submit("quick", queue=queue).id, WAIT_S).is_completed


def test_a_job_that_finds_no_thread_comes_again(
    worker: Worker, client: Client, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, refused = threading.Thread.start, []

    def scarce(thread: threading.Thread) -> None:
        if thread.name.startswith("job-") and not refused:
            refused.append(thread.name)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", scarce)

    @worker.handler("quick")
    def quick(context: Context, payload: Any) -> str:
        return "done"

    with at_work(worker):
        job = client.wait(client.submit("quick", queue=queue, max_retries=0, delivery="at_most_once").id, WAIT_S)
    assert (job.result, job.retry_count, job.lost_leases) == ("done", 0, 0)
    assert len(refused) == 1


@pytest.mark.parametrize("code", ["queue_full", "store_unavailable"])
def test_outcomes_do_not_wait_for_reports(worker: Worker, client: Client, gate: Gate, queue: str, code: str) -> None:
    @worker.handler("talks")
    def talks(context: Context, payload: Any) -> str:
        context.log("half way")
        return "done"

    gate.stand_in = away(REPORT, code)
    with at_work(worker):
        assert client.wait(client.submit("talks", queue=queue).id, WAIT_S).result == "done"
        gate.stand_in = lambda *asked: None


@pytest.mark.parametrize("status", [0, 413, 500], ids=["cut", "too-large", "broken"])
def test_an_outcome_that_does_not_get_through_holds_no_other_up(
    worker: Worker, client: Client, gate: Gate, queue: str, status: int
) -> None:
    @worker.handler("echo")
    def echo(context: Context, payload: Any) -> Any:
        return payload

    page = StandIn(status, b"<html>no</html>")
    gate.stand_in = lambda method, path, body: page if path == SETTLE and b"poison" in body else None
    with at_work(worker):
        bad = client.submit("echo", "poison", queue=queue).id
        good = [client.submit("echo", number, queue=queue).id for number in range(5)]
        assert [client.wait(job_id, WAIT_S).result for job_id in good] == list(range(5))
        if status == 413:  # done all the same, without its result
            assert (client.wait(bad, WAIT_S).result, client.get(bad).attempt) == (None, 1)
        gate.stand_in = lambda *asked: None
        assert client.wait(bad, WAIT_S).is_completed


def test_nobody_makes_a_worker_wait_for_an_hour(
    worker: Worker, client: Client, gate: Gate, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert patience.LONGEST_RETRY_AFTER_S <= 5
    monkeypatch.setattr(patience, "LONGEST_RETRY_AFTER_S", 0.1)

    @worker.handler("quick")
    def quick(context: Context, payload: Any) -> str:
        return "done"

    parts = [once(away(path, retry_after="3600")) for path in ("/leases", SETTLE)]
    gate.stand_in = lambda *asked: next(filter(None, (part(*asked) for part in parts)), None)
    began = time.monotonic()
    with at_work(worker):
        assert client.wait(client.submit("quick", queue=queue).id, WAIT_S).result == "done"
    assert time.monotonic() - began < WAIT_S


def test_a_quiet_worker_runs_nothing_that_its_last_claim_brings(
    worker: Worker, client: Client, gate: Gate, queue: str
) -> None:
    """The claim is asked again under its name when it is hung up, and could take a job that came since."""
    made: list[Job] = []

    @worker.handler("quick")
    def quick(context: Context, payload: Any) -> str:
        return "done"

    def submit_before_recall(method: str, path: str, body: bytes) -> None:
        if path == "/leases" and json.loads(body)["wait_ms"] == 0 and not made:
            made.append(client.get(client.submit("quick", queue=queue).id))

    gate.stand_in = submit_before_recall
    with at_work(worker):
        until(lambda: any(queue in found.queues for found in client.workers()))
        [found] = [found for found in client.workers() if queue in found.queues]
        until(lambda: any(passage.path.endswith("/heartbeat") for passage in gate.passages))
        client.order_worker(found.id, "quiet")
        until(lambda: bool(made))
        until(lambda: any(passage.path == SETTLE for passage in gate.passages))
        [told] = [passage.sent["settlements"] for passage in gate.passages if passage.path == SETTLE]
        assert [settlement["outcome"] for settlement in told] == ["released"]
        job = client.get(made[0].id)
        assert (job.status, job.attempt) == ("queued", 0)
        client.order_worker(found.id, "resume")
        assert client.wait(job.id, WAIT_S).attempt == 1
