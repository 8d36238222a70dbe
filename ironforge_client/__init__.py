"""IronForge from Python: submit jobs and run them over HTTP. Needs httpx2 and nothing of the server.

from ironforge_client import Client

with Client("http://localhost:3000") as client:
    job = client.submit("email.send", {"to": "user@example.com"})
    print(client.wait(job.id).result)
"""

from __future__ import annotations

from ironforge_client.acts import JobFilter
from ironforge_client.async_client import AsyncClient
from ironforge_client.audit import AuditEntry, AuditFilter
from ironforge_client.client import Client
from ironforge_client.errors import (
    BadRequest,
    BulkInterrupted,
    Conflict,
    ConnectionFailed,
    FieldError,
    Invalid,
    IronForgeError,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    ProblemError,
    TooManyRequests,
    Unavailable,
    UnreadableAnswer,
    WaitTimeout,
)
from ironforge_client.jobs import Attempt, Job, JobError, LogLine, Progress, SubmittedJob
from ironforge_client.limits import Limit, LimitFields
from ironforge_client.operations import BulkFields, BulkFilter, BulkOperation, BulkOutcome, Canary, Ramp
from ironforge_client.queues import Queue, WorkerRecord
from ironforge_client.schedules import ComingFire, Fire, Preview, PreviewWarning, Schedule
from ironforge_client.submission import BulkItem, BulkResult, JobFields, NewJob
from ironforge_client.tenants import ApiKey, Member, Namespace
from ironforge_client.trace import Trace
from ironforge_client.unique_locks import UniqueLock
from ironforge_client.version import __version__
from ironforge_client.worker import Context, Discard, Retry, Snooze, Worker
from ironforge_client.workflows import StepRecord, Workflow, WorkflowPage, WorkflowRecord

__all__ = [
    "ApiKey",
    "AsyncClient",
    "Attempt",
    "AuditEntry",
    "AuditFilter",
    "BadRequest",
    "BulkFields",
    "BulkFilter",
    "BulkInterrupted",
    "BulkItem",
    "BulkOperation",
    "BulkOutcome",
    "BulkResult",
    "Canary",
    "Client",
    "ComingFire",
    "Conflict",
    "ConnectionFailed",
    "Context",
    "Discard",
    "FieldError",
    "Fire",
    "Invalid",
    "IronForgeError",
    "Job",
    "JobError",
    "JobFields",
    "JobFilter",
    "Limit",
    "LimitFields",
    "LogLine",
    "Member",
    "Namespace",
    "NewJob",
    "NotAuthenticated",
    "NotFound",
    "NotPermitted",
    "Preview",
    "PreviewWarning",
    "ProblemError",
    "Progress",
    "Queue",
    "Ramp",
    "Retry",
    "Schedule",
    "Snooze",
    "StepRecord",
    "SubmittedJob",
    "TooManyRequests",
    "Trace",
    "Unavailable",
    "UniqueLock",
    "UnreadableAnswer",
    "WaitTimeout",
    "Worker",
    "WorkerRecord",
    "Workflow",
    "WorkflowPage",
    "WorkflowRecord",
    "__version__",
]
