"""Leases and handlers to try things with, without a store."""

from __future__ import annotations

import secrets

from jobs.domain.backoff import Backoff
from jobs.domain.job import Delivery, Job
from jobs.domain.lease import Lease
from jobs.domain.priority import Priority
from jobs.domain.status import Status
from workers.registry import Handler, HandlerFunction, Registry, handler


def lease(kind: str = "test.job", payload: bytes = b"null", *, timeout_ms: int = 60_000, **fields: object) -> Lease:
    """Return a lease of a running job."""
    job = Job(
        id=secrets.token_hex(8),
        namespace="default",
        kind=kind,
        queue="main",
        priority=Priority.MEDIUM,
        status=Status.RUNNING,
        max_retries=3,
        retry_count=int(str(fields.get("retry_count", 0))),
        timeout_ms=timeout_ms,
        delivery=Delivery(fields.get("delivery", Delivery.AT_LEAST_ONCE)),
        backoff=fields.get("backoff", Backoff()),  # type: ignore[arg-type]
        metadata={},
        created_at=0,
        payload=payload,
    )
    return Lease(job, secrets.token_hex(16), 1, 0)


def handler_of(function: HandlerFunction, **limits: object) -> Handler:
    """Return the handler that a function makes for `test.job`."""
    made = Registry()
    handler("test.job", into=made, **limits)(function)  # type: ignore[arg-type]
    found = made.find("test.job")
    assert found is not None
    return found
