"""What a worker does with a task of Django's framework. Loaded only where TASKS names IronForge."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec

from jobs.domain.errors import BackendUnavailable
from jobs.integrations.framework import (
    InvalidTaskError,
    Task,
    TaskContext,
    TaskError,
    TaskResult,
    TaskResultStatus,
    get_exception_traceback,
    get_module_path,
    normalize_json,
    task_finished,
    task_started,
)
from jobs.integrations.modes import current_mode
from jobs.integrations.task_call import ASYNC_TASK, PLAIN_TASK, TaskCall, task_at
from jobs.integrations.task_results import call_of, task_result_of
from workers import Context, Discard, Retry, Snooze, handler
from workers.error_report import TYPE_MARK


@handler(PLAIN_TASK)
def run_task(context: Context, payload: object) -> object:
    """Run a task that is a plain function. Raises what it raises, and TypeError for a value that is not JSON."""
    call, task = _resolved(payload)
    result = _running(context, call, task)
    if task.takes_context:
        result = _known(context) or result
    with _told(result):
        value = normalize_json(task.call(*_arguments(task, result), **call.kwargs))
        _finish(result, value)
    return value


@handler(ASYNC_TASK)
async def run_async_task(context: Context, payload: object) -> object:
    """Run a task that is an `async def`, on the event loop. Raises as `run_task`."""
    call, task = _resolved(payload)
    result = _running(context, call, task)
    if task.takes_context:
        known = await asyncio.to_thread(_known, context)
        result = known or result
    with _told(result):
        value = normalize_json(await task.acall(*_arguments(task, result), **call.kwargs))
        _finish(result, value)
    return value


def _resolved(payload: object) -> tuple[TaskCall, Task[..., Any]]:
    """Return the call and its task. Raises Discard for what can never be run, ImportError for what is not here."""
    try:
        call = msgspec.convert(payload, TaskCall)
        return call, task_at(call.task)
    except (msgspec.ValidationError, InvalidTaskError) as error:
        raise Discard(f"This is no call of a task: {error}") from error


def _running(context: Context, call: TaskCall, task: Task[..., Any]) -> TaskResult[Any]:
    """Return what is known here of the attempt: its worker, but not those of earlier ones."""
    now = datetime.now(UTC)
    return TaskResult(
        task=task.using(priority=call.priority, queue_name=context.queue, run_after=call.run_after),
        id=context.job_id,
        status=TaskResultStatus.RUNNING,
        enqueued_at=None,
        started_at=now,
        last_attempted_at=now,
        finished_at=None,
        args=call.args,
        kwargs=call.kwargs,
        backend=call.backend,
        errors=[],
        worker_ids=[*[""] * (context.attempt - 1), f"{socket.gethostname()}-{os.getpid()}"],
    )


def _known(context: Context) -> TaskResult[Any] | None:
    """Return what the store knows of the job, earlier attempts and their errors included; None while it is away."""
    try:
        job = current_mode().find(context.namespace, context.job_id)
    except BackendUnavailable:
        return None
    call = None if job is None else call_of(job)
    return None if job is None or call is None else task_result_of(job, call)


def _arguments(task: Task[..., Any], result: TaskResult[Any]) -> list[Any]:
    return [TaskContext(task_result=result), *result.args] if task.takes_context else result.args


def _finish(result: TaskResult[Any], value: object) -> None:
    object.__setattr__(result, "_return_value", value)
    object.__setattr__(result, "status", TaskResultStatus.SUCCESSFUL)


@contextmanager
def _told(result: TaskResult[Any]) -> Iterator[None]:
    """Send the signals of the framework around an attempt; mark what it raises with the path of its class."""
    sender = type(result.task.get_backend())
    task_started.send(sender, task_result=result)
    try:
        yield
    except (Retry, Snooze):
        raise
    except Exception as error:
        path = get_module_path(type(error))
        if not path.startswith("builtins.") and not isinstance(error, Discard):
            setattr(error, TYPE_MARK, path)
        result.errors.append(TaskError(exception_class_path=path, traceback=get_exception_traceback(error)))
        object.__setattr__(result, "status", TaskResultStatus.FAILED)
        _send_finished(sender, result)
        raise
    _send_finished(sender, result)


def _send_finished(sender: type, result: TaskResult[Any]) -> None:
    object.__setattr__(result, "finished_at", datetime.now(UTC))
    task_finished.send(sender, task_result=result)
