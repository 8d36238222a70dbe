"""Which function runs which kind of job."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from jobs.domain.backoff import Backoff
from jobs.domain.circuit import Circuit, RetryBudget, circuit_faults
from jobs.domain.job import MAX_RETRIES, MAX_TIMEOUT_MS
from jobs.domain.limit import CODE, Limit, LimitBy, Rate, limit_faults
from jobs.domain.limit_key import is_path
from jobs.domain.naming import KIND, is_kind
from workers.middleware import HandlerFunction, Middleware, wrapped

Isolation = Literal["async", "thread", "process"]
F = TypeVar("F", bound=HandlerFunction)
M = TypeVar("M", bound=Middleware)


class HandlerError(ValueError):
    """A handler is declared wrongly; the text names the place and the fix."""


@dataclass(frozen=True, slots=True)
class Handler:
    """A function and its limits. None: only what the job itself says.

    `timeout_ms` and `max_retries` are upper bounds: the smaller of the job's and the handler's counts.
    `concurrency`, `rate`, `circuit` and `retry_budget` limit the kind over all workers of the namespace; an operator
    may set others. Those `_per_key` limit each key of it: what jobs were given as `limit_key`, or have in their payload
    at `limit_by`.
    `backoff` counts for jobs that did not choose their own. With `retry_on` every other exception is final, and one of
    `discard_on` always is. `is_timeout_final`: an attempt that ran too long is the last one.
    """

    kind: str
    function: HandlerFunction
    isolation: Isolation
    timeout_ms: int | None = None
    max_retries: int | None = None
    backoff: Backoff | None = None
    retry_on: tuple[type[BaseException], ...] = ()
    discard_on: tuple[type[BaseException], ...] = ()
    is_timeout_final: bool = False
    concurrency: int | None = None
    rate: Rate | None = None
    limit_by: str | None = None
    concurrency_per_key: int | None = None
    rate_per_key: Rate | None = None
    circuit: Circuit | None = None
    retry_budget: RetryBudget | None = None

    @property
    def place(self) -> str:
        """Return where the function is written, for messages."""
        code = getattr(inspect.unwrap(self.function), "__code__", None)
        name = f"{self.function.__module__}.{getattr(self.function, '__qualname__', self.kind)}"
        return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else name

    def is_final(self, error: BaseException) -> bool:
        """Tell whether another attempt after this exception would be of no use."""
        is_wanted = not self.retry_on or isinstance(error, self.retry_on)
        return not is_wanted or isinstance(error, self.discard_on)

    def time_limit_ms(self, job_timeout_ms: int) -> int:
        """Return the time limit of one attempt: the smaller of the job's and the handler's."""
        return min(job_timeout_ms, self.timeout_ms or job_timeout_ms)


class Registry:
    """The handlers of one process, one a kind."""

    def __init__(self) -> None:
        self._handlers: dict[str, Handler] = {}
        self._middleware: list[Middleware] = []
        self._is_closed = False
        # Functions as they were written, with their kind, and with what @schedule says of them.
        self._kinds_of: list[tuple[HandlerFunction, str]] = []
        self._schedules: list[tuple[HandlerFunction, dict[str, object]]] = []

    def surround(self, middleware: Middleware) -> None:
        """Have a context manager entered around every attempt, inside those that were named before it."""
        if middleware not in self._middleware:
            self._middleware.append(middleware)

    def close(self) -> Registry:
        """Put the middleware around the handlers, once all are registered; without any it costs nothing."""
        if self._middleware and not self._is_closed:
            self._is_closed = True
            for kind, handler in self._handlers.items():
                self._handlers[kind] = replace(handler, function=wrapped(handler.function, self._middleware))
        return self

    def add(self, handler: Handler) -> None:
        """Register a handler. Raises HandlerError for a bad name, a bad limit or a kind that is taken."""
        _check(handler)
        taken = self._handlers.get(handler.kind)
        if taken is not None and taken.place != handler.place:
            raise HandlerError(
                f"two handlers for kind {handler.kind!r}: {taken.place} and {handler.place}; rename or remove one"
            )
        self._kinds_of.append((handler.function, handler.kind))
        if self._is_closed:
            handler = replace(handler, function=wrapped(handler.function, self._middleware))
        self._handlers[handler.kind] = handler

    def find(self, kind: str) -> Handler | None:
        """Return the handler of a kind, None if there is none here."""
        return self._handlers.get(kind)

    def has_isolation(self, isolation: Isolation) -> bool:
        """Tell whether any handler runs in this way."""
        return any(handler.isolation == isolation for handler in self._handlers.values())

    def kinds(self) -> tuple[str, ...]:
        """Return the known kinds, sorted."""
        return tuple(sorted(self._handlers))

    def add_schedule(self, function: HandlerFunction, source: dict[str, object]) -> None:
        """Note when the kind of a function runs; which kind that is may be said later."""
        self._schedules.append((function, source))

    def has_schedules(self) -> bool:
        """Tell whether any handler runs by the clock."""
        return bool(self._schedules)

    def schedules(self) -> dict[str, dict[str, object]]:
        """Return the schedules that handlers ask for, by name. Raises HandlerError for two of one name, or no kind."""
        found: dict[str, dict[str, object]] = {}
        for function, source in self._schedules:
            kinds = [kind for known, kind in self._kinds_of if known is function]
            if not kinds:
                raise HandlerError(f"{function!r} has @schedule and no @handler")
            for kind in dict.fromkeys(kinds):
                name = str(source.get("name") or kind)
                if name in found:
                    raise HandlerError(f'two @schedule {name!r}: give each a name of its own, name="…"')
                found[name] = {**source, "name": name, "kind": kind}
        return found

    def limits(self) -> dict[tuple[LimitBy, str], Limit]:
        """Return the limits that handlers ask for, by what they limit and kind."""
        found = [limit for handler in self._handlers.values() for limit in _limits_of(handler)]
        return {(limit.by, limit.name): limit for limit in found}


registry = Registry()


def handler(
    kind: str,
    *,
    timeout_ms: int | None = None,
    max_retries: int | None = None,
    backoff: Backoff | None = None,
    retry_on: tuple[type[BaseException], ...] = (),
    discard_on: tuple[type[BaseException], ...] = (),
    isolation: Isolation | None = None,
    concurrency: int | None = None,
    rate: Rate | None = None,
    limit_by: str | None = None,
    concurrency_per_key: int | None = None,
    rate_per_key: Rate | None = None,
    circuit: Circuit | None = None,
    retry_budget: RetryBudget | None = None,
    into: Registry = registry,
) -> Callable[[F], F]:
    """Register the decorated function for `kind`.

    By default `async def` runs on the event loop and `def` in a thread; `isolation="process"` runs either in a child
    process, which can be killed (docs/isolation.md). `concurrency` and `rate` limit how many of its jobs run at once
    and start in a time, over all workers; `limit_by="payload.account_id"` with `concurrency_per_key` or `rate_per_key`
    limits those of each account. `circuit` gives a kind that fails a rest, and `retry_budget` bounds its retries
    (docs/limits.md).
    """

    def register(function: F) -> F:
        usual: Isolation = "async" if inspect.iscoroutinefunction(inspect.unwrap(function)) else "thread"
        way = isolation or usual
        plain = Handler(kind, function, way, timeout_ms, max_retries, backoff, retry_on, discard_on)
        limited = replace(plain, concurrency=concurrency, rate=rate, circuit=circuit, retry_budget=retry_budget)
        made = replace(limited, limit_by=limit_by, concurrency_per_key=concurrency_per_key, rate_per_key=rate_per_key)
        _require_fit(made, usual)
        into.add(made)
        return function

    return register


def middleware(function: M) -> M:
    """Enter what the decorated function returns, a context manager, around every attempt of this process.

    It gets the context and the payload; see docs/handlers.md.
    """
    registry.surround(function)
    return function


def _require_fit(made: Handler, usual: Isolation) -> None:
    if made.isolation not in (usual, "process"):
        raise HandlerError(f"{made.place}: {_unfit(made.isolation)}")
    if not _takes_both(made.function):
        raise HandlerError(f"{made.place}: a handler takes two arguments, (context, payload), by position")


def _takes_both(function: HandlerFunction) -> bool:
    """Tell whether a function can be called with context and payload, as far as that can be known."""
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        return False
    except ValueError:  # a function of C need not say
        pass
    return True


def _unfit(isolation: str) -> str:
    """Return why a function cannot run in this way, and what to do about it."""
    if isolation == "async":
        return 'isolation="async" needs a coroutine: write `async def`, or leave isolation out to run it in a thread'
    if isolation == "thread":
        return 'isolation="thread" needs a plain function: write `def`, or leave isolation out to run it on the loop'
    return f'isolation must be "async", "thread" or "process", not {isolation!r}'


def _check(handler: Handler) -> None:
    if not is_kind(handler.kind):
        raise HandlerError(f"{handler.place}: kind {handler.kind!r} must match ^{KIND.pattern}$")
    if handler.timeout_ms is not None and not 1 <= handler.timeout_ms <= MAX_TIMEOUT_MS:
        raise HandlerError(f"{handler.place}: timeout_ms must be 1–{MAX_TIMEOUT_MS}, not {handler.timeout_ms}")
    if handler.max_retries is not None and not 0 <= handler.max_retries <= MAX_RETRIES:
        raise HandlerError(f"{handler.place}: max_retries must be 0–{MAX_RETRIES}, not {handler.max_retries}")
    for fault in _limit_faults_of(handler):
        raise HandlerError(f"{handler.place}: {fault}")
    for error in (*handler.retry_on, *handler.discard_on):
        if not (isinstance(error, type) and issubclass(error, BaseException)):
            raise HandlerError(f"{handler.place}: retry_on and discard_on are classes of exceptions, not {error!r}")


def _limits_of(handler: Handler) -> list[Limit]:
    """Return what a handler asks for."""
    of_kind = Limit(
        name=handler.kind,
        concurrency=handler.concurrency,
        rate=handler.rate,
        circuit=handler.circuit,
        retry_budget=handler.retry_budget,
        set_by=CODE,
    )
    of_keys = Limit(
        by=LimitBy.KEY,
        name=handler.kind,
        path=handler.limit_by,
        concurrency=handler.concurrency_per_key,
        rate=handler.rate_per_key,
        set_by=CODE,
    )
    return [limit for limit in (of_kind, of_keys) if not limit.is_empty]


def _limit_faults_of(handler: Handler) -> list[str]:
    faults = limit_faults(handler.concurrency, handler.rate)
    faults += circuit_faults(handler.circuit, handler.retry_budget)
    faults += [f"per key, {fault}" for fault in limit_faults(handler.concurrency_per_key, handler.rate_per_key)]
    if handler.limit_by is not None and not is_path(handler.limit_by):
        faults.append(f'limit_by names a place in the payload, as "payload.account_id" does, not {handler.limit_by!r}')
    if handler.limit_by is not None and handler.concurrency_per_key is None and handler.rate_per_key is None:
        faults.append("limit_by needs concurrency_per_key or rate_per_key")
    return faults
