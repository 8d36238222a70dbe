"""Steers: the acts of people and clients on jobs and queues."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import UNSET

from jobs.backends.base import MAX_BATCH, ActCode, Acted
from jobs.backends.call import Call
from jobs.backends.purge import PurgeProgress
from jobs.backends.redis.codec import batch_of, pack, pairs, text_of
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.script_call import script_call
from jobs.domain.job import NewPayload
from jobs.domain.priority import OFFSET_STEP_S, Priority
from jobs.domain.status import Status
from jobs.domain.worker import WorkerOrder


class RedisOperator:
    """Builds the calls that steer one namespace. The names follow `base.Operator`.

    A job remembers the last request with its verb, so one request id may be used for a cancel and then a retry.
    """

    def __init__(self, keys: Keys, priority_step_s: int = OFFSET_STEP_S) -> None:
        self._keys = keys
        self._priority_step_s = priority_step_s

    def cancel(self, job_ids: Sequence[str], request_id: str, *, running: bool, by: str) -> Call[list[Acted]]:
        """Cancel waiting jobs; with `running`, also ask running ones to stop."""
        return self._end(job_ids, "running" if running else "waiting", request_id, by)

    def discard(self, job_ids: Sequence[str], request_id: str, *, by: str) -> Call[list[Acted]]:
        """Turn dead letters into cancelled jobs, reason `discarded`."""
        return self._end(job_ids, "discard", request_id, by)

    def _end(self, job_ids: Sequence[str], mode: str, request_id: str, by: str) -> Call[list[Acted]]:
        args = (mode, f"{mode}:{request_id}", by, batch_of(job_ids))
        return script_call("cancel", self._keys, args, _acted(job_ids))

    def retry(
        self, job_ids: Sequence[str], request_id: str, *, by: str, payload: NewPayload | None = None
    ) -> Call[list[Acted]]:
        """Re-inject dead letters; `payload` (one id only) replaces theirs; `quota_bytes` where there is no room."""
        if payload is not None and len(job_ids) != 1:
            raise ValueError("a payload is edited for one job at a time")
        text, key = b"", b""
        if payload is not None:
            text, key = payload.text, b"" if payload.limit_key is UNSET else pack(payload.limit_key)
        args = (f"retry:{request_id}", text, key, batch_of(job_ids))
        return script_call("retry", self._keys, args, _acted(job_ids))

    def promote(self, job_ids: Sequence[str], request_id: str, *, by: str) -> Call[list[Acted]]:
        """Make delayed jobs and waiting retries ready now."""
        return script_call("promote", self._keys, (f"promote:{request_id}", batch_of(job_ids)), _acted(job_ids))

    def reprioritise(self, job_ids: Sequence[str], request_id: str, to: Priority, *, by: str) -> Call[list[Acted]]:
        """Give jobs that wait another priority."""
        step_s = self._priority_step_s
        offset = "" if step_s == OFFSET_STEP_S else to.rank * step_s
        args = (f"reprioritise:{request_id}", to.rank, offset, batch_of(job_ids))
        return script_call("reprioritise", self._keys, args, _acted(job_ids))

    def move(self, job_ids: Sequence[str], request_id: str, queue: str, *, by: str) -> Call[list[Acted]]:
        """Put jobs that wait into another queue."""
        return script_call("move", self._keys, (f"move:{request_id}", queue, batch_of(job_ids)), _acted(job_ids))

    def resend(self, delivery_id: str, again_id: str, about_id: str, payload: bytes) -> Call[Acted]:
        """Store a copy of a delivery that is completed or cancelled, under an id of its shard and with this payload."""

        def decode(reply: Sequence[bytes]) -> Acted:
            return _acted([delivery_id])(reply)[0]

        return script_call("resend", self._keys, (delivery_id, again_id, about_id, payload), decode)

    def pause(self, queue: str, *, by: str, reason: str) -> Call[bool]:
        """Stop handing out the queue's jobs; False for a new queue beyond MAX_QUEUES."""
        return script_call("pause", self._keys, (queue, by, reason), bool)

    def resume(self, queue: str, *, by: str) -> Call[None]:
        """Hand out the queue's jobs again."""
        return script_call("resume", self._keys, (queue,), _nothing)

    def purge(self, queue: str, request_id: str, until_ms: int, after: int, *, by: str) -> Call[PurgeProgress]:
        """Delete up to MAX_BATCH of the queue's ready jobs that became ready by `until_ms` (Unix ms)."""
        args = (queue, request_id, until_ms, after, MAX_BATCH)
        return script_call("purge", self._keys, args, _purged)

    def order(self, worker_id: str, order: WorkerOrder) -> Call[bool]:
        """Tell a worker what to do from its next heartbeat on. False: no such worker lives."""
        return script_call("order", self._keys, (worker_id, order), bool)


def _acted(job_ids: Sequence[str]) -> Callable[[Sequence[bytes]], list[Acted]]:
    ids = tuple(job_ids)

    def decode(reply: Sequence[bytes]) -> list[Acted]:
        return [
            Acted(job_id, ActCode(text_of(code)), Status(text_of(status)) if status else None)
            for job_id, (code, status) in zip(ids, pairs(reply), strict=True)
        ]

    return decode


def _purged(reply: Sequence[int]) -> PurgeProgress:
    purged, after = reply
    return PurgeProgress(int(purged), None if int(after) < 0 else int(after))


def _nothing(_: object) -> None:
    return None
