"""`@schedule` on a handler: code that says when its kind runs, and the workers with that code that tell the store."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from jobs import wiring
from jobs.backends.schedules import Schedules
from jobs.telemetry.logs import log_event
from workers.middleware import HandlerFunction
from workers.registry import Registry, registry
from workers.store_link import StoreLink

# Servers take a schedule for one that nobody declares any more after a few of these.
TELL_EVERY_S = 60.0
F = TypeVar("F", bound=HandlerFunction)


def schedule(
    cron: str | None = None,
    *,
    tz: str = "UTC",
    every_ms: int | None = None,
    name: str = "",
    into: Registry = registry,
    **fields: Any,
) -> Callable[[F], F]:
    """Run the decorated handler by the clock: `@schedule("0 9 * * 1-5", tz="Europe/Paris")` above or below `@handler`.

    Give a cron expression or a period. `name` is the kind's unless given; `fields` are `catch_up`, `catch_up_limit`,
    `overlap`, `jitter_ms`, and those of its jobs: `payload`, `queue`, `priority` and so on. See docs/schedules.md.
    """
    timing: dict[str, object] = {"cron": cron, "every_ms": every_ms, "timezone": tz}
    given = {field: value for field, value in {**timing, **fields}.items() if value is not None}

    def register(function: F) -> F:
        into.add_schedule(function, {**given, "name": name} if name else given)
        return function

    return register


def schedules_of(handlers: Registry, namespace: str, link: StoreLink, logger: logging.Logger) -> CodeSchedules:
    """Return who tells the schedules of these handlers in a namespace."""
    return CodeSchedules(handlers, wiring.backend().schedules(namespace), link, logger, int(time.time() * 1000))


class CodeSchedules:
    """Tells the schedules of a process's handlers, again and again: what is not told any more falls asleep."""

    def __init__(
        self, registry: Registry, schedules: Schedules, link: StoreLink, logger: logging.Logger, since_ms: int
    ) -> None:
        self._texts = {name: json.dumps(source, sort_keys=True) for name, source in registry.schedules().items()}
        self._schedules = schedules
        self._link = link
        self._logger = logger
        self._since_ms = since_ms
        self._next_at = 0.0

    def step(self) -> None:
        """Tell, if it is time. Raises BackendUnavailable: the next step tries again."""
        if not self._texts or time.monotonic() < self._next_at:
            return
        self._link.run(self._schedules.declare(self._texts, self._since_ms))
        if not self._next_at:
            log_event(self._logger, "schedules.told", schedules=",".join(sorted(self._texts)))
        self._next_at = time.monotonic() + TELL_EVERY_S
