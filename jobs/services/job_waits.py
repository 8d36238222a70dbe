"""Waits for the end of jobs: one look at the store serves all who wait in a namespace, however many they are."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable

from jobs.backends.base import MAX_BATCH, Backend
from jobs.backends.call import AsyncRunner
from jobs.domain.errors import BackendUnavailable
from jobs.domain.shard import shard_of
from jobs.domain.status import FINAL

MAX_WAIT_S = 30.0
# Beyond so many the answer comes at once, as if the time were over.
MAX_WAITERS = 10_000
_FIRST_PAUSE_S = 0.01
_LONGEST_PAUSE_S = 0.25


class _Watch:
    """Who waits in one shard of a namespace, by job: nobody waits for a shard that is away but those of its jobs."""

    def __init__(self) -> None:
        self.waiting: defaultdict[str, list[asyncio.Future[None]]] = defaultdict(list)
        self.task: asyncio.Task[None] | None = None
        self.pause_s = _FIRST_PAUSE_S


class JobWaits:
    """Waits of one event loop."""

    def __init__(self, runner_of: Callable[[str, int], AsyncRunner], backend: Backend) -> None:
        self._runner_of = runner_of
        self._backend = backend
        self._watches: dict[tuple[str, int], _Watch] = {}
        self._waiters = 0

    async def until_final(self, namespace: str, job_id: str, wait_s: float) -> None:
        """Return when the job is final or gone, or after `wait_s`. Raises BackendUnavailable."""
        if self._waiters >= MAX_WAITERS:
            return
        place = namespace, shard_of(job_id, self._backend.shards)
        watch = self._watches.setdefault(place, _Watch())
        told = asyncio.get_running_loop().create_future()
        watch.waiting[job_id].append(told)
        # Whoever comes new wants to know soon.
        watch.pause_s = _FIRST_PAUSE_S
        if watch.task is None or watch.task.done():
            watch.task = asyncio.create_task(self._look(place, watch))
        self._waiters += 1
        try:
            async with asyncio.timeout(min(wait_s, MAX_WAIT_S)):
                await told
        except TimeoutError:
            return
        finally:
            self._waiters -= 1
            _forget(watch, job_id, told)

    async def _look(self, place: tuple[str, int], watch: _Watch) -> None:
        """Look again and again, ever more seldom, until nobody waits."""
        inspector = self._backend.inspector(place[0])
        while watch.waiting:
            ids = list(watch.waiting)
            for first in range(0, len(ids), MAX_BATCH):
                some = ids[first : first + MAX_BATCH]
                try:
                    found = await self._runner_of(*place).run(inspector.get_many(some))
                except BackendUnavailable as unavailable:
                    _tell_all(watch, some, unavailable)
                    continue
                ended = [job_id for job_id, job in zip(some, found, strict=True) if job is None or job.status in FINAL]
                _tell_all(watch, ended, None)
            await asyncio.sleep(watch.pause_s)
            watch.pause_s = min(watch.pause_s * 1.5, _LONGEST_PAUSE_S)
        watch.task = None
        self._watches.pop(place, None)


def _tell_all(watch: _Watch, job_ids: list[str], failure: BackendUnavailable | None) -> None:
    for job_id in job_ids:
        for told in watch.waiting.get(job_id, ()):
            if told.done():
                continue
            if failure is None:
                told.set_result(None)
            else:
                told.set_exception(failure)


def _forget(watch: _Watch, job_id: str, told: asyncio.Future[None]) -> None:
    left = watch.waiting[job_id]
    left.remove(told)
    if not left:
        del watch.waiting[job_id]
