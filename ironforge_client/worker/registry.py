"""Which handler runs which kind of job."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from ironforge_client.worker.context import Context

# `async def` or `def`, given the context and the payload; what it returns is the job's result.
HandlerFunction = Callable[[Context, Any], Awaitable[Any] | Any]
F = TypeVar("F", bound=HandlerFunction)


@dataclass(frozen=True, slots=True)
class Handler:
    """A function and how it runs; `timeout_ms` None leaves the limit to the job."""

    function: HandlerFunction
    timeout_ms: int | None
    is_async: bool

    def limit_s(self, job_timeout_ms: int) -> float:
        """Return how long an attempt may take: the shorter of the job's limit and the handler's own."""
        return min(job_timeout_ms, self.timeout_ms or job_timeout_ms) / 1000


class Registry:
    """Handlers by kind."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}

    def add(self, kind: str, timeout_ms: int | None) -> Callable[[F], F]:
        """Return a decorator that adds a handler. Raises ValueError for a kind that has one."""
        if kind in self._handlers:
            raise ValueError(f"kind {kind!r} has a handler already")

        def register(function: F) -> F:
            self._handlers[kind] = Handler(function, timeout_ms, inspect.iscoroutinefunction(function))
            return function

        return register

    def find(self, kind: str) -> Handler | None:
        """Return the handler of a kind."""
        return self._handlers.get(kind)

    def kinds(self) -> list[str]:
        """Return all kinds, sorted."""
        return sorted(self._handlers)
