"""What a job store can do, split by who asks.

Each method builds a `Call`, a description of one atomic step; a runner carries it out, synchronously or not. So no
operation is written twice, and several calls can share one round trip. Every call may be repeated after a lost
reply: it then answers as it did the first time and changes nothing more. Running a call raises `BackendUnavailable`
when the store cannot answer within its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

import msgspec

from jobs.backends.call import Call
from jobs.backends.endpoints import Endpoints
from jobs.backends.error_groups import ErrorGroups
from jobs.backends.feed import Feed
from jobs.backends.limits import Limits
from jobs.backends.maintainer import Maintainer
from jobs.backends.overview import Overview
from jobs.backends.purge import PurgeProgress
from jobs.backends.schedules import Schedules
from jobs.backends.sharing import Sharing
from jobs.backends.tenants import Tenants
from jobs.backends.uniques import Uniques
from jobs.backends.workflows import Workflows
from jobs.domain.explanation import Standing
from jobs.domain.job import Job, JobSpec, NewPayload
from jobs.domain.lease import Claim, Extension
from jobs.domain.outcome import Settled, Settlement
from jobs.domain.priority import Priority
from jobs.domain.queue import QueueStats, WorkerRecord
from jobs.domain.report import JobLog, Noted, Report
from jobs.domain.status import Status
from jobs.domain.worker import WorkerOrder

ClaimManner = Literal["now", "waited", "void", "recall"]  # how it is sent; see Consumer

MAX_BATCH = 200
MAX_ATOMIC_BATCH = 1_000  # of a submission that is stored whole or not at all: the store is held up some 20 ms
MAX_QUEUES = 1_000  # of a shard of a namespace, known at a time: each overview reads them all
MAX_PAYLOADS = 50  # of 256 KiB each, read by one call
MAX_WORKERS = 1_000  # seen at a time
# Queued jobs are listed in the order in which they will run and delayed ones as they fall due, all else newest first.
LOWEST_FIRST = frozenset({Status.QUEUED, Status.SCHEDULED, Status.FAILED})


class Submission(msgspec.Struct, frozen=True, gc=False):
    """A job to store under an id that the caller made.

    With an idempotency key, `fingerprint` is the SHA-256 (hex) of the request that used it.
    """

    job_id: str
    spec: JobSpec
    idempotency_key: str | None = None
    fingerprint: str = ""


class SubmitCode(StrEnum):
    """What became of a submission."""

    ACCEPTED = "accepted"
    REPLAYED = "replayed"
    EXISTING = "existing"
    UNIQUE_CONFLICT = "unique_conflict"
    MISMATCH = "idempotency_mismatch"
    TOO_MANY_QUEUES = "too_many_queues"
    QUOTA_JOBS = "quota_jobs"
    QUOTA_BYTES = "quota_bytes"
    QUOTA_RATE = "quota_rate"
    ABORTED = "aborted"


class Submitted(msgspec.Struct, frozen=True, gc=False):
    """The answer for one submission.

    After a replay its id, status and time are the first job's; for `existing` and `unique_conflict` the key's holder's.
    """

    code: SubmitCode
    job_id: str
    status: Status
    created_at: int


class ActCode(StrEnum):
    """What became of one operator's act on one job."""

    DONE = "done"
    REQUESTED = "requested"
    CONFLICT = "conflict"
    UNIQUE_CONFLICT = "unique_conflict"
    NOT_FOUND = "not_found"
    TOO_MANY_QUEUES = "too_many_queues"
    QUOTA_BYTES = "quota_bytes"


