"""Which function runs which kind of job."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from jobs.domain.backoff import Backoff
from jobs.domain.job import MAX_RETRIES, MAX_TIMEOUT_MS
from jobs.domain.naming import KIND, is_kind
from workers.context import Context

Isolation = Literal["async", "thread"]
# A handler takes any JSON value and may return any: the types of the values are the handler's own business.
HandlerFunction = Callable[[Context, Any], Any]
F = TypeVar("F", bound=HandlerFunction)


class HandlerError(ValueError):
    """A handler is declared wrongly; the text names the place and the fix."""


@dataclass(frozen=True, slots=True)
class Handler:
    """A function and its limits. None: only what the job itself says.

    `timeout_ms` and `max_retries` are upper bounds: the smaller of the job's and the handler's counts.
    `backoff` counts for jobs that did not choose their own.
    """

    kind: str
    function: HandlerFunction
    isolation: Isolation
    timeout_ms: int | None = None
    max_retries: int | None = None
    backoff: Backoff | None = None

    @property
    def place(self) -> str:
        """Return where the function is written, for messages."""
        code = getattr(inspect.unwrap(self.function), "__code__", None)
        name = f"{self.function.__module__}.{getattr(self.function, '__qualname__', self.kind)}"
        return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else name

    def time_limit_ms(self, job_timeout_ms: int) -> int:
        """Return the time limit of one attempt: the smaller of the job's and the handler's."""
        return min(job_timeout_ms, self.timeout_ms or job_timeout_ms)


class Registry:
    """The handlers of one process, one a kind."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}

    def add(self, handler: Handler) -> None:
        """Register a handler. Raises HandlerError for a bad name, a bad limit or a kind that is taken."""
        _check(handler)
        taken = self._handlers.get(handler.kind)
        if taken is not None and taken.place != handler.place:
            raise HandlerError(
                f"two handlers for kind {handler.kind!r}: {taken.place} and {handler.place}; rename or remove one"
            )
        self._handlers[handler.kind] = handler

    def find(self, kind: str) -> Handler | None:
        """Return the handler of a kind, None if there is none here."""
        return self._handlers.get(kind)

    def kinds(self) -> tuple[str, ...]:
        """Return the known kinds, sorted."""
        return tuple(sorted(self._handlers))


registry = Registry()


def handler(
    kind: str,
    *,
    timeout_ms: int | None = None,
    max_retries: int | None = None,
    backoff: Backoff | None = None,
    into: Registry = registry,
) -> Callable[[F], F]:
    """Register the decorated function for `kind`: `async def` runs on the event loop, `def` in a thread."""

    def register(function: F) -> F:
        isolation: Isolation = "async" if inspect.iscoroutinefunction(inspect.unwrap(function)) else "thread"
        into.add(Handler(kind, function, isolation, timeout_ms, max_retries, backoff))
        return function

    return register


def _check(handler: Handler) -> None:
    if not is_kind(handler.kind):
        raise HandlerError(f"{handler.place}: kind {handler.kind!r} must match ^{KIND.pattern}$")
    if handler.timeout_ms is not None and not 1 <= handler.timeout_ms <= MAX_TIMEOUT_MS:
        raise HandlerError(f"{handler.place}: timeout_ms must be 1–{MAX_TIMEOUT_MS}, not {handler.timeout_ms}")
    if handler.max_retries is not None and not 0 <= handler.max_retries <= MAX_RETRIES:
        raise HandlerError(f"{handler.place}: max_retries must be 0–{MAX_RETRIES}, not {handler.max_retries}")
