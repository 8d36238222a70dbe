"""The backend that lets IronForge run `@task` functions of Django's tasks framework."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from django.core import checks

from jobs.domain.job import MAX_RETRIES, MAX_TIMEOUT_MS
from jobs.domain.naming import NAMESPACE, QUEUE, is_namespace, is_queue
from jobs.domain.priority import Priority
from jobs.integrations.framework import (
    TASK_REFRESH_ATTRS,
    BaseTaskBackend,
    InvalidTaskError,
    Task,
    TaskResult,
    TaskResultDoesNotExist,
    TaskResultStatus,
    normalize_json,
    task_enqueued,
)
from jobs.integrations.modes import current_mode
from jobs.integrations.new_job import JobOptions, job
from jobs.integrations.queue import hand_over, parcel_of
from jobs.integrations.task_call import KINDS, TaskCall, kind_of, task_at
from jobs.integrations.task_results import call_of, instant, task_result_of
from jobs.integrations.transactions import Parcel
from jobs.services.submission import NewJob

_OPTIONS = frozenset({"namespace", "max_retries", "timeout_ms", "using"})
_URGENT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class IronForgeTask(Task[..., Any]):
    """A task with what `@task(…)` may say besides; None leaves it to the backend's options."""

    max_retries: int | None = None
    timeout_ms: int | None = None
    enqueue_on_commit: bool | None = None


class IronForgeBackend(BaseTaskBackend):
    """Stores task calls as jobs, which workers run.

    `OPTIONS`: `namespace`, `max_retries` (default 0: a task that raises has failed), `timeout_ms` of an attempt, and
    `using`, the database whose transactions count. `ENQUEUE_ON_COMMIT` (default True): a task that is enqueued inside a
    transaction is stored after its commit.
    """

    task_class = IronForgeTask  # type: ignore[assignment]  # the framework declares it with free type variables
    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    def __init__(self, alias: str, params: dict[str, Any]) -> None:
        super().__init__(alias, params)
        self.enqueue_on_commit = bool(params.get("ENQUEUE_ON_COMMIT", True))
        self.namespace: str | None = self.options.get("namespace")

    def validate_task(self, task: Task[..., Any]) -> None:
        """Pass if the task can be enqueued here. Raises InvalidTaskError."""
        super().validate_task(task)
        if not is_queue(task.queue_name):
            raise InvalidTaskError(f"Queue {task.queue_name!r} must match ^{QUEUE.pattern}$.")

    def enqueue(self, task: Task[..., Any], args: Any, kwargs: Any) -> TaskResult[Any]:
        """Store a call, or let it wait for the commit: `enqueued_at` is None until then.

        Raises InvalidTaskError, TypeError or ValueError for arguments that are not JSON, InvalidInput for those that
        are too large, and BackendUnavailable.
        """
        self.validate_task(task)
        _require_findable(task)
        call = TaskCall(
            task=task.module_path,
            args=normalize_json(list(args)),
            kwargs=normalize_json(kwargs),
            backend=self.alias,
            priority=task.priority,
            run_after=task.run_after,
        )
        parcel = parcel_of([self._job_of(task, call)], self.namespace)
        result = _new_result(task, call, parcel.ids()[0])
        parcel.then = partial(self._stored, parcel, result)
        on_commit = getattr(task, "enqueue_on_commit", None)
        hand_over(
            parcel,
            on_commit=self.enqueue_on_commit if on_commit is None else on_commit,
            using=self.options.get("using"),
        )
        return result

    def get_result(self, result_id: str) -> TaskResult[Any]:
        """Return a result as it is now. Raises TaskResultDoesNotExist, ImportError or InvalidTaskError where its task
        is no more, and BackendUnavailable.
        """
        mode = current_mode()
        found = mode.find(self.namespace or mode.namespace, str(result_id))
        call = None if found is None or found.kind not in KINDS else call_of(found)
        if found is None or call is None:
            raise TaskResultDoesNotExist(result_id)
        return task_result_of(found, call)

    def check(self, **kwargs: Any) -> Iterable[checks.CheckMessage]:
        """Tell what is wrong with the entry in TASKS."""
        for fault in self._faults():
            yield checks.Error(f"TASKS[{self.alias!r}]: {fault}", id="ironforge.E101")

    def _job_of(self, task: Task[..., Any], call: TaskCall) -> NewJob:
        options: JobOptions = {"queue": task.queue_name, "priority": _priority_of(task.priority), "max_retries": 0}
        if task.run_after is not None:
            # Without USE_TZ times are local ones.
            options["at"] = task.run_after if task.run_after.tzinfo else task.run_after.astimezone()
        for name in ("max_retries", "timeout_ms"):
            chosen = getattr(task, name, None)
            value = self.options.get(name) if chosen is None else chosen
            if value is not None:
                options[name] = value
        return job(kind_of(task), msgspec.to_builtins(call), **options)

    def _stored(self, parcel: Parcel, result: TaskResult[Any], stored: Any) -> None:
        object.__setattr__(result, "enqueued_at", instant(stored[0].created_at))
        task_enqueued.send(type(self), task_result=result)
        if parcel.mode.is_immediate:
            now = self.get_result(result.id)
            for name in TASK_REFRESH_ATTRS:
                object.__setattr__(result, name, getattr(now, name))

    def _faults(self) -> Iterable[str]:
        for name in sorted(self.options.keys() - _OPTIONS):
            yield f"OPTIONS has no {name!r}; there are {', '.join(sorted(_OPTIONS))}."
        for name in sorted(map(str, self.queues)):
            if not is_queue(name):
                yield f"QUEUES: {name!r} must match ^{QUEUE.pattern}$."
        if self.namespace is not None and not is_namespace(str(self.namespace)):
            yield f"OPTIONS: namespace must match ^{NAMESPACE.pattern}$."
        for name, low, high in (("max_retries", 0, MAX_RETRIES), ("timeout_ms", 1, MAX_TIMEOUT_MS)):
            value = self.options.get(name, low)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                yield f"OPTIONS: {name} must be {low}–{high}."


def _priority_of(number: int) -> Priority:
    """Return the level of a priority of the framework, -100 to 100: 0 is medium, below it low, from 51 critical."""
    if number > _URGENT:
        return Priority.CRITICAL
    if number > 0:
        return Priority.HIGH
    return Priority.MEDIUM if number == 0 else Priority.LOW


def _require_findable(task: Task[..., Any]) -> None:
    """Pass if a worker will find the function. Raises InvalidTaskError."""
    try:
        found = task_at(task.module_path)
    except ImportError as error:
        raise InvalidTaskError(f"A worker cannot import {task.module_path}: {error}") from error
    if found.func is not task.func:
        raise InvalidTaskError(f"{task.module_path} is another task.")


def _new_result(task: Task[..., Any], call: TaskCall, job_id: str) -> TaskResult[Any]:
    return TaskResult(
        task=task,
        id=job_id,
        status=TaskResultStatus.READY,
        enqueued_at=None,
        started_at=None,
        last_attempted_at=None,
        finished_at=None,
        args=call.args,
        kwargs=call.kwargs,
        backend=call.backend,
        errors=[],
        worker_ids=[],
    )
