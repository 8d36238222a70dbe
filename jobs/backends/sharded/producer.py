"""Puts jobs into the shards that their ids name."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.backends.base import Producer, Submission, Submitted
from jobs.backends.call import Call
from jobs.backends.sharded.grouping import each_in_its_shard
from jobs.domain.shard import places_by_shard


class ShardedProducer:
    """Builds the calls of whoever submits jobs to one namespace."""

    def __init__(self, shards: Sequence[Producer]) -> None:
        self._shards = shards

    def submit(self, submissions: Sequence[Submission], *, is_atomic: bool = False) -> Call[list[Submitted]]:
        """Store jobs; see `base.Producer`. What is stored whole or not at all must be of one shard: else ValueError."""
        if is_atomic and len(places_by_shard([each.job_id for each in submissions], len(self._shards))) > 1:
            raise ValueError("jobs of several shards cannot be stored in one step")
        return each_in_its_shard(
            submissions,
            lambda submission: submission.job_id,
            self._shards,
            lambda shard, some: shard.submit(some, is_atomic=is_atomic),
        )
