"""Who asks the store about jobs of the namespaces that a process serves, by namespace and shard."""

from __future__ import annotations

from collections.abc import Sequence

from jobs import wiring
from jobs.backends.base import Consumer
from jobs.domain.job import Job
from jobs.domain.shard import shard_of

# A namespace and one of its shards: what one call can be about.
Place = tuple[str, int]


class Consumers:
    """Safe to share between threads."""

    def __init__(self) -> None:
        self._backend = wiring.backend()

    @property
    def shards(self) -> int:
        """Return into how many shards each namespace is divided."""
        return self._backend.shards

    def at(self, place: Place) -> Consumer:
        """Return who asks there."""
        return self._backend.consumer(*place)

    def groups(self, jobs: Sequence[Job]) -> dict[Place, list[int]]:
        """Return which positions in the sequence belong to which place, each in order."""
        found: dict[Place, list[int]] = {}
        for position, job in enumerate(jobs):
            found.setdefault((job.namespace, shard_of(job.id, self.shards)), []).append(position)
        return found
