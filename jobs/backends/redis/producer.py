"""Puts jobs in."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial

from jobs.backends.base import MAX_ATOMIC_BATCH, MAX_BATCH, Submission, SubmitCode, Submitted
from jobs.backends.call import Call
from jobs.backends.redis.codec import encode_submission, pairs, rows_of, unpack
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
        ids = [submission.job_id for submission in submissions]
        return script_call("submit", self._keys, (rows_of(batch, limit), mode), partial(_submitted, ids))


def _hashed(idempotency_key: str | None) -> str:
    # A client's key may be long or hold anything; its hash cannot reach outside the prefix.
    return hashlib.sha256(idempotency_key.encode()).hexdigest()[:40] if idempotency_key else ""


def _submitted(ids: Sequence[str], reply: bytes) -> list[Submitted]:
    now, *others = unpack(reply)
    answers = [Submitted(SubmitCode.ACCEPTED, job_id, Status.QUEUED, now) for job_id in ids]
    for place, code, job_id, status, created_at in pairs(others, 5):
        answers[place] = Submitted(SubmitCode(code), job_id, Status(status), int(created_at))
    return answers
