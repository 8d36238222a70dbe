"""What a namespace answers and holds, in plain Python: jobs by the table of states, keys, pauses and claims.

It knows a clock that only the test moves, and nothing of how the store keeps things.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from jobs.backends.base import Submission
from jobs.domain.status import Status
from tests.model.job import Model

HOUR_MS, HALF_HOUR_MS = 3_600_000, 1_800_000


@dataclass
class Taken:
    """The last claim of a worker that brought something."""

    seq: int = 0
    tokens: tuple[str, ...] = ()


@dataclass
class Reference:
    """One namespace; workers take jobs of its queue `main` only."""

    jobs: dict[str, Model] = field(default_factory=dict)
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)  # idempotency key → fingerprint, job
    holders: dict[str, tuple[str, str]] = field(default_factory=dict)  # good token → job, worker
    taken: dict[str, Taken] = field(default_factory=dict)
    clock: int = 0
    is_paused: bool = False

    def living(self) -> dict[str, Model]:
        """Return the jobs that are there."""
        return {job_id: job for job_id, job in self.jobs.items() if not job.is_deleted}

    def counts(self, queue: str = "") -> Counter[Status]:
        """Return how many jobs there are in each status, in one queue or in all."""
        return Counter(job.status for job in self.living().values() if queue in ("", job.queue))

    def submit(self, batch: Sequence[Submission], *, is_atomic: bool) -> list[tuple[str, str, Status]]:
        """Store jobs; return code, id and status for each."""
        is_aborted = is_atomic and any(self._code_of(it) == "idempotency_mismatch" for it in batch)
        answers = []
        for it in batch:
            code = self._code_of(it)
            if code == "accepted" and is_aborted:
                answers.append(("aborted", it.job_id, Status.QUEUED))
                continue
            job_id = it.job_id if code == "accepted" else self.keys[it.idempotency_key or ""][1]
            if code == "accepted":
                self._store(it)
            answers.append((code, job_id, self.jobs[job_id].status))
        return answers

    def _code_of(self, it: Submission) -> str:
        known = self.keys.get(it.idempotency_key or "")
        if known is None:
            return "accepted"
        return "replayed" if known[0] == it.fingerprint else "idempotency_mismatch"

    def _store(self, it: Submission) -> None:
        is_later = it.spec.scheduled_for is not None
        status = Status.SCHEDULED if is_later else Status.QUEUED
        self.jobs[it.job_id] = Model(it.spec.max_retries, it.spec.delivery, status, self.clock + HALF_HOUR_MS)
        if it.idempotency_key:
            self.keys[it.idempotency_key] = it.fingerprint, it.job_id

    def ripen(self) -> None:
        """Make ready what is due."""
        for job in self.living().values():
            job.ripen(self.clock)

    def repeated(self, worker: str, seq: int) -> tuple[str, ...] | None:
        """Return the tokens that a claim of this number answers with if it takes nothing new, None if it may."""
        last = self.taken.get(worker, Taken())
        if seq > last.seq:
            return None
        return tuple(token for token in last.tokens if token in self.holders) if seq == last.seq else ()

    def ready(self) -> set[str]:
        """Return the jobs that a claim may take now."""
        if self.is_paused:
            return set()
        return {job_id for job_id, job in self.living().items() if job.status is Status.QUEUED and job.queue == "main"}

    def take(self, worker: str, seq: int, leases: Sequence[tuple[str, str]]) -> None:
        """Give (job, token) to a worker."""
        for job_id, token in leases:
            self.jobs[job_id].claim()
            self.holders[token] = job_id, worker
        if leases:
            self.taken[worker] = Taken(seq, tuple(token for _, token in leases))

    def lose(self, tokens: Iterable[str]) -> None:
        """End leases whose holders said nothing."""
        for token in tuple(tokens):
            job_id, _ = self.holders.pop(token)
            self.jobs[job_id].lose(self.clock, job_id)

    def held_by(self, worker: str) -> list[str]:
        """Return the good tokens of a worker."""
        return [token for token, (_, holder) in self.holders.items() if holder == worker]

    def delete(self, statuses: set[Status]) -> int:
        """Forget jobs; whoever asks with their keys hears what they were. Return how many."""
        gone = [job for job in self.living().values() if job.status in statuses]
        for job in gone:
            job.is_deleted = True
        return len(gone)

    def purge(self, queue: str) -> int:
        """Forget what is queued; whoever asks with its keys hears that it was cancelled. Return how many."""
        gone = [job for job in self.living().values() if job.status is Status.QUEUED and job.queue == queue]
        for job in gone:
            job.is_deleted, job.status = True, Status.CANCELLED
        return len(gone)
