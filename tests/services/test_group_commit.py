"""Group commit: shared round trips, bounds in number, bytes and time, and what happens when the store is away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

import pytest

from jobs import wiring
from jobs.backends.base import MAX_BATCH, Submission, SubmitCode, Submitted
from jobs.backends.call import Call
from jobs.domain.errors import BackendUnavailable
from jobs.domain.job import JobSpec
from jobs.services import group_commit
from jobs.services.group_commit import GroupCommit
from jobs.services.parcels import MAX_CALL_BYTES
from jobs.services.waiting_room import MAX_BULK_JOBS_EACH, MAX_SINGLES
from tests.stores import Bench

pytestmark = pytest.mark.usefixtures("patient_calls")

T = TypeVar("T")


class Gate:
    """The real runner behind a gate: calls wait while it is closed, and fail while the store is `away`."""

    def __init__(self) -> None:
        self.channel = wiring.channel("test", "default")
        self.open = asyncio.Event()
        self.open.set()
        self.is_away = False
        self.batches: list[int] = []

    async def run(self, call: Call[T]) -> T:
        await self.open.wait()
        if self.is_away:
            raise BackendUnavailable("The store does not answer.")
        answer = await self.channel.run(call)
        self.batches.append(len(answer) if isinstance(answer, list) else 1)
        return answer

    async def run_many(self, calls: Sequence[Call[T]]) -> list[T]:
        return [await self.run(call) for call in calls]


Story = Callable[[Gate, GroupCommit], Coroutine[Any, Any, None]]
Tell = Callable[[Story], None]


@pytest.fixture
def tell(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Tell:
    """Return a function that runs a story on an event loop of its own, in which nothing waits too long by chance."""
    monkeypatch.setattr(group_commit, "MAX_WAIT_S", 60.0)

    async def run(story: Story) -> None:
        gate = Gate()
        try:
            async with asyncio.timeout(90):
                await story(gate, GroupCommit(lambda *_: gate, wiring.backend()))
        finally:
            gate.channel.close()

    return lambda story: asyncio.run(run(story))


def jobs(bench: Bench, count: int, payload: bytes = b"null") -> list[Submission]:
    return [Submission(bench.ids.make(), JobSpec(kind="a", payload=payload)) for _ in range(count)]


def is_empty(commit: GroupCommit) -> bool:
    """Tell whether all room is free again."""
    room = commit.room
    return (room.singles, room.single_bytes, room.bulk_jobs, room.bulk_bytes) == (0, 0, 0, 0)


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_what_arrives_during_a_call_goes_out_together(bench: Bench, tell: Tell) -> None:
    async def story(gate: Gate, commit: GroupCommit) -> None:
        gate.open.clear()
        waiting = []
        for submission in jobs(bench, 300):
            waiting.append(asyncio.create_task(commit.submit_one(bench.namespace, submission)))
            await turns(2)
        gate.open.set()
        answers = await asyncio.gather(*waiting)
        assert {answer.code for answer in answers} == {SubmitCode.ACCEPTED}
        # Two calls were under way; the other 298 jobs shared two more.
        assert gate.batches == [1, 1, 200, 98]
        assert bench.queue_ids() == [answer.job_id for answer in answers]

    tell(story)


def test_a_large_request_delays_no_single_job(bench: Bench, tell: Tell) -> None:
    async def story(gate: Gate, commit: GroupCommit) -> None:
        gate.open.clear()
        bulk = asyncio.create_task(commit.submit(bench.namespace, jobs(bench, 1_400)))
        await turns()
        single = asyncio.create_task(commit.submit_one(bench.namespace, jobs(bench, 1)[0]))
        await turns()
        gate.open.set()
        await single
        assert sum(gate.batches) < 1_400
        assert len(await bulk) == 1_400
        assert max(gate.batches) == MAX_BATCH

    tell(story)


def test_all_or_none_goes_out_in_one_call(bench: Bench, tell: Tell) -> None:
    async def story(gate: Gate, commit: GroupCommit) -> None:
        outcomes = await commit.submit(bench.namespace, jobs(bench, 1_000), is_atomic=True)
        assert all(isinstance(outcome, Submitted) for outcome in outcomes)
        assert gate.batches == [1_000]

    tell(story)


def test_when_the_store_is_away_all_who_wait_are_told_at_once_and_the_next_succeed(bench: Bench, tell: Tell) -> None:
    async def story(gate: Gate, commit: GroupCommit) -> None:
        gate.is_away = True
        gate.open.clear()
        waiting = [asyncio.create_task(commit.submit_one(bench.namespace, job)) for job in jobs(bench, 500)]
        waiting_bulk = asyncio.create_task(commit.submit(bench.namespace, jobs(bench, 900)))
        await turns()
        gate.open.set()
        refused = await asyncio.gather(*waiting, waiting_bulk, return_exceptions=True)
        assert {type(outcome) for outcome in refused} == {BackendUnavailable}
        gate.is_away = False
        assert (await commit.submit_one(bench.namespace, jobs(bench, 1)[0])).code is SubmitCode.ACCEPTED
        assert len(bench.queue_ids()) == 1
        assert is_empty(commit)

    tell(story)


@pytest.mark.parametrize("count", [MAX_BULK_JOBS_EACH + 1, 300])
def test_waiting_is_bounded_in_number_and_bytes(bench: Bench, tell: Tell, count: int) -> None:
    async def story(gate: Gate, commit: GroupCommit) -> None:
        payload = b"null" if count > 300 else b'"' + b"x" * 250_000 + b'"'
        with pytest.raises(BackendUnavailable) as refused:
            await commit.submit(bench.namespace, jobs(bench, count, payload))
        assert refused.value.code == "overloaded"
        assert (await commit.submit_one(bench.namespace, jobs(bench, 1)[0])).code is SubmitCode.ACCEPTED

    tell(story)


def test_what_waited_too_long_is_refused_and_never_sent(
    bench: Bench, tell: Tell, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(gate: Gate, commit: GroupCommit) -> None:
        gate.open.clear()
        sent = [asyncio.create_task(commit.submit_one(bench.namespace, job)) for job in jobs(bench, 1)]
        await turns()
        sent += [asyncio.create_task(commit.submit_one(bench.namespace, job)) for job in jobs(bench, 1)]
        await turns()
        late = [asyncio.create_task(commit.submit_one(bench.namespace, job)) for job in jobs(bench, 3)]
        await turns()
        monkeypatch.setattr(group_commit, "MAX_WAIT_S", 0.0)
        gate.open.set()
        outcomes = await asyncio.gather(*late, return_exceptions=True)
        assert [getattr(outcome, "code", None) for outcome in outcomes] == ["overloaded"] * 3
        stored = [answer.job_id for answer in await asyncio.gather(*sent)]
        assert sorted(bench.queue_ids()) == sorted(stored)

    tell(story)


def test_whoever_stops_waiting_changes_nothing_for_the_others(bench: Bench, tell: Tell) -> None:
    async def story(gate: Gate, commit: GroupCommit) -> None:
        gate.open.clear()
        waiting = [asyncio.create_task(commit.submit_one(bench.namespace, job)) for job in jobs(bench, 1)]
        await turns()
        waiting += [asyncio.create_task(commit.submit_one(bench.namespace, job)) for job in jobs(bench, 9)]
        await turns()
        for task in waiting[::3]:
            task.cancel()
        await turns()
        gate.open.set()
        outcomes = await asyncio.gather(*waiting, return_exceptions=True)
        answered = [outcome.job_id for outcome in outcomes if isinstance(outcome, Submitted)]
        assert len(answered) == 6
        assert set(answered) <= set(bench.queue_ids())
        assert is_empty(commit)

    tell(story)


def test_bulk_requests_leave_room_for_single_jobs_and_for_other_namespaces(bench: Bench, tell: Tell) -> None:
    async def story(gate: Gate, commit: GroupCommit) -> None:
        gate.open.clear()
        for _ in range(2):
            bulk = asyncio.create_task(commit.submit(bench.namespace, jobs(bench, MAX_BULK_JOBS_EACH // 2)))
            await turns()
        with pytest.raises(BackendUnavailable, match="Too many"):
            await commit.submit(bench.namespace, jobs(bench, 1))
        commit.room.require_bulk("another", MAX_BULK_JOBS_EACH, 0)
        single = asyncio.create_task(commit.submit_one(bench.namespace, jobs(bench, 1)[0]))
        await turns()
        assert not single.done()
        gate.is_away = True
        gate.open.set()
        await asyncio.gather(single, bulk, return_exceptions=True)
        assert is_empty(commit)

    tell(story)


def test_room_is_given_back_as_soon_as_jobs_are_answered(bench: Bench, tell: Tell) -> None:
    async def story(gate: Gate, commit: GroupCommit) -> None:
        gate.open.clear()
        bulk = asyncio.create_task(commit.submit(bench.namespace, jobs(bench, 800)))
        await turns()
        # Those that stand at the gate pass, and nobody behind them.
        gate.open.set()
        gate.open.clear()
        while len(gate.batches) < 2:
            await asyncio.sleep(0.001)
        await turns()
        assert (gate.batches, commit.room.bulk_jobs) == ([200, 200], 400)
        gate.open.set()
        await bulk
        assert is_empty(commit)

    tell(story)


def test_single_jobs_are_bounded_too(bench: Bench, tell: Tell) -> None:
    async def story(gate: Gate, commit: GroupCommit) -> None:
        commit.room.singles = MAX_SINGLES
        with pytest.raises(BackendUnavailable, match="Too many"):
            await commit.submit_one(bench.namespace, jobs(bench, 1)[0])

    tell(story)


def test_a_call_is_bounded_in_bytes_as_well(bench: Bench, tell: Tell) -> None:
    async def story(gate: Gate, commit: GroupCommit) -> None:
        large = b'"' + b"x" * 250_000 + b'"'
        outcomes = await commit.submit(bench.namespace, jobs(bench, 40, large))
        assert all(isinstance(outcome, Submitted) for outcome in outcomes)
        assert max(gate.batches) <= MAX_CALL_BYTES // 250_000
        assert bench.queue_ids() == [outcome.job_id for outcome in outcomes if isinstance(outcome, Submitted)]
        singles = [asyncio.create_task(commit.submit_one(bench.namespace, job)) for job in jobs(bench, 40, large)]
        await asyncio.gather(*singles)
        assert max(gate.batches) <= MAX_CALL_BYTES // 250_000 + 1

    tell(story)
