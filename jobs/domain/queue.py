"""A queue as an operator sees it."""

from __future__ import annotations

import msgspec

from jobs.domain.priority import Priority
from jobs.domain.status import Status


class Pause(msgspec.Struct, frozen=True):
    """Why a queue hands out nothing; `at` is Unix ms."""

    by: str
    reason: str
    at: int


class QueueStats(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of one queue. `oldest_ready_at` is the ready time (Unix ms) of the longest waiting of its first jobs.

    `counts` holds jobs by status and priority; `per_minute` the last full minute's rates.
    """

    name: str
    counts: dict[Status, dict[Priority, int]]
    oldest_ready_at: int | None = None
    pause: Pause | None = None
    submitted_per_minute: int = 0
    finished_per_minute: int = 0

    def total(self, status: Status) -> int:
        """Return the number of jobs in one status."""
        return sum(self.counts.get(status, {}).values())


class Minute(msgspec.Struct, frozen=True):
    """What the whole namespace did in one minute; `at` is its start in Unix ms.

    `failed` counts attempts, after which `retried` jobs will run again; `dead` counts jobs, of which `dead_unfailed`
    died without a failed attempt, as after three lost leases. `flows` holds how many came into each queue and went out.
    """

    at: int
    submitted: int = 0
    completed: int = 0
    failed: int = 0
    dead: int = 0
    retried: int = 0
    dead_unfailed: int = 0
    flows: dict[str, tuple[int, int]] = {}


class WorkerRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A worker as it last reported itself. Times in Unix ms. `via` is `store` or, for one in any language, `http`.

    `version` is IronForge's or the client's, `app_version` that of the code it runs, empty where nobody said it.
    `namespaces` is how many it serves: what is told here is of one of them.
    """

    id: str
    host: str
    pid: int
    version: str
    queues: tuple[str, ...]
    kinds: tuple[str, ...]
    concurrency: int
    busy: int
    started_at: int
    seen_at: int = 0
    memory_bytes: int = 0
    status: str = "running"
    jobs: tuple[str, ...] = ()
    language: str = "python"
    via: str = "store"
    namespaces: int = 1
    app_version: str = ""
