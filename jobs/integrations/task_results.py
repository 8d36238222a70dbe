"""From a job to the result that the tasks framework knows."""

from __future__ import annotations

import builtins
from datetime import UTC, datetime

import msgspec

from jobs.domain.job import Attempt, Job, JobError
from jobs.domain.payload import decode_json
from jobs.domain.status import Status
from jobs.integrations.framework import TaskError, TaskResult, TaskResultStatus
from jobs.integrations.task_call import TaskCall, task_at

_STATUS = {
    Status.RUNNING: TaskResultStatus.RUNNING,
    Status.COMPLETED: TaskResultStatus.SUCCESSFUL,
    Status.DEAD_LETTER: TaskResultStatus.FAILED,
    Status.CANCELLED: TaskResultStatus.FAILED,
}
# Types of failures that are no exception of the task's.
_EXCEPTIONS = {
    "timeout": "builtins.TimeoutError",
    "cancelled": "asyncio.exceptions.CancelledError",
    "retry": "workers.verdict.Retry",
    "discard": "workers.verdict.Discard",
}


class AttemptLost(Exception):
    """Stands for what ended an attempt where no exception did, as when its worker died."""


def task_result_of(job: Job, call: TaskCall) -> TaskResult[object]:
    """Return the result as it is now. Raises ImportError or InvalidTaskError where the task is no more."""
    task = task_at(call.task).using(
        priority=call.priority, queue_name=job.queue, run_after=call.run_after, backend=call.backend
    )
    starts = [attempt.started_at for attempt in job.attempts]
    result: TaskResult[object] = TaskResult(
        task=task,
        id=job.id,
        status=_STATUS.get(job.status, TaskResultStatus.READY),
        enqueued_at=instant(job.created_at),
        started_at=instant(starts[0]) if starts else None,
        last_attempted_at=instant(starts[-1]) if starts else None,
        finished_at=None if job.finished_at is None else instant(job.finished_at),
        args=call.args,
        kwargs=call.kwargs,
        backend=call.backend,
        errors=_errors_of(job),
        worker_ids=[attempt.worker_id for attempt in job.attempts],
    )
    if job.result is not None:
        object.__setattr__(result, "_return_value", decode_json(job.result))
    return result


def call_of(job: Job) -> TaskCall | None:
    """Return the call that the payload holds; None if it holds none."""
    try:
        return msgspec.json.decode(job.payload or b"null", type=TaskCall)
    except (msgspec.ValidationError, msgspec.DecodeError):
        return None


def instant(unix_ms: int) -> datetime:
    """Return a time of the store as the framework has it."""
    return datetime.fromtimestamp(unix_ms / 1000, UTC)


def _errors_of(job: Job) -> list[TaskError]:
    errors = [error for error in map(_error_of, job.attempts) if error is not None]
    if not errors and job.error is not None:
        errors = [job.error]
    return [TaskError(exception_class_path=_class_path(error.type), traceback=error.traceback) for error in errors]


def _error_of(attempt: Attempt) -> JobError | None:
    return attempt.error


def _class_path(error_type: str) -> str:
    """Return the path of the class that an error's type names; a task's own exceptions are kept with theirs."""
    if "." in error_type:
        return error_type
    if isinstance(getattr(builtins, error_type, None), type):
        return f"builtins.{error_type}"
    return _EXCEPTIONS.get(error_type, f"{AttemptLost.__module__}.{AttemptLost.__qualname__}")
