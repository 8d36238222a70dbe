"""A namespace whose jobs Python code enqueues, and tasks of the framework that are stored in it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest
from pytest_django import Settings

from jobs.integrations.modes import StoreMode, entered
from tests.stores import Bench
from workers.options import WorkerOptions
from workers.process import WorkerProcess
from workers.registry import Registry

QUEUES = ("main", "default", "mail")


@pytest.fixture
def space(bench: Bench, patient_calls: None) -> Iterator[Bench]:
    """Return a namespace that enqueued jobs go to."""
    with entered(StoreMode(bench.namespace)):
        yield bench


@pytest.fixture
def tasks(space: Bench, settings: Settings) -> ModuleType:
    """Return tasks that IronForge runs."""
    entry: dict[str, Any] = {"BACKEND": "jobs.integrations.tasks.IronForgeBackend", "QUEUES": []}
    settings.TASKS = {"default": entry, "narrow": {**entry, "QUEUES": ["mail"]}}
    return import_module("tests.integrations.sample_tasks")


@contextmanager
def worker_on(bench: Bench, registry: Registry) -> Iterator[WorkerProcess]:
    """Run a worker until the block ends."""
    worker = WorkerProcess(WorkerOptions(bench.namespace, QUEUES, 4, 5, 1), registry)
    thread = threading.Thread(target=worker.run, kwargs={"has_signals": False})
    thread.start()
    try:
        yield worker
    finally:
        worker.ask_to_stop_from_outside()
        thread.join(60)
        assert not thread.is_alive()


@pytest.fixture
def task_worker(tasks: ModuleType, space: Bench) -> Iterator[None]:
    """Run a worker that knows the tasks."""
    registry = Registry()
    known = import_module("workers.registry").registry
    import_module("jobs.integrations.task_handlers")
    for kind in ("django.task", "django.task.async"):
        registry.add(known.find(kind))
    with worker_on(space, registry):
        yield
