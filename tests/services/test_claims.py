"""Claims whose answers are lost, come late or lie in another shard: nothing stays claimed that nobody holds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import pytest

from jobs import wiring
from jobs.backends.base import Submission
from jobs.backends.call import Call
from jobs.backends.redis.backend import RedisBackend
from jobs.domain.errors import BackendUnavailable
from jobs.domain.identity import IdentityMaker
from jobs.domain.job import JobSpec
from jobs.domain.lease_body import ClaimOrder
from jobs.domain.status import Status
from jobs.services import claims as claims_module
from jobs.services.claims import Claims
from tests.stores import Bench

pytestmark = pytest.mark.usefixtures("patient_calls")

T = TypeVar("T")


class Line:
    """The real runner; it loses the answers to so many claims, or keeps the calls of some shards away."""

    def __init__(self) -> None:
        self.channel = wiring.channel("test", "default")
        self.lost_answers = 0
        self.away: set[int] = set()
        self.manners: list[str] = []

    async def run(self, call: Call[T]) -> T:
        if call.shard in self.away:
            raise BackendUnavailable("away")
        answer = await self.channel.run(call)
        if call.script == "claim":
            self.manners.append(str(call.args[6]))
            if self.lost_answers and call.args[6] == "now":
                self.lost_answers -= 1
                raise BackendUnavailable("The answer is lost.")
        return answer

    async def run_many(self, calls: Sequence[Call[T]]) -> list[T]:
        return [await self.run(call) for call in calls]


Story = Callable[[Claims, Line], Awaitable[None]]


def tell(story: Story, backend: RedisBackend | None = None) -> None:
    """Run a story on an event loop of its own."""

    async def whole() -> None:
        line = Line()
        try:
            async with asyncio.timeout(90):
                await story(Claims(backend or RedisBackend(), lambda *_: line), line)
        finally:
            line.channel.close()

    asyncio.run(whole())


def order(claim_id: str = "", worker_id: str = "w-1", max_jobs: int = 5) -> ClaimOrder:
    return ClaimOrder(
        worker_id=worker_id, queues=("main",), max_jobs=max_jobs, wait_ms=0, lease_ms=10_000, claim_id=claim_id
    )


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    # However long the way to the store takes, no claim comes too late; what was lost is looked for soon all the same.
    monkeypatch.setattr(claims_module, "TOO_LATE_MS", 30_000)
    monkeypatch.setattr(claims_module, "_MARGIN_MS", -29_900)


async def until_queued(bench: Bench, job_id: str) -> None:
    while bench.get(job_id).status is not Status.QUEUED:
        await asyncio.sleep(0.01)


def test_what_a_claim_took_whose_answer_is_lost_goes_back_without_an_attempt(bench: Bench) -> None:
    job_id = bench.submit()

    async def story(claims: Claims, line: Line) -> None:
        line.lost_answers = 1
        with pytest.raises(BackendUnavailable):
            await claims.take(bench.namespace, order(), [0])
        assert bench.get(job_id).status is Status.RUNNING
        await until_queued(bench, job_id)
        (lease,) = (await claims.take(bench.namespace, order(), [0])).leases
        assert (lease.job.id, lease.attempt, lease.job.lost_leases) == (job_id, 1, 0)

    tell(story)


def test_another_claim_waits_until_the_lost_one_is_cleared_up_unless_it_is_the_same(bench: Bench) -> None:
    job_id = bench.submit()

    async def story(claims: Claims, line: Line) -> None:
        line.lost_answers = 1
        with pytest.raises(BackendUnavailable):
            await claims.take(bench.namespace, order("c"), [0])
        (lease,) = (await claims.take(bench.namespace, order("c"), [0])).leases
        assert (lease.job.id, bench.get(job_id).status) == (job_id, Status.RUNNING)
        while claims._tasks:
            await asyncio.sleep(0.01)
        assert bench.get(job_id).status is Status.RUNNING, "its worker has it"

    tell(story)


def test_what_is_given_back_is_found_by_no_repeat(bench: Bench) -> None:
    job_id = bench.submit()

    async def story(claims: Claims, line: Line) -> None:
        taken = await claims.take(bench.namespace, order("c"), [0])
        assert [lease.job.id for lease in taken.leases] == [job_id]
        claims.give_back(taken)
        await until_queued(bench, job_id)

    tell(story)


def test_what_a_repeat_has_by_now_is_not_given_back(bench: Bench) -> None:
    job_id = bench.submit()

    async def story(claims: Claims, line: Line) -> None:
        first = await claims.take(bench.namespace, order("c"), [0])
        second = await claims.take(bench.namespace, order("c"), [0])
        assert [lease.token for lease in second.leases] == [lease.token for lease in first.leases]
        claims.give_back(first)
        while claims._owed:
            await asyncio.sleep(0.01)
        assert bench.get(job_id).status is Status.RUNNING

    tell(story)


def test_a_clock_that_was_set_anew_costs_no_claim(bench: Bench) -> None:
    bench.submit_all([JobSpec(kind="k")] * 2)

    async def story(claims: Claims, line: Line) -> None:
        await claims.take(bench.namespace, order(max_jobs=1), [0])
        claims._clock._ahead_ms[bench.namespace, 0] -= 60_000
        assert len((await claims.take(bench.namespace, order(), [0])).leases) == 1

    tell(story)


def test_a_named_claim_is_found_in_its_shard_and_a_shard_that_is_away_stops_no_other(bench: Bench) -> None:
    backend, ids = RedisBackend(shards=3), IdentityMaker()
    bench.is_checked = False
    for shard in (1, 1, 2):
        call = backend.producer(bench.namespace).submit([Submission(ids.make(shard), JobSpec(kind="k"))])
        bench.run_many([call])

    async def story(claims: Claims, line: Line) -> None:
        first = await claims.take(bench.namespace, order("c", max_jobs=1), [1, 2, 0])
        assert first.leases[0].job.id.endswith("01")
        again = await claims.take(bench.namespace, order("c", max_jobs=1), [2, 0, 1])
        assert [lease.token for lease in again.leases] == [lease.token for lease in first.leases]
        line.away = {1}
        assert (await claims.take(bench.namespace, order(), [1, 2, 0])).leases[0].job.id.endswith("02")
        assert (await claims.take(bench.namespace, order(), [1, 2, 0])).leases == ()
        line.away = {0, 1, 2}
        with pytest.raises(BackendUnavailable):
            await claims.take(bench.namespace, order(worker_id="w-2"), [0, 1, 2])

    tell(story, backend)
