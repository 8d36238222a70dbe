"""Long polls of jobs of several shards: one that is away is waited for by nobody else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import TypeVar

import pytest

from jobs.backends.call import Call
from jobs.backends.redis.backend import RedisBackend
from jobs.domain.errors import BackendUnavailable
from jobs.domain.identity import IdentityMaker
from jobs.services.job_waits import JobWaits

T = TypeVar("T")
AWAY_S = 0.9


class Shard:
    """A shard without any job, or one that hangs for the time of a call."""

    def __init__(self, shard: int) -> None:
        self._hangs = shard % 3 == 0

    async def run(self, call: Call[T]) -> T:
        return (await self.run_many((call,)))[0]

    async def run_many(self, calls: Sequence[Call[T]]) -> list[T]:
        if self._hangs:
            await asyncio.sleep(AWAY_S)
            raise BackendUnavailable("away")
        return [call.decode([[] for _ in range(int(call.args[1][0]) & 0x0F)]) for call in calls]  # type: ignore[index]


def test_who_waits_for_a_shard_that_is_away_waits_alone_and_no_longer_than_a_call() -> None:
    ids = [IdentityMaker().make(shard) for shard in range(12)]

    async def story() -> list[float | BackendUnavailable]:
        waits, began = JobWaits(lambda _, shard: Shard(shard), RedisBackend(shards=12)), time.monotonic()

        async def wait(job_id: str) -> float | BackendUnavailable:
            try:
                await waits.until_final("n1", job_id, 20)
            except BackendUnavailable as error:
                assert time.monotonic() - began < 2 * AWAY_S
                return error
            return time.monotonic() - began

        return await asyncio.gather(*map(wait, ids))

    told = asyncio.run(story())
    for shard, answer in enumerate(told):
        if shard % 3:
            assert answer == pytest.approx(0, abs=AWAY_S / 2)
        else:
            assert isinstance(answer, BackendUnavailable)
