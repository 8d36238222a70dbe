"""Whoever stops waiting for a claim may have got it all the same: the lease brings every such job back."""

from __future__ import annotations

import asyncio
import random
import secrets

from jobs.backends.call import AsyncRunner, Call
from jobs.backends.redis.channel import Channel
from jobs.backends.redis.connection import connect_to
from jobs.domain.job import JobSpec
from jobs.domain.lease import Claim
from jobs.domain.status import Status
from tests.stores import LEASE_MS, Bench

CLAIMS, AT_ONCE = 400, 40


def claim_of(bench: Bench, worker: str) -> Call[Claim]:
    token = secrets.token_hex(16)
    return bench.consumer.claim(["main"], worker, seq=1, token=token, limit=1, lease_ms=LEASE_MS)


async def cancel_claims(bench: Bench, runner: AsyncRunner) -> int:
    """Claim a job each as very many workers, cancel every other on its way, and return how many were."""
    loop, chance = asyncio.get_running_loop(), random.Random(6)
    cancelled = 0
    for first in range(0, CLAIMS, AT_ONCE):
        tasks = [asyncio.create_task(runner.run(claim_of(bench, f"w{first + n}"))) for n in range(AT_ONCE)]
        for task in tasks[1::2]:
            loop.call_later(chance.uniform(0, 0.01), task.cancel)
        for number, answer in enumerate(await asyncio.gather(*tasks, return_exceptions=True)):
            if isinstance(answer, asyncio.CancelledError):
                cancelled += 1
                continue
            assert isinstance(answer, Claim), answer
            # An answer that belonged to somebody else would name another worker.
            assert [bench.get(lease.job.id).worker_id for lease in answer.leases] == [f"w{first + number}"]
    return cancelled


def test_of_claims_cancelled_on_their_way_none_loses_a_job(bench: Bench, patience: None) -> None:
    bench.run(bench.maintainer.reap())
    ids = {made.job_id for _ in range(CLAIMS // 200) for made in bench.submit_all([JobSpec(kind="demo.echo")] * 200)}

    async def story() -> int:
        channel = Channel(lambda: connect_to(bench.url, "cancelled", bench.keys.named("pages")), has_test_clock=True)
        try:
            return await cancel_claims(bench, channel)
        finally:
            channel.close()

    assert asyncio.run(story()) > 0
    bench.check()
    assert bench.depth(Status.RUNNING) + bench.depth(Status.QUEUED) == CLAIMS
    bench.advance(LEASE_MS + 1)
    while bench.run(bench.maintainer.reap()):
        pass
    again = [lease.job.id for _ in range(2) for lease in bench.claim(200, worker="heir").leases]
    assert set(again) == ids
    assert len(again) == CLAIMS
