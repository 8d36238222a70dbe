"""The lease: the right of one worker to one attempt at a job, proved by its token."""

from __future__ import annotations

import msgspec

from jobs.domain.job import Job

DEFAULT_LEASE_MS = 10_000
MIN_LEASE_MS = 1_000
MAX_LEASE_MS = 3_600_000
# Of a worker that speaks HTTP: nobody is told when it dies, so its jobs wait for the end of their leases.
MAX_HTTP_LEASE_MS = 300_000
MAX_CLAIM_WAIT_MS = 20_000
# Of one request: jobs claimed, leases extended, attempts settled.
MAX_LEASES = 200


class Lease(msgspec.Struct, frozen=True, gc=False):
    """`token` must accompany every later write; `expires_at` is Unix ms of the store's clock.

    `checkpoint` is JSON text, what an earlier attempt left for this one; `parents` that of a workflow's step: how
    each of its parents ended and what it made.
    """

    job: Job
    token: str
    attempt: int
    expires_at: int
    checkpoint: bytes | None = None
    parents: bytes | None = None


class Claim(msgspec.Struct, frozen=True, gc=False):
    """What one claim call brought.

    `next_due_at` is when the next delayed job of the namespace falls due (Unix ms), None if there is none;
    `server_time` is the store's clock in Unix ms.
    """

    leases: tuple[Lease, ...]
    server_time: int
    next_due_at: int | None = None


class Extension(msgspec.Struct, frozen=True):
    """The answer to one round of heartbeats: ids by what became of their leases."""

    extended: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    cancel_requested: tuple[str, ...] = ()