@dataclass(frozen=True, slots=True)
class Acted:
    """`status` is the job's status after the call; None if there is no such job, or was no place for its queue."""

    job_id: str
    code: ActCode
    status: Status | None


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in an ordered list of jobs: the last one seen."""

    score: float
    job_id: str


@dataclass(frozen=True, slots=True)
class Listing:
    """One stretch of an index: jobs without payload and result, and where to go on (None: the end).

    `places` names the place of each job, so that a reader who stops in the middle can go on from there.
    """

    jobs: tuple[Job, ...]
    after: Cursor | None
    places: tuple[Cursor, ...] = ()


class Producer(Protocol):
    """Puts jobs in."""

    def submit(self, submissions: Sequence[Submission], *, is_atomic: bool = False) -> Call[list[Submitted]]:
        """Store up to MAX_BATCH jobs; answers in order. A repeat of an id answers as the first time.

        A job goes to the shard that its id names, so one with an idempotency key has an id of the key's shard.
        A job of a new queue beyond MAX_QUEUES is refused. With `is_atomic` up to MAX_ATOMIC_BATCH jobs are stored
        together or, where one is refused or its idempotency key was used with another request, not at all; the others
        are then answered as `aborted`.
        """


class Consumer(Protocol):
    """Takes jobs out of one shard and says how they ended. Workers themselves are known to all shards."""

    def claim(
        self,
        queues: Sequence[str],
        worker_id: str,
        *,
        seq: int,
        token: str,
        limit: int,
        lease_ms: int,
        manner: ClaimManner = "now",
        claim_id: str = "",
        latest: int = 0,
    ) -> Call[Claim]:
        """Take up to `limit` ready jobs, queues in the given order and lowest score first.

        `token` is 128 random bits in hex; `seq` rises with each claim of a worker, and the same two answer alike. A
        worker that does not count sends 0, and `latest` (Unix ms), after which the call takes nothing. `claim_id` is
        its own name for a claim: another call with it answers alike, and has the leases from then on. `waited`: the
        call stands behind a wait, so jobs that may run at most once stay. `void`, with limit 0: answer with what the
        claim of this seq took if it was carried out, and else see to it that it takes nothing later. `recall`: only
        answer again, and without the claim_id see to it that nobody else is answered so.
        """

    def settle(self, settlements: Sequence[Settlement]) -> Call[list[Settled]]:
        """Record how attempts ended; a stale token changes nothing and answers `lost`."""

    def extend(self, leases: Sequence[tuple[str, str]], lease_ms: int) -> Call[Extension]:
        """Renew leases, given as (job id, token)."""

    def report(self, reports: Sequence[Report]) -> Call[list[Noted]]:
        """Note what running attempts say of themselves; lines and large checkpoints only while there is memory."""

    def heartbeat(self, worker: WorkerRecord) -> Call[WorkerOrder]:
        """Record that a worker lives, and return what it is to do; it counts as active for 30 s."""

    def register(self, worker: WorkerRecord, most: int) -> Call[bool]:
        """Record that a new worker lives; False: `most` are known already, each for a minute after its last word."""

    def worker(self, worker_id: str) -> Call[WorkerRecord | None]:
        """Return what a worker last said of itself; None for one that is not known, or is forgotten."""

    def farewell(self, worker_id: str) -> Call[None]:
        """Forget a worker that stops in good order."""

    def rouse(self, listener: str) -> Call[None]:
        """End the wait of who hears hints under this name, which no queue can have."""


class Operator(Protocol):
    """Steers. `request_id` makes a repeated call answer alike; `by` is the actor's name for the record."""

    def cancel(self, job_ids: Sequence[str], request_id: str, *, running: bool, by: str) -> Call[list[Acted]]:
        """Cancel waiting jobs; with `running`, also ask running ones to stop."""

    def discard(self, job_ids: Sequence[str], request_id: str, *, by: str) -> Call[list[Acted]]:
        """Turn dead letters into cancelled jobs, reason `discarded`."""

    def retry(
        self, job_ids: Sequence[str], request_id: str, *, by: str, payload: NewPayload | None = None
    ) -> Call[list[Acted]]:
        """Re-inject dead letters; `payload` (one id only) replaces theirs; `quota_bytes` where there is no room."""

    def promote(self, job_ids: Sequence[str], request_id: str, *, by: str) -> Call[list[Acted]]:
        """Make delayed jobs and waiting retries ready now."""

    def reprioritise(self, job_ids: Sequence[str], request_id: str, to: Priority, *, by: str) -> Call[list[Acted]]:
        """Give queued, scheduled, failed and waiting jobs another priority; the time they became ready stays."""

    def move(self, job_ids: Sequence[str], request_id: str, queue: str, *, by: str) -> Call[list[Acted]]:
        """Put such jobs into another queue; `too_many_queues` beyond MAX_QUEUES."""

    def resend(self, delivery_id: str, again_id: str, about_id: str, payload: bytes) -> Call[Acted]:
        """Store a copy of a delivery that has ended, under an id of its shard, with this payload; `about_id` names it.

        A repeat of `again_id` makes no second one, and while a successor is under way another is a conflict."""

    def pause(self, queue: str, *, by: str, reason: str) -> Call[bool]:
        """Stop handing out the queue's jobs. False: it is a new queue beyond MAX_QUEUES, and nothing was done."""

    def resume(self, queue: str, *, by: str) -> Call[None]:
        """Hand out the queue's jobs again."""

    def purge(self, queue: str, request_id: str, until_ms: int, after: int, *, by: str) -> Call[PurgeProgress]:
        """Delete up to MAX_BATCH of the queue's jobs ready by `until_ms` (Unix ms), from `after` 0 or the answer's
        on; each call needs a `request_id` of its own."""

    def order(self, worker_id: str, order: WorkerOrder) -> Call[bool]:
        """Tell a worker what to do from its next heartbeat on. False: no such worker lives."""


