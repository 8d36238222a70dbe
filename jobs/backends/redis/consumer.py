"""Takes jobs out and records how they ended."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec

from jobs.backends.base import MAX_BATCH, ClaimManner
from jobs.backends.call import Call
from jobs.backends.redis.claimed import decode_claim
from jobs.backends.redis.codec import batch_of, encode_settlement, pack, rows_of, text_of
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.reports import encode_report
from jobs.backends.redis.script_call import script_call
from jobs.domain.lease import Claim, Extension
from jobs.domain.outcome import Settled, Settlement
from jobs.domain.queue import WorkerRecord
from jobs.domain.report import (
    FULL_AT,
    MAX_ALL_LOGS_BYTES,
    MAX_ALL_LOGS_SHARE,
    MAX_LINES,
    MAX_LOG_BYTES,
    Noted,
    Report,
)
from jobs.domain.status import Status
from jobs.domain.worker import WorkerOrder

_STATUSES: dict[bytes, Status | None] = {status.value.encode(): status for status in Status} | {b"lost": None}


class RedisConsumer:
    """Builds the calls of workers that serve one namespace."""

    def __init__(self, keys: Keys, chance: random.Random) -> None:
        self._keys = keys
        self._chance = chance

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
        """Take up to `limit` ready jobs, queues in the given order and lowest score first."""
        names = pack(list(queues))
        args = (worker_id, seq, token, min(limit, MAX_BATCH), lease_ms, names, manner, claim_id, latest)
        return script_call("claim", self._keys, args, partial(decode_claim, self._keys.namespace))

    def settle(self, settlements: Sequence[Settlement]) -> Call[list[Settled]]:
        """Record how attempts ended; a stale token changes nothing and answers `lost`."""
        ids = [settlement.job_id for settlement in settlements]
        batch = rows_of([encode_settlement(settlement, self._chance.random()) for settlement in settlements])

        def settled(reply: bytes) -> list[Settled]:
            return [Settled(job_id, _STATUSES[status]) for job_id, status in zip(ids, reply.split(), strict=True)]

        return script_call("settle", self._keys, (batch,), settled)

    def extend(self, leases: Sequence[tuple[str, str]], lease_ms: int) -> Call[Extension]:
        """Renew leases, given as (job id, token)."""
        ids = [job_id for job_id, _ in leases]

        def extended(reply: Sequence[int]) -> Extension:
            answers = list(zip(ids, reply, strict=True))
            return Extension(
                extended=tuple(job_id for job_id, code in answers if code),
                lost=tuple(job_id for job_id, code in answers if not code),
                cancel_requested=tuple(job_id for job_id, code in answers if code == 2),
            )

        batch = batch_of(leases)
        return script_call("extend", self._keys, (lease_ms, batch), extended)

    def report(self, reports: Sequence[Report]) -> Call[list[Noted]]:
        """Note what running attempts say of themselves; lines and large checkpoints only while there is memory."""
        batch = rows_of([encode_report(report) for report in reports])
        args = (MAX_LINES, MAX_LOG_BYTES, MAX_ALL_LOGS_BYTES, MAX_ALL_LOGS_SHARE, FULL_AT, batch)
        return script_call("report", self._keys, args, lambda reply: [Noted(code) for code in reply])

    def heartbeat(self, worker: WorkerRecord) -> Call[WorkerOrder]:
        """Record that a worker lives, and return what it is to do; it counts as active for 30 s."""
        return script_call("heartbeat", self._keys, (worker.id, msgspec.json.encode(worker), 0), _order)

    def register(self, worker: WorkerRecord, most: int) -> Call[bool]:
        """Record that a new worker lives; False: `most` are known already."""
        args = (worker.id, msgspec.json.encode(worker), most)
        return script_call("heartbeat", self._keys, args, lambda reply: reply[1] != b"refused")

    def worker(self, worker_id: str) -> Call[WorkerRecord | None]:
        """Return what a worker last said of itself; None for one that is not known, or is forgotten."""
        return script_call("worker", self._keys, (worker_id,), _worker)

    def rouse(self, listener: str) -> Call[None]:
        """End the wait of whoever hears hints under this name, which no queue can have."""
        return script_call("rouse", self._keys, (listener,), _nothing)

    def farewell(self, worker_id: str) -> Call[None]:
        """Forget a worker that stops in good order."""
        return script_call("farewell", self._keys, (worker_id,), _nothing)


def _order(reply: Sequence[Any]) -> WorkerOrder:
    return WorkerOrder(text_of(reply[1]))


def _worker(text: bytes | None) -> WorkerRecord | None:
    return None if text is None else msgspec.json.decode(text, type=WorkerRecord)


def _nothing(_: object) -> None:
    return None
