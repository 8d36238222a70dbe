"""Jobs that live and run in this process alone, by the rules of workers and store: for tests that need neither."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from itertools import count
from threading import RLock

import msgspec
from asgiref.sync import async_to_sync

from jobs.backends.base import Submission, SubmitCode, Submitted
from jobs.domain.job import Attempt, Delivery, Job, JobSpec
from jobs.domain.lease import DEFAULT_LEASE_MS, Lease
from jobs.domain.naming import DEFAULT_NAMESPACE
from jobs.domain.outcome import OutcomeKind, Settlement
from jobs.domain.report import Progress
from jobs.domain.status import FINAL, Status
from jobs.services.bulk_submission import Outcome
from workers.context import Context, StopMark
from workers.discovery import discover
from workers.ending import CHANCE, Ending, Raised, Returned, settlement_of
from workers.execution import prepared
from workers.registry import Handler, Registry

WORKER_ID = "rehearsal"
Place = tuple[str, str]

# All but the webhook: nobody is told of a job that is rehearsed.
SPEC_FIELDS = tuple(name for name in JobSpec.__struct_fields__ if name in Job.__struct_fields__ and name != "webhook")


class NoHandler(LookupError):
    """A job came to its turn, and no handler is registered for its kind."""


class Rehearsal:
    """Keeps jobs and runs them when told, in the thread that says so and without time limits.

    Its clock is that of the machine, and ahead of it by what was not waited for.
    """

    def __init__(self, registry: Registry | None = None, namespace: str = DEFAULT_NAMESPACE) -> None:
        self.namespace = namespace
        self.jobs: dict[Place, Job] = {}
        self.errors: dict[Place, BaseException] = {}
        self._registry = registry
        self._keys: dict[Place, tuple[str, Submitted]] = {}
        self._tokens = count(1)
        self._ahead_ms = 0
        self._lock = RLock()

    def now_ms(self) -> int:
        """Return the time of this clock (Unix ms)."""
        return int(time.time() * 1000) + self._ahead_ms

    def advance_to(self, unix_ms: int) -> None:
        """Let the clock be there, if it is not beyond it already."""
        self._ahead_ms += max(0, unix_ms - self.now_ms())

    def put(self, namespace: str, submissions: Sequence[Submission]) -> list[Outcome]:
        """Keep jobs, and return what became of each; nothing is run."""
        with self._lock:
            return [self._put(namespace, submission) for submission in submissions]

    def find(self, namespace: str, job_id: str) -> Job | None:
        """Return a job, None if there is none."""
        return self.jobs.get((namespace, job_id))

    def run(self, place: Place) -> Job:
        """Run one attempt at a job that waits, due or not, and return the job. Raises NoHandler."""
        before = self.jobs[place]
        started_at = self.now_ms()
        attempt = Attempt(number=before.attempt + 1, worker_id=WORKER_ID, started_at=started_at)
        job = msgspec.structs.replace(
            before,
            status=Status.RUNNING,
            attempt=attempt.number,
            attempts=(*before.attempts, attempt),
            started_at=started_at,
            worker_id=WORKER_ID,
        )
        self.jobs[place] = job
        lease = Lease(job, f"{next(self._tokens):032x}", attempt.number, started_at + DEFAULT_LEASE_MS, job.checkpoint)
        settlement = self._settlement(lease, place)
        self.jobs[place] = self._settled(self.jobs[place], settlement)
        return self.jobs[place]

    def progress(self, lease: Lease, fraction: float, text: str) -> None:
        """Keep how far an attempt is."""
        self._note(lease, progress=Progress(fraction, text, self.now_ms()))

    def line(self, lease: Lease, level: str, text: str) -> None:
        """Pass over a line of the job's log, which is in the log of the process as well."""

    def checkpoint(self, lease: Lease, data: bytes) -> None:
        """Keep where the next attempt goes on."""
        self._note(lease, checkpoint=data)

    def _note(self, lease: Lease, **fields: object) -> None:
        place = (lease.job.namespace, lease.job.id)
        self.jobs[place] = msgspec.structs.replace(self.jobs[place], **fields)

    def _put(self, namespace: str, submission: Submission) -> Submitted:
        key = (namespace, submission.idempotency_key or "")
        if submission.idempotency_key and key in self._keys:
            fingerprint, first = self._keys[key]
            code = SubmitCode.REPLAYED if fingerprint == submission.fingerprint else SubmitCode.MISMATCH
            return msgspec.structs.replace(first, code=code)
        now, spec = self.now_ms(), submission.spec
        is_due = spec.scheduled_for is None or spec.scheduled_for <= now
        job = Job(
            id=submission.job_id,
            namespace=namespace,
            status=Status.QUEUED if is_due else Status.SCHEDULED,
            retry_count=0,
            created_at=now,
            ready_at=now if is_due else None,
            **{name: getattr(spec, name) for name in SPEC_FIELDS},
        )
        self.jobs[namespace, job.id] = job
        answer = Submitted(SubmitCode.ACCEPTED, job.id, job.status, now)
        if submission.idempotency_key:
            self._keys[key] = (submission.fingerprint, answer)
        return answer

    def _settlement(self, lease: Lease, place: Place) -> Settlement:
        ready = prepared(lease, self._registry or discover())
        if isinstance(ready, Settlement):
            if ready.outcome is OutcomeKind.UNKNOWN_KIND:
                raise NoHandler(f"No handler is registered for kind {lease.job.kind!r}.")
            return ready
        handler, payload = ready
        ending = self._ending(handler, lease, payload)
        if isinstance(ending, Raised):
            self.errors[place] = ending.error
        settlement = settlement_of(lease, handler, ending, None, 0)
        assert settlement is not None  # noqa: S101 (only a lost lease has none)
        return settlement

    def _ending(self, handler: Handler, lease: Lease, payload: object) -> Ending:
        limit_ms = handler.time_limit_ms(lease.job.timeout_ms)
        context = Context(lease, limit_ms, StopMark(math.inf), time.monotonic(), self)
        function = async_to_sync(handler.function) if handler.isolation == "async" else handler.function
        try:
            return Returned(function(context, payload))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 (whatever it is, it ends this attempt and no more)
            return Raised(error)

    def _settled(self, job: Job, settlement: Settlement) -> Job:
        """Return a running job as it is after its attempt, as `settle.lua` has it."""
        now = self.now_ms()
        ended = msgspec.structs.replace(
            job.attempts[-1], finished_at=now, outcome=settlement.outcome.value, error=settlement.error
        )
        changes: dict[str, object] = {"attempts": (*job.attempts[:-1], ended), "worker_id": None}
        changes |= _next_of(job, settlement, now)
        if changes["status"] in FINAL:
            changes["finished_at"] = now
        return msgspec.structs.replace(job, **changes)