class Inspector(Protocol):
    """Looks, and changes nothing."""

    def get(self, job_id: str) -> Call[Job | None]:
        """Return the whole job with payload, result and attempts; None if there is none."""

    def log(self, job_id: str, first: int, limit: int) -> Call[JobLog | None]:
        """Return up to `limit` lines of a job's log from number `first` on (from 0); None if there is no such job."""

    def explain(self, job_id: str) -> Call[Standing | None]:
        """Return what a claim would make of a job now; None if there is none."""

    def get_many(self, job_ids: Sequence[str]) -> Call[list[Job | None]]:
        """Return up to MAX_BATCH jobs without payload and result, in order."""

    def payloads(self, job_ids: Sequence[str], needle: bytes) -> Call[list[bytes]]:
        """Return up to MAX_PAYLOADS payloads (JSON), in order; empty where there is none or it lacks the needle."""

    def list_jobs(
        self, status: Status | None, queue: str | None, after: Cursor | None, limit: int, *, backwards: bool = False
    ) -> Call[Listing]:
        """Return up to `limit` (≤ MAX_BATCH) jobs of one index: newest submission first without a status; queued in the
        order they will run; scheduled and failed by due time, soonest first; the rest newest change first. `queue`
        narrows `queued` only; with any other index it must be filtered by the caller."""

    def queue(self, name: str) -> Call[tuple[int, QueueStats | None]]:
        """Return the store's clock (Unix ms) and one queue; None for an unknown one."""

    def overview(self, minutes: int, *, with_details: bool = False) -> Call[Overview]:
        """Return every known queue, the last `minutes` minutes and the counters since the beginning.

        With details the counters hold those of queues and kinds that only the history reads, too: up to 40 000.
        """

    def workers(self, after: str = "", limit: int = MAX_WORKERS) -> Call[list[WorkerRecord]]:
        """Return up to `limit` of the workers seen in the last 30 s, by id, from behind the id `after` on."""

    def worker_count(self) -> Call[int]:
        """Return how many workers were seen in the last 30 s."""


class Backend(Protocol):
    """All askers of one store; each is bound to one namespace, which never comes from job data.

    Who asks for every job asks all `shards`; who takes jobs out, or keeps them in order, does so shard by shard.
    """

    @property
    def shards(self) -> int: ...
    def producer(self, namespace: str) -> Producer: ...
    def consumer(self, namespace: str, shard: int = 0) -> Consumer: ...
    def operator(self, namespace: str) -> Operator: ...
    def inspector(self, namespace: str) -> Inspector: ...
    def maintainer(self, namespace: str, shard: int = 0) -> Maintainer: ...
    def feed(self, namespace: str) -> Feed: ...
    def endpoints(self, namespace: str) -> Endpoints: ...
    def error_groups(self, namespace: str) -> ErrorGroups: ...
    def limits(self, namespace: str) -> Limits: ...
    def uniques(self, namespace: str) -> Uniques: ...
    def sharing(self, namespace: str) -> Sharing: ...
    def tenants(self, namespace: str) -> Tenants: ...
    def schedules(self, namespace: str) -> Schedules: ...
    def workflows(self, namespace: str) -> Workflows: ...
