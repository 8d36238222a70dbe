"""Long polls of jobs of several shards: one that is away is waited for by nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from jobs.backends.call import Call
from jobs.backends.redis.backend import RedisBackend
from jobs.domain.errors import BackendUnavailable
from jobs.domain.identity import IdentityMaker
from jobs.services.job_waits import JobWaits

T = TypeVar("T")


class Shard:
    """A shard without any job, or one that hangs until `given_up`."""

    def __init__(self, shard: int, given_up: asyncio.Event) -> None:
        self._hangs = shard % 3 == 0
        self._given_up = given_up

    async def run(self, call: Call[T]) -> T:
        return (await self.run_many((call,)))[0]

    async def run_many(self, calls: Sequence[Call[T]]) -> list[T]:
        if self._hangs:
            await self._given_up.wait()
            raise BackendUnavailable("away")
        return [call.decode([[] for _ in range(int(call.args[1][0]) & 0x0F)]) for call in calls]  # type: ignore[index]


def test_who_waits_for_a_shard_that_is_away_waits_alone_and_no_longer_than_a_call() -> None:
    ids = [IdentityMaker().make(shard) for shard in range(12)]

    async def story() -> None:
        given_up = asyncio.Event()
        waits = JobWaits(lambda _, shard: Shard(shard, given_up), RedisBackend(shards=12))
        waiting = [asyncio.create_task(waits.until_final("n1", job_id, 30)) for job_id in ids]
        away = waiting[::3]
        # The calls to the others hang for as long as this takes.
        await asyncio.gather(*(each for each in waiting if each not in away))
        assert not any(each.done() for each in away)
        given_up.set()
        # Who waited until the end of the time would be told nothing.
        told = await asyncio.gather(*away, return_exceptions=True)
        assert {type(each) for each in told} == {BackendUnavailable}

    asyncio.run(story())
