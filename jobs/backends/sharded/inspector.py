"""Looks at the jobs and queues of all shards as if they were one."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.backends.base import LOWEST_FIRST, MAX_BATCH, MAX_WORKERS, Cursor, Inspector, Listing
from jobs.backends.call import Call, spread
from jobs.backends.overview import Overview
from jobs.backends.sharded.grouping import each_in_its_shard, itself
from jobs.backends.sharded.merging import merged_listing, merged_overview, merged_queue
from jobs.domain.explanation import Standing
from jobs.domain.job import Job
from jobs.domain.queue import QueueStats, WorkerRecord
from jobs.domain.report import JobLog
from jobs.domain.shard import shard_of
from jobs.domain.status import Status


class ShardedInspector:
    """Builds the calls that look at one namespace. The names follow `base.Inspector`."""

    def __init__(self, shards: Sequence[Inspector]) -> None:
        self._shards = shards

    def get(self, job_id: str) -> Call[Job | None]:
        """Return the whole job with payload, result and attempts; None if there is none."""
        return self._shards[shard_of(job_id, len(self._shards))].get(job_id)

    def log(self, job_id: str, first: int, limit: int) -> Call[JobLog | None]:
        """Return up to `limit` lines of a job's log from number `first` on (from 0); None if there is no such job."""
        return self._shards[shard_of(job_id, len(self._shards))].log(job_id, first, limit)

    def explain(self, job_id: str) -> Call[Standing | None]:
        """Return what a claim would make of a job now, in its shard; None if there is none."""
        return self._shards[shard_of(job_id, len(self._shards))].explain(job_id)

    def get_many(self, job_ids: Sequence[str]) -> Call[list[Job | None]]:
        """Return up to MAX_BATCH jobs without payload and result, in order."""
        return each_in_its_shard(job_ids, itself, self._shards, lambda shard, ids: shard.get_many(ids))

    def payloads(self, job_ids: Sequence[str], needle: bytes) -> Call[list[bytes]]:
        """Return up to MAX_PAYLOADS payloads, in order; empty where there is none or it lacks the needle."""
        return each_in_its_shard(job_ids, itself, self._shards, lambda shard, ids: shard.payloads(ids, needle))

    def list_jobs(
        self, status: Status | None, queue: str | None, after: Cursor | None, limit: int, *, backwards: bool = False
    ) -> Call[Listing]:
        """Return up to `limit` jobs of one index, merged from as many of each shard."""
        limit = min(limit, MAX_BATCH)
        is_falling = (status in LOWEST_FIRST) == backwards

        def merge(listings: list[Listing]) -> Listing:
            return merged_listing(listings, limit, is_falling=is_falling)

        steps = [shard.list_jobs(status, queue, after, limit, backwards=backwards) for shard in self._shards]
        return spread(steps, merge)

    def queue(self, name: str) -> Call[tuple[int, QueueStats | None]]:
        """Return the latest of the stores' clocks (Unix ms) and one queue; None for one that no shard knows."""
        return spread([shard.queue(name) for shard in self._shards], merged_queue)

    def overview(self, minutes: int, *, with_details: bool = False) -> Call[Overview]:
        """Return every known queue, the last `minutes` minutes and the counters, with details as one shard does."""
        parts = [shard.overview(minutes, with_details=with_details) for shard in self._shards]
        return spread(parts, merged_overview)

    def workers(self, after: str = "", limit: int = MAX_WORKERS) -> Call[list[WorkerRecord]]:
        """Return up to `limit` of the workers seen in the last 30 s, by id: they serve all shards."""
        return self._shards[0].workers(after, limit)

    def worker_count(self) -> Call[int]:
        """Return how many workers were seen in the last 30 s."""
        return self._shards[0].worker_count()
