"""Keeps the leases alive and says that the worker lives, from a thread and a connection of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from jobs.backends.base import MAX_BATCH, Call, Consumer
from jobs.domain.lease import Extension
from jobs.domain.queue import WorkerRecord
from workers.lease_table import Held, LeaseTable
from workers.memory import resident_bytes
from workers.store_link import StoreLink

MAX_JOBS_NAMED = 100


@dataclass(frozen=True, slots=True)
class News:
    """What a round of heartbeats brought: attempts that are no longer ours, and those somebody wants stopped."""

    lost: tuple[Held, ...]
    cancelled: tuple[Held, ...]


class Heartbeat:
    """One round: extend every held lease, tell the loop what changed, report the worker."""

    def __init__(
        self,
        consumer: Consumer,
        link: StoreLink,
        leases: LeaseTable,
        record: WorkerRecord,
        tell: Callable[[News], None],
    ) -> None:
        self._consumer = consumer
        self._link = link
        self._leases = leases
        self._record = record
        self._tell = tell
        self.status = "running"

    def beat(self) -> None:
        """Do one round. Raises BackendUnavailable."""
        held = self._leases.snapshot()
        batches = [held[first : first + MAX_BATCH] for first in range(0, len(held), MAX_BATCH)]
        calls: list[Call[Extension | None]] = [self._extend(batch) for batch in batches]
        sent = time.monotonic()
        *extensions, _ = self._link.run_many([*calls, self._consumer.heartbeat(self._present(held))])
        for batch, extension in zip(batches, extensions, strict=True):
            if extension is not None:
                self._learn(batch, extension, sent)

    def _extend(self, batch: Sequence[Held]) -> Call[Extension]:
        pairs = [(held.lease.job.id, held.lease.token) for held in batch]
        return self._consumer.extend(pairs, self._leases.lease_ms)

    def _learn(self, batch: Sequence[Held], extension: Extension, sent: float) -> None:
        by_id = {held.lease.job.id: held for held in batch}
        for job_id in extension.extended:
            self._leases.renew(by_id[job_id], sent)
        news = News(
            lost=tuple(by_id[job_id] for job_id in extension.lost),
            cancelled=tuple(by_id[job_id] for job_id in extension.cancel_requested),
        )
        if news.lost or news.cancelled:
            self._tell(news)

    def _present(self, held: Sequence[Held]) -> WorkerRecord:
        return msgspec.structs.replace(
            self._record,
            busy=len(held),
            memory_bytes=resident_bytes(),
            status=self.status,
            jobs=tuple(entry.lease.job.id for entry in held[:MAX_JOBS_NAMED]),
        )
