"""Workers as the console counts them: heard within their lease they are alive, after that silent and perhaps dead."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jobs import __version__
from jobs.conf import conf
from jobs.domain.lease import MAX_CLAIM_WAIT_MS
from jobs.domain.queue import WorkerRecord


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """One line of the table; `silent_ms` is how long nothing was heard of the worker, None while it is alive."""

    worker: WorkerRecord
    silent_ms: int | None

    @property
    def busy_percent(self) -> int:
        """Return how much of its slots is busy, 0–100."""
        return min(100 * self.worker.busy // max(self.worker.concurrency, 1), 100)

    @property
    def is_skewed(self) -> bool:
        """Tell whether it is of another version than this server; programs that speak HTTP have their own."""
        return self.worker.via == "store" and self.worker.version != __version__


def rows_of(workers: Iterable[WorkerRecord], now_ms: int) -> list[WorkerRow]:
    """Return the lines of workers; `now_ms` is of the store's clock, like the times of their reports."""
    return [WorkerRow(worker, _silent_ms(worker, now_ms)) for worker in workers]


def alive_of(workers: Iterable[WorkerRecord], now_ms: int) -> list[WorkerRecord]:
    """Return the workers that are not silent: only these take jobs."""
    return [row.worker for row in rows_of(workers, now_ms) if row.silent_ms is None]


def _silent_ms(worker: WorkerRecord, now_ms: int) -> int | None:
    # A worker reports itself three times a lease. After a whole one without a word its jobs go to others. One that
    # speaks HTTP may also just wait in a claim, whose beginning was its last word.
    longest_ms = conf().lease_ms if worker.via == "store" else MAX_CLAIM_WAIT_MS + conf().lease_ms
    unheard_ms = now_ms - worker.seen_at
    return unheard_ms if unheard_ms > longest_ms else None
