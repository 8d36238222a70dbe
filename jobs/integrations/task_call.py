"""The call of a `@task` function as the payload of a job: where the function is, and its arguments."""

from __future__ import annotations

import sys
from datetime import datetime
from importlib import import_module
from inspect import iscoroutinefunction
from types import ModuleType
from typing import Any

import msgspec
from django.apps import apps

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

    No module is imported but those of installed apps, for whoever may submit jobs chooses the name. Raises ImportError
    for what is not here, or InvalidTaskError for anything else that is found.
    """
    module, _, name = path.rpartition(".")
    # Not getattr: a module may import when it is asked for what it has not.
    found = vars(_module_at(module)).get(name)
    if found is None:
        raise ImportError(f"{module} has no {name}.")
    if not isinstance(found, Task):
        raise InvalidTaskError(f"{path} is not a task: its function has no @task.")
    return found


def _module_at(name: str) -> ModuleType:
    of_apps = tuple(f"{app.name}." for app in apps.get_app_configs())
    if name not in sys.modules and not f"{name}.".startswith(of_apps):
        raise ImportError(f"{name or 'A module'} is neither loaded nor part of an installed app.")
    return import_module(name)
