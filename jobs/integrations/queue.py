"""Enqueue jobs from Python: `from jobs.integrations.queue import enqueue`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Unpack

from asgiref.sync import sync_to_async
from django.utils.asyncio import async_unsafe

from jobs.domain.errors import InvalidInput, Problem
from jobs.domain.naming import NAMESPACE, is_namespace
from jobs.integrations.modes import current_mode
from jobs.integrations.new_job import JobOptions, job
from jobs.integrations.transactions import Parcel, Then, is_in_transaction, send_after_commit
from jobs.services.submission import NewJob, placed
from jobs.services.submit_span import SubmitSpan

__all__ = ["aenqueue", "aenqueue_many", "enqueue", "enqueue_many", "job"]

_is_namespace = lru_cache(maxsize=1024)(is_namespace)
_ASYNC = "enqueue() waits for the store: use aenqueue() in async code."


def enqueue(
    kind: str,
    payload: object = None,
    *,
    namespace: str | None = None,
    on_commit: bool = True,
    using: str | None = None,
    **options: Unpack[JobOptions],
) -> str:
    """Enqueue a job, with the options of `job`, and return its id.

    Inside `transaction.atomic()` it is stored after the commit, and never after a rollback; elsewhere, and with
    `on_commit=False`, now. `using` names the database whose transaction counts.

    Raises InvalidInput at once, and BackendUnavailable here or out of the block that commits: the job was not
    confirmed. It is stored all the same where only the store's answer was lost, so give what is enqueued again an
    idempotency key. With one the id returned is that of the first job, but inside a transaction a new one, which
    names no job if the key is known.
    """
    return enqueue_many([job(kind, payload, **options)], namespace=namespace, on_commit=on_commit, using=using)[0]


def enqueue_many(
    jobs: Iterable[NewJob], *, namespace: str | None = None, on_commit: bool = True, using: str | None = None
) -> list[str]:
    """Enqueue many jobs, made by `job`, in steps of 200, and return their ids in order. Otherwise as `enqueue`.

    Raises BackendUnavailable if not all of them were confirmed; its notes name those that were not, which may be stored
    all the same.
    """
    parcel = parcel_of(list(jobs), namespace)
    hand_over(parcel, on_commit=on_commit, using=using)
    return parcel.ids()


async def aenqueue(
    kind: str,
    payload: object = None,
    *,
    namespace: str | None = None,
    on_commit: bool = True,
    using: str | None = None,
    **options: Unpack[JobOptions],
) -> str:
    """Do as `enqueue`, for async code."""
    (job_id,) = await aenqueue_many(
        [job(kind, payload, **options)], namespace=namespace, on_commit=on_commit, using=using
    )
    return job_id


async def aenqueue_many(
    jobs: Iterable[NewJob], *, namespace: str | None = None, on_commit: bool = True, using: str | None = None
) -> list[str]:
    """Do as `enqueue_many`, for async code."""
    # In the thread whose transactions those of the caller are.
    return await sync_to_async(enqueue_many)(list(jobs), namespace=namespace, on_commit=on_commit, using=using)


def parcel_of(jobs: list[NewJob], namespace: str | None, then: Then | None = None) -> Parcel:
    """Return jobs under ids of their own, for the current mode; nothing is stored. Raises InvalidInput."""
    mode = current_mode()
    chosen = mode.namespace if namespace is None else namespace
    if not _is_namespace(chosen):
        detail = f"namespace must match ^{NAMESPACE.pattern}$."
        raise InvalidInput([Problem("/namespace", "invalid_name", detail)])
    span = SubmitSpan(chosen, jobs)
    return Parcel(mode, chosen, placed(span.jobs(jobs)), then, span)


@async_unsafe(_ASYNC)
def hand_over(parcel: Parcel, *, on_commit: bool, using: str | None) -> None:
    """Store jobs now, or after the commit of the running transaction."""
    if not parcel.submissions:
        return
    if on_commit and is_in_transaction(using):
        send_after_commit(parcel, using)
    else:
        parcel.send()
