"""The jobs that a filter finds, as lines of JSON or rows of CSV: read a few at a time, so that memory stays flat."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import msgspec
from asgiref.sync import sync_to_async

from jobs import wiring
from jobs.access import policy
from jobs.access.actor import Actor
from jobs.access.scopes import Action
from jobs.domain.instant import rfc3339
from jobs.domain.job import Job
from jobs.domain.job_column import CONTENT, as_line, as_row, csv_row
from jobs.domain.redaction import MASK, MASKED, redact
from jobs.services.acts import record_act, require_audit_log
from jobs.services.job_list import MAX_LIMIT, JobFilter, JobPage, list_jobs

MAX_JOBS = 100_000
# An export that finds little ends after so much, and says where to go on.
MAX_LOOKED_AT = 1_000_000
MAX_S = 120.0
# With payload and result each job may have half a megabyte.
_WHOLE_AT_ONCE = 20


class ExportForm(StrEnum):
    """How an export is written."""

    CSV = "csv"
    NDJSON = "ndjson"

    @property
    def media_type(self) -> str:
        """Return what the answer is."""
        return "text/csv; charset=utf-8" if self is ExportForm.CSV else "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Export:
    """What is asked for. With `is_masked` secret-looking fields of payloads and results are masked."""

    form: ExportForm
    columns: tuple[str, ...]
    limit: int = MAX_JOBS
    cursor: str | None = None
    is_masked: bool = False

    @property
    def media_type(self) -> str:
        """Return what the answer is."""
        return self.form.media_type


def export_listed(actor: Actor, wanted: JobFilter, asked: Export) -> Iterator[bytes]:
    """Return an iterator over pieces of the export, in the order of the list.

    JSON ends with `{"end": {"jobs": …, "next": …}}`; CSV has a last row `# more: cursor=…` if it was cut. Raises
    NotPermitted, also for content that the actor may not read, and InvalidInput for a bad cursor; the iterator raises
    BackendUnavailable.
    """
    policy.authorize(actor, Action.JOB_EXPORT)
    if CONTENT & set(asked.columns):
        policy.authorize(actor, Action.PAYLOAD_READ)
    require_audit_log()
    # The first page at once, so that a store that is away is told before the answer begins.
    first = list_jobs(actor, wanted, asked.cursor, min(asked.limit, MAX_LIMIT))
    record_act(actor, Action.JOB_EXPORT, "jobs", asked.form.value, after=_told(wanted, asked))
    return _pieces(actor, wanted, asked, first)


async def in_threads(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the pieces; each is made in a thread, for the store is asked synchronously."""
    read = sync_to_async(partial(next, pieces, None), thread_sensitive=False)
    while (piece := await read()) is not None:
        yield piece


def _pieces(actor: Actor, wanted: JobFilter, asked: Export, page: JobPage) -> Iterator[bytes]:
    is_csv = asked.form is ExportForm.CSV
    write = as_row if is_csv else as_line
    number, looked_at, deadline = 0, 0, time.monotonic() + MAX_S
    if is_csv:
        yield csv_row(asked.columns)
    while True:
        for jobs in _contents(actor, asked, page.jobs):
            yield b"".join(write(job, asked.columns) for job in jobs)
        number += len(page.jobs)
        looked_at += page.searched_newest or len(page.jobs)
        following = page.next_cursor
        is_over = number >= asked.limit or looked_at >= MAX_LOOKED_AT or time.monotonic() >= deadline
        if following is None or is_over:
            break
        page = list_jobs(actor, wanted, following, min(asked.limit - number, MAX_LIMIT))
    if not is_csv:
        yield msgspec.json.encode({"end": {"jobs": number, "next": following}}) + b"\n"
    elif following is not None:
        yield csv_row([f"# more: cursor={following}"])


def _contents(actor: Actor, asked: Export, jobs: tuple[Job, ...]) -> Iterator[list[Job]]:
    """Yield the jobs in lists, with what the columns need; one that is gone by now as it was listed."""
    if not CONTENT & set(asked.columns):
        yield list(jobs)
        return
    inspector = wiring.backend().inspector(actor.namespace)
    for at in range(0, len(jobs), _WHOLE_AT_ONCE):
        some = jobs[at : at + _WHOLE_AT_ONCE]
        whole = wiring.runner().run_many([inspector.get(job.id) for job in some])
        found = [job if job is not None else listed for job, listed in zip(whole, some, strict=True)]
        yield [_masked(job) for job in found] if asked.is_masked else found


def _masked(job: Job) -> Job:
    return msgspec.structs.replace(job, payload=_masked_text(job.payload), result=_masked_text(job.result))


def _masked_text(text: bytes | None) -> bytes | None:
    if text is None:
        return None
    try:
        return msgspec.json.encode(_plain(redact(msgspec.json.decode(text))))
    except (msgspec.MsgspecError, OverflowError):
        # What cannot be read cannot be looked through for secrets.
        return msgspec.json.encode(MASK)


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return MASK if value is MASKED else value


def _told(wanted: JobFilter, asked: Export) -> dict[str, object]:
    """Return what the audit log keeps of an export: which jobs, and what of them."""
    texts: dict[str, object] = {
        "status": wanted.status and wanted.status.value,
        "queue": wanted.queue,
        "kind": wanted.kind,
        "priority": wanted.priority and wanted.priority.value,
        "metadata": list(wanted.tags),
        "error": wanted.error,
        "error_type": wanted.error_type,
        "payload": list(wanted.payload),
        "created_after": rfc3339(wanted.created_after),
        "created_before": rfc3339(wanted.created_before),
    }
    given = {name: value for name, value in texts.items() if value}
    told: dict[str, object] = {"filter": given, "columns": list(asked.columns), "limit": asked.limit}
    return told | ({"cursor": asked.cursor} if asked.cursor else {})
