"""Takes jobs out and records how they ended."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import msgspec

from jobs.backends.base import MAX_BATCH, Call
from jobs.backends.redis.claimed import decode_leases
from jobs.backends.redis.codec import batch_of, encode_settlement, pack
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.script_call import script_call
from jobs.domain.lease import Claim, Extension
from jobs.domain.outcome import Settled, Settlement
from jobs.domain.queue import WorkerRecord
from jobs.domain.status import Status

_STATUSES: dict[bytes, Status | None] = {status.value.encode(): status for status in Status} | {b"lost": None}


class RedisConsumer:
    """Builds the calls of workers that serve one namespace."""

    def __init__(self, keys: Keys, chance: random.Random) -> None:
        self._keys = keys
        self._chance = chance

    def claim(
        self, queues: Sequence[str], worker_id: str, *, seq: int, token: str, limit: int, lease_ms: int
    ) -> Call[Claim]:
        """Take up to `limit` ready jobs, queues in the given order and lowest score first."""
        args = (worker_id, seq, token, min(limit, MAX_BATCH), lease_ms, pack(list(queues)))
        return script_call("claim", self._keys, args, self._claimed)

    def _claimed(self, reply: Sequence[Any]) -> Claim:
        server_time, next_due, packed = reply
        return Claim(decode_leases(packed, self._keys.namespace), int(server_time), int(next_due) or None)

    def settle(self, settlements: Sequence[Settlement]) -> Call[list[Settled]]:
        """Record how attempts ended; a stale token changes nothing and answers `lost`."""
        ids = [settlement.job_id for settlement in settlements]
        batch = batch_of([encode_settlement(settlement, self._chance.random()) for settlement in settlements])

        def settled(reply: Sequence[bytes]) -> list[Settled]:
            return [Settled(job_id, _STATUSES[status]) for job_id, status in zip(ids, reply, strict=True)]

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

    def heartbeat(self, worker: WorkerRecord) -> Call[None]:
        """Record that a worker lives; it counts as active for 30 s."""
        return script_call("heartbeat", self._keys, (worker.id, msgspec.json.encode(worker)), _nothing)

    def farewell(self, worker_id: str) -> Call[None]:
        """Forget a worker that stops in good order."""
        return script_call("farewell", self._keys, (worker_id,), _nothing)


def _nothing(_: object) -> None:
    return None
