"""Django's tasks framework: that of Django itself from version 6 on, before that its backport `django-tasks`."""

from __future__ import annotations

from django_tasks.backends.base import BaseTaskBackend
from django_tasks.base import TASK_REFRESH_ATTRS, Task, TaskContext, TaskError, TaskResult, TaskResultStatus
from django_tasks.exceptions import InvalidTaskError, TaskResultDoesNotExist
from django_tasks.signals import task_enqueued, task_finished, task_started
from django_tasks.utils import get_exception_traceback, get_module_path, normalize_json

__all__ = [
    "TASK_REFRESH_ATTRS",
    "BaseTaskBackend",
    "InvalidTaskError",
    "Task",
    "TaskContext",
    "TaskError",
    "TaskResult",
    "TaskResultDoesNotExist",
    "TaskResultStatus",
    "get_exception_traceback",
    "get_module_path",
    "normalize_json",
    "task_enqueued",
    "task_finished",
    "task_started",
]
