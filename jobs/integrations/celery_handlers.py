"""Tasks of a Celery application as handlers, a kind each. Loaded only with IRONFORGE_CELERY_APP."""

from __future__ import annotations

import functools
from typing import Any

from celery import Celery, Task
from celery.app.trace import setup_worker_optimizations
from celery.app.utils import find_app
from celery.fixups.django import DjangoFixup

from jobs.domain.job import MAX_TIMEOUT_MS
from jobs.domain.naming import KIND, is_kind
from jobs.integrations.celery_attempt import TaskRunner
from workers.middleware import HandlerFunction
from workers.registry import Handler, HandlerError, Isolation, Registry


def add_tasks(path: str, isolation: Isolation, into: Registry) -> None:
    """Register every task of the application at `path`. Raises HandlerError, and what importing it raises.

    The application becomes the current one of this process, as in a worker of Celery.
    """
    app = find_app(path)
    if not isinstance(app, Celery):
        raise HandlerError(f"IRONFORGE_CELERY_APP: {path} is no Celery application, it is {type(app).__name__}")
    _leave_django_alone(app)
    app.loader.import_default_modules()
    setup_worker_optimizations(app)
    for kind, task in tasks_by_kind(app).items():
        into.add(_handler(kind, app, task, isolation))


def tasks_by_kind(app: Celery) -> dict[str, Task[..., Any]]:
    """Return all tasks of an application by the kind of their jobs: the name in lower case. Raises HandlerError."""
    found: dict[str, Task[..., Any]] = {}
    for name, task in sorted(app.tasks.items()):
        kind = name.lower()
        if not is_kind(kind):
            raise HandlerError(
                f"the Celery task {name!r} needs another name: in lower case it must match ^{KIND.pattern}$"
            )
        if kind in found:
            raise HandlerError(f"the Celery tasks {found[kind].name!r} and {name!r} are both kind {kind!r}; rename one")
        found[kind] = task
    return found


class _SetUpBefore:
    """Django in a worker that set it up itself. Celery's fixup would run checks, which load URLs that no worker has."""

    def validate_models(self) -> None:
        """Do nothing."""


def _leave_django_alone(app: Celery) -> None:
    for fixup in getattr(app, "_fixups", None) or ():
        if isinstance(fixup, DjangoFixup):
            setattr(fixup, "worker_fixup", _SetUpBefore())  # noqa: B010 (typed as read-only, which it is not)


def _handler(kind: str, app: Celery, task: Task[..., Any], isolation: Isolation) -> Handler:
    # Whatever a task raises is final, unless Celery said that it is tried again. So is its hard time limit.
    return Handler(
        kind,
        _function(TaskRunner(app, task, has_alarm=isolation == "process")),
        isolation,
        timeout_ms=_time_limit_ms(app, task),
        discard_on=(BaseException,),
        is_timeout_final=True,
    )


def _function(runner: TaskRunner) -> HandlerFunction:
    """Return a handler that is known by the place of the task's own function."""

    @functools.wraps(runner.task.run)
    def run(*args: Any) -> object:
        return runner.run(*args)

    return run


def _time_limit_ms(app: Celery, task: Task[..., Any]) -> int | None:
    limit_s = task.time_limit or app.conf.task_time_limit
    return None if limit_s is None else max(1, min(round(float(limit_s) * 1000), MAX_TIMEOUT_MS))
