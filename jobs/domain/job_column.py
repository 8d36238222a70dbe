"""What an export can say of a job: a name and a value for each column, and the cells of a table made of them.

Values are what JSON has: texts, numbers, objects, None. Times are RFC 3339.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

import msgspec

from jobs.domain.instant import rfc3339
from jobs.domain.job import Job


def _raw(text: bytes | None) -> msgspec.Raw | None:
    return None if text is None else msgspec.Raw(text)


COLUMNS: Mapping[str, Callable[[Job], object]] = MappingProxyType(
    {
        "id": lambda job: job.id,
        "kind": lambda job: job.kind,
        "status": lambda job: job.status.value,
        "queue": lambda job: job.queue,
        "priority": lambda job: job.priority.value,
        "attempt": lambda job: job.attempt,
        "max_retries": lambda job: job.max_retries,
        "created_at": lambda job: rfc3339(job.created_at),
        "scheduled_for": lambda job: rfc3339(job.scheduled_for),
        "started_at": lambda job: rfc3339(job.started_at),
        "finished_at": lambda job: rfc3339(job.finished_at),
        "error_type": lambda job: job.error.type if job.error else None,
        "error_message": lambda job: job.error.message if job.error else None,
        "reason": lambda job: job.reason,
        "worker_id": lambda job: job.worker_id,
        "workflow_id": lambda job: job.workflow_id,
        "schedule_id": lambda job: job.schedule_id,
        "metadata": lambda job: job.metadata,
        "payload": lambda job: _raw(job.payload),
        "result": lambda job: _raw(job.result),
    }
)
# What only those see who may read payloads.
CONTENT = frozenset({"payload", "result"})
DEFAULT_COLUMNS = tuple(name for name in COLUMNS if name not in CONTENT)
# With one of these a spreadsheet takes a text for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def as_line(job: Job, columns: Sequence[str]) -> bytes:
    """Return a job as a line of JSON."""
    return msgspec.json.encode({name: COLUMNS[name](job) for name in columns}) + b"\n"


def as_row(job: Job, columns: Sequence[str]) -> bytes:
    """Return a job as a row of CSV; what is no text or number is written as JSON."""
    return csv_row(_cell(COLUMNS[name](job)) for name in columns)


def csv_row(cells: Iterable[str]) -> bytes:
    """Return a row of CSV (RFC 4180, UTF-8), in which no cell is a formula."""
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_MINIMAL).writerow([_harmless(cell) for cell in cells])
    return out.getvalue().encode()


def _cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA) else cell
