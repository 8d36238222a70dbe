"""What attempts say of themselves, from a whole worker to the store: nothing is lost at the end, nothing said twice."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from typing import TypeVar

import pytest

from jobs import wiring
from jobs.backends.call import Call
from jobs.domain.report import MAX_CHECKPOINT_BYTES
from jobs.domain.status import Status
from tests.stores import Bench
from tests.waiting import until
from tests.workers.leases import lease
from tests.workers.silent import Silent
from tests.workers.test_worker import BEAT_S, SleepyRunner, ended, working
from workers import Cancelled, Context, Retry, handler
from workers.context import StopMark
from workers.registry import Registry

T = TypeVar("T")


@pytest.fixture
def go_on() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def registry(go_on: threading.Event) -> Registry:
    """Return handlers that say something."""
    made = Registry()

    @handler("tell", into=made)
    async def tell(context: Context, payload: int) -> None:
        for number in range(payload):
            context.log("line %d", number)
        context.progress(0.5, "half way")
        context.checkpoint({"row": payload})

    @handler("again", into=made)
    def again(context: Context, payload: object) -> object:
        if context.last_checkpoint is None:
            context.checkpoint([1, "ü"])
            raise Retry(0)
        return context.last_checkpoint

    @handler("slow", into=made)
    def slow(context: Context, payload: object) -> None:
        context.progress(0.25, "begun")
        context.log.warning("careful: %s", "ice")
        assert go_on.wait(50)

    @handler("loop", into=made)
    def loop(context: Context, payload: object) -> None:
        context.progress(0)
        while True:
            context.heartbeat()

    return made


def texts(bench: Bench, job_id: str) -> list[str]:
    found = bench.run(bench.inspector.log(job_id, 0, 1_000))
    assert found is not None
    return [line.text for line in found.lines]


def test_all_is_with_the_store_before_the_job_has_ended(bench: Bench, registry: Registry) -> None:
    with working(bench, registry):
        job_id = bench.submit("tell", payload=b"450")
        job = ended(bench, job_id, Status.COMPLETED)
        assert texts(bench, job_id) == [f"line {number}" for number in range(450)]
    assert job.progress is not None
    assert (job.progress.fraction, job.progress.text) == (0.5, "half way")
    assert job.checkpoint is None, "the work is done"


def test_what_is_said_is_seen_while_the_job_runs(bench: Bench, registry: Registry, go_on: threading.Event) -> None:
    with working(bench, registry):
        job_id = bench.submit("slow")
        until(lambda: bench.get(job_id).progress is not None)
        until(lambda: texts(bench, job_id) != [])
        assert texts(bench, job_id) == ["careful: ice"]
        assert bench.get(job_id).status is Status.RUNNING
        go_on.set()
        ended(bench, job_id, Status.COMPLETED)


def test_the_next_attempt_goes_on_from_the_checkpoint(bench: Bench, registry: Registry) -> None:
    with working(bench, registry):
        job = ended(bench, bench.submit("again"), Status.COMPLETED)
    assert (job.result, job.attempt) == ('[1,"ü"]'.encode(), 2)


def test_a_lost_reply_doubles_no_line(bench: Bench, registry: Registry, sleepy: None) -> None:
    SleepyRunner.lost_replies.append("report")
    with working(bench, registry):
        job_id = bench.submit("tell", payload=b"3")
        ended(bench, job_id, Status.COMPLETED)
    assert SleepyRunner.lost_replies == []
    assert texts(bench, job_id) == ["line 0", "line 1", "line 2"]


class GarbledRunner(SleepyRunner):
    """The real runner, whose second answer to reports cannot be read; `answered` counts them."""

    answers = 0
    answered = threading.Semaphore(0)

    def run_many(self, calls: Sequence[Call[T]]) -> list[T]:
        answers = super().run_many(calls)
        if any(call.script == "report" for call in calls):
            GarbledRunner.answers += 1
            self.answered.release()
            if GarbledRunner.answers == 2:
                raise ValueError("unreadable")
        return answers


def test_an_answer_that_cannot_be_read_silences_no_attempt(
    bench: Bench, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = wiring.new_runner
    monkeypatch.setattr(wiring, "new_runner", lambda name: GarbledRunner(connect(name)))

    @handler("paced", into=registry)
    def paced(context: Context, payload: object) -> None:
        for number, letter in enumerate("abcd", start=1):
            context.log(letter)
            context.progress(number / 4)
            assert GarbledRunner.answered.acquire(timeout=50)

    with working(bench, registry):
        job_id = bench.submit("paced")
        job = ended(bench, job_id, Status.COMPLETED)
    assert texts(bench, job_id) == ["a", "b", "c", "d"]
    assert job.progress is not None
    assert job.progress.fraction == 1


def test_a_loop_in_a_thread_ends_at_its_heartbeat_when_the_job_is_cancelled(bench: Bench, registry: Registry) -> None:
    with working(bench, registry, beat_s=BEAT_S):
        job_id = bench.submit("loop")
        until(lambda: bench.get(job_id).status is Status.RUNNING)
        bench.cancel(job_id, running=True)
        job = ended(bench, job_id, Status.CANCELLED)
    assert job.attempts[0].outcome == "failed"


def context_of(stop: StopMark, said: Silent, checkpoint: bytes | None = None) -> Context:
    made = lease()
    return Context(type(made)(made.job, made.token, 1, 0, checkpoint), 1_000, stop, 0.0, said)


@pytest.mark.parametrize("fraction", [-0.1, 1.1, math.nan, math.inf])
def test_progress_is_a_fraction(fraction: float) -> None:
    with pytest.raises(ValueError, match="fraction"):
        context_of(StopMark(math.inf), Silent()).progress(fraction)


@pytest.mark.parametrize("value", [object(), math.nan, {1: object()}, "x" * MAX_CHECKPOINT_BYTES])
def test_a_checkpoint_is_json_within_its_bound(value: object) -> None:
    said = Silent()
    with pytest.raises(ValueError, match=r"JSON|bytes"):
        context_of(StopMark(math.inf), said).checkpoint(value)
    assert said.said == []


def test_a_heartbeat_passes_until_the_attempt_must_stop() -> None:
    stop = StopMark(math.inf)
    context = context_of(stop, Silent(), b"null")
    context.heartbeat()
    assert context.last_checkpoint is None
    stop.is_set = True
    with pytest.raises(Cancelled):
        context.heartbeat()
