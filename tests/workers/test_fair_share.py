"""A key with very many jobs leaves one with few a short wait, at a worker that is never idle."""

from __future__ import annotations

import asyncio

import pytest

from jobs.backends.redis.sharing import RedisSharing
from jobs.domain.job import JobSpec
from jobs.domain.sharing import Share
from jobs.domain.status import Status
from tests.conftest import FIGURE
from tests.stores import Bench
from tests.waiting import until
from tests.workers.test_worker import working
from workers import Context, handler
from workers.registry import Registry


@pytest.mark.parametrize("number", [2_000, pytest.param(100_000, marks=[pytest.mark.long, pytest.mark.timeout(300)])])
@pytest.mark.parametrize("is_late", [False, True], ids=["fair", "made fair with its jobs"])
def test_ten_jobs_of_one_key_wait_little_behind_very_many_of_another(
    bench: Bench, number: int, is_late: bool, record_property: pytest.RecordProperty
) -> None:
    registry, order = Registry(), list[str]()

    @handler("many", into=registry)
    @handler("few", into=registry)
    async def some_work(context: Context, payload: object) -> None:
        order.append(context.kind)
        await asyncio.sleep(0.02)

    # A look at each of so many keys takes longer than the rest.
    bench.is_checked = number < 10_000
    sharing, share = RedisSharing([bench.keys]), Share()
    if not is_late:
        bench.run(sharing.put("main", share))
    for _ in range(number // 200):
        bench.submit_all([JobSpec(kind="many")] * 200)
    with working(bench, registry, concurrency=4):
        until(lambda: bench.depth(Status.COMPLETED) > 20)
        if is_late:
            bench.run(sharing.put("main", share))
            until(lambda: bench.client.zcount(bench.keys.queue("main"), "-inf", 3e10) == 0)
        few = [made.job_id for made in bench.submit_all([JobSpec(kind="few")] * 10)]
        before = len(order)
        until(lambda: all(bench.get(job_id).status is Status.COMPLETED for job_id in few))
    jobs = [bench.get(job_id) for job_id in few]
    waits = sorted(job.started_at - job.created_at for job in jobs if job.started_at is not None)
    record_property(FIGURE, f"the last of ten jobs started {waits[-1]} ms after it came, behind {number}")
    # By turns, however slow the machine is: a job of the many for each of the few, and those that were claimed before.
    last = len(order) - order[::-1].index("few")
    assert order[before:last].count("many") < 100
