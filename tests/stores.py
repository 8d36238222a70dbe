"""The real store that tests run on: one server for each test process, a namespace of its own for each test."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeVar

from jobs import wiring
from jobs.backends.base import Acted, Submission, Submitted
from jobs.backends.call import Call
from jobs.backends.redis.backend import RedisBackend
from jobs.backends.redis.connection import connect
from jobs.backends.redis.feed import RedisFeed
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.operator import RedisOperator
from jobs.backends.redis.runner import SyncRunner
from jobs.domain.event import Event
from jobs.domain.fingerprint import group_id, site_of
from jobs.domain.identity import IdentityMaker
from jobs.domain.job import Job, JobError, JobSpec
from jobs.domain.lease import Claim, Lease
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.status import Status
from tests.consistency import contents_of, faults_of

T = TypeVar("T")

LEASE_MS = 10_000
BY = "tester"
# A test asks nothing twice: a store, or a whole machine, may stand still while it answers.
PATIENCE_S = 30.0


# Of which every failure is that a bench makes.
FAILURE = JobError("ValueError", "no")


def random_namespace() -> str:
    """Return a namespace that no other test has."""
    return f"t{secrets.token_hex(8)}"


def letters_group(kind: str = "demo.echo") -> str:
    """Return the group of the dead letters of a kind that a bench made."""
    return group_id(kind, FAILURE.type, site_of(FAILURE))


def letters_address(kind: str = "demo.echo") -> str:
    """Return where the console shows the dead letters of a kind that a bench made."""
    return f"dead-letters?group={letters_group(kind)}"


class ShardIds(IdentityMaker):
    """Makes ids of one shard."""

    def __init__(self, shard: int) -> None:
        super().__init__()
        self._shard = shard

    def make(self, shard: int | None = None) -> str:
        """Return a new id."""
        return super().make(self._shard if shard is None else shard)


@dataclass
class Bench:
    """A namespace on the real store whose clock the test moves.

    When it closes it looks for jobs in no index or in two, and for wrong counts; a test that breaks the keys on
    purpose says so with `is_checked = False`.
    """

    namespace: str = field(default_factory=random_namespace)
    url: str = field(default_factory=wiring.store_url)
    priority_mode: str = "offset"
    is_checked: bool = True
    shards: int = 1
    shard: int = 0  # where the jobs of this bench are
    lease_ms: int = LEASE_MS  # of its claims

    def __post_init__(self) -> None:
        self.client = connect(self.url, "bench", PATIENCE_S)
        self.runner = SyncRunner(self.client, has_test_clock=True)
        self.run = self.runner.run
        self.run_many = self.runner.run_many
        self.backend = backend = RedisBackend(priority_mode=self.priority_mode, grace_ms=LEASE_MS, shards=self.shards)
        self.producer = backend.producer(self.namespace)
        self.consumer = backend.consumer(self.namespace, self.shard)
        self.keys = Keys(self.namespace, self.shard)
        # What they do in the bench's own shard: tests/backends/test_shards.py has those for all.
        self.operator = RedisOperator(self.keys)
        self.feed = RedisFeed(self.keys)
        self.inspector = backend.inspector(self.namespace)
        self.maintainer = backend.maintainer(self.namespace, self.shard)
        self.ids = ShardIds(self.shard)
        self.seq = 0
        self._held_ms: int | None = None

    def advance(self, milliseconds: int) -> None:
        """Move the store's clock of this namespace, that of its workers' records too."""
        if self._held_ms is not None:
            self._held_ms += milliseconds
        for key in self._clocks():
            if self._held_ms is None:
                self.client.incrby(key, milliseconds)
            else:
                self.client.set(key, f"={self._held_ms}")

    def hold_clock(self) -> None:
        """Let time go on by `advance` alone, for a test that a machine which stands still would come too late in."""
        self._held_ms = self.now()
        self.advance(0)

    def _clocks(self) -> list[str]:
        workers_tag = self.keys.named("workers").removesuffix("workers")
        shards = [Keys(self.namespace, shard).named("test_clock") for shard in range(self.shards)]
        return [*shards, f"{workers_tag}test_clock"]

    def twice(self, call: Call[T]) -> T:
        """Run a call, and once more as after a lost reply: it must answer alike and change nothing."""
        answer = self.run(call)
        before = self.contents()
        assert self.run(call) == answer
        assert self.contents() == before
        return answer

    def refused(self, call: Call[T]) -> T:
        """Run a call that must change nothing, and return its answer."""
        before = self.contents()
        answer = self.run(call)
        assert self.contents() == before
        return answer

    def contents(self) -> dict[str, object]:
        """Return everything that the namespace holds."""
        return contents_of(self.client, self.keys)

    def now(self) -> int:
        """Return the store's clock as this namespace sees it (Unix ms)."""
        return self.run(self.inspector.overview(0)).server_time

    def submit(self, kind: str = "demo.echo", **fields: object) -> str:
        """Store one job and return its id."""
        return self.submit_all([JobSpec(kind=kind, **fields)])[0].job_id  # type: ignore[arg-type]

    def submit_all(self, specs: list[JobSpec]) -> list[Submitted]:
        """Store several jobs in one call."""
        return self.run(self.producer.submit([Submission(self.ids.make(), spec) for spec in specs]))

    def claim(self, limit: int = 1, queues: tuple[str, ...] = ("main",), worker: str = "w1") -> Claim:
        """Claim as worker `worker` with a fresh token."""
        self.seq += 1
        token = secrets.token_hex(16)
        call = self.consumer.claim(queues, worker, seq=self.seq, token=token, limit=limit, lease_ms=self.lease_ms)
        return self.run(call)

    def get(self, job_id: str) -> Job:
        """Return a job that must be there."""
        job = self.run(self.inspector.get(job_id))
        assert job is not None
        return job

    def lease(self, **claimed: object) -> Lease:
        """Claim one job that must be there."""
        (lease,) = self.claim(**claimed).leases  # type: ignore[arg-type]
        return lease

    def settle(self, lease: Lease, outcome: OutcomeKind = OutcomeKind.COMPLETED, **more: object) -> Status | None:
        """Settle one lease and return the job's new status; None when the lease was lost."""
        settlement = Settlement(job_id=lease.job.id, token=lease.token, outcome=outcome, **more)  # type: ignore[arg-type]
        (settled,) = self.run(self.consumer.settle([settlement]))
        return settled.status

    def fail(self, lease: Lease, **more: object) -> Status | None:
        """Settle one lease as failed."""
        return self.settle(lease, OutcomeKind.FAILED, error=FAILURE, **more)

    def dead_letter(self, **fields: object) -> str:
        """Store a job, let it fail for good and return its id."""
        job_id = self.submit(**({"max_retries": 0} | fields))  # type: ignore[arg-type]
        queue = str(fields.get("queue", "main"))
        assert self.fail(self.lease(queues=(queue,))) is Status.DEAD_LETTER
        return job_id

    def cancel(self, *job_ids: str, running: bool = False) -> list[Acted]:
        """Cancel jobs; with `running`, also ask running ones to stop."""
        return self.run(self.operator.cancel(job_ids, secrets.token_hex(8), running=running, by=BY))

    def raw(self, job_id: str) -> dict[str, bytes]:
        """Return the stored fields of a job; {} if there is none."""
        fields: dict[Any, Any] = self.client.hgetall(self.keys.named("job_prefix") + job_id)
        return {name.decode(): value for name, value in fields.items()}

    def depth(self, status: Status, queue: str = "main") -> int:
        """Return how many jobs of a queue are counted in one status."""
        queues = {stats.name: stats for stats in self.run(self.inspector.overview(0)).queues}
        return queues[queue].total(status) if queue in queues else 0

    def queue_ids(self, queue: str = "main") -> list[str]:
        """Return the ready jobs of a queue in their order."""
        return [job_id.decode() for job_id in self.client.zrange(self.keys.queue(queue), 0, -1)]

    def totals(self) -> dict[str, float]:
        """Return the counters since the beginning."""
        return self.run(self.inspector.overview(2)).totals

    def verbs(self) -> list[str]:
        """Return the verbs of all events, oldest first."""
        events, _ = self.run(self.feed.events_since("0-0", 5000))
        return [event.verb for event in events]

    def hints(self, queue: str = "main") -> int:
        """Return how many hints wait for sleeping workers."""
        return int(self.client.llen(self.keys.wake(queue)))

    def last_event(self) -> Event:
        """Return the newest event."""
        (event,), _ = self.run(self.feed.events_since("$", 1))
        return event

    def check(self) -> None:
        """Fail if any raw key contradicts another."""
        assert faults_of(self.client, self.keys) == []

    def close(self) -> None:
        """Check what the test left behind, and remove it."""
        try:
            if self.is_checked:
                self.check()
        finally:
            self._remove()
            self.client.close()

    def _remove(self) -> None:
        """Remove all keys, many at once: a store that writes each step to disk takes its time for one."""
        by_tag: dict[bytes, list[bytes]] = {}
        for key in self.client.scan_iter(f"ironforge:{{{self.namespace}/*", count=1_000):
            by_tag.setdefault(key.partition(b"}")[0], []).append(key)
        for keys in by_tag.values():
            for at in range(0, len(keys), 1_000):
                self.client.unlink(*keys[at : at + 1_000])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # What broke the test is worth more than what it left behind.
        self.is_checked = self.is_checked and error is None
        self.close()