def _next_of(job: Job, settlement: Settlement, now: int) -> dict[str, object]:
    """Return what an outcome changes; `now` is Unix ms."""
    if settlement.outcome is OutcomeKind.COMPLETED:
        return {"status": Status.COMPLETED, "result": settlement.result, "error": None}
    may_go_on = job.delivery is not Delivery.AT_MOST_ONCE
    if settlement.outcome is OutcomeKind.SNOOZED and may_go_on:
        return {"status": Status.SCHEDULED, "scheduled_for": now + (settlement.delay_ms or 0)}
    dead: dict[str, object] = {"status": Status.DEAD_LETTER, "error": settlement.error}
    if settlement.outcome is OutcomeKind.DISCARDED:
        return dead | {"reason": "discard"}
    if not may_go_on:
        return dead | {"reason": "at_most_once"}
    if job.retry_count >= job.max_retries:
        return dead | {"reason": "retries_exhausted"}
    retry_count = job.retry_count + 1
    delay_ms = settlement.delay_ms
    if delay_ms is None:
        delay_ms = job.backoff.delay_ms(retry_count, CHANCE)
    due = now + delay_ms
    return {
        "status": Status.FAILED,
        "error": settlement.error,
        "retry_count": retry_count,
        "scheduled_for": due,
    }
