"""Looks at jobs, queues and workers, and changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from jobs.backends.base import LOWEST_FIRST, MAX_BATCH, MAX_PAYLOADS, MAX_WORKERS, Cursor, Listing
from jobs.backends.call import Call
from jobs.backends.overview import Overview
from jobs.backends.redis.codec import (
    SUMMARY_FIELDS,
    batch_of,
    decode_job,
    decode_whole,
    pack,
    pairs,
    text_of,
    zip_fields,
)
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.queue_stats import decode_overview, decode_queue
from jobs.backends.redis.reports import decode_log
from jobs.backends.redis.script_call import script_call
from jobs.backends.redis.standing import decode_standing
from jobs.domain.explanation import Standing
from jobs.domain.job import Job
from jobs.domain.queue import QueueStats, WorkerRecord
from jobs.domain.report import JobLog
from jobs.domain.status import Status


class RedisInspector:
    """Builds the calls that look at one namespace."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def get(self, job_id: str) -> Call[Job | None]:
        """Return the whole job with payload, result and attempts; None if there is none."""

        def decode(reply: Sequence[Any]) -> Job | None:
            return decode_whole(job_id, self._keys.namespace, reply[0])

        return script_call("get", self._keys, ("whole", pack([job_id]), ""), decode)

    def log(self, job_id: str, first: int, limit: int) -> Call[JobLog | None]:
        """Return up to `limit` lines of a job's log from number `first` on (from 0); None if there is no such job."""
        return script_call("log", self._keys, (job_id, first, limit), decode_log)

    def explain(self, job_id: str) -> Call[Standing | None]:
        """Return what a claim would make of a job now; None if there is none."""
        return script_call("explain", self._keys, (job_id,), decode_standing)

    def get_many(self, job_ids: Sequence[str]) -> Call[list[Job | None]]:
        """Return up to MAX_BATCH jobs without payload and result, in order."""
        ids = list(job_ids)

        def decode(reply: Sequence[Any]) -> list[Job | None]:
            return [self._summary(job_id, values) for job_id, values in zip(ids, reply, strict=True)]

        return script_call("get", self._keys, ("summary", batch_of(ids), ""), decode)

    def payloads(self, job_ids: Sequence[str], needle: bytes) -> Call[list[bytes]]:
        """Return up to MAX_PAYLOADS payloads, in order; empty where there is none or it lacks the needle."""
        return script_call("get", self._keys, ("payload", batch_of(job_ids, MAX_PAYLOADS), needle), list)

    def list_jobs(
        self, status: Status | None, queue: str | None, after: Cursor | None, limit: int, *, backwards: bool = False
    ) -> Call[Listing]:
        """Return up to `limit` (≤ MAX_BATCH) jobs of one index; see `base.Inspector` for the orders."""
        limit = min(limit, MAX_BATCH)
        direction = 1 if (status in LOWEST_FIRST) != backwards else -1
        place = (repr(after.score), after.job_id) if after else ("", "")
        args = (direction, *place, limit)

        def decode(reply: Sequence[Any]) -> Listing:
            return self._listing(reply, limit)

        if status is None:
            return script_call("list_all", self._keys, (direction, place[1], limit), decode)
        if status is Status.QUEUED and queue is None:
            return script_call("list_queued", self._keys, args, decode)
        index = self._keys.queue(queue or "") if status is Status.QUEUED else self._keys.index(status)
        return script_call("list", self._keys, args, decode, index=index)

    def _listing(self, reply: Sequence[Any], limit: int) -> Listing:
        found: list[tuple[Job, Cursor]] = []
        last: Cursor | None = None
        entries = list(pairs(reply, 3))
        for job_id, score, values in entries:
            last = Cursor(float(score), text_of(job_id))
            job = self._summary(last.job_id, values)
            if job is not None:
                found.append((job, last))
        jobs, places = tuple(job for job, _ in found), tuple(place for _, place in found)
        return Listing(jobs, last if len(entries) == limit else None, places)

    def _summary(self, job_id: str, values: Sequence[bytes | None]) -> Job | None:
        if not values:
            return None
        return decode_job(job_id, self._keys.namespace, zip_fields(SUMMARY_FIELDS, values))

    def queue(self, name: str) -> Call[tuple[int, QueueStats | None]]:
        """Return the store's clock (Unix ms) and one queue; None for an unknown one."""

        def decode(reply: Sequence[Any]) -> tuple[int, QueueStats | None]:
            return decode_queue(reply, name)

        return script_call("queue", self._keys, (name,), decode)

    def overview(self, minutes: int, *, with_details: bool = False) -> Call[Overview]:
        """Return every known queue, the last `minutes` minutes and the counters since the beginning.

        With details the counters hold those of queues and kinds that only the history reads, too: up to 40 000.
        """

        def decode(reply: Sequence[Any]) -> Overview:
            return decode_overview(reply, minutes)

        # The rates of queues are those of the last full minute, whatever the caller wants to see.
        return script_call("overview", self._keys, (max(minutes, 2), int(with_details)), decode)

    def workers(self, after: str = "", limit: int = MAX_WORKERS) -> Call[list[WorkerRecord]]:
        """Return up to `limit` of the workers seen in the last 30 s, by id, from behind the id `after` on."""
        return script_call("workers", self._keys, (after, min(limit, MAX_WORKERS)), _workers)

    def worker_count(self) -> Call[int]:
        """Return how many workers were seen in the last 30 s."""
        return script_call("workers", self._keys, ("", 0), lambda reply: int(reply[0]))


def _workers(reply: Sequence[bytes]) -> list[WorkerRecord]:
    return [
        msgspec.structs.replace(msgspec.json.decode(text, type=WorkerRecord), seen_at=int(float(seen_at)))
        for seen_at, text in pairs(reply[1:])
    ]
