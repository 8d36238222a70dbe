"""What a job becomes, in plain Python: the table of states as a reference for the scripts."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.domain.job import Delivery
from jobs.domain.outcome import OutcomeKind
from jobs.domain.priority import Priority
from jobs.domain.status import Status

S = Status
DELAYED = (S.SCHEDULED, S.FAILED)
UNKNOWN_KIND_LIMIT = 8
LOST_LEASE_LIMIT = 3
SECOND_LOSS_MS, SECOND_LOSS_SPREAD_MS = 10_000, 10_000


@dataclass
class Model:
    """One job. `due` is in ms of a clock that only the test moves."""

    max_retries: int
    delivery: Delivery
    status: Status = S.QUEUED
    due: int = 0
    attempt: int = 0
    retry_count: int = 0
    lost_leases: int = 0
    unknown_kinds: int = 0
    is_cancel_wanted: bool = False
    is_deleted: bool = False
    queue: str = "main"
    priority: Priority = Priority.MEDIUM

    @property
    def seen(self) -> tuple[object, ...]:
        """What of it anybody can see, but for times and texts."""
        wanted = self.is_cancel_wanted and self.status is S.RUNNING
        return self.status, self.attempt, self.retry_count, self.lost_leases, wanted

    def claim(self) -> None:
        self.status, self.attempt = S.RUNNING, self.attempt + 1

    def ripen(self, now: int) -> None:
        """Become ready when due."""
        if self.status in DELAYED and self.due <= now:
            self.status = S.QUEUED

    def settle(self, outcome: OutcomeKind, due: int) -> None:
        """End the attempt; `due` is when it runs again if it is delayed."""
        if outcome is OutcomeKind.UNKNOWN_KIND:
            self.attempt -= 1
            self.unknown_kinds += 1
        elif outcome is OutcomeKind.CRASHED:
            self.lost_leases += 1
        elif outcome is OutcomeKind.RELEASED and not self.is_cancel_wanted:
            self.attempt -= 1
        if outcome is OutcomeKind.COMPLETED:
            self.status = S.COMPLETED
        elif self.is_cancel_wanted:
            self.status = S.CANCELLED
        else:
            self._go_on(outcome, due)

    def _go_on(self, outcome: OutcomeKind, due: int) -> None:
        self.due = due
        if outcome is OutcomeKind.RELEASED:
            self.status = S.QUEUED
        elif outcome is OutcomeKind.CRASHED:
            self._go_down_the_ladder(due)
        elif outcome is OutcomeKind.SNOOZED and self.delivery is Delivery.AT_LEAST_ONCE:
            self.status = S.SCHEDULED
        elif outcome is OutcomeKind.UNKNOWN_KIND:
            self.status = S.DEAD_LETTER if self.unknown_kinds >= UNKNOWN_KIND_LIMIT else S.SCHEDULED
        elif outcome is OutcomeKind.FAILED and self._may_retry:
            self.status, self.retry_count = S.FAILED, self.retry_count + 1
        else:
            self.status = S.DEAD_LETTER

    @property
    def _may_retry(self) -> bool:
        return self.delivery is Delivery.AT_LEAST_ONCE and self.retry_count < self.max_retries

    def lose(self, now: int, job_id: str) -> None:
        """Lose the lease; for how long a second loss delays the job, the digits of its id before the shard say."""
        self.lost_leases += 1
        if self.is_cancel_wanted:
            self.status = S.CANCELLED
        else:
            self._go_down_the_ladder(now + SECOND_LOSS_MS + int(job_id[-6:-2], 16) % SECOND_LOSS_SPREAD_MS)

    def _go_down_the_ladder(self, due: int) -> None:
        if self.delivery is Delivery.AT_MOST_ONCE or self.lost_leases >= LOST_LEASE_LIMIT:
            self.status = S.DEAD_LETTER
        elif self.lost_leases == LOST_LEASE_LIMIT - 1:
            self.status, self.due = S.FAILED, due
        else:
            self.status = S.QUEUED

    def cancel(self, *, running: bool) -> str:
        """Cancel, or ask to stop; return the code of the answer."""
        if self.status is S.RUNNING and running:
            self.is_cancel_wanted = True
            return "requested"
        if self.status in {S.QUEUED, *DELAYED}:
            self.status = S.CANCELLED
            return "done"
        return "conflict"

    def discard(self) -> str:
        if self.status is not S.DEAD_LETTER:
            return "conflict"
        self.status = S.CANCELLED
        return "done"

    def retry(self) -> str:
        if self.status is not S.DEAD_LETTER:
            return "conflict"
        self.status, self.is_cancel_wanted = S.QUEUED, False
        self.retry_count = self.lost_leases = self.unknown_kinds = 0
        return "done"

    def shift(self, to: Priority | str) -> str:
        """Take another priority, or go to another queue."""
        if self.status not in {S.QUEUED, *DELAYED}:
            return "conflict"
        if isinstance(to, Priority):
            self.priority = to
        else:
            self.queue = to
        return "done"

    def promote(self) -> str:
        if self.status not in DELAYED:
            return "conflict"
        self.status = S.QUEUED
        return "done"
