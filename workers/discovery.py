"""Finds the handlers: `handlers.py` of each installed app, IRONFORGE_HANDLERS among them, and those of ours."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from django.utils.module_loading import autodiscover_modules

from jobs.conf import conf
from jobs.telemetry.failure_line import failure_line
from workers.registry import HandlerError, Registry, registry

DEMO_MODULES = ("workers.handlers.demo", "workers.handlers.email")
# It needs the tasks framework, which costs memory.
TASKS_MODULE = "jobs.integrations.task_handlers"
# It needs the zones.
SCHEDULE_CHECKS = "workers.schedule_checks"
# It needs Celery, which costs more.
CELERY_MODULE = "jobs.integrations.celery_handlers"


class HandlersBroken(Exception):
    """The handlers cannot be loaded; the text is one line with the place and the reason."""


def discover() -> Registry:
    """Import every module of handlers and return what registered. Raises HandlersBroken."""
    try:
        autodiscover_modules("handlers")
        if conf().is_demo:
            for name in DEMO_MODULES:
                import_module(name)
        if conf().has_tasks:
            import_module(TASKS_MODULE)
            autodiscover_modules("tasks")
        if conf().celery_app:
            import_module(CELERY_MODULE).add_tasks(conf().celery_app, conf().celery_isolation, registry)
        if registry.has_schedules():
            import_module(SCHEDULE_CHECKS).require_sound(registry)
    except HandlerError as wrong:
        raise HandlersBroken(f"The handlers cannot be loaded: {wrong}") from wrong
    except Exception as broken:
        raise HandlersBroken(f"The handlers cannot be loaded: {failure_line(broken)}") from broken
    return registry.close()


def files_of(registry: Registry) -> list[str]:
    """Return the files in which the handlers are written, sorted; those below the working directory relative to it."""
    modules = {found.function.__module__ for kind in registry.kinds() if (found := registry.find(kind)) is not None}
    files = {getattr(sys.modules.get(name), "__file__", None) or name for name in modules}
    here = f"{Path.cwd()}/"
    return sorted(file.removeprefix(here) for file in files)


def missing_hint(package: str) -> str:
    """Return what to do about a package without handlers."""
    folder = package.replace(".", "/")
    if _has_module(package, "tasks") and not conf().has_tasks:
        return f"{folder}/tasks.py is read only with IRONFORGE_TASKS=on."
    return f"Put the functions with @handler into {folder}/handlers.py."


def packages_without_handlers() -> list[str]:
    """Return the packages of IRONFORGE_HANDLERS that have no `handlers.py` nor, where tasks are run, a `tasks.py`."""
    wanted = ("handlers", "tasks") if conf().has_tasks else ("handlers",)
    return [name for name in conf().handlers if not any(_has_module(name, module) for module in wanted)]


def _has_module(package: str, name: str) -> bool:
    try:
        return find_spec(f"{package}.{name}") is not None
    except ModuleNotFoundError:  # it is a module of its own, in which there is no other
        return False
