"""Decodes what a claim would make of a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from jobs.backends.redis.codec import text_of
from jobs.backends.redis.spec import decode_spec
from jobs.domain.explanation import FullLimit, PendingParent, Shut, Standing, StepWait, Turn
from jobs.domain.queue import Pause
from jobs.domain.status import Status


def decode_standing(reply: Sequence[Any] | None) -> Standing | None:
    """Return the answer of explain.lua; None without a job."""
    if reply is None:
        return None
    now, status, packed, due_at, handed_out, pause, ahead, left, quota, wait, reason, turn, *limits = reply
    spec = decode_spec(packed)
    return Standing(
        now=int(now),
        status=_status(status),
        kind=spec.kind,
        queue=spec.queue,
        due_at=int(due_at) if due_at else None,
        expires_at=spec.expires_at,
        was_handed_out=bool(handed_out),
        pause=_pause(pause) if pause else None,
        ahead=None if int(ahead) < 0 else int(ahead),
        left_per_minute=int(left),
        quota=(int(quota[0]), int(quota[1])) if quota else None,
        wait=_wait(*wait) if wait else None,
        limits=tuple(map(_limit, limits)),
        is_put_off=reason == b"retry_budget",
        turn=Turn(text_of(turn[0]), int(turn[1]), int(turn[2])) if turn else None,
    )


def _status(raw: bytes) -> Status:
    """Return the status; that of a damaged job, as the reconciler will write it, where there is none."""
    try:
        return Status(text_of(raw))
    except ValueError:
        return Status.DEAD_LETTER


def _pause(packed: bytes) -> Pause:
    by, reason, at = msgspec.msgpack.decode(packed, type=tuple[str, str, float])
    return Pause(by, reason, int(at))


def _wait(
    workflow_id: bytes, status: bytes, policy: bytes, pending: int, parents: Sequence[Sequence[bytes]]
) -> StepWait:
    some = tuple(PendingParent(text_of(name), text_of(job_id), text_of(state)) for name, job_id, state in parents)
    return StepWait(text_of(workflow_id), text_of(status), text_of(policy) == "wait", int(pending), some)


def _limit(entry: Sequence[Any]) -> FullLimit:
    name, concurrency, running, wait_ms, holders, *shut = entry
    ids = tuple(map(text_of, holders))
    told = _shut(shut[0]) if shut and shut[0] else None
    return FullLimit(text_of(name), int(concurrency), int(running), int(wait_ms), ids, told)


def _shut(told: Sequence[Any]) -> Shut:
    until, by, reason, on_trial = told
    return Shut(int(until), text_of(by), text_of(reason), tuple(map(text_of, on_trial)))
