"""The call of a `@task` function as the payload of a job: where the function is, and its arguments."""

from __future__ import annotations

from datetime import datetime
from inspect import iscoroutinefunction
from typing import Any

import msgspec
from django.utils.module_loading import import_string

from jobs.integrations.framework import InvalidTaskError, Task

# A worker runs the one on its event loop, the other in threads.
ASYNC_TASK, PLAIN_TASK = "django.task.async", "django.task"
KINDS = frozenset({ASYNC_TASK, PLAIN_TASK})


class TaskCall(msgspec.Struct, frozen=True):
    """`task` is the path of the function, `shop.tasks.send`; the rest is as it was enqueued, exactly."""

    task: str
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    backend: str = "default"
    priority: int = 0
    run_after: datetime | None = None


def kind_of(task: Task[..., Any]) -> str:
    """Return the kind of job that runs a task."""
    return ASYNC_TASK if iscoroutinefunction(task.func) else PLAIN_TASK


def task_at(path: str) -> Task[..., Any]:
    """Return the task that stands there: what a payload names is run only if the program made it a task.

    Raises ImportError, or InvalidTaskError for anything else that is found.
    """
    found = import_string(path)
    if not isinstance(found, Task):
        raise InvalidTaskError(f"{path} is not a task: its function has no @task.")
    return found
