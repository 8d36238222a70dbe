"""The job: what a client asks for (`JobSpec`), what the store keeps (`Job`) and one run of it (`Attempt`).

Times whose names end in `_at` are Unix milliseconds of the store's clock.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from jobs.domain.backoff import Backoff
from jobs.domain.naming import DEFAULT_QUEUE
from jobs.domain.priority import Priority
from jobs.domain.report import Progress
from jobs.domain.status import Status
from jobs.domain.trace import TraceContext
from jobs.domain.unique import Debounce, Unique

DEFAULT_MAX_RETRIES = 3
MAX_RETRIES = 255
DEFAULT_TIMEOUT_MS = 60_000
MAX_TIMEOUT_MS = 86_400_000
MAX_TAGS = 32
MAX_TAG_NAME = 64
MAX_TAG_VALUE = 256
MAX_DELAY_MS = 10 * 365 * 86_400_000
MAX_ATTEMPTS_KEPT = 50
MAX_ERROR_TYPE = 200
MAX_ERROR_MESSAGE = 2_000
MAX_ERROR_TRACEBACK = 8_000


class Delivery(StrEnum):
    """Whether a job may ever run twice."""

    AT_LEAST_ONCE = "at_least_once"
    AT_MOST_ONCE = "at_most_once"


# gc=False: nothing in it leads back to it, and the garbage collector would look at all jobs of a large batch again and
# again. So it is for what it travels in.
class JobSpec(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A job as submitted, already validated; `payload` is JSON text, kept as it is."""

    kind: str
    payload: bytes = b"null"
    queue: str = DEFAULT_QUEUE
    priority: Priority = Priority.MEDIUM
    max_retries: int = DEFAULT_MAX_RETRIES
    timeout_ms: int = DEFAULT_TIMEOUT_MS
    scheduled_for: int | None = None
    metadata: dict[str, str] = {}
    delivery: Delivery = Delivery.AT_LEAST_ONCE
    backoff: Backoff = Backoff()
    webhook: str | None = None  # URL that hears of the end
    workflow: tuple[str, str, int] | None = None  # id, name of the step, its number from 1; 0 of a callback
    schedule: tuple[str, int] | None = None  # id and nominal instant (Unix ms) of the schedule that makes it
    expires_at: int | None = None  # not started by then, it is cancelled
    unique: Unique | None = None
    debounce: Debounce | None = None  # of the two at most one
    limit_key: str | None = None  # what its kind may be limited by
    retention_ms: int | None = None  # how long its record stays once it completed or was cancelled
    trace: TraceContext | None = None  # of the span that submits it


class JobError(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why an attempt ended badly. `type` is short and groups alike failures; the rest is for people."""

    type: str
    message: str = ""
    traceback: str = ""

    def bounded(self) -> JobError:
        """Return the same error cut to the kept lengths; a traceback keeps its end, where the cause is.

        Half surrogate pairs, as in the names of files that are not UTF-8, become `?`: nothing else could be stored.
        """
        return JobError(
            _writable(self.type[:MAX_ERROR_TYPE]),
            _writable(self.message[:MAX_ERROR_MESSAGE]),
            _writable(self.traceback[-MAX_ERROR_TRACEBACK:]),
        )


def _writable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a job. `outcome` is None while it runs."""

    number: int
    worker_id: str
    started_at: int
    finished_at: int | None = None
    outcome: str | None = None
    error: JobError | None = None


class NewPayload(msgspec.Struct, frozen=True):
    """JSON text for a job that is stored already, and the limit key that comes with it; UNSET: as it was."""

    text: bytes
    limit_key: str | msgspec.UnsetType | None = msgspec.UNSET


class Job(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A job as stored.

    `payload`, `result` and `checkpoint` are JSON text; None where there is none, the reader may not see or did not ask.
    """

    id: str
    namespace: str
    kind: str
    queue: str
    priority: Priority
    status: Status
    max_retries: int
    retry_count: int
    timeout_ms: int
    delivery: Delivery
    backoff: Backoff
    metadata: dict[str, str]
    created_at: int
    webhook: str | None = None  # URL that hears of the end, whole
    expires_at: int | None = None
    unique: Unique | None = None  # `on_conflict` is not kept
    debounce: Debounce | None = None
    limit_key: str | None = None
    retention_ms: int | None = None
    trace: TraceContext | None = None
    scheduled_for: int | None = None
    ready_at: int | None = None
    started_at: int | None = None
    finished_at: int | None = None
    payload: bytes | None = None
    result: bytes | None = None
    error: JobError | None = None
    error_site: str = ""  # see `fingerprint.site_of`; empty where nobody noted it
    reason: str | None = None
    worker_id: str | None = None
    attempt: int = 0
    lost_leases: int = 0
    cancel_requested: bool = False
    progress: Progress | None = None
    checkpoint: bytes | None = None
    attempts: tuple[Attempt, ...] = ()
    schedule_id: str | None = None
    workflow_id: str | None = None
    step: str | None = None  # its name in the workflow
    deliveries: tuple[str, ...] = ()  # ids of the newest ones that told of its end

    def without_content(self) -> Job:
        """Return the job for a reader who may not see what it works on."""
        return msgspec.structs.replace(self, payload=None, result=None, checkpoint=None)
