"""Steers the jobs and queues of all shards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jobs.backends.base import Acted, Operator
from jobs.backends.call import Call, spread
from jobs.backends.purge import PurgeProgress
from jobs.backends.sharded.grouping import each_in_its_shard, itself
from jobs.domain.job import NewPayload
from jobs.domain.priority import Priority
from jobs.domain.shard import shard_of
from jobs.domain.worker import WorkerOrder


class ShardedOperator:
    """Builds the calls that steer one namespace. The names follow `base.Operator`."""

    def __init__(self, shards: Sequence[Operator]) -> None:
        self._shards = shards

    def cancel(self, job_ids: Sequence[str], request_id: str, *, running: bool, by: str) -> Call[list[Acted]]:
        """Cancel waiting jobs; with `running`, also ask running ones to stop."""
        return each_in_its_shard(
            job_ids, itself, self._shards, lambda shard, ids: shard.cancel(ids, request_id, running=running, by=by)
        )

    def discard(self, job_ids: Sequence[str], request_id: str, *, by: str) -> Call[list[Acted]]:
        """Turn dead letters into cancelled jobs, reason `discarded`."""
        return each_in_its_shard(
            job_ids, itself, self._shards, lambda shard, ids: shard.discard(ids, request_id, by=by)
        )

    def retry(
        self, job_ids: Sequence[str], request_id: str, *, by: str, payload: NewPayload | None = None
    ) -> Call[list[Acted]]:
        """Re-inject dead letters; `payload` (one id only) replaces theirs; `quota_bytes` where there is no room."""
        return each_in_its_shard(
            job_ids, itself, self._shards, lambda shard, ids: shard.retry(ids, request_id, by=by, payload=payload)
        )

    def promote(self, job_ids: Sequence[str], request_id: str, *, by: str) -> Call[list[Acted]]:
        """Make delayed jobs and waiting retries ready now."""
        return each_in_its_shard(
            job_ids, itself, self._shards, lambda shard, ids: shard.promote(ids, request_id, by=by)
        )

    def reprioritise(self, job_ids: Sequence[str], request_id: str, to: Priority, *, by: str) -> Call[list[Acted]]:
        """Give jobs that wait another priority."""
        return each_in_its_shard(
            job_ids, itself, self._shards, lambda shard, ids: shard.reprioritise(ids, request_id, to, by=by)
        )

    def move(self, job_ids: Sequence[str], request_id: str, queue: str, *, by: str) -> Call[list[Acted]]:
        """Put jobs that wait into another queue."""
        return each_in_its_shard(
            job_ids, itself, self._shards, lambda shard, ids: shard.move(ids, request_id, queue, by=by)
        )

    def resend(self, delivery_id: str, again_id: str, about_id: str, payload: bytes) -> Call[Acted]:
        """Store a copy of a delivery: it, what it tells of and the new one are of one shard."""
        shard = self._shards[shard_of(delivery_id, len(self._shards))]
        return shard.resend(delivery_id, again_id, about_id, payload)

    def pause(self, queue: str, *, by: str, reason: str) -> Call[bool]:
        """Stop handing out the queue's jobs in every shard; False where one has no place for a new queue."""
        return spread([shard.pause(queue, by=by, reason=reason) for shard in self._shards], all)

    def resume(self, queue: str, *, by: str) -> Call[None]:
        """Hand out the queue's jobs again in every shard."""
        return spread([shard.resume(queue, by=by) for shard in self._shards], _nothing)

    def purge(self, queue: str, request_id: str, until_ms: int, after: int, *, by: str) -> Call[PurgeProgress]:
        """Delete some of the queue's ready jobs, one shard after the other: the place to go on from names the shard."""
        place, shard = divmod(after, len(self._shards))
        step = self._shards[shard].purge(queue, request_id, until_ms, place, by=by)

        def merge(answers: list[Any]) -> PurgeProgress:
            (progress,) = answers
            if progress.after is not None:
                return PurgeProgress(progress.purged, progress.after * len(self._shards) + shard)
            return PurgeProgress(progress.purged, shard + 1 if shard + 1 < len(self._shards) else None)

        return spread([step], merge)

    def order(self, worker_id: str, order: WorkerOrder) -> Call[bool]:
        """Tell a worker what to do: workers serve all shards and stand beside them."""
        return self._shards[0].order(worker_id, order)


def _nothing(_: object) -> None:
    return None
