"""Puts jobs in."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from jobs.backends.base import MAX_ATOMIC_BATCH, MAX_BATCH, Call, Submission, SubmitCode, Submitted
from jobs.backends.redis.codec import batch_of, encode_submission
from jobs.backends.redis.keys import Keys
from jobs.backends.redis.script_call import script_call
from jobs.domain.status import Status


class RedisProducer:
    """Builds the calls of whoever submits jobs to one namespace."""

    def __init__(self, keys: Keys, priority_step_s: int) -> None:
        self._keys = keys
        self._priority_step_s = priority_step_s

    def submit(self, submissions: Sequence[Submission], *, is_atomic: bool = False) -> Call[list[Submitted]]:
        """Store up to MAX_BATCH jobs, or MAX_ATOMIC_BATCH at once or not at all; answers in order."""
        batch = [
            encode_submission(submission, _hashed(submission.idempotency_key), self._priority_step_s)
            for submission in submissions
        ]
        mode, limit = ("atomic", MAX_ATOMIC_BATCH) if is_atomic else ("each", MAX_BATCH)
        return script_call("submit", self._keys, (batch_of(batch, limit), mode), _submitted)


def _hashed(idempotency_key: str | None) -> str:
    # A client's key may be long or hold anything; its hash cannot reach outside the prefix.
    return hashlib.sha256(idempotency_key.encode()).hexdigest()[:40] if idempotency_key else ""


def _submitted(reply: Sequence[Any]) -> list[Submitted]:
    return [
        Submitted(_CODES[code], job_id.decode(), _STATUSES[status], int(created_at))
        for code, job_id, status, created_at in zip(*[iter(reply)] * 4, strict=True)
    ]


# A look-up instead of decoding: every submission passes here.
_CODES = {code.value.encode(): code for code in SubmitCode}
_STATUSES = {status.value.encode(): status for status in Status}
