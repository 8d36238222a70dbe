"""New jobs: what a caller gives, what is sent, and how many are cut into requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Required, TypedDict

from ironforge_client.errors import ProblemError, problem_error
from ironforge_client.exchange import encode

MAX_BULK_JOBS = 10_000
MAX_BULK_BYTES = 16 * 1024 * 1024
MAX_ATOMIC_JOBS = 1_000

Delay = float | timedelta


class JobFields(TypedDict, total=False):
    """What a job may be given beside its kind and payload; what is missing or None is left to the server's default.

    `delay` is seconds or a timedelta from now by this machine's clock, `at` a time with a zone: one of the two.
    """

    queue: str | None
    priority: str | None  # critical, high, medium or low
    delay: Delay | None
    at: datetime | None
    max_retries: int | None
    timeout_ms: int | None
    metadata: Mapping[str, str] | None
    delivery: str | None  # at_least_once or at_most_once
    backoff: Mapping[str, Any] | None  # {base_ms, max_ms, jitter}
    webhook: str | None  # URL that hears of the end
    limit_key: str | None  # what its kind may be limited by
    retention_ms: int | None  # how long its record stays once it completed or was cancelled
    expires_at: datetime | None  # not started by then, it is cancelled
    unique: Mapping[str, Any] | None  # {key, until, ttl_ms, on_conflict}
    debounce: Mapping[str, Any] | None  # {key, delay_ms, max_wait_ms}


class NewJob(JobFields, total=False):
    """A job for `submit_many`: a dict with the fields of `submit`."""

    kind: Required[str]
    payload: Any


@dataclass(frozen=True, slots=True)
class BulkItem:
    """What became of one job of a bulk submission: `id` and `status`, or why it was refused."""

    index: int
    id: str | None
    status: str | None
    error: ProblemError | None
    is_existing: bool = False  # they are those of the job that holds the unique key


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What became of all jobs of a bulk submission, in the order in which they were given."""

    items: tuple[BulkItem, ...]

    @property
    def accepted(self) -> tuple[BulkItem, ...]:
        """Return the items that are jobs now."""
        return tuple(item for item in self.items if item.error is None)

    @property
    def rejected(self) -> tuple[BulkItem, ...]:
        """Return the items that were refused."""
        return tuple(item for item in self.items if item.error is not None)


def job_text(job: NewJob) -> bytes:
    """Return the JSON of a new job. Raises ValueError or TypeError for what cannot be sent."""
    return encode(job_document(job))


def job_document(job: NewJob) -> dict[str, Any]:
    """Return a new job as it is sent. Raises ValueError."""
    document: dict[str, Any] = {
        name: value for name, value in job.items() if value is not None and name not in ("delay", "at", "expires_at")
    }
    due, expires_at = _due_at(job.get("delay"), job.get("at")), job.get("expires_at")
    if due is not None:
        document["scheduled_for"] = _text_of(due)
    if expires_at is not None:
        if expires_at.tzinfo is None:
            raise ValueError("`expires_at` needs a time zone")
        document["expires_at"] = _text_of(expires_at)
    return document


def bulk_bodies(jobs: Iterable[NewJob]) -> Iterator[bytes]:
    """Cut jobs into bodies, one JSON object a line, that each fit into one request.

    Raises ValueError or TypeError for what cannot be sent.
    """
    lines: list[bytes] = []
    size = 0
    for job in jobs:
        line = job_text(job)
        if lines and (len(lines) == MAX_BULK_JOBS or size + len(line) > MAX_BULK_BYTES):
            yield b"\n".join(lines)
            lines, size = [], 0
        lines.append(line)
        size += len(line) + 1
    if lines:
        yield b"\n".join(lines)


def atomic_bodies(jobs: Iterable[NewJob]) -> Iterator[bytes]:
    """Return the one body, if any, for jobs that are accepted together. Raises ValueError when they are too many."""
    bodies = list(bulk_bodies(jobs))
    if len(bodies) > 1 or any(body.count(b"\n") >= MAX_ATOMIC_JOBS for body in bodies):
        raise ValueError(f"at most {MAX_ATOMIC_JOBS} jobs and 16 MiB can be accepted together")
    return iter(bodies)


def read_items(document: Mapping[str, Any], first: int) -> Iterator[BulkItem]:
    """Return the items of one answer; the first of them is item number `first` of the whole submission."""
    for item in document["items"]:
        problem = item.get("problem")
        error = None if problem is None else problem_error(problem)
        yield BulkItem(first + item["index"], item.get("id"), item.get("status"), error, bool(item.get("existing")))


def _text_of(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _due_at(delay: Delay | None, at: datetime | None) -> datetime | None:
    if at is not None and delay is not None:
        raise ValueError("give `delay` or `at`, not both")
    if at is not None and at.tzinfo is None:
        raise ValueError("`at` needs a time zone")
    if delay is None:
        return at
    return datetime.now(UTC) + (delay if isinstance(delay, timedelta) else timedelta(seconds=delay))
